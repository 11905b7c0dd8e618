/*
 * test_gguf_gguf.c - reading GGUF: what is accepted, and one clear line for everything else.
 */
#include "gguf/format.h"
#include "gguf/gguf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Files in memory ------------------------------------------------------------------------ */

typedef struct {
    _Alignas(8) uint8_t bytes[8192];
    size_t n;
    size_t at_key;    /* where the first key starts */
    size_t at_tensor; /* where the first tensor's description starts */
} image;

static void put(image *f, const void *p, size_t n) {
    assert_true(f->n + n <= sizeof f->bytes);
    memcpy(f->bytes + f->n, p, n);
    f->n += n;
}
static void put_u32(image *f, uint32_t v) { put(f, &v, sizeof v); }
static void put_u64(image *f, uint64_t v) { put(f, &v, sizeof v); }
static void put_str(image *f, const char *s) {
    put_u64(f, strlen(s));
    put(f, s, strlen(s));
}

static void put_header(image *f, uint32_t version, uint64_t n_tensors, uint64_t n_keys) {
    put(f, "GGUF", 4);
    put_u32(f, version);
    put_u64(f, n_tensors);
    put_u64(f, n_keys);
}

static void put_key(image *f, const char *name, uint32_t type, const void *value, size_t n) {
    put_str(f, name);
    put_u32(f, type);
    put(f, value, n);
}

static void put_tensor(image *f, const char *name, uint64_t d0, uint64_t d1, uint32_t type,
                       uint64_t offset) {
    put_str(f, name);
    put_u32(f, 2);
    put_u64(f, d0);
    put_u64(f, d1);
    put_u32(f, type);
    put_u64(f, offset);
}

static void pad(image *f, size_t align) {
    while (f->n % align != 0) {
        put(f, "", 1);
    }
}

/* One key of every kind, two tensors. */
static image valid(uint32_t version) {
    image f = {.n = 0};
    const uint64_t big = 1ull << 40;
    const double half = 0.5;
    const float third = 0.25f;
    const int32_t minus = -7;
    put_header(&f, version, 2, 8);
    f.at_key = f.n;
    put_key(&f, "a.u8", GGUF_U8, "\5", 1);
    put_key(&f, "a.i32", GGUF_I32, &minus, 4);
    put_key(&f, "a.u64", GGUF_U64, &big, 8);
    put_key(&f, "a.f32", GGUF_F32, &third, 4);
    put_key(&f, "a.f64", GGUF_F64, &half, 8);
    put_key(&f, "a.bool", GGUF_BOOL, "\1", 1);
    put_str(&f, "a.names");
    put_u32(&f, GGUF_ARRAY);
    put_u32(&f, GGUF_STRING);
    put_u64(&f, 2);
    put_str(&f, "one");
    put_str(&f, "two");
    put_str(&f, "a.nested"); /* [[1, 2], [3]] */
    put_u32(&f, GGUF_ARRAY);
    put_u32(&f, GGUF_ARRAY);
    put_u64(&f, 2);
    put_u32(&f, GGUF_U8);
    put_u64(&f, 2);
    put(&f, "\1\2", 2);
    put_u32(&f, GGUF_U8);
    put_u64(&f, 1);
    put(&f, "\3", 1);
    f.at_tensor = f.n;
    put_tensor(&f, "first", 4, 2, 0, 0);   /* F32: 32 bytes */
    put_tensor(&f, "second", 32, 2, 2, 32); /* Q4_0: 36 bytes */
    pad(&f, 32);
    for (int i = 0; i < 68; i++) {
        put(&f, "\1", 1);
    }
    return f;
}

/* Parse; every outcome must close cleanly, and an error must be one printable line. */
static lfm_status parse(const image *f, size_t n, lfm_error *err) {
    gguf_file g;
    *err = (lfm_error){0};
    void *copy = NULL; /* exactly n bytes, so that a sanitizer sees a read past them */
    assert_int_equal(posix_memalign(&copy, 8, n ? n : 1), 0);
    memcpy(copy, f->bytes, n);
    const lfm_status st = gguf_parse(&g, copy, n, "x.gguf", err);
    gguf_close(&g);
    free(copy);
    if (st != LFM_OK) {
        assert_int_equal(err->status, st);
        assert_non_null(strstr(err->text, "x.gguf: "));
        for (const char *p = err->text; *p; p++) {
            assert_true((unsigned char)*p >= ' ');
        }
    }
    return st;
}

static void expect(const image *f, lfm_status status, const char *text) {
    lfm_error err;
    const lfm_status st = parse(f, f->n, &err);
    if (st != status || (text && !strstr(err.text, text))) {
        print_message("got %d \"%s\", expected %d \"%s\"\n", st, err.text, status, text);
    }
    assert_int_equal(st, status);
    assert_true(text == NULL || strstr(err.text, text) != NULL);
}

