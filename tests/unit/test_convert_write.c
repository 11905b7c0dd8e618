/*
 * test_convert_write.c - files that the writer makes, read back by the parser; all its refusals.
 */
#include "convert/write.h"

#include "../../tools/mkmodel/put.h"
#include "base/bytes.h"
#include "gguf/gguf.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static gguf_str str(const char *text) {
    return (gguf_str){text, strlen(text)};
}

static void assert_view(gguf_str s, const char *bytes, size_t n) {
    assert_int_equal(s.len, n);
    assert_memory_equal(s.ptr, bytes, n);
}

/* Bytes for a tensor that tell where they came from. */
static uint8_t *pattern(size_t n, uint32_t salt) {
    uint8_t *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + i / 251 + salt);
    }
    return p;
}

/* Write the head and a pattern for each tensor, in pieces of `step` bytes. */
static void write_all(gguf_writer *w, byte_sink sink, const uint64_t *sizes, size_t n,
                      size_t step) {
    lfm_error err = {0};
    assert_int_equal(gguf_write_head(w, sink, &err), LFM_OK);
    for (size_t t = 0; t < n; t++) {
        uint8_t *p = pattern(sizes[t], (uint32_t)t);
        for (size_t i = 0; i < sizes[t]; i += step) {
            const size_t len = sizes[t] - i < step ? sizes[t] - i : step;
            assert_int_equal(gguf_write_data(w, p + i, len, &err), LFM_OK);
        }
        free(p);
    }
    assert_int_equal(gguf_write_end(w, &err), LFM_OK);
}

/* ---- Round trips ---------------------------------------------------------------------------- */

static const uint64_t dims[][4] = {{5, 1, 1, 1}, {32, 3, 1, 1}, {256, 2, 3, 1}, {3, 7, 1, 1}};
static const struct {
    const char *name;
    qtype type;
    uint32_t n_dims;
    uint64_t n_bytes;
} tensors[] = {
    {"five", QTYPE_F32, 1, 20},          /* needs padding */
    {"rows.weight", QTYPE_Q4_0, 2, 54},  /* 3 blocks of 18 bytes */
    {"cube", QTYPE_Q6_K, 3, 1260},       /* 6 blocks of 210 */
    {"conv", QTYPE_BF16, 2, 42},
};
enum { N_TENSORS = sizeof tensors / sizeof tensors[0] };

static void put_tensors(gguf_writer *w) {
    for (size_t i = 0; i < N_TENSORS; i++) {
        gguf_put_tensor(w, str(tensors[i].name), tensors[i].type, tensors[i].n_dims, dims[i]);
    }
}

static void put_values(gguf_writer *w) {
    static const uint8_t u8 = 200;
    static const int8_t i8 = -3;
    static const uint16_t u16 = 65535;
    static const int16_t i16 = -30000;
    static const int32_t i32 = -7;
    static const uint64_t u64 = UINT64_C(0xfedcba9876543210);
    static const int64_t i64 = INT64_MIN;
    static const double f64 = 1.0 / 3;
    gguf_put_str(w, "general.architecture", "lfm2");
    gguf_put_value(w, "u8", GGUF_U8, &u8);
    gguf_put_value(w, "i8", GGUF_I8, &i8);
    gguf_put_value(w, "u16", GGUF_U16, &u16);
    gguf_put_value(w, "i16", GGUF_I16, &i16);
    gguf_put_u32(w, "u32", 4000000000u);
    gguf_put_value(w, "i32", GGUF_I32, &i32);
    gguf_put_f32(w, "f32", 1e-5f);
    gguf_put_bool(w, "yes", true);
    gguf_put_bool(w, "no", false);
    gguf_put_view(w, "bytes", (gguf_str){"a\0b\xff", 4});
    gguf_put_str(w, "empty", "");
    gguf_put_value(w, "u64", GGUF_U64, &u64);
    gguf_put_value(w, "i64", GGUF_I64, &i64);
    gguf_put_value(w, "f64", GGUF_F64, &f64);
}

