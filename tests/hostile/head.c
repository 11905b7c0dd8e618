/*
 * head.c - malformed headers (# 1 to 15) and keys (# 18 to 41).
 */
#include "hostile.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Header --------------------------------------------------------------------------------- */

static void not_gguf(corpus *c) {
    static const struct {
        const char *name;
        const char *start;
        size_t n;
        const char *says;
    } cases[] = {
        {"h01-empty", TEXT(""), "not a GGUF file (0 bytes)"},
        {"h02-one-byte", TEXT("G"), "not a GGUF file (1 bytes)"},
        {"h02-two-bytes", TEXT("GG"), "not a GGUF file (2 bytes)"},
        {"h02-three-bytes", TEXT("GGU"), "not a GGUF file (3 bytes)"},
        {"h03-magic-only", TEXT("GGUF"), "cut short"},
        {"h04-ggml", TEXT("lmgg\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "old GGML"},
        {"h04-ggjt", TEXT("tjgg\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "old GGJT"},
        {"h04-zip", TEXT("PK\3\4aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "a zip archive"},
        {"h04-elf", TEXT("\x7f" "ELF\2\1\1aaaaaaaaaaaaaaaaaaaaaaa"), "a program"},
        {"h04-gzip", TEXT("\x1f\x8b\x08\0\0\0\0\0\0\3aaaaaaaaaaaaaaaa"), "gzip"},
        {"h04-safetensors", TEXT("\x10\0\0\0\0\0\0\0{\"__metadata__\":{}}"), "safetensors"},
        {"h04-html", TEXT("<!DOCTYPE html><html>Not found</html>"), "a web page"},
        {"h04-html-lower", TEXT("<html><head></head></html>"), "a web page"},
        {"h04-git-lfs", TEXT("version https://git-lfs.github.com/spec/v1\noid sha256"), "Git LFS"},
        {"h04-big-endian-magic", TEXT("FUGG\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0"), "big-endian"},
        {"h04-escapes", TEXT("\x1b]0;title\x07\x1b[2Jaaaaaaaaaaaaaaaaa"), "not a GGUF file"},
        {"h04-zeros", TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "not a GGUF file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_bytes(c, cases[i].name, cases[i].start, cases[i].n, BAD_FILE, cases[i].says);
    }
}

/* A good file with `n` bytes at `at` of another value. */
static void patched(corpus *c, const char *name, size_t at, uint64_t value, size_t n,
                    const char *says) {
    size_t size = 0;
    tiny_file *f = good();
    uint8_t *bytes = tiny_bytes(f, &size);
    memcpy(bytes + at, &value, n);
    put_bytes(c, name, bytes, size, BAD_FILE, says);
    free(bytes);
    tiny_free(f);
}

static void header_numbers(corpus *c) {
    patched(c, "h05-version-0", 4, 0, 4, "version 0");
    patched(c, "h06-version-1", 4, 1, 4, "version 1");
    patched(c, "h07-version-4", 4, 4, 4, "version 4");
    patched(c, "h07-version-max", 4, UINT32_MAX, 4, "version 4294967295");
    patched(c, "h08-version-swapped", 4, 0x03000000, 4, "big-endian GGUF version 3");
    patched(c, "h09-tensors-max", 8, UINT64_MAX, 8, "tensors are impossible");
    patched(c, "h10-tensors-2-60", 8, 1ull << 60, 8, "tensors are impossible");
    patched(c, "h10-tensors-2-63", 8, 1ull << 63, 8, "tensors are impossible");
    patched(c, "h10-tensors-2-32", 8, 1ull << 32, 8, "tensors are impossible");
    patched(c, "h10-tensors-wrap-24", 8, UINT64_MAX / 24 + 1, 8, "tensors are impossible");
    patched(c, "h11-keys-2-58", 16, 1ull << 58, 8, "keys are impossible");
    patched(c, "h11-keys-max", 16, UINT64_MAX, 8, "keys are impossible");
    patched(c, "h11-keys-wrap-13", 16, UINT64_MAX / 13 + 1, 8, "keys are impossible");
    patched(c, "h11-keys-65537", 16, 65537, 8, "keys are impossible");
    patched(c, "h14-no-tensors-said", 8, 0, 8, "no tensors");
    patched(c, "h14-no-keys-said", 16, 0, 8, "");
    const struct {
        const char *name;
        uint64_t keys, tensors;
        badness bad;
    } counts[] = {
        {"h12-one-key-more", 1, 0, BAD_FILE},
        {"h13-one-key-less", UINT64_MAX, 0, BAD_FILE},
        {"h13-two-keys-less", UINT64_MAX - 1, 0, BAD_FILE},
        {"h12-one-tensor-more", 0, 1, BAD_FILE},
        {"h13-one-tensor-less", 0, UINT64_MAX, BAD_TENSORS},
        {"h12-both-more", 3, 3, BAD_FILE},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        tiny_file *f = good();
        f->n_keys_said = counts[i].keys;
        f->n_tensors_said = counts[i].tensors;
        put_file(c, counts[i].name, f, counts[i].bad, "");
    }
    tiny_file *f = good();
    f->version = 2;
    accepted(c, "h05-version-2", f);
}

static void header_cuts(corpus *c) {
    size_t size = 0;
    tiny_file *f = good();
    uint8_t *bytes = tiny_bytes(f, &size);
    for (size_t n = 4; n < 24; n++) {
        char name[32];
        snprintf(name, sizeof name, "h15-cut-at-%02zu", n);
        put_bytes(c, name, bytes, n, BAD_FILE, "cut short");
    }
    put_bytes(c, "h15-cut-at-24", bytes, 24, BAD_FILE, "impossible");
    free(bytes);
    tiny_free(f);
}

void make_header_cases(corpus *c) {
    not_gguf(c);
    header_numbers(c);
    header_cuts(c);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* One more key with this name; value u32 1. */
static void key_name(corpus *c, const char *name, const char *key, size_t len, const char *says) {
    tiny_file *f = good();
    tiny_put_u32(f, "a.placeholder", 1);
    tiny_rename(tiny_get(f, "a.placeholder"), key, len);
    refused(c, name, f, says);
}

static void key_names(corpus *c) {
    static const char not_printable[] = "has a name that is empty, too long or not printable";
    key_name(c, "k19-key-empty", TEXT(""), not_printable);
    key_name(c, "k21-key-nul", TEXT("a\0b"), not_printable);
    key_name(c, "k21-key-escape", TEXT("a\x1b[2J"), not_printable);
    key_name(c, "k21-key-newline", TEXT("a\nb"), not_printable);
    key_name(c, "k21-key-blank", TEXT("a b"), not_printable);
    key_name(c, "k21-key-del", TEXT("a\x7f"), not_printable);
    key_name(c, "k22-key-not-utf8", TEXT("a\xff\xfe"), not_printable);
    key_name(c, "k22-key-c1", TEXT("a\xc2\x9b" "2J"), not_printable);
    key_name(c, "k23-key-twice", TEXT("general.name"), "'general.name' appears twice");
    key_name(c, "k23-key-twice-arch", TEXT("lfm2moe.block_count"), "appears twice");
    char *huge = malloc(70000);
    if (!huge) {
        exit(1);
    }
    memset(huge, 'k', 70000);
    key_name(c, "k20-key-65536", huge, 65536, not_printable);
    key_name(c, "k20-key-70000", huge, 70000, not_printable);
    tiny_file *f = good();
    tiny_put_u32(f, "a.placeholder", 1);
    tiny_rename(tiny_get(f, "a.placeholder"), huge, 65535);
    accepted(c, "k20-key-65535", f);
    free(huge);
}

/* The first key's length becomes `len`. */
static void key_lengths(corpus *c) {
    static const uint64_t lengths[] = {1ull << 63, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 24,
                                       1ull << 32, 1ull << 40, 1 << 20, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char name[48];
        snprintf(name, sizeof name, "k18-key-length-%zu", i);
        patched(c, name, 24, lengths[i], 8, "metadata key 0 at byte 24");
    }
}

/* One more key with this type and value, under a name that nothing reads. */
static void value_case(corpus *c, const char *name, uint32_t type, const void *value, size_t n,
                       const char *says) {
    tiny_file *f = good();
    tiny_put(f, "a.value", type, value, n);
    refused(c, name, f, says);
}

static void array_case(corpus *c, const char *name, uint32_t element, uint64_t n, const void *data,
                       size_t n_bytes, const char *says) {
    tiny_file *f = good();
    tiny_put_array(f, "a.value", element, n, data, n_bytes);
    refused(c, name, f, says);
}

static void values(corpus *c) {
    static const uint64_t lengths[] = {UINT64_MAX, 1ull << 63, 1ull << 32, 1000000,
                                       UINT64_MAX - 8};
    char name[48];
    value_case(c, "k24-type-13", 13, TEXT("\0\0\0\0"), "unknown type");
    value_case(c, "k24-type-max", UINT32_MAX, TEXT("\0\0\0\0"), "unknown type");
    value_case(c, "k24-type-2-31", 1u << 31, TEXT("\0\0\0\0"), "unknown type");
    value_case(c, "k24-type-255", 255, TEXT("\0\0\0\0"), "unknown type");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        snprintf(name, sizeof name, "k25-string-length-%zu", i);
        value_case(c, name, T_STRING, &lengths[i], 8, "past the end of the file");
    }
    value_case(c, "k33-bool-2", T_BOOL, TEXT("\2"), "neither 0 nor 1");
    value_case(c, "k33-bool-255", T_BOOL, TEXT("\xff"), "neither 0 nor 1");
    array_case(c, "k33-bool-array", T_BOOL, 3, TEXT("\0\1\2"), "neither 0 nor 1");
    array_case(c, "k27-u32-2-62", T_U32, 1ull << 62, TEXT(""), "more elements than the file has");
    array_case(c, "k27-u64-2-61", T_U64, 1ull << 61, TEXT(""), "more elements than the file has");
    array_case(c, "k27-u8-max", T_U8, UINT64_MAX, TEXT(""), "more elements than the file has");
    array_case(c, "k27-f64-2-60", T_F64, 1ull << 60, TEXT(""), "more elements than the file has");
    array_case(c, "k28-strings-2-29", T_STRING, 1u << 29, TEXT(""), "more elements than the");
    array_case(c, "k28-strings-2-61", T_STRING, 1ull << 61, TEXT(""), "more elements than");
    array_case(c, "k29-element-13", 13, 1, TEXT("\0\0\0\0"), "unknown type");
    array_case(c, "k29-element-max", UINT32_MAX, 1, TEXT("\0\0\0\0"), "unknown type");
    array_case(c, "k29-element-unknown-empty", 77, 0, TEXT(""), "unknown type");
    tiny_file *f = good();
    tiny_put_array(f, "a.value", T_U32, 0, "", 0);
    accepted(c, "k32-array-empty", f);
    f = good();
    tiny_put_array(f, "a.value", T_STRING, 0, "", 0);
    accepted(c, "k32-strings-empty", f);
    f = good();
    tiny_put_strn(f, "a.value", TEXT("\x1b]0;x\x07\0\xff\xc2\x9b"));
    accepted(c, "k21-string-of-escapes", f);
    f = good();
    tiny_put_strn(f, "general.name", TEXT("\x1b]0;owned\x07\x1b[2J\r\n\xc2\x9b" "31m\xe2\x80\xae"));
    accepted(c, "k21-name-of-escapes", f);
}

/* `depth` arrays inside each other, each of one element. */
static void nested(corpus *c, const char *name, size_t depth, badness bad,
                   const char *says) {
    uint8_t *bytes = calloc(depth, 12);
    const uint32_t array = T_ARRAY;
    const uint32_t last = T_U8;
    const uint64_t one = 1;
    if (!bytes) {
        exit(1);
    }
    for (size_t i = 0; i < depth; i++) {
        memcpy(bytes + 12 * i, i + 1 < depth ? &array : &last, 4);
        memcpy(bytes + 12 * i + 4, &one, 8);
    }
    bytes[12 * depth - 1] = 0;
    tiny_file *f = good();
    uint8_t *whole = malloc(12 * depth + 1);
    if (!whole) {
        exit(1);
    }
    memcpy(whole, bytes, 12 * depth);
    whole[12 * depth] = 7;
    tiny_put(f, "a.value", T_ARRAY, whole, 12 * depth + 1);
    put_file(c, name, f, bad, says);
    free(whole);
    free(bytes);
}

/* Arrays of 8 levels, each with as many elements as a short file can promise. */
static void array_bomb(corpus *c) {
    uint8_t bytes[12 * 9];
    for (size_t i = 0; i < 9; i++) {
        const uint32_t array = T_ARRAY;
        const uint64_t n = 1ull << 40;
        memcpy(bytes + 12 * i, &array, 4);
        memcpy(bytes + 12 * i + 4, &n, 8);
    }
    tiny_file *f = good();
    tiny_put(f, "a.value", T_ARRAY, bytes, sizeof bytes);
    refused(c, "k31-array-bomb", f, "nests arrays too deeply");
}

static void alignments(corpus *c) {
    static const uint32_t bad[] = {0, 1, 2, 4, 7, 33, 48, 1u << 21, 1u << 30, 1u << 31, UINT32_MAX};
    char name[48];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tiny_file *f = good();
        tiny_put_u32(f, "general.alignment", bad[i]);
        snprintf(name, sizeof name, "k36-alignment-%" PRIu32, bad[i]);
        refused(c, name, f, "general.alignment");
    }
    static const uint32_t fine[] = {8, 16, 64, 4096};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        tiny_file *f = good();
        f->alignment = fine[i];
        tiny_put_u32(f, "general.alignment", fine[i]);
        tiny_layout(f);
        snprintf(name, sizeof name, "k38-alignment-%" PRIu32, fine[i]);
        accepted(c, name, f);
    }
    const struct {
        const char *name;
        uint32_t type;
        const void *value;
        size_t n;
    } types[] = {
        {"k40-alignment-string", T_STRING, "\2\0\0\0\0\0\0\0" "32", 10},
        {"k40-alignment-f32", T_F32, "\0\0\0\x42", 4},
        {"k40-alignment-bool", T_BOOL, "\1", 1},
        {"k40-alignment-array", T_ARRAY, "\4\0\0\0\1\0\0\0\0\0\0\0\x20\0\0\0", 16},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        tiny_file *f = good();
        tiny_put(f, "general.alignment", types[i].type, types[i].value, types[i].n);
        refused(c, types[i].name, f, "should be an integer");
    }
    const int64_t minus = -32;
    tiny_file *f = good();
    tiny_put(f, "general.alignment", T_I64, &minus, 8);
    refused(c, "k40-alignment-negative", f, "is -32");
    const int64_t right = 32;
    f = good();
    tiny_put(f, "general.alignment", T_I64, &right, 8);
    accepted(c, "k40-alignment-i64", f);
}

/* Many keys, and long values: within a second. */
static void sizes(corpus *c) {
    enum { MANY = 1000000, KEY = 8 + 6 + 4 + 1, LONG = 20 << 20 };
    uint8_t *bytes = calloc(1, 24 + (size_t)MANY * KEY);
    char *text = malloc(LONG);
    if (!bytes || !text) {
        exit(1);
    }
    memcpy(bytes, "GGUF\3\0\0\0", 8);
    const uint64_t n_tensors = 1;
    const uint64_t six = 6;
    for (int i = 0; i < MANY; i++) {
        char key[16];
        uint8_t *p = bytes + 24 + (size_t)i * KEY;
        memcpy(p, &six, 8);
        snprintf(key, sizeof key, "%06d", i);
        memcpy(p + 8, key, 6);
    }
    uint64_t n_keys = MANY;
    memcpy(bytes + 8, &n_tensors, 8);
    memcpy(bytes + 16, &n_keys, 8);
    put_bytes(c, "k35-a-million-keys", bytes, 24 + (size_t)MANY * KEY, BAD_FILE,
              "keys are impossible");
    n_keys = 65536;
    memcpy(bytes + 16, &n_keys, 8);
    put_bytes(c, "k35-65536-keys", bytes, 24 + (size_t)65536 * KEY + 64, BAD_FILE, "");
    memset(text, 'x', LONG);
    tiny_file *f = good();
    tiny_put_strn(f, "a.value", text, LONG);
    accepted(c, "k41-string-20-MB", f);
    f = good();
    tiny_put_strn(f, "general.name", text, LONG);
    accepted(c, "k41-name-20-MB", f);
    free(text);
    free(bytes);
}

/* Cut where something begins or ends, and in the middle of it. */
static void key_cuts(corpus *c) {
    size_t size = 0;
    tiny_file *f = good();
    uint8_t *bytes = tiny_bytes(f, &size);
    for (size_t i = 0; i < 30; i++) {
        char name[48];
        const size_t at = 25 + i * (f->keys_end - 25) / 30;
        snprintf(name, sizeof name, "k34-cut-%02zu", i);
        put_bytes(c, name, bytes, at, BAD_FILE, "");
    }
    put_bytes(c, "k34-cut-behind-the-keys", bytes, f->keys_end, BAD_FILE, "");
    free(bytes);
    tiny_free(f);
}

void make_key_cases(corpus *c) {
    key_names(c);
    key_lengths(c);
    values(c);
    nested(c, "k30-nested-2", 2, GOOD, "");
    nested(c, "k31-nested-8", 8, GOOD, "");
    nested(c, "k31-nested-10", 10, BAD_FILE, "nests arrays too deeply");
    nested(c, "k31-nested-1000", 1000, BAD_FILE, "nests arrays too deeply");
    nested(c, "k31-nested-1000000", 1000000, BAD_FILE, "nests arrays too deeply");
    array_bomb(c);
    alignments(c);
    sizes(c);
    key_cuts(c);
}