/* ---- What is accepted ----------------------------------------------------------------------- */

static void test_valid(void **state) {
    (void)state;
    for (uint32_t version = 2; version <= 3; version++) {
        const image f = valid(version);
        gguf_file g;
        lfm_error err = {0};
        assert_int_equal(gguf_parse(&g, f.bytes, f.n, "x.gguf", &err), LFM_OK);
        assert_int_equal(g.version, version);
        assert_int_equal(g.n_keys, 8);
        assert_int_equal(g.n_tensors, 2);
        assert_int_equal(g.file_bytes, f.n);
        assert_null(gguf_get(&g, ""));
        assert_null(gguf_get_tensor(&g, ""));
        uint32_t u = 0;
        float v = 0;
        bool b = false;
        assert_int_equal(gguf_need_u32(&g, "a.u8", 0, 10, &u, &err), LFM_OK);
        assert_int_equal(u, 5);
        assert_int_equal(gguf_need_f32(&g, "a.f64", &v, &err), LFM_OK);
        assert_true(v == 0.5f);
        assert_int_equal(gguf_get_bool(&g, "a.bool", &b, &err), LFM_OK);
        assert_true(b);
        const gguf_key *names = NULL;
        assert_int_equal(gguf_need_array(&g, "a.names", GGUF_STRING, GGUF_STRING, &names, &err),
                         LFM_OK);
        const uint8_t *at = names->data;
        const gguf_str one = gguf_next_str(&at);
        const gguf_str two = gguf_next_str(&at);
        assert_memory_equal(one.ptr, "one", 3);
        assert_memory_equal(two.ptr, "two", 3);
        const gguf_tensor *t = gguf_get_tensor(&g, "second");
        assert_non_null(t);
        assert_int_equal(t->type, QTYPE_Q4_0);
        assert_int_equal(t->n_bytes, 36);
        assert_int_equal(t->data - f.bytes, (f.n - 68) + 32);
        assert_null(gguf_get_tensor(&g, "third"));
        assert_null(gguf_get(&g, "a"));
        assert_int_equal(gguf_lock(&g, &err), LFM_OK); /* there is no file to lock or to look at */
        assert_int_equal(gguf_check_unchanged(&g, &err), LFM_OK);
        gguf_close(&g);
        const gguf_file closed = {0};
        assert_memory_equal(&g, &closed, sizeof g); /* and may be closed again */
    }
}

static void test_getters(void **state) {
    (void)state;
    const image f = valid(3);
    gguf_file g;
    assert_int_equal(gguf_parse(&g, f.bytes, f.n, "x.gguf", NULL), LFM_OK);
    uint32_t u = 77;
    float v = 0;
    gguf_str s;
    const gguf_key *key = NULL;
    lfm_error err = {0};
    assert_int_equal(gguf_get_u32(&g, "absent", 0, 9, &u, &err), LFM_OK);
    assert_int_equal(u, 77);
#define REFUSED(call, says)                                                                        \
    err = (lfm_error){0};                                                                          \
    assert_int_equal(call, LFM_ERR_FORMAT);                                                        \
    assert_non_null(strstr(err.text, says))
    REFUSED(gguf_need_u32(&g, "absent", 0, 9, &u, &err), "'absent' is missing");
    REFUSED(gguf_get_u32(&g, "a.u8", 6, 9, &u, &err), "is 5, outside 6 to 9");
    REFUSED(gguf_get_u32(&g, "a.i32", 0, 9, &u, &err), "is -7");
    REFUSED(gguf_get_u32(&g, "a.u64", 0, UINT32_MAX, &u, &err), "outside");
    REFUSED(gguf_get_u32(&g, "a.f32", 0, 9, &u, &err), "should be an integer");
    REFUSED(gguf_get_f32(&g, "a.u8", &v, &err), "should be a float");
    REFUSED(gguf_get_str(&g, "a.u8", &s, &err), "should be text");
    REFUSED(gguf_get_u32(&g, "a.names", 0, 9, &u, &err), "an integer, but it is an array of str");
    REFUSED(gguf_get_bool(&g, "a.f32", &(bool){0}, &err), "should be true or false, but it is f32");
    REFUSED(gguf_need_array(&g, "a.names", GGUF_I32, GGUF_U32, &key, &err), "array of i32");
    REFUSED(gguf_need_array(&g, "a.u8", GGUF_U8, GGUF_U8, &key, &err), "array of u8, but it is u8");
#undef REFUSED
    char text[64];
    gguf_format_value(gguf_get(&g, "a.names"), text, sizeof text);
    assert_string_equal(text, "[one, two]");
    gguf_format_value(gguf_get(&g, "a.names"), text, 8);
    assert_string_equal(text, "[one...");
    gguf_format_value(gguf_get(&g, "a.i32"), text, sizeof text);
    assert_string_equal(text, "-7");
    gguf_close(&g);
}

