/*
 * tensors.c - malformed tensor tables (# 42 to 68).
 */
#include "hostile.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FFN "blk.0.ffn_up.weight" /* a matrix of 32 x 64 */

static void name_case(corpus *c, const char *name, const char *tensor, size_t len,
                      badness bad, const char *says) {
    tiny_file *f = good();
    tiny_rename_tensor(tiny_get_tensor(f, FFN), tensor, len);
    put_file(c, name, f, bad, says);
}

static void names(corpus *c) {
    static const char bad[] = "has a name that is empty, longer than 63 bytes or not printable";
    char longest[130];
    memset(longest, 'n', sizeof longest);
    name_case(c, "t42-name-64", longest, 64, BAD_FILE, bad);
    name_case(c, "t42-name-128", longest, 128, BAD_FILE, bad);
    name_case(c, "t42-name-63", longest, 63, BAD_TENSORS, "is missing");
    name_case(c, "t43-name-empty", TEXT(""), BAD_FILE, bad);
    name_case(c, "t44-name-twice", TEXT("blk.0.ffn_gate.weight"), BAD_FILE, "appears twice");
    name_case(c, "t45-name-nul", FFN "\0x", sizeof FFN + 1, BAD_FILE, bad);
    name_case(c, "t45-name-nul-first", "\0" FFN, sizeof FFN, BAD_FILE, bad);
    name_case(c, "t46-name-escape", TEXT("blk.0\x1b[31m.weight"), BAD_FILE, bad);
    name_case(c, "t46-name-newline", TEXT("blk.0.ffn_up\nweight"), BAD_FILE, bad);
    name_case(c, "t46-name-not-utf8", TEXT("blk.0.ffn_up\xff"), BAD_FILE, bad);
    name_case(c, "t46-name-bidi", TEXT("blk.0\xe2\x80\xae"), BAD_FILE, bad);
    name_case(c, "t46-name-format", TEXT("%s%n%x"), BAD_TENSORS, "is missing");
}

/* The matrix gets this type, dimension and offset; UINT64_MAX leaves the offset. */
static void dims_case(corpus *c, const char *name, uint32_t n_dims, uint64_t d0, uint64_t d1,
                      uint64_t d2, uint64_t d3, const char *says) {
    tiny_file *f = good();
    tiny_tensor *t = tiny_get_tensor(f, FFN);
    t->n_dims = n_dims;
    t->dim[0] = d0;
    t->dim[1] = d1;
    t->dim[2] = d2;
    t->dim[3] = d3;
    put_file(c, name, f, strncmp(name, "t101", 4) == 0 ? BAD_TENSORS : BAD_FILE, says);
}

static void dims(corpus *c) {
    static const char bad[] = "dimension that is zero or impossibly large";
    const uint64_t big = 1ull << 32;
    dims_case(c, "t47-no-dims", 0, 32, 64, 1, 1, "1 to 4 dimensions");
    dims_case(c, "t48-dims-5", 5, 32, 64, 1, 1, "1 to 4 dimensions");
    dims_case(c, "t48-dims-8", 8, 32, 64, 1, 1, "1 to 4 dimensions");
    dims_case(c, "t48-dims-2-31", 1u << 31, 32, 64, 1, 1, "1 to 4 dimensions");
    dims_case(c, "t48-dims-max", UINT32_MAX, 32, 64, 1, 1, "1 to 4 dimensions");
    dims_case(c, "t49-dim-0-zero", 2, 0, 64, 1, 1, bad);
    dims_case(c, "t50-dim-1-zero", 2, 32, 0, 1, 1, bad);
    dims_case(c, "t50-dim-2-zero", 3, 32, 64, 0, 1, bad);
    dims_case(c, "t50-dim-3-zero", 4, 32, 64, 1, 0, bad);
    dims_case(c, "t50-all-zero", 4, 0, 0, 0, 0, bad);
    dims_case(c, "t51-dim-2-63", 2, 1ull << 63, 1, 1, 1, bad);
    dims_case(c, "t51-dim-max", 2, UINT64_MAX, 1, 1, 1, bad);
    dims_case(c, "t51-dim-1-negative", 2, 32, UINT64_MAX - 31, 1, 1, bad);
    dims_case(c, "t52-product-2-64", 2, big, big, 1, 1, bad);
    dims_case(c, "t52-product-wraps-to-0", 4, big, big, big, big, bad);
    dims_case(c, "t52-product-wraps-to-2048", 3, 32, (1ull << 59) + 2, 32, 1, bad);
    dims_case(c, "t53-bytes-2-64", 2, 1ull << 62, 2, 1, 1, "");
    dims_case(c, "t54-bytes-near-2-63", 2, 32, (1ull << 62) / 34, 1, 1, "");
    dims_case(c, "t54-bytes-near-2-64", 2, 32, UINT64_MAX / 34 - 1, 1, 1, "");
    dims_case(c, "t60-too-many-rows", 2, 32, 1000000, 1, 1, "ends early");
    dims_case(c, "t101-swapped", 2, 64, 32, 1, 1, "has the shape [64, 32, 1, 1]; expected [32, 64");
    dims_case(c, "t101-flat", 1, 2048, 1, 1, 1, "has the shape [2048, 1, 1, 1]");
    dims_case(c, "t101-rank-3", 3, 32, 8, 8, 1, "has the shape [32, 8, 8, 1]");
    dims_case(c, "t101-rank-4", 4, 32, 2, 4, 8, "has the shape [32, 2, 4, 8]");
    dims_case(c, "t101-one-row-less", 2, 32, 63, 1, 1, "has the shape [32, 63, 1, 1]");
}