static void put_arrays(gguf_writer *w) {
    static const int32_t heads[] = {0, 0, 8, -1};
    static const uint8_t flags[] = {1, 0, 1};
    const gguf_str words[] = {str("one"), {"", 0}, {"\0x", 2}, str("four")};
    gguf_put_array(w, "heads", GGUF_I32, heads, 4);
    gguf_put_array(w, "flags", GGUF_BOOL, flags, 3);
    gguf_put_array(w, "nothing", GGUF_F32, NULL, 0);
    gguf_put_strings(w, "words", words, 4);
}

static void check_values(const gguf_file *f) {
    lfm_error err = {0};
    uint32_t u = 0;
    float x = 0;
    bool flag = false;
    gguf_str s = {0};
    assert_int_equal(gguf_need_u32(f, "u8", 0, 255, &u, &err), LFM_OK);
    assert_int_equal(u, 200);
    assert_int_equal(gguf_need_u32(f, "u16", 0, 65535, &u, &err), LFM_OK);
    assert_int_equal(u, 65535);
    assert_int_equal(gguf_need_u32(f, "u32", 0, UINT32_MAX, &u, &err), LFM_OK);
    assert_int_equal(u, 4000000000u);
    assert_int_equal(gguf_need_f32(f, "f32", &x, &err), LFM_OK);
    assert_true(x == 1e-5f);
    assert_int_equal(gguf_get_bool(f, "yes", &flag, &err), LFM_OK);
    assert_true(flag);
    assert_int_equal(gguf_get_bool(f, "no", &flag, &err), LFM_OK);
    assert_false(flag);
    assert_int_equal(gguf_need_str(f, "bytes", &s, &err), LFM_OK);
    assert_view(s, "a\0b\xff", 4);
    assert_int_equal(gguf_need_str(f, "empty", &s, &err), LFM_OK);
    assert_int_equal(s.len, 0);
    assert_int_equal((int8_t)*gguf_get(f, "i8")->data, -3);
    assert_int_equal((int16_t)load_u16(gguf_get(f, "i16")->data), -30000);
    assert_int_equal((int32_t)load_u32(gguf_get(f, "i32")->data), -7);
    assert_true(load_u64(gguf_get(f, "u64")->data) == UINT64_C(0xfedcba9876543210));
    assert_true((int64_t)load_u64(gguf_get(f, "i64")->data) == INT64_MIN);
    double d = 0;
    memcpy(&d, gguf_get(f, "f64")->data, sizeof d);
    assert_true(d == 1.0 / 3);
}

static void check_arrays(const gguf_file *f) {
    static const int32_t heads[] = {0, 0, 8, -1};
    lfm_error err = {0};
    const gguf_key *key = NULL;
    assert_int_equal(gguf_need_array(f, "heads", GGUF_I32, GGUF_U32, &key, &err), LFM_OK);
    assert_int_equal(key->count, 4);
    assert_memory_equal(key->data, heads, sizeof heads);
    assert_int_equal(gguf_need_array(f, "flags", GGUF_BOOL, GGUF_BOOL, &key, &err), LFM_OK);
    assert_int_equal(key->count, 3);
    assert_memory_equal(key->data, "\1\0\1", 3);
    assert_int_equal(gguf_need_array(f, "nothing", GGUF_F32, GGUF_F32, &key, &err), LFM_OK);
    assert_int_equal(key->count, 0);
    assert_int_equal(gguf_need_array(f, "words", GGUF_STRING, GGUF_STRING, &key, &err), LFM_OK);
    assert_int_equal(key->count, 4);
    const uint8_t *cursor = key->data;
    assert_view(gguf_next_str(&cursor), "one", 3);
    assert_view(gguf_next_str(&cursor), "", 0);
    assert_view(gguf_next_str(&cursor), "\0x", 2);
    assert_view(gguf_next_str(&cursor), "four", 4);
}

static void check_tensors(const gguf_file *f, size_t alignment) {
    assert_int_equal(f->n_tensors, N_TENSORS);
    const uint8_t *const base = f->tensors[0].data;
    for (size_t i = 0; i < N_TENSORS; i++) {
        const gguf_tensor *t = &f->tensors[i];
        assert_view(t->name, tensors[i].name, strlen(tensors[i].name));
        assert_int_equal(t->type, tensors[i].type);
        assert_int_equal(t->n_dims, tensors[i].n_dims);
        assert_memory_equal(t->dim, dims[i], sizeof dims[i]);
        assert_int_equal(t->n_bytes, tensors[i].n_bytes);
        assert_int_equal((size_t)(t->data - base) % alignment, 0);
        uint8_t *p = pattern(t->n_bytes, (uint32_t)i);
        assert_memory_equal(t->data, p, t->n_bytes);
        free(p);
    }
}