static void test_type_names(void **state) {
    (void)state;
    static const char *const names[] = {"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool",
                                        "str", "arr", "u64", "i64", "f64", "?", "?"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(gguf_type_name((gguf_type)i), names[i]);
    }
}

/* Every type of a value: as a number in limits, and as text. */
static void test_types(void **state) {
    (void)state;
    static const struct {
        uint32_t type;
        const char *bytes; /* little-endian */
        size_t n;
        const char *text;
        bool fits; /* as a whole number from 0 to 2^32 - 1 */
    } cases[] = {
        {GGUF_U8, "\xff", 1, "255", true},
        {GGUF_I8, "\xff", 1, "-1", false},
        {GGUF_I8, "\x7f", 1, "127", true},
        {GGUF_U16, "\xff\xff", 2, "65535", true},
        {GGUF_I16, "\xfe\xff", 2, "-2", false},
        {GGUF_I16, "\x01\x02", 2, "513", true},
        {GGUF_U32, "\xff\xff\xff\xff", 4, "4294967295", true},
        {GGUF_I32, "\x00\x00\x00\x80", 4, "-2147483648", false},
        {GGUF_U64, "\x05\0\0\0\0\0\0\0", 8, "5", true},
        {GGUF_U64, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "18446744073709551615", false},
        {GGUF_I64, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "-1", false},
        {GGUF_I64, "\x07\0\0\0\0\0\0\0", 8, "7", true},
        {GGUF_F32, "\0\0\x20\xc0", 4, "-2.5", false},
        {GGUF_F64, "\0\0\0\0\0\0\xf8\x3f", 8, "1.5", false},
        {GGUF_BOOL, "\0", 1, "false", false},
        {GGUF_BOOL, "\1", 1, "true", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image f = {.n = 0};
        gguf_file g;
        uint32_t number = 0;
        char text[40];
        put_header(&f, 3, 1, 1);
        put_key(&f, "k", cases[i].type, cases[i].bytes, cases[i].n);
        put_tensor(&f, "t", 4, 1, 0, 0);
        pad(&f, 32);
        put(&f, "0123456789abcdef", 16);
        assert_int_equal(gguf_parse(&g, f.bytes, f.n, "x.gguf", NULL), LFM_OK);
        gguf_format_value(gguf_get(&g, "k"), text, sizeof text);
        assert_string_equal(text, cases[i].text);
        const lfm_status st = gguf_get_u32(&g, "k", 0, UINT32_MAX, &number, NULL);
        assert_int_equal(st, cases[i].fits ? LFM_OK : LFM_ERR_FORMAT);
        assert_true(!cases[i].fits || number == strtoul(cases[i].text, NULL, 10));
        memset(text, 'x', sizeof text); /* room for a byte, and for none */
        gguf_format_value(gguf_get(&g, "k"), text, 1);
        gguf_format_value(gguf_get(&g, "k"), text + 1, 0);
        assert_true(text[0] == '\0' && text[1] == 'x');
        gguf_close(&g);
    }
}

/* ---- What is refused ------------------------------------------------------------------------ */

static void test_not_gguf(void **state) {
    (void)state;
    static const struct {
        const char *start;
        const char *text;
    } cases[] = {
        {"", "not a GGUF file (0 bytes)"},
        {"GG", "not a GGUF file"},
        {"<!DOCTYPE html>", "web page"},
        {"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"},
        {"PK\3\4xxxxxxxxxxxxxxxxxxxx", "zip"},
        {"FUGGxxxxxxxxxxxxxxxxxxxxxxxx", "big-endian"},
        {"GGUF", "header is cut short"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image f = {.n = 0};
        put(&f, cases[i].start, strlen(cases[i].start));
        expect(&f, LFM_ERR_FORMAT, cases[i].text);
    }
}

/* What a file looks like is told when its beginning is all there, and no byte is another. */
static void test_looks_like(void **state) {
    (void)state;
    static const struct {
        const char *start;
        size_t n;
        const char *text;
    } cases[] = {
        {"<!DOCTYPE", 9, "a web page"}, {"<html", 5, "a web page"},
        {"version https://git-lfs", 23, "a Git LFS pointer"}, {"PK\3\4", 4, "a zip archive"},
        {"\x7f" "ELF", 4, "a program"}, {"\x1f\x8b", 2, "gzip-compressed"},
        {"lmgg", 4, "an old GGML model"}, {"tjgg", 4, "an old GGJT model"},
        {"FUGG", 4, "a big-endian GGUF"}, {"\x09\0\0\0\0\0\0\0{}", 10, "a safetensors file"},
        {"\x02\0\0\0\0\0\0\0{}", 10, "a safetensors file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char said[80];
        lfm_error err;
        snprintf(said, sizeof said, "bytes); it looks like %s", cases[i].text);
        image f = {.n = 0};
        put(&f, cases[i].start, cases[i].n);
        expect(&f, LFM_ERR_FORMAT, said);
        for (size_t at = 0; at < cases[i].n; at++) {
            image other = f;
            other.bytes[at] ^= 0x20; /* behind '{' anything may stand */
            assert_int_equal(parse(&other, other.n, &err), LFM_ERR_FORMAT);
            assert_true(strstr(err.text, "looks like") == NULL || (cases[i].n == 10 && at == 9));
        }
        assert_int_equal(parse(&f, f.n - 1, &err), LFM_ERR_FORMAT);
        assert_null(strstr(err.text, "looks like"));
    }
}

static void test_header(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint64_t value;
        size_t n;
        lfm_status status;
        const char *text;
    } cases[] = {
        {4, 0, 4, LFM_ERR_UNSUPPORTED, "version 0"},
        {4, 1, 4, LFM_ERR_UNSUPPORTED, "version 1"},
        {4, 4, 4, LFM_ERR_UNSUPPORTED, "version 4"},
        {4, 0x03000000, 4, LFM_ERR_UNSUPPORTED, "big-endian GGUF version 3"},
        {8, UINT64_MAX, 8, LFM_ERR_FORMAT, "tensors are impossible"},
        {8, 1ull << 60, 8, LFM_ERR_FORMAT, "tensors are impossible"},
        {8, 0, 8, LFM_ERR_FORMAT, "no tensors"},
        {8, 300, 8, LFM_ERR_FORMAT, "300 tensors are impossible"},
        {16, 300, 8, LFM_ERR_FORMAT, "300 metadata keys are impossible"},
        {16, 1ull << 58, 8, LFM_ERR_FORMAT, "keys are impossible"},
        {16, 9, 8, LFM_ERR_FORMAT, NULL},
        {16, 7, 8, LFM_ERR_FORMAT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image f = valid(3);
        memcpy(f.bytes + cases[i].at, &cases[i].value, cases[i].n);
        expect(&f, cases[i].status, cases[i].text);
    }
}

/* Files with one key, which is wrong. */
static image one_key(const char *name, size_t name_len, uint32_t type, const void *value,
                     size_t n) {
    image f = {.n = 0};
    put_header(&f, 3, 1, 1);
    put_u64(&f, name_len);
    put(&f, name, strlen(name));
    put_u32(&f, type);
    put(&f, value, n);
    put_tensor(&f, "t", 4, 2, 0, 0);
    pad(&f, 32);
    for (int i = 0; i < 64; i++) {
        put(&f, "", 1);
    }
    return f;
}

static void test_keys(void **state) {
    (void)state;
    const uint64_t huge = UINT64_MAX;
    struct {
        uint32_t element;
        uint32_t pad;
        uint64_t count;
    } array = {GGUF_U32, 0, 1ull << 62};
    uint8_t packed[12];
    memcpy(packed, &array.element, 4);
    memcpy(packed + 4, &array.count, 8);
    image f = one_key("", 0, GGUF_U8, "\1", 1);
    expect(&f, LFM_ERR_FORMAT, "empty, too long or not printable");
    f = one_key("a\033b", 3, GGUF_U8, "\1", 1);
    expect(&f, LFM_ERR_FORMAT, "not printable");
    f = one_key("a", 1ull << 63, GGUF_U8, "\1", 1);
    expect(&f, LFM_ERR_FORMAT, "key 0");
    f = one_key("k", 1, 13, "\1", 1);
    expect(&f, LFM_ERR_FORMAT, "'k' has a value of an unknown type");
    f = one_key("k", 1, GGUF_BOOL, "\2", 1);
    expect(&f, LFM_ERR_FORMAT, "neither 0 nor 1");
    f = one_key("k", 1, GGUF_STRING, &huge, 8);
    expect(&f, LFM_ERR_FORMAT, "past the end");
    f = one_key("k", 1, GGUF_ARRAY, packed, 12);
    expect(&f, LFM_ERR_FORMAT, "more elements");
    array.element = GGUF_STRING;
    array.count = 1u << 29;
    memcpy(packed, &array.element, 4);
    memcpy(packed + 4, &array.count, 8);
    f = one_key("k", 1, GGUF_ARRAY, packed, 12);
    expect(&f, LFM_ERR_FORMAT, "more elements");
    /* Arrays in arrays, ten deep. */
    uint8_t deep[12 * 10];
    array.element = GGUF_ARRAY;
    array.count = 1;
    for (size_t i = 0; i < 10; i++) {
        memcpy(deep + 12 * i, &array.element, 4);
        memcpy(deep + 12 * i + 4, &array.count, 8);
    }
    f = one_key("k", 1, GGUF_ARRAY, deep, sizeof deep);
    expect(&f, LFM_ERR_FORMAT, "nests arrays too deeply");
    /* The same key twice. */
    f = (image){.n = 0};
    put_header(&f, 3, 1, 2);
    put_key(&f, "k", GGUF_U8, "\1", 1);
    put_key(&f, "k", GGUF_U8, "\1", 1);
    put_tensor(&f, "t", 4, 2, 0, 0);
    pad(&f, 32);
    put(&f, f.bytes, 32);
    expect(&f, LFM_ERR_FORMAT, "'k' appears twice");
    static const struct {
        uint32_t alignment;
        const char *text;
    } alignments[] = {
        {0, "outside 8"}, {33, "power of two"}, {4, "outside 8"}, {1u << 31, "outside 8"},
    };
    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        f = one_key("general.alignment", 17, GGUF_U32, &alignments[i].alignment, 4);
        expect(&f, LFM_ERR_FORMAT, alignments[i].text);
    }
}

/* Limits are where they are said to be: the last number that is allowed, and the next one. */
static void test_limits(void **state) {
    (void)state;
    static char name[65536 + 1];
    static uint8_t deep[12 * 10];
    memset(name, 'k', 65536);
    for (uint32_t depth = 8; depth <= 9; depth++) { /* arrays in the array, and one of numbers */
        memset(deep, 0, sizeof deep);
        for (uint32_t i = 0; i <= depth; i++) {
            const uint32_t element = i < depth ? GGUF_ARRAY : GGUF_U8;
            memcpy(deep + 12 * i, &element, 4);
            deep[12 * i + 4] = i < depth;
        }
        const image f = one_key("k", 1, GGUF_ARRAY, deep, 12 * (depth + 1));
        expect(&f, depth == 8 ? LFM_OK : LFM_ERR_FORMAT, depth == 8 ? NULL : "too deeply");
    }
    static const struct {
        uint32_t alignment;
        lfm_status status;
        const char *text;
    } alignments[] = {
        {7, LFM_ERR_FORMAT, "outside 8"}, {8, LFM_OK, NULL}, {16, LFM_OK, NULL},
        {1u << 20, LFM_ERR_FORMAT, "download is incomplete"}, {1u << 21, LFM_ERR_FORMAT, "outside"},
        {(1u << 20) + 1, LFM_ERR_FORMAT, "outside 8 to 1048576"},
    };
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        const image f = one_key("general.alignment", 17, GGUF_U32, &alignments[i].alignment, 4);
        expect(&f, alignments[i].status, alignments[i].text);
    }
    for (size_t len = 63; len <= 64; len++) { /* the name of a tensor */
        image f = {.n = 0};
        char short_name[65] = {0};
        memset(short_name, 'n', len);
        put_header(&f, 3, 1, 0);
        put_tensor(&f, short_name, 4, 2, 0, 0);
        pad(&f, 32);
        put(&f, name, 32);
        expect(&f, len == 63 ? LFM_OK : LFM_ERR_FORMAT, len == 63 ? NULL : "longer than 63 bytes");
    }
    /* Of a long key, its first hundred letters. */
    char said[128];
    name[150] = '\0';
    const image f = one_key(name, 150, GGUF_BOOL, "\2", 1);
    memset(said, 'k', sizeof said);
    snprintf(said, sizeof said, "key '%.100s' holds a boolean", name);
    expect(&f, LFM_ERR_FORMAT, said);
    name[150] = 'k';
}

/* Files in memory that are larger than an image; they return their size. */
static size_t append(uint8_t *to, size_t at, const image *f) {
    memcpy(to + at, f->bytes, f->n);
    return at + f->n;
}

static size_t begin_large(uint8_t *to, uint64_t n_tensors, uint64_t n_keys) {
    image f = {.n = 0};
    put_header(&f, 3, n_tensors, n_keys);
    return append(to, 0, &f);
}

static size_t end_large(uint8_t *to, size_t at) {
    image f = {.n = 0};
    put_tensor(&f, "t", 4, 2, 0, 0);
    return append(to, at, &f) + 64; /* 32 bytes of data, and zeros before */
}

static size_t long_key(uint8_t *to, uint64_t n_letters) {
    size_t at = begin_large(to, 1, 1);
    image f = {.n = 0};
    put_u64(&f, n_letters);
    at = append(to, at, &f);
    memset(to + at, 'k', n_letters);
    return end_large(to, at + n_letters + 5); /* its value is the u8 0 */
}

static size_t many_keys(uint8_t *to, uint64_t n) {
    size_t at = begin_large(to, 1, n);
    for (uint64_t i = 0; i < n; i++) {
        image f = {.n = 0};
        char name[8];
        snprintf(name, sizeof name, "%05x", (unsigned)i);
        put_key(&f, name, GGUF_U8, "\1", 1);
        at = append(to, at, &f);
    }
    return end_large(to, at);
}

static size_t many_tensors(uint8_t *to, uint64_t n) {
    size_t at = begin_large(to, n, 0);
    for (uint64_t i = 0; i < n; i++) {
        image f = {.n = 0};
        char name[8];
        snprintf(name, sizeof name, "%05x", (unsigned)i);
        put_tensor(&f, name, 1, 1, 0, 32 * i);
        at = append(to, at, &f);
    }
    return at + 32 * (n + 1);
}

/* The longest key, as many keys and tensors as there may be, and one more of each. */
static void test_large_limits(void **state) {
    (void)state;
    static const struct {
        size_t (*make)(uint8_t *to, uint64_t n);
        uint64_t most;
        const char *text;
    } cases[] = {
        {long_key, 65535, "too long"},
        {many_keys, 65536, "65537 metadata keys are impossible"},
        {many_tensors, 65536, "65537 tensors are impossible"},
    };
    enum { ROOM = 66000 * (45 + 32) };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const uint64_t n = cases[i / 2].most + i % 2;
        uint8_t *bytes = calloc(1, ROOM);
        gguf_file g;
        lfm_error err = {0};
        assert_non_null(bytes);
        const size_t size = cases[i / 2].make(bytes, n);
        assert_true(size <= ROOM);
        assert_int_equal(gguf_parse(&g, bytes, size, "x.gguf", &err), i % 2 ? LFM_ERR_FORMAT : 0);
        assert_true(i % 2 == 0 || strstr(err.text, cases[i / 2].text));
        gguf_close(&g);
        free(bytes);
    }
}