static void type_case(corpus *c, const char *name, const char *tensor, uint32_t type,
                      const char *says) {
    tiny_file *f = good();
    tiny_get_tensor(f, tensor)->type = type;
    put_file(c, name, f, strncmp(name, "t102", 4) == 0 ? BAD_TENSORS : BAD_FILE, says);
}

static void types(corpus *c) {
    static const uint32_t removed[] = {4, 5, 31, 32, 33, 36, 37, 38};
    static const uint32_t unknown[] = {9, 15, 24, 25, 26, 27, 28, 43, 100, 255, 999, 1u << 31,
                                       UINT32_MAX};
    static const uint32_t of_256[] = {10, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 29, 34, 35};
    char name[48];
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        snprintf(name, sizeof name, "t57-removed-type-%" PRIu32, removed[i]);
        type_case(c, name, FFN, removed[i], "was removed from GGUF");
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        snprintf(name, sizeof name, "t56-unknown-type-%" PRIu32, unknown[i]);
        type_case(c, name, FFN, unknown[i], unknown[i] == 9 ? "" : "unknown type number");
    }
    for (size_t i = 0; i < sizeof of_256 / sizeof *of_256; i++) {
        snprintf(name, sizeof name, "t55-rows-of-32-type-%" PRIu32, of_256[i]);
        type_case(c, name, FFN, of_256[i], "stores blocks of 256");
    }
    type_case(c, "t58-nvfp4", FFN, 40, "stores blocks of 64");
    type_case(c, "t53-f32-reaches-out", "blk.2.ffn_down_exps.weight", 0, "ends early");
    type_case(c, "t102-norm-f16", "blk.0.attn_norm.weight", 1, "has type F16; expected F32");
    type_case(c, "t102-norm-bf16", "token_embd_norm.weight", 30, "has type BF16; expected F32");
    type_case(c, "t102-taps-f16", "blk.0.shortconv.conv.weight", 1, "has type F16; expected F32");
    type_case(c, "t102-router-f16", "blk.1.ffn_gate_inp.weight", 1, "has type F16; expected F32");
    type_case(c, "t102-bias-f16", "blk.1.exp_probs_b.bias", 1, "has type F16; expected F32");
    type_case(c, "t102-norm-q8", "blk.0.attn_norm.weight", 8, "has type Q8_0; expected F32");
}

static void offset_case(corpus *c, const char *name, const char *tensor, uint64_t offset,
                        const char *says) {
    tiny_file *f = good();
    tiny_get_tensor(f, tensor)->offset = offset;
    refused(c, name, f, says);
}