static void test_what_is_put_is_read_back(void **state) {
    (void)state;
    static const struct {
        uint32_t version, alignment;
        size_t step;
    } cases[] = {{3, 32, 1000}, {2, 32, 7}, {3, 64, 1}, {3, 8, 4096}, {2, 4096, 100}};
    uint64_t sizes[N_TENSORS];
    for (size_t i = 0; i < N_TENSORS; i++) {
        sizes[i] = tensors[i].n_bytes;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gguf_writer w;
        gguf_memory m = {0};
        gguf_file f = {0};
        lfm_error err = {0};
        gguf_writer_init(&w, cases[i].version, cases[i].alignment);
        put_values(&w);
        put_arrays(&w);
        put_tensors(&w);
        write_all(&w, gguf_memory_sink(&m), sizes, N_TENSORS, cases[i].step);
        assert_int_equal(m.size, gguf_writer_bytes(&w));
        assert_int_equal(m.size % cases[i].alignment, 0);
        if (gguf_parse(&f, m.data, m.size, "memory", &err) != LFM_OK) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(f.version, cases[i].version);
        assert_int_equal(f.n_keys, w.n_keys);
        check_values(&f);
        check_arrays(&f);
        check_tensors(&f, cases[i].alignment);
        gguf_close(&f);
        gguf_writer_drop(&w);
        gguf_memory_drop(&m);
    }
}

/* Every key goes through gguf_put_key unchanged, and the alignment stays with the file. */
static void test_keys_are_copied_from_another_file(void **state) {
    (void)state;
    gguf_writer a;
    gguf_writer b;
    gguf_memory first = {0};
    gguf_memory second = {0};
    gguf_file f = {0};
    lfm_error err = {0};
    gguf_writer_init(&a, 3, 64);
    put_values(&a);
    put_arrays(&a);
    put_tensors(&a);
    uint64_t sizes[N_TENSORS];
    for (size_t i = 0; i < N_TENSORS; i++) {
        sizes[i] = tensors[i].n_bytes;
    }
    write_all(&a, gguf_memory_sink(&first), sizes, N_TENSORS, 512);
    assert_int_equal(gguf_parse(&f, first.data, first.size, "memory", &err), LFM_OK);
    assert_non_null(gguf_get(&f, "general.alignment"));
    gguf_writer_init(&b, 3, 64);
    for (size_t i = 0; i < f.n_keys; i++) {
        gguf_put_key(&b, &f.keys[i]);
    }
    put_tensors(&b);
    write_all(&b, gguf_memory_sink(&second), sizes, N_TENSORS, 512);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    gguf_close(&f);
    gguf_writer_drop(&a);
    gguf_writer_drop(&b);
    gguf_memory_drop(&first);
    gguf_memory_drop(&second);
}

/* The first bytes, written down by hand from the format's description. */
static void test_the_bytes_of_a_tiny_file(void **state) {
    (void)state;
    static const uint8_t expected[] = {
        'G', 'G', 'U', 'F', 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 0, 0, 0, 0, 0, 'k', 4, 0, 0, 0, 9, 0, 0, 0,         /* k: u32 9 */
        1, 0, 0, 0, 0, 0, 0, 0, 't', 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, /* t: 1 dimension, 2 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                           /* F32, offset 0 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* to byte 96 */
    };
    gguf_writer w;
    gguf_memory m = {0};
    const uint64_t size = 8;
    const uint64_t two = 2;
    gguf_writer_init(&w, 3, GGUF_ALIGNMENT);
    gguf_put_u32(&w, "k", 9);
    gguf_put_tensor(&w, str("t"), QTYPE_F32, 1, &two);
    write_all(&w, gguf_memory_sink(&m), &size, 1, 8);
    assert_int_equal(m.size, 128);
    assert_int_equal(sizeof expected, 96);
    assert_memory_equal(m.data, expected, sizeof expected);
    for (size_t i = 96 + 8; i < 128; i++) {
        assert_int_equal(m.data[i], 0);
    }
    gguf_writer_drop(&w);
    gguf_memory_drop(&m);
}