/* More keys and tensors than bytes for them: that is said before their names are read. */
static void test_impossible_counts(void **state) {
    (void)state;
    enum { KEYS_LEFT = 13 * 12, TENSORS_LEFT = 24 * 23 }; /* bytes behind the header */
    for (uint64_t more = 0; more < 2; more++) {
        lfm_error err;
        image keys = {.n = 0};
        put_header(&keys, 3, 0, KEYS_LEFT / 13 + more);
        assert_int_equal(parse(&keys, keys.n + KEYS_LEFT, &err), LFM_ERR_FORMAT);
        assert_int_equal(strstr(err.text, "keys are impossible") != NULL, more);
        image tensors = {.n = 0};
        put_header(&tensors, 3, TENSORS_LEFT / 24 + more, 0);
        assert_int_equal(parse(&tensors, tensors.n + TENSORS_LEFT, &err), LFM_ERR_FORMAT);
        assert_int_equal(strstr(err.text, "tensors are impossible") != NULL, more);
    }
}

/* Sizes in the words of people. */
static void test_sizes(void **state) {
    (void)state;
    enum { HEAD = 96 };
    static const struct {
        uint64_t size; /* that the file should have */
        const char *text;
    } cases[] = {
        {(10u << 20) - 4, "10485756 bytes"}, {10u << 20, "10.0 MiB"}, {15u << 20, "15.0 MiB"},
        {1023u << 20, "1023.0 MiB"},         {(1u << 30) - 4, "1024.0 MiB"},
        {1u << 30, "1.00 GiB"},              {5ull << 29, "2.50 GiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        image f = {.n = 0};
        put_header(&f, 3, 1, 0);
        put_tensor(&f, "t", (cases[i].size - HEAD) / 4, 1, 0, 0);
        pad(&f, 32);
        assert_int_equal(f.n, HEAD);
        put(&f, "", 1);
        char said[80];
        snprintf(said, sizeof said, "x.gguf: ends early (97 bytes of at least %s); the download",
                 cases[i].text);
        expect(&f, LFM_ERR_FORMAT, said);
    }
}

static void test_tensors(void **state) {
    (void)state;
    const size_t dims = 8 + 5; /* after the name "first" */
    static const struct {
        size_t at; /* from the description of the first tensor */
        uint64_t value;
        size_t n;
        lfm_status status;
        const char *text;
    } cases[] = {
        {0, 64, 8, LFM_ERR_FORMAT, NULL},
        {0, 0, 8, LFM_ERR_FORMAT, "empty"},
        {8, 0x1b, 1, LFM_ERR_FORMAT, "not printable"},
        {13, 0, 4, LFM_ERR_FORMAT, "1 to 4 dimensions"},
        {13, 5, 4, LFM_ERR_FORMAT, "1 to 4 dimensions"},
        {17, 0, 8, LFM_ERR_FORMAT, "zero or impossibly large"},
        {25, 0, 8, LFM_ERR_FORMAT, "zero or impossibly large"},
        {17, 1ull << 63, 8, LFM_ERR_FORMAT, "zero or impossibly large"},
        {17, INT64_MAX, 8, LFM_ERR_FORMAT, "has more bytes than any file"},
        {17, 1ull << 62, 8, LFM_ERR_FORMAT, NULL},
        {17, 1ull << 61, 8, LFM_ERR_FORMAT, NULL},
        {33, 999, 4, LFM_ERR_UNSUPPORTED, "unknown type number 999"},
        {33, 4, 4, LFM_ERR_UNSUPPORTED, "removed"},
        {33, 12, 4, LFM_ERR_FORMAT, "blocks of 256"},
        {37, 8, 8, LFM_ERR_FORMAT, "multiple of the alignment"},
        {37, 32, 8, LFM_ERR_FORMAT, "overlap"},
        {37, 1ull << 40, 8, LFM_ERR_FORMAT, "download is incomplete"},
        {37, UINT64_MAX - 31, 8, LFM_ERR_FORMAT, "impossible offset"},
    };
    assert_int_equal(dims, 13);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image f = valid(3);
        memcpy(f.bytes + f.at_tensor + cases[i].at, &cases[i].value, cases[i].n);
        expect(&f, cases[i].status, cases[i].text);
    }
    image f = valid(3); /* two tensors of one name */
    const uint64_t five = 5;
    memcpy(f.bytes + f.at_tensor + 45, &five, 8);
    memmove(f.bytes + f.at_tensor + 53, "first", 5);
    memmove(f.bytes + f.at_tensor + 58, f.bytes + f.at_tensor + 59, f.n - f.at_tensor - 59);
    expect(&f, LFM_ERR_FORMAT, NULL);
}