static void offsets(corpus *c) {
    static const char crooked[] = "does not start at a multiple of the alignment";
    offset_case(c, "t59-offset-1", FFN, 1, crooked);
    offset_case(c, "t59-offset-16", FFN, 16, crooked);
    offset_case(c, "t59-offset-max", FFN, UINT64_MAX, crooked);
    offset_case(c, "t60-offset-1-GB", FFN, 1u << 30, "ends early");
    offset_case(c, "t61-offset-wraps", FFN, UINT64_MAX - 31, "impossible offset");
    offset_case(c, "t61-offset-wraps-to-0", FFN, UINT64_MAX - 2 * 1024 - 31, "impossible offset");
    offset_case(c, "t61-offset-2-63", FFN, 1ull << 63, "impossible offset");
    offset_case(c, "t61-offset-near-2-63", FFN, (1ull << 63) - 32, "impossible offset");
    offset_case(c, "t62-same-offset", FFN, 0, "overlap");
    tiny_file *f = good();
    tiny_get_tensor(f, "blk.0.ffn_down.weight")->offset = tiny_get_tensor(f, FFN)->offset + 32;
    refused(c, "t62-overlap-by-little", f, "overlap");
    f = good();
    for (size_t i = 0; i < f->n_tensors; i++) {
        f->tensors[i].offset = 0;
    }
    refused(c, "t62-all-at-0", f, "overlap");
    f = good();
    for (size_t i = 0; i < f->n_tensors; i++) {
        f->tensors[i].offset += 4096;
        f->tensors[i].place += 4096;
    }
    accepted(c, "t63-gap", f);
    f = good();
    size_t n = 0;
    free(tiny_bytes(f, &n)); /* the offsets are swapped, and the data stays: two shapes alike */
    tiny_tensor *a = tiny_get_tensor(f, "blk.0.ffn_gate.weight");
    tiny_tensor *b = tiny_get_tensor(f, FFN);
    const uint64_t offset = a->offset;
    a->offset = b->offset;
    b->offset = offset;
    accepted(c, "t64-other-order", f);
}

static void cuts(corpus *c) {
    size_t n = 0;
    tiny_file *f = good();
    uint8_t *bytes = tiny_bytes(f, &n);
    char name[48];
    put_bytes(c, "t66-cut-1", bytes, n - 1, BAD_FILE, "ends early");
    put_bytes(c, "t66-cut-page", bytes, n - 4096, BAD_FILE, "ends early");
    put_bytes(c, "t66-cut-half", bytes, n / 2, BAD_FILE, "ends early");
    put_bytes(c, "t66-cut-last-tensor", bytes, n - f->tensors[f->n_tensors - 1].n_bytes, BAD_FILE,
              "ends early");
    put_bytes(c, "t65-no-data", bytes, f->head_bytes, BAD_FILE, "ends early");
    put_bytes(c, "t65-before-data", bytes, f->head_bytes - 1, BAD_FILE, "");
    for (size_t i = 0; i < 30; i++) {
        const size_t at = f->keys_end + 1 + i * (f->head_bytes - 32 - f->keys_end) / 30;
        snprintf(name, sizeof name, "t66-cut-table-%02zu", i);
        put_bytes(c, name, bytes, at, BAD_FILE, "");
    }
    uint8_t *longer = calloc(1, n + 5000);
    if (!longer) {
        exit(1);
    }
    memcpy(longer, bytes, n);
    put_bytes(c, "t67-trailing-1", longer, n + 1, GOOD, "");
    put_bytes(c, "t67-trailing-5000", longer, n + 5000, GOOD, "");
    memcpy(longer + n, "GGUF\3\0\0\0", 8);
    put_bytes(c, "t67-another-file-behind", longer, n + 5000, GOOD, "");
    free(longer);
    free(bytes);
    tiny_free(f);
}

/* A table of `n` tensors with one weight each. */
static void many(corpus *c, const char *name, uint64_t n, const char *says) {
    enum { ENTRY = 8 + 6 + 4 + 8 + 4 + 8 };
    const size_t size = 24 + (size_t)n * ENTRY + (size_t)n * 32 + 64;
    uint8_t *bytes = calloc(1, size);
    const uint64_t six = 6;
    const uint64_t one = 1;
    if (!bytes) {
        exit(1);
    }
    memcpy(bytes, "GGUF\3\0\0\0", 8);
    memcpy(bytes + 8, &n, 8);
    for (uint64_t i = 0; i < n; i++) {
        uint8_t *p = bytes + 24 + i * ENTRY;
        char text[8];
        const uint64_t offset = 32 * i;
        snprintf(text, sizeof text, "%06u", (unsigned)(i % 1000000));
        memcpy(p, &six, 8);
        memcpy(p + 8, text, 6);
        memcpy(p + 14, &one, 4);
        memcpy(p + 18, &one, 8);
        memcpy(p + 30, &offset, 8);
    }
    put_bytes(c, name, bytes, size, BAD_FILE, says);
    free(bytes);
}

void make_tensor_cases(corpus *c) {
    names(c);
    dims(c);
    types(c);
    offsets(c);
    cuts(c);
    many(c, "t68-65536-tensors", 65536, "'general.architecture' is missing");
    many(c, "t68-65537-tensors", 65537, "tensors are impossible");
}