/* ---- Refusals ------------------------------------------------------------------------------- */

static void put_key_twice(gguf_writer *w) {
    gguf_put_u32(w, "twice", 1);
    gguf_put_str(w, "twice", "x");
}

static void put_key_without_name(gguf_writer *w) {
    gguf_put_u32(w, "", 1);
}

static void put_string_as_value(gguf_writer *w) {
    gguf_put_value(w, "s", GGUF_STRING, "abc");
}

static void put_array_of_arrays(gguf_writer *w) {
    gguf_put_array(w, "a", GGUF_ARRAY, "abc", 1);
}

static void put_bad_split(gguf_writer *w) {
    gguf_put_split(w, 3, 3, 10);
}

static void put_tensor_twice(gguf_writer *w) {
    gguf_put_tensor(w, str("t"), QTYPE_F32, 1, dims[0]);
    gguf_put_tensor(w, str("t"), QTYPE_F16, 1, dims[0]);
}

static void put_tensor_with_long_name(gguf_writer *w) {
    const char *name = "0123456789012345678901234567890123456789012345678901234567890123";
    gguf_put_tensor(w, str(name), QTYPE_F32, 1, dims[0]);
}

static void put_tensor_of_part_blocks(gguf_writer *w) {
    const uint64_t dim[] = {48, 2};
    gguf_put_tensor(w, str("t"), QTYPE_Q8_0, 2, dim);
}

static void put_tensor_of_nothing(gguf_writer *w) {
    const uint64_t dim[] = {32, 0};
    gguf_put_tensor(w, str("t"), QTYPE_Q8_0, 2, dim);
}

static void put_tensor_of_five_dims(gguf_writer *w) {
    const uint64_t dim[] = {1, 1, 1, 1, 1};
    gguf_put_tensor(w, str("t"), QTYPE_F32, 5, dim);
}

static void put_tensor_that_overflows(gguf_writer *w) {
    const uint64_t dim[] = {UINT64_C(1) << 32, UINT64_C(1) << 32, 4};
    gguf_put_tensor(w, str("t"), QTYPE_F32, 3, dim);
}

static void put_tensors_that_overflow(gguf_writer *w) {
    const uint64_t dim = UINT64_C(1) << 60;
    gguf_put_tensor(w, str("a"), QTYPE_F32, 1, &dim);
    gguf_put_tensor(w, str("b"), QTYPE_F32, 1, &dim);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        void (*put)(gguf_writer *w);
        const char *says;
    } cases[] = {
        {put_key_twice, "'twice' twice"},
        {put_key_without_name, "1 to 65535 bytes"},
        {put_string_as_value, "'s' is not a plain value"},
        {put_array_of_arrays, "'a' is not an array"},
        {put_bad_split, "part 3 of 3"},
        {put_tensor_twice, "its name must be new"},
        {put_tensor_with_long_name, "1 to 63 bytes"},
        {put_tensor_of_part_blocks, "first one 48, in blocks of 32 weights (Q8_0)"},
        {put_tensor_of_nothing, "tensor 't' cannot be written"},
        {put_tensor_of_five_dims, "5 dimensions"},
        {put_tensor_that_overflows, "tensor 't' cannot be written"},
        {put_tensors_that_overflow, "too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gguf_writer w;
        gguf_memory m = {0};
        lfm_error err = {0};
        gguf_writer_init(&w, 3, GGUF_ALIGNMENT);
        cases[i].put(&w);
        gguf_put_u32(&w, "later", 1); /* must not hide the first error */
        assert_int_equal(gguf_write_head(&w, gguf_memory_sink(&m), &err), LFM_ERR_ARG);
        if (!strstr(err.text, cases[i].says)) {
            fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
        }
        assert_int_equal(m.size, 0);
        gguf_writer_drop(&w);
    }
}