/* A cut anywhere is refused. */
static void test_cuts(void **state) {
    (void)state;
    const image f = valid(3);
    lfm_error err;
    assert_int_equal(parse(&f, f.n, &err), LFM_OK);
    for (size_t n = 0; n < f.n; n++) {
        assert_int_equal(parse(&f, n, &err), LFM_ERR_FORMAT);
        const char *what = n < 4 ? "not a GGUF file" : n < 24 ? "the header is cut short"
                           : n < f.at_tensor + 45 + 46 ? NULL : "ends early";
        const size_t name = f.at_tensor + 8 + 5 + 4; /* behind it, dimensions, type and offset */
        what = n >= name && n < name + 28 ? "'first' is cut short in the tensor table" : what;
        assert_true(!what || strstr(err.text, what));
    }
}

/* Every bit and many bytes of the metadata changed: accepted or refused, never worse. */
static void test_flips(void **state) {
    (void)state;
    const image good = valid(3);
    size_t accepted = 0;
    size_t refused = 0;
    for (size_t at = 0; at < good.n - 68; at++) {
        for (int change = 0; change < 12; change++) {
            static const uint8_t values[] = {0, 0x7f, 0x80, 0xff};
            image f = good;
            f.bytes[at] = (uint8_t)(change < 8 ? f.bytes[at] ^ 1 << change : values[change - 8]);
            lfm_error err;
            if (parse(&f, f.n, &err) == LFM_OK) {
                accepted++;
            } else {
                refused++;
            }
        }
    }
    assert_true(refused > accepted / 4);
    assert_true(accepted > 0);
}

