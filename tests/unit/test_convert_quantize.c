/*
 * test_convert_quantize.c - making blocks, against what ggml makes of the same floats.
 *
 * golden/blocks/quantized.tsv holds hashes of ggml's blocks for floats of every kind (made by
 * tools/gen_quantize_hashes.c); with ../shared present, its blocks themselves are compared.
 */
#include "convert/quantize.h"

#include "../support/floats.h"
#include "kernel/kernel.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_GOLDEN = 4096 };

static float sweep[FLOATS_SWEEP];
static uint8_t blocks[FLOATS_SWEEP * sizeof(float)];

static void test_hashes_of_every_type(void **state) {
    (void)state;
    FILE *f = fopen("tests/golden/blocks/quantized.tsv", "r");
    assert_non_null(f);
    char name[16];
    uint64_t want;
    int n_types = 0;
    floats_sweep(sweep, 1);
    assert_int_equal(fscanf(f, "%*[^\n]"), 0);
    while (fscanf(f, "%15s %" SCNx64, name, &want) == 2) {
        qtype type = QTYPE_COUNT;
        assert_true(qtype_from_name(name, strlen(name), &type));
        assert_true(kern_can_quantize(type));
        assert_true(kern_quantize_rows(type, blocks, sweep, FLOATS_SWEEP / FLOATS_RUN, FLOATS_RUN));
        if (floats_hash(blocks, qtype_row_bytes(type, FLOATS_SWEEP)) != want) {
            fail_msg("%s: other blocks than ggml's", name);
        }
        n_types++;
    }
    fclose(f);
    int n_can = 0;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        n_can += kern_can_quantize((qtype)t);
    }
    assert_int_equal(n_types, n_can - 1); /* F32 needs no hash */
}

/* The bytes of a file of ../shared; NULL when it is absent. */
static void *golden(const char *name, size_t size) {
    char path[600];
    const char *shared = getenv("LFM_SHARED");
    snprintf(path, sizeof path, "%s/golden/blocks/%s", shared ? shared : "../shared", name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    void *data = malloc(size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, size, f), size);
    fclose(f);
    return data;
}

/* The golden folder keeps the floats behind one type only: the others were made of other floats. */
static void test_golden_blocks(void **state) {
    (void)state;
    const size_t size = qtype_row_bytes(QTYPE_Q4_0, N_GOLDEN);
    float *x = golden("source.f32", N_GOLDEN * sizeof *x);
    uint8_t *want = golden("q4_0.q", size);
    if (!x || !want) {
        skip();
    }
    assert_true(kern_quantize_rows(QTYPE_Q4_0, blocks, x, 1, N_GOLDEN));
    assert_memory_equal(blocks, want, size);
    free(want);
    free(x);
}

/* Blocks come back near what they were made of, so that no hash alone says what right is. */
static void test_errors_are_small(void **state) {
    (void)state;
    static const struct {
        qtype type;
        double bits; /* of precision against the spread */
    } cases[] = {
        {QTYPE_Q8_0, 7.0}, {QTYPE_Q6_K, 5.0},   {QTYPE_Q5_K, 4.0},   {QTYPE_Q5_1, 4.0},
        {QTYPE_Q5_0, 4.0}, {QTYPE_Q4_K, 3.0},   {QTYPE_Q4_1, 3.0},   {QTYPE_Q4_0, 3.0},
        {QTYPE_Q3_K, 2.0}, {QTYPE_IQ4_NL, 3.0}, {QTYPE_IQ4_XS, 3.0}, {QTYPE_MXFP4, 2.5},
        {QTYPE_Q2_K, 1.2}, {QTYPE_F16, 11.0},   {QTYPE_BF16, 8.0},
    };
    static float back[4096];
    floats_fill(sweep, 4096, FLOATS_BELL, 7);
    double power = 0.0;
    for (size_t i = 0; i < 4096; i++) {
        power += (double)sweep[i] * (double)sweep[i];
    }
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double error = 0.0;
        assert_true(kern_quantize_rows(cases[c].type, blocks, sweep, 16, 256));
        kern_dequantize(cases[c].type, back, blocks, 4096);
        for (size_t i = 0; i < 4096; i++) {
            const double d = (double)sweep[i] - (double)back[i];
            error += d * d;
        }
        const double bits = 0.5 * log2(power / error);
        if (bits < cases[c].bits || bits > cases[c].bits + 2.0) {
            fail_msg("%s keeps %.2f bits, wanted %.1f to %.1f", qtype_get(cases[c].type)->name,
                     bits, cases[c].bits, cases[c].bits + 2.0);
        }
    }
}

/* What no block can hold is said, wherever in the row it is. */
static void test_refuses_what_is_not_finite(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f};
    static float x[512];
    for (int t = 0; t < QTYPE_COUNT; t++) {
        const qtype type = (qtype)t;
        if (!kern_can_quantize(type)) {
            continue;
        }
        for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
            for (size_t at = 0; at < 512; at += 73) {
                floats_fill(x, 512, FLOATS_BELL, at);
                assert_true(kern_quantize_rows(type, blocks, x, 2, 256));
                x[at] = bad[b];
                /* Formats with the exponents of floats hold large numbers. */
                const bool fits = isfinite(bad[b]) && (type == QTYPE_F32 || type == QTYPE_BF16 ||
                                                       type == QTYPE_MXFP4);
                if (kern_quantize_rows(type, blocks, x, 2, 256) != fits) {
                    fail_msg("%s with %g at %zu", qtype_get(type)->name, (double)bad[b], at);
                }
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_of_every_type),
        cmocka_unit_test(test_golden_blocks),
        cmocka_unit_test(test_errors_are_small),
        cmocka_unit_test(test_refuses_what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