static void test_versions_and_alignments_that_are_refused(void **state) {
    (void)state;
    static const uint32_t cases[][2] = {{1, 32}, {4, 32}, {3, 0}, {3, 4}, {3, 48}, {3, 8192}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gguf_writer w;
        gguf_memory m = {0};
        gguf_writer_init(&w, cases[i][0], cases[i][1]);
        lfm_error err = {0};
        assert_int_equal(gguf_write_head(&w, gguf_memory_sink(&m), &err), LFM_ERR_ARG);
        assert_true(cases[i][0] != 3 || strstr(err.text, "4096"));
        gguf_writer_drop(&w);
    }
}

/* Too many bytes, too few, none announced, keys after the head. */
static void test_the_order_of_calls_is_checked(void **state) {
    (void)state;
    gguf_writer w;
    gguf_memory m = {0};
    static const uint8_t bytes[64];
    gguf_writer_init(&w, 3, GGUF_ALIGNMENT);
    gguf_put_tensor(&w, str("a"), QTYPE_F32, 1, dims[0]);
    gguf_put_tensor(&w, str("b"), QTYPE_F32, 1, dims[0]);
    assert_int_equal(gguf_write_data(&w, bytes, 4, NULL), LFM_ERR_ARG); /* no head yet */
    assert_int_equal(gguf_write_end(&w, NULL), LFM_ERR_ARG);
    assert_int_equal(gguf_write_head(&w, gguf_memory_sink(&m), NULL), LFM_OK);
    assert_int_equal(gguf_write_data(&w, bytes, 21, NULL), LFM_ERR_ARG); /* reaches into b */
    assert_int_equal(gguf_write_data(&w, bytes, 20, NULL), LFM_OK);
    assert_int_equal(gguf_write_end(&w, NULL), LFM_ERR_ARG); /* b is missing */
    assert_int_equal(gguf_write_data(&w, bytes, 0, NULL), LFM_OK);
    assert_int_equal(gguf_write_data(&w, bytes, 20, NULL), LFM_OK);
    assert_int_equal(gguf_write_end(&w, NULL), LFM_OK);
    assert_int_equal(gguf_write_data(&w, bytes, 1, NULL), LFM_ERR_ARG); /* behind the end */
    gguf_put_u32(&w, "late", 1);
    assert_int_equal(w.error.status, LFM_ERR_ARG);
    assert_int_equal(m.size, gguf_writer_bytes(&w));
    gguf_writer_drop(&w);
    gguf_memory_drop(&m);
}

/* A sink that breaks after `left` bytes. */
static lfm_status breaking_write(void *ctx, const void *bytes, size_t n, lfm_error *err) {
    size_t *left = ctx;
    (void)bytes;
    if (n > *left) {
        return err_set(err, LFM_ERR_IO, "the disk is full");
    }
    *left -= n;
    return LFM_OK;
}

static void test_a_failing_sink_is_noticed_at_every_byte(void **state) {
    (void)state;
    gguf_writer w;
    static const uint8_t bytes[20];
    for (size_t room = 0;; room++) {
        size_t left = room;
        lfm_error err = {0};
        gguf_writer_init(&w, 3, GGUF_ALIGNMENT);
        gguf_put_u32(&w, "k", 1);
        gguf_put_tensor(&w, str("a"), QTYPE_F32, 1, dims[0]);
        lfm_status st = gguf_write_head(&w, (byte_sink){breaking_write, &left}, &err);
        if (st == LFM_OK) {
            st = gguf_write_data(&w, bytes, sizeof bytes, &err);
        }
        const uint64_t size = gguf_writer_bytes(&w);
        gguf_writer_drop(&w);
        if (st == LFM_OK) {
            assert_int_equal(room, size);
            break;
        }
        assert_int_equal(st, LFM_ERR_IO);
        assert_string_equal(err.text, "the disk is full");
        assert_true(room < size);
    }
}

/* ---- Files ---------------------------------------------------------------------------------- */

static char folder[] = "/tmp/lfm-write-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder); /* fails when a test leaves something behind */
}

static void path_in(char out[256], const char *name) {
    snprintf(out, 256, "%s/%s", folder, name);
}

static bool exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