/* ---- Files on disk -------------------------------------------------------------------------- */

static void write_file(const char *path, const image *f) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(f->bytes, 1, f->n, out), f->n);
    assert_int_equal(fclose(out), 0);
}

/* One part of a split model: one tensor each. */
static image part(uint16_t no, uint16_t count, const char *tensor) {
    image f = {.n = 0};
    const int32_t total = 2;
    put_header(&f, 3, 1, 3);
    put_key(&f, "split.no", GGUF_U16, &no, 2);
    put_key(&f, "split.count", GGUF_U16, &count, 2);
    put_key(&f, "split.tensors.count", GGUF_I32, &total, 4);
    put_tensor(&f, tensor, 4, 2, 0, 0);
    pad(&f, 32);
    for (int i = 0; i < 32; i++) {
        put(&f, tensor, 1);
    }
    return f;
}

static void test_split(void **state) {
    (void)state;
    char dir[] = "/tmp/lfm-gguf-XXXXXX";
    char a[64];
    char b[64];
    assert_non_null(mkdtemp(dir));
    snprintf(a, sizeof a, "%s/m-00001-of-00002.gguf", dir);
    snprintf(b, sizeof b, "%s/m-00002-of-00002.gguf", dir);
    const image first = part(0, 2, "a");
    image second = part(1, 2, "b");
    second.bytes[4] = 2; /* the version is that of the first part */
    gguf_file g;
    lfm_error err = {0};
    write_file(a, &first);
    assert_int_equal(gguf_open(&g, a, &err), LFM_ERR_IO);
    assert_non_null(strstr(err.text, "m-00002-of-00002.gguf"));
    gguf_close(&g);
    write_file(b, &second);
    for (int i = 0; i < 2; i++) { /* either part will do */
        err = (lfm_error){0};
        assert_int_equal(gguf_open(&g, i ? b : a, &err), LFM_OK);
        assert_int_equal(g.n_parts, 2);
        assert_int_equal(g.version, 3);
        assert_int_equal(g.n_tensors, 2);
        assert_int_equal(gguf_get_tensor(&g, "b")->data[0], 'b');
        assert_int_equal(gguf_get_tensor(&g, "b")->part, 1);
        assert_int_equal(g.file_bytes, first.n + second.n);
        assert_int_equal(g.n_keys, 3);
        gguf_close(&g);
    }
    write_file(b, &first); /* the wrong part */
    err = (lfm_error){0};
    assert_int_equal(gguf_open(&g, a, &err), LFM_ERR_FORMAT);
    assert_non_null(strstr(err.text, "says it is part 1 of 2, its name says 2 of 2;"));
    gguf_close(&g);
    static const char *const bad_parts[] = {"-00000-of-00002", "-00003-of-00002", "-00001-of-00000",
                                            "-00001-of-99999"};
    for (size_t i = 0; i < sizeof bad_parts / sizeof *bad_parts; i++) {
        char bad[64];
        snprintf(bad, sizeof bad, "%s/m%s.gguf", dir, bad_parts[i]);
        err = (lfm_error){0};
        assert_int_equal(gguf_open(&g, bad, &err), LFM_ERR_FORMAT);
        assert_non_null(strstr(err.text, "is not possible"));
        assert_non_null(strstr(err.text, bad));
        gguf_close(&g);
    }
    err = (lfm_error){0};
    assert_int_equal(gguf_open(&g, dir, &err), LFM_ERR_IO);
    assert_non_null(strstr(err.text, "is a directory"));
    gguf_close(&g);
    err = (lfm_error){0};
    assert_int_equal(gguf_open(&g, "/dev/null", &err), LFM_ERR_IO);
    assert_non_null(strstr(err.text, "not a regular file"));
    gguf_close(&g);
    assert_int_equal(unlink(a) | unlink(b) | rmdir(dir), 0);
}

