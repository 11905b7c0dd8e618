/*
 * test_kernel_unpack.c - reading blocks, against what ggml makes of the same bytes.
 *
 * golden/blocks/hashes.tsv holds the hashes (its README says how they were made); with ../shared
 * present, the floats themselves are compared.
 */
#include "kernel/kernel.h"

#include "../support/blocks.h"
#include "base/bytes.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N_GOLDEN = 4096, N_FLOAT = 3 }; /* weights per golden file; types that are floats */

/* The bytes of a file, in memory of exactly that size; NULL when it is absent. */
static void *read_file(const char *folder, const char *name, size_t *size) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    void *data = malloc(*size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, f), *size);
    fclose(f);
    return data;
}

/* The floats of N_GOLDEN weights of `type` in golden/blocks. */
static float *golden_floats(qtype type) {
    const qtype_info *info = qtype_get(type);
    size_t size = 0;
    void *raw = read_file("tests/golden/blocks", blocks_file(info, "raw").text, &size);
    if (!raw) {
        fail_msg("no tests/golden/blocks file for %s; run from the repository's root", info->name);
    }
    assert_int_equal(size, qtype_row_bytes(type, N_GOLDEN));
    float *y = malloc(N_GOLDEN * sizeof *y);
    assert_non_null(y);
    kern_dequantize(type, y, raw, N_GOLDEN);
    free(raw);
    return y;
}

/* The floats of the random blocks behind the column `sweep`. */
static uint64_t sweep_hash(qtype type) {
    const qtype_info *info = qtype_get(type);
    const size_t n_bytes = (size_t)BLOCKS_SWEEP * info->block_bytes;
    const size_t k = (size_t)BLOCKS_SWEEP * info->block_weights;
    uint8_t *raw = malloc(n_bytes);
    float *y = malloc(k * sizeof *y);
    assert_non_null(raw);
    assert_non_null(y);
    blocks_fill(raw, n_bytes, type, BLOCKS_ANY, info->number);
    kern_dequantize(type, y, raw, k);
    const uint64_t hash = blocks_hash(y, k);
    free(y);
    free(raw);
    return hash;
}

static void test_hashes_of_every_type(void **state) {
    (void)state;
    FILE *f = fopen("tests/golden/blocks/hashes.tsv", "r");
    assert_non_null(f);
    char name[16];
    char golden[20];
    uint64_t sweep;
    int n_types = 0;
    assert_int_equal(fscanf(f, "%*[^\n]"), 0);
    while (fscanf(f, "%15s %19s %" SCNx64, name, golden, &sweep) == 3) {
        qtype type = QTYPE_COUNT;
        assert_true(qtype_from_name(name, strlen(name), &type));
        n_types++;
        if (golden[0] != '-') {
            float *y = golden_floats(type);
            const uint64_t hash = blocks_hash(y, N_GOLDEN);
            free(y);
            if (hash != strtoull(golden, NULL, 16)) {
                fail_msg("%s.raw dequantises to other floats than ggml's", name);
            }
        }
        if (sweep_hash(type) != sweep) {
            fail_msg("random blocks of %s dequantise to other floats than ggml's", name);
        }
    }
    fclose(f);
    assert_int_equal(n_types, QTYPE_COUNT - 1); /* F32 needs no hash */
}

static void test_golden_floats(void **state) {
    (void)state;
    char folder[500];
    const char *shared = getenv("LFM_SHARED");
    snprintf(folder, sizeof folder, "%s/golden/blocks", shared ? shared : "../shared");
    int n_seen = 0;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        size_t size = 0;
        float *want = kern_unpack((qtype)t)
                          ? read_file(folder, blocks_file(qtype_get((qtype)t), "f32").text, &size)
                          : NULL;
        if (!want) {
            continue;
        }
        assert_int_equal(size, N_GOLDEN * sizeof *want);
        float *y = golden_floats((qtype)t);
        for (size_t i = 0; i < N_GOLDEN; i++) {
            if (f32_bits(y[i]) != f32_bits(want[i])) {
                fail_msg("%s: weight %zu is %.9g, not %.9g", qtype_get((qtype)t)->name, i,
                         (double)y[i], (double)want[i]);
            }
        }
        free(y);
        free(want);
        n_seen++;
    }
    if (n_seen == 0) {
        print_message("%s is not here\n", folder);
        skip();
    }
    assert_int_equal(n_seen, QTYPE_COUNT - N_FLOAT);
}

static void test_every_quantised_type_has_a_reader(void **state) {
    (void)state;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        const bool quantised = qtype_get((qtype)t)->block_weights > 1;
        assert_int_equal(kern_unpack((qtype)t) != NULL, quantised);
    }
}