static void test_a_file_appears_only_when_it_is_complete(void **state) {
    (void)state;
    char path[256];
    char part[256];
    out_file out;
    out_file other;
    lfm_error err = {0};
    path_in(path, "model.gguf");
    path_in(part, "model.gguf.part");
    assert_int_equal(out_file_open(&out, path, false, 0666, &err), LFM_OK);
    assert_int_equal(out_file_reserve(&out, 1000, &err), LFM_OK);
    byte_sink sink = out_file_sink(&out);
    assert_int_equal(sink.write(sink.ctx, "hello", 5, &err), LFM_OK);
    assert_true(exists(part) && !exists(path));
    assert_int_equal(out_file_open(&other, path, false, 0666, &err), LFM_ERR_IO);
    assert_non_null(strstr(err.text, "is being written by another program"));
    out_file_drop(&other);
    assert_true(exists(part));
    assert_int_equal(out_file_commit(&out, true, NULL), LFM_OK);
    assert_true(exists(path) && !exists(part));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 5);
    unlink(path);
}

/* What a killed program left is in nobody's way. */
static void test_leftovers(void **state) {
    (void)state;
    char path[256];
    char part[256];
    out_file out;
    lfm_error err = {0};
    struct stat info;
    path_in(path, "left.gguf");
    path_in(part, "left.gguf.part");
    FILE *left = fopen(part, "w");
    assert_non_null(left);
    assert_true(fputs("a long leftover", left) >= 0 && fclose(left) == 0);
    assert_int_equal(out_file_open(&out, path, false, 0600, &err), LFM_OK);
    byte_sink sink = out_file_sink(&out);
    assert_int_equal(sink.write(sink.ctx, "new", 3, &err), LFM_OK);
    assert_int_equal(out_file_commit(&out, false, &err), LFM_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(info.st_mode & 0777, 0600);
    unlink(path);
    /* Something else of that name is not. */
    assert_int_equal(mkdir(part, 0700), 0);
    assert_int_equal(out_file_open(&out, path, false, 0600, &err), LFM_ERR_IO);
    assert_int_equal(rmdir(part), 0);
    assert_int_equal(mkfifo(part, 0600), 0);
    assert_int_equal(out_file_open(&out, path, false, 0600, &err), LFM_ERR_IO);
    assert_int_equal(unlink(part), 0);
}

static void test_an_existing_file_is_kept(void **state) {
    (void)state;
    char path[256];
    char part[256];
    out_file out;
    path_in(path, "old.gguf");
    path_in(part, "old.gguf.part");
    FILE *old = fopen(path, "w");
    assert_non_null(old);
    assert_true(fputs("old", old) >= 0 && fclose(old) == 0);
    assert_int_equal(out_file_open(&out, path, false, 0666, NULL), LFM_ERR_ARG);
    /* Even when it may be replaced, giving up leaves the old one. */
    assert_int_equal(out_file_open(&out, path, true, 0666, NULL), LFM_OK);
    byte_sink sink = out_file_sink(&out);
    assert_int_equal(sink.write(sink.ctx, "newer", 5, NULL), LFM_OK);
    out_file_drop(&out);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_false(exists(part));
    assert_int_equal(out_file_open(&out, path, true, 0666, NULL), LFM_OK);
    sink = out_file_sink(&out);
    assert_int_equal(sink.write(sink.ctx, "newer", 5, NULL), LFM_OK);
    assert_int_equal(out_file_commit(&out, false, NULL), LFM_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 5);
    unlink(path);
}

static void test_places_that_cannot_be_written(void **state) {
    (void)state;
    char path[256];
    out_file out;
    lfm_error err = {0};
    path_in(path, "missing/model.gguf");
    assert_int_equal(out_file_open(&out, path, true, 0666, &err), LFM_ERR_IO);
    assert_non_null(strstr(err.text, "missing/model.gguf: No such file"));
    assert_int_equal(out_file_open(&out, folder, true, 0666, NULL), LFM_ERR_ARG);
    out_file_drop(&out);
}

static void test_a_full_disk(void **state) {
    (void)state;
    out_file out;
    lfm_error err = {0};
    if (!exists("/dev/full")) {
        skip();
    }
    assert_int_equal(out_file_open(&out, "/dev/full", false, 0666, &err), LFM_OK);
    byte_sink sink = out_file_sink(&out);
    assert_int_equal(sink.write(sink.ctx, "x", 1, &err), LFM_ERR_IO);
    assert_string_equal(err.text,
                        "cannot write /dev/full: No space left on device (after 0 bytes)");
    out_file_drop(&out);
    assert_true(exists("/dev/full"));
}

/* ---- Split files ---------------------------------------------------------------------------- */

static void test_names_of_parts(void **state) {
    (void)state;
    static const struct {
        const char *path;
        uint32_t no, count;
        const char *expected;
    } cases[] = {
        {"m.gguf", 0, 3, "m-00001-of-00003.gguf"},
        {"d.gguf/m", 1, 2, "d.gguf/m-00002-of-00002.gguf"},
        {"/a/b.c.gguf", 99998, 99999, "/a/b.c-99999-of-99999.gguf"},
        {".gguf", 0, 1, ".gguf-00001-of-00001.gguf"},
        {"x", UINT32_MAX, UINT32_MAX, "x-4294967296-of-4294967295.gguf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = gguf_split_path(cases[i].path, cases[i].no, cases[i].count);
        assert_non_null(path);
        assert_string_equal(path, cases[i].expected);
        free(path);
    }
}

/* Three parts, the first without tensors, opened as one model. */
static void test_a_split_model_is_read_back(void **state) {
    (void)state;
    static const size_t first_tensor[] = {0, 0, 3, N_TENSORS};
    char path[256];
    char *names[3];
    lfm_error err = {0};
    path_in(path, "split.gguf");
    for (uint32_t no = 0; no < 3; no++) {
        gguf_writer w;
        out_file out;
        gguf_writer_init(&w, 3, GGUF_ALIGNMENT);
        if (no == 0) {
            put_values(&w);
        }
        gguf_put_split(&w, no, 3, N_TENSORS);
        for (size_t t = first_tensor[no]; t < first_tensor[no + 1]; t++) {
            gguf_put_tensor(&w, str(tensors[t].name), tensors[t].type, tensors[t].n_dims, dims[t]);
        }
        names[no] = gguf_split_path(path, no, 3);
        assert_non_null(names[no]);
        assert_int_equal(out_file_open(&out, names[no], false, 0666, &err), LFM_OK);
        assert_int_equal(gguf_write_head(&w, out_file_sink(&out), &err), LFM_OK);
        for (size_t t = first_tensor[no]; t < first_tensor[no + 1]; t++) {
            uint8_t *p = pattern(tensors[t].n_bytes, (uint32_t)t);
            assert_int_equal(gguf_write_data(&w, p, tensors[t].n_bytes, &err), LFM_OK);
            free(p);
        }
        assert_int_equal(gguf_write_end(&w, &err), LFM_OK);
        assert_int_equal(out_file_commit(&out, false, &err), LFM_OK);
        gguf_writer_drop(&w);
    }
    gguf_file f = {0};
    if (gguf_open(&f, names[0], &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(f.n_parts, 3);
    check_values(&f);
    check_tensors(&f, 1);
    assert_int_equal(f.tensors[0].part, 1);
    assert_int_equal(f.tensors[3].part, 2);
    gguf_close(&f);
    for (size_t i = 0; i < 3; i++) {
        unlink(names[i]);
        free(names[i]);
    }
}

static void test_zeroed_structs_are_valid(void **state) {
    (void)state;
    gguf_writer w = {0};
    out_file out = {0};
    gguf_memory m = {0};
    gguf_writer_drop(&w);
    out_file_drop(&out);
    gguf_memory_drop(&m);
    assert_null(m.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_read_back),
        cmocka_unit_test(test_keys_are_copied_from_another_file),
        cmocka_unit_test(test_the_bytes_of_a_tiny_file),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_versions_and_alignments_that_are_refused),
        cmocka_unit_test(test_the_order_of_calls_is_checked),
        cmocka_unit_test(test_a_failing_sink_is_noticed_at_every_byte),
        cmocka_unit_test(test_a_file_appears_only_when_it_is_complete),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_an_existing_file_is_kept),
        cmocka_unit_test(test_places_that_cannot_be_written),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_names_of_parts),
        cmocka_unit_test(test_a_split_model_is_read_back),
        cmocka_unit_test(test_zeroed_structs_are_valid),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