/* Names that end in numbers of parts, and one that only looks like it. */
static void test_names_of_parts(void **state) {
    (void)state;
    static const struct {
        const char *path, *text;
    } cases[] = {
        {"/none/m-00000-of-00000.gguf", "part 0 of 0 is not possible (at most 512 parts)"},
        {"/none/m-00000-of-00002.gguf", "part 0 of 2 is not possible"},
        {"/none/m-00003-of-00002.gguf", "part 3 of 2 is not possible"},
        {"/none/m-00001-of-00513.gguf", "part 1 of 513 is not possible"},
        {"/none/m-00002-of-00002.gguf", "/none/m-00001-of-00002.gguf: "},
        {"/none/m-00002-of-00002.bin_", "/none/m-00002-of-00002.bin_: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_file g;
        lfm_error err = {0};
        assert_int_not_equal(gguf_open(&g, cases[i].path, &err), LFM_OK);
        assert_non_null(strstr(err.text, cases[i].text));
        gguf_close(&g);
    }
}

/* Three parts, of which the last is damaged at every byte of its head in turn. */
static void test_damaged_part(void **state) {
    (void)state;
    char dir[] = "/tmp/lfm-gguf-XXXXXX";
    char paths[3][64];
    assert_non_null(mkdtemp(dir));
    for (uint16_t i = 0; i < 3; i++) {
        const image f = part(i, 3, (const char[3][2]){"a", "b", "c"}[i]);
        snprintf(paths[i], sizeof paths[i], "%s/m-%05d-of-00003.gguf", dir, i + 1);
        write_file(paths[i], &f);
    }
    gguf_file g;
    lfm_error err = {0};
    assert_int_equal(gguf_open(&g, paths[0], &err), LFM_ERR_FORMAT); /* it speaks of two tensors */
    assert_non_null(strstr(err.text, "00001-of-00003.gguf: the parts hold 3 tensors, but there "
                                     "should be 2"));
    gguf_close(&g);
    const image good = part(2, 3, "c");
    for (size_t n = 1; n < good.n; n++) {
        image cut = good;
        cut.n = n;
        write_file(paths[2], &cut);
        err = (lfm_error){0};
        assert_int_equal(gguf_open(&g, paths[1], &err), LFM_ERR_FORMAT);
        assert_non_null(strstr(err.text, "m-00003-of-00003.gguf: "));
        gguf_close(&g);
    }
    assert_int_equal(unlink(paths[0]) | unlink(paths[1]) | unlink(paths[2]) | rmdir(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),  cmocka_unit_test(test_getters), cmocka_unit_test(test_types),
        cmocka_unit_test(test_not_gguf), cmocka_unit_test(test_header),
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_large_limits),
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_type_names),
        cmocka_unit_test(test_looks_like),
        cmocka_unit_test(test_impossible_counts),
        cmocka_unit_test(test_cuts),   cmocka_unit_test(test_flips),
        cmocka_unit_test(test_split), cmocka_unit_test(test_names_of_parts),
        cmocka_unit_test(test_damaged_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