/* A type has a min exactly if some of its blocks have one. */
static void test_has_min_and_sum_bounds(void **state) {
    (void)state;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        const qtype_info *info = qtype_get((qtype)t);
        if (info->block_weights == 1) {
            assert_false(kern_has_min((qtype)t));
            continue;
        }
        bool any_min = false;
        int64_t most = 0;
        for (uint64_t seed = 0; seed < 300; seed++) {
            uint8_t block[256];
            kern_block b;
            const blocks_kind kind = seed == 0   ? BLOCKS_ZEROS
                                     : seed == 1 ? BLOCKS_ONES
                                                 : BLOCKS_TAME;
            blocks_fill(block, info->block_bytes, (qtype)t, kind, seed);
            memset(&b, 0x5a, sizeof b);
            kern_unpack((qtype)t)(&b, block);
            any_min = any_min || b.dmin != 0.0f;
            int64_t sum = 0;
            for (size_t i = 0; i < info->block_weights; i++) {
                sum += llabs((int64_t)b.scale[i / KERN_GROUP] * b.q[i]) * 127;
            }
            most = sum > most ? sum : most;
        }
        assert_int_equal(any_min, kern_has_min((qtype)t));
        if (t != QTYPE_NVFP4) { /* contract 2 */
            assert_true(most < INT32_MAX);
        }
    }
}

/* The float types, value by value. */
static void test_float_rows(void **state) {
    (void)state;
    uint8_t row[1 + 4 * 65536]; /* from an odd address */
    float *y = malloc(65536 * sizeof *y);
    assert_non_null(y);
    for (uint32_t i = 0; i < 65536; i++) {
        const uint16_t h = (uint16_t)i;
        memcpy(row + 1 + 2 * i, &h, sizeof h);
    }
    kern_dequantize(QTYPE_F16, y, row + 1, 65536);
    for (uint32_t i = 0; i < 65536; i++) {
        assert_int_equal(f32_bits(y[i]), f32_bits(f16_to_f32((uint16_t)i)));
    }
    kern_dequantize(QTYPE_BF16, y, row + 1, 65536);
    for (uint32_t i = 0; i < 65536; i++) {
        assert_int_equal(f32_bits(y[i]), i << 16);
    }
    kern_dequantize(QTYPE_F32, y, row + 1, 32768);
    assert_memory_equal(y, row + 1, 32768 * sizeof *y);
    free(y);
}

/* Blocks whose values can be read off the specification. */
static void test_blocks_by_hand(void **state) {
    (void)state;
    kern_block b;
    /* MXFP4: exponents 0, 1, 127 and 255 are 2^-127, 2^-126, 1 and 2^128, here halved. */
    static const struct {
        uint8_t exponent;
        float d;
    } mx[] = {{0, 0x1p-128f}, {1, 0x1p-127f}, {2, 0x1p-126f}, {127, 0.5f}, {255, 0x1p127f}};
    for (size_t i = 0; i < sizeof mx / sizeof mx[0]; i++) {
        const qblock_MXFP4 block = {mx[i].exponent, {0x71, 0x9f}}; /* 0.5 and 6; -6 and -0.5 */
        kern_unpack(QTYPE_MXFP4)(&b, &block);
        assert_int_equal(f32_bits(b.d), f32_bits(mx[i].d));
        assert_int_equal(b.q[0], 1);
        assert_int_equal(b.q[16], 12);
        assert_int_equal(b.q[1], -12);
        assert_int_equal(b.q[17], -1);
    }
    /* NVFP4: UE4M3 1.0 = 0x38, 2^-9 = 0x01, 448 = 0x7e, NaN = 0x7f (zero here). */
    const qblock_NVFP4 nv = {{0x38, 0x01, 0x7e, 0x7f}, {0x07}};
    float y[64];
    kern_dequantize(QTYPE_NVFP4, y, &nv, 64);
    assert_true(y[0] == 6.0f && y[8] == 0.0f);
    kern_unpack(QTYPE_NVFP4)(&b, &nv);
    assert_true(b.d * (float)b.scale[0] == 0.5f);
    assert_true(b.d * (float)b.scale[1] == 0x1p-10f);
    assert_true(b.d * (float)b.scale[2] == 224.0f);
    assert_int_equal(b.scale[3], 0);
    /* TQ1_0: the byte 0xff holds five digits 2, the byte 0 five digits 0; 128 is 0.11111. */
    qblock_TQ1_0 tq = {.five = {0xff, 0, 128}};
    kern_unpack(QTYPE_TQ1_0)(&b, &tq);
    for (size_t digit = 0; digit < 5; digit++) {
        assert_int_equal(b.q[32 * digit], 1);
        assert_int_equal(b.q[32 * digit + 1], -1);
        assert_int_equal(b.q[32 * digit + 2], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_of_every_type),
        cmocka_unit_test(test_golden_floats),
        cmocka_unit_test(test_every_quantised_type_has_a_reader),
        cmocka_unit_test(test_has_min_and_sum_bounds),
        cmocka_unit_test(test_float_rows),
        cmocka_unit_test(test_blocks_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
