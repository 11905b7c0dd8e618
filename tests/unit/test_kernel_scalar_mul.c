/*
 * test_kernel_scalar_mul.c - the scalar products and the quantisation of activations, against
 * the contracts of kernel.h evaluated a second time, one weight after another, and in doubles.
 */
#include "kernel/scalar.h"

#include "../support/blocks.h"
#include "base/bytes.h"
#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_N = 9, MAX_ROWS = 5 };

/* ---- A product with all it needs ------------------------------------------------------------- */

/* Every piece of memory has exactly its size, so that a sanitizer sees a read outside. */
typedef struct {
    qtype type;
    size_t n, rows, k;
    size_t block;         /* values per block of activations, 0 = floats */
    uint8_t *memory;      // one byte, then the weights: their address is odd
    float *x[MAX_N];      // [k], as floats
    void *act[MAX_N];     // the same quantised; NULL for float weights
    float *y[MAX_N];      // [rows]
} product;

static void *need(void *p) {
    assert_non_null(p);
    return p;
}

static const uint8_t *row_of(const product *p, size_t r) {
    return p->memory + 1 + r * qtype_row_bytes(p->type, p->k);
}

/* Roughly normal values, with a scale that differs per token. */
static void random_row(float *x, size_t k, uint64_t seed) {
    for (size_t i = 0; i < k; i++) {
        double sum = -3;
        for (uint64_t j = 0; j < 6; j++) {
            sum += rng_unit(rng_at(seed, i * 6 + j));
        }
        x[i] = (float)(sum * (1.0 + (double)(seed % 7)));
    }
}

static void quantize(product *p) {
    for (size_t t = 0; t < p->n && p->block; t++) {
        kern_quantize_scalar(p->act[t], p->x[t], p->k, p->block);
    }
}

static product make(qtype type, blocks_kind kind, size_t n, size_t rows, size_t k, uint64_t seed) {
    product p = {.type = type, .n = n, .rows = rows, .k = k};
    const size_t w_bytes = rows * qtype_row_bytes(type, k);
    p.block = kern_act_block(qtype_get(type)->block_weights);
    p.memory = need(malloc(w_bytes + 1));
    blocks_fill(p.memory + 1, w_bytes, type, kind, seed);
    for (size_t t = 0; t < n; t++) {
        p.x[t] = need(malloc(k * sizeof(float)));
        p.y[t] = need(malloc(rows * sizeof(float)));
        random_row(p.x[t], k, seed * 31 + t);
        if (p.block) {
            p.act[t] = need(aligned_alloc(64, kern_act_bytes(k, p.block)));
        }
    }
    quantize(&p);
    return p;
}

static void drop(product *p) {
    for (size_t t = 0; t < p->n; t++) {
        free(p->x[t]);
        free(p->act[t]);
        free(p->y[t]);
    }
    free(p->memory);
}

/* Tokens [first, first + n) of the product. */
static void run(product *p, size_t first, size_t n) {
    kern_table table = {0};
    const void *x[MAX_N];
    for (size_t t = 0; t < p->n; t++) {
        x[t] = p->block ? p->act[t] : (const void *)p->x[t];
    }
    kern_scalar_mul(&table);
    table.mul[p->type](p->y + first, p->memory + 1, x + first, n, p->rows, p->k, NULL);
}

/* ---- The contracts, one weight after another ------------------------------------------------- */

typedef struct {
    float y;         /* by the contract */
    double exact;    /* the same terms without rounding */
    double size;     /* sum of the magnitudes of all terms, for error bounds */
} expectation;

static expectation expect_quant(const product *p, const uint8_t *row, const void *act) {
    const size_t weights = qtype_get(p->type)->block_weights;
    const int8_t *q = act;
    expectation e = {0};
    int64_t s = 0;
    int64_t m = 0;
    kern_block b;
    for (size_t i = 0; i < p->k; i++) {
        const size_t in = i % weights;
        if (in == 0) {
            kern_unpack(p->type)(&b, row + qtype_row_bytes(p->type, i));
        }
        float dx;
        memcpy(&dx, q + kern_act_d_offset(p->k) + i / p->block * sizeof dx, sizeof dx);
        s += (int64_t)b.scale[in / 16] * b.q[in] * q[i];
        m += (int64_t)b.min[in / 16] * q[i];
        const double plus = (double)b.d * b.scale[in / 16] * b.q[in] * q[i] * (double)dx;
        const double minus = (double)b.dmin * b.min[in / 16] * q[i] * (double)dx;
        e.exact += plus - minus;
        e.size += fabs(plus) + fabs(minus);
        if ((i + 1) % p->block == 0) {
            e.y = fmaf((float)s * b.d, dx, e.y);
            if (kern_has_min(p->type)) {
                e.y = fmaf(-((float)m * dx), b.dmin, e.y);
            }
            s = m = 0;
        }
    }
    return e;
}

static expectation expect_float(const product *p, const uint8_t *row, const float *x) {
    expectation e = {0};
    float lane[16] = {0};
    for (size_t i = 0; i < p->k; i++) {
        float w;
        kern_dequantize(p->type, &w, row + qtype_row_bytes(p->type, i), 1);
        lane[i % 16] = fmaf(w, x[i], lane[i % 16]);
        e.exact += (double)w * (double)x[i];
        e.size += fabs((double)w * (double)x[i]);
    }
    float a[8], b[4];
    for (int l = 0; l < 8; l++) {
        a[l] = lane[l] + lane[l + 8];
    }
    for (int l = 0; l < 4; l++) {
        b[l] = a[l] + a[l + 4];
    }
    e.y = (b[0] + b[2]) + (b[1] + b[3]);
    return e;
}

static expectation expect(const product *p, size_t t, size_t r) {
    return p->block ? expect_quant(p, row_of(p, r), p->act[t])
                    : expect_float(p, row_of(p, r), p->x[t]);
}

/* The dot of the dequantised weights with the dequantised activations, in doubles. */
static double dot_dequantised(const product *p, size_t t, size_t r) {
    float *w = need(malloc(p->k * sizeof *w));
    kern_dequantize(p->type, w, row_of(p, r), p->k);
    double sum = 0;
    for (size_t i = 0; i < p->k; i++) {
        double x = (double)p->x[t][i];
        if (p->block) {
            const int8_t *q = p->act[t];
            float d;
            memcpy(&d, q + kern_act_d_offset(p->k) + i / p->block * sizeof d, sizeof d);
            x = (double)d * q[i];
        }
        sum += (double)w[i] * x;
    }
    free(w);
    return sum;
}

static void check_product(product *p) {
    /* Roundings on the longest way from a term to the result, each below 2^-24 of `size`. */
    const double steps = p->block ? 2.0 * (double)(p->k / p->block) + 4 : (double)p->k / 16 + 5;
    run(p, 0, p->n);
    for (size_t t = 0; t < p->n; t++) {
        for (size_t r = 0; r < p->rows; r++) {
            const expectation e = expect(p, t, r);
            const double y = (double)p->y[t][r];
            const char *name = qtype_get(p->type)->name;
            if (f32_bits(p->y[t][r]) != f32_bits(e.y)) {
                fail_msg("%s k %zu n %zu: y[%zu][%zu] = %.9g, the contract says %.9g", name, p->k,
                         p->n, t, r, y, (double)e.y);
            }
            const double bound = steps * 0x1p-24 * e.size;
            if (!(fabs(y - e.exact) <= bound) ||
                !(fabs(y - dot_dequantised(p, t, r)) <= bound)) {
                fail_msg("%s k %zu: y[%zu][%zu] = %.9g is too far from %.9g", name, p->k, t, r, y,
                         e.exact);
            }
        }
    }
}

/* ---- Products -------------------------------------------------------------------------------- */

static void test_every_type_follows_the_contract(void **state) {
    (void)state;
    static const blocks_kind kinds[] = {BLOCKS_TAME, BLOCKS_ZEROS, BLOCKS_ONES};
    static const struct {
        size_t n, rows, blocks;
    } shapes[] = {{1, 1, 1}, {7, 3, 3}, {9, 5, 2}, {2, 1, 7}};
    for (int t = 0; t < QTYPE_COUNT; t++) {
        const qtype_info *info = qtype_get((qtype)t);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
                product p = make((qtype)t, kinds[i], shapes[s].n, shapes[s].rows,
                                 shapes[s].blocks * info->block_weights, 100 * i + s);
                check_product(&p);
                drop(&p);
            }
        }
    }
}

static void test_float_rows_of_any_length(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 2, 15, 16, 17, 31, 255, 256, 257, 300, 1024};
    for (int t = 0; t < QTYPE_COUNT; t++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            if (qtype_get((qtype)t)->block_weights == 1) {
                product p = make((qtype)t, BLOCKS_TAME, 3, 2, lengths[i], i);
                check_product(&p);
                drop(&p);
            }
        }
    }
}

static void test_a_batch_equals_its_tokens(void **state) {
    (void)state;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        product p = make((qtype)t, BLOCKS_TAME, 7, 3, 2 * qtype_get((qtype)t)->block_weights, 5);
        float alone[7][3];
        for (size_t token = 0; token < 7; token++) {
            run(&p, token, 1);
            memcpy(alone[token], p.y[token], sizeof alone[token]);
            memset(p.y[token], 0xff, sizeof alone[token]);
        }
        run(&p, 0, 7);
        for (size_t token = 0; token < 7; token++) {
            assert_memory_equal(p.y[token], alone[token], sizeof alone[token]);
        }
        drop(&p);
    }
}

static void test_nothing_to_do(void **state) {
    (void)state;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        product p = make((qtype)t, BLOCKS_TAME, 2, 2, qtype_get((qtype)t)->block_weights, 6);
        p.y[0][0] = p.y[1][0] = 42.0f;
        run(&p, 0, 0);
        p.rows = 0;
        run(&p, 0, 2);
        assert_true(p.y[0][0] == 42.0f && p.y[1][0] == 42.0f);
        drop(&p);
    }
}

/* A NaN or an infinity reaches all results of its token, and no other's. */
static void test_bad_activations_surface(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int t = 0; t < QTYPE_COUNT; t++) {
        for (size_t i = 0; i < 3; i++) {
            const size_t k = 3 * qtype_get((qtype)t)->block_weights;
            product p = make((qtype)t, BLOCKS_TAME, 3, 2, k, 7);
            p.x[1][k - 1] = bad[i];
            quantize(&p);
            run(&p, 0, 3);
            for (size_t r = 0; r < 2; r++) {
                assert_true(isfinite(p.y[0][r]) && isfinite(p.y[2][r]));
                assert_false(isfinite(p.y[1][r]));
                assert_true(p.block == 0 || isnan(p.y[1][r]));
            }
            drop(&p);
        }
    }
}

/* NaN as the scale of one row's block makes that row's results NaN, even where the codes are 0. */
static void test_bad_weights_surface(void **state) {
    (void)state;
    static const struct {
        qtype type;
        size_t at;
    } cases[] = {
        {QTYPE_Q4_0, offsetof(qblock_Q4_0, d)},       {QTYPE_Q4_1, offsetof(qblock_Q4_1, m)},
        {QTYPE_Q8_0, offsetof(qblock_Q8_0, d)},       {QTYPE_Q4_K, offsetof(qblock_Q4_K, dmin)},
        {QTYPE_Q6_K, offsetof(qblock_Q6_K, d)},       {QTYPE_IQ3_S, offsetof(qblock_IQ3_S, d)},
        {QTYPE_TQ2_0, offsetof(qblock_TQ2_0, d)},     {QTYPE_Q1_0, offsetof(qblock_Q1_0, d)},
        {QTYPE_F16, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t k = 2 * qtype_get(cases[i].type)->block_weights;
        product p = make(cases[i].type, BLOCKS_ZEROS, 2, 3, k, 8);
        const uint16_t nan_half = 0x7e00;
        memcpy(p.memory + 1 + qtype_row_bytes(p.type, k) + cases[i].at, &nan_half, 2);
        run(&p, 0, 2);
        for (size_t t = 0; t < 2; t++) {
            assert_true(isfinite(p.y[t][0]) && isnan(p.y[t][1]) && isfinite(p.y[t][2]));
        }
        drop(&p);
    }
}

/* The largest sum there is: 32 * 12 * 127 * (15 << 14) does not fit 32 bits. */
static void test_nvfp4_needs_64_bits(void **state) {
    (void)state;
    product p = make(QTYPE_NVFP4, BLOCKS_ZEROS, 2, 1, 64, 9);
    qblock_NVFP4 *b = (qblock_NVFP4 *)(p.memory + 1);
    memset(b->scale, 0xff, sizeof b->scale);
    memset(b->q, 0x77, sizeof b->q);
    for (size_t i = 0; i < 64; i++) {
        p.x[0][i] = 127.0f;
        p.x[1][i] = -127.0f;
    }
    quantize(&p);
    run(&p, 0, 2);
    const double want = 64.0 * 12 * 127 * (15 << 14) * 0x1p-10; /* 22860 * 2^20 / 2^10: exact */
    assert_true((double)p.y[0][0] == want);
    assert_true((double)p.y[1][0] == -want);
    drop(&p);
}

/* ---- Activations ----------------------------------------------------------------------------- */

static float act_d(const void *act, size_t k, size_t i) {
    float d;
    memcpy(&d, (const uint8_t *)act + kern_act_d_offset(k) + i * sizeof d, sizeof d);
    return d;
}

static int act_sum(const void *act, size_t k, size_t block, size_t g) {
    int16_t sum;
    memcpy(&sum, (const uint8_t *)act + kern_act_sum_offset(k, block) + g * sizeof sum, sizeof sum);
    return sum;
}

/* x rounded to the nearest integer, ties to even, by comparing. */
static int nearest_even(double x) {
    const double below = floor(x);
    const double rest = x - below;
    const int low = (int)below;
    return rest < 0.5 || (rest == 0.5 && low % 2 == 0) ? low : low + 1;
}

static void test_quantize_random_rows(void **state) {
    (void)state;
    enum { K = 1536 };
    float x[K];
    for (uint64_t seed = 0; seed < 60; seed++) {
        const size_t block = seed % 2 ? 32 : 256;
        uint8_t *act = need(aligned_alloc(64, kern_act_bytes(K, block)));
        random_row(x, K, seed);
        for (size_t i = 0; i < K; i++) { /* from 2^-118 to 2^120 */
            x[i] = ldexpf(x[i], (int)(seed * 4) - 118);
        }
        kern_quantize_scalar(act, x, K, block);
        for (size_t b = 0; b < K / block; b++) {
            float amax = 0;
            for (size_t i = b * block; i < (b + 1) * block; i++) {
                amax = fmaxf(amax, fabsf(x[i]));
            }
            const bool zero = amax < KERN_AMAX_MIN;
            assert_true(act_d(act, K, b) == (zero ? 0.0f : amax / 127.0f));
            const float inverse = zero ? 0.0f : 127.0f / amax;
            for (size_t i = b * block; i < (b + 1) * block; i++) {
                const int q = (int8_t)act[i];
                const float scaled = x[i] * inverse;
                assert_int_equal(q, nearest_even((double)scaled));
                assert_in_range(q + 127, 0, 254);
            }
        }
        for (size_t g = 0; g < K / 16; g++) {
            int sum = 0;
            for (size_t i = 0; i < 16; i++) {
                sum += (int8_t)act[g * 16 + i];
            }
            assert_int_equal(act_sum(act, K, block, g), sum);
        }
        free(act);
    }
}

static void test_quantize_edges(void **state) {
    (void)state;
    static const struct {
        float x0, x1;  /* the first two values of a block of zeros */
        float d;
        int q0, q1;
    } cases[] = {
        {127.0f, 0.5f, 1.0f, 127, 0},         {127.0f, 1.5f, 1.0f, 127, 2},
        {127.0f, 2.5f, 1.0f, 127, 2},         {-127.0f, -0.5f, 1.0f, -127, 0},
        {-127.0f, -1.5f, 1.0f, -127, -2},     {127.0f, 126.5f, 1.0f, 127, 126},
        {0.0f, 0.0f, 0.0f, 0, 0},             {-0.0f, 0.0f, 0.0f, 0, 0},
        {0x1p-149f, 0.0f, 0.0f, 0, 0},        {0x1p-126f, -0x1p-126f, 0.0f, 0, 0},
        {0x1.fffffep-120f, 0.0f, 0.0f, 0, 0}, {0x1p-119f, -0x1p-119f, 0x1p-119f / 127, 127, -127},
        {FLT_MAX, -FLT_MAX, FLT_MAX / 127, 127, -127},
        {FLT_MAX, 0x1p-149f, FLT_MAX / 127, 127, 0},
        {NAN, 1.0f, NAN, 0, 0},               {1.0f, -NAN, NAN, 0, 0},
        {INFINITY, 1.0f, NAN, 0, 0},          {1.0f, -INFINITY, NAN, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t block = 32; block <= 256; block *= 8) {
            float x[768] = {0};
            uint8_t act[2048];
            x[block - 1] = 3.0f;
            x[block] = cases[i].x0;
            x[2 * block - 1] = cases[i].x1;
            x[2 * block] = -5.0f;
            kern_quantize_scalar(act, x, 3 * block, block);
            const float d = act_d(act, 3 * block, 1);
            assert_true(isnan(cases[i].d) ? f32_bits(d) == 0x7fc00000u : d == cases[i].d);
            assert_int_equal((int8_t)act[block], cases[i].q0);
            assert_int_equal((int8_t)act[2 * block - 1], cases[i].q1);
            assert_int_equal(act_sum(act, 3 * block, block, block / 16), cases[i].q0);
            /* the neighbours do not notice */
            assert_true(act_d(act, 3 * block, 0) == 3.0f / 127.0f);
            assert_true(act_d(act, 3 * block, 2) == 5.0f / 127.0f);
            assert_int_equal((int8_t)act[block - 1], 127);
            assert_int_equal((int8_t)act[2 * block], -127);
        }
    }
    assert_true(isnormal(KERN_AMAX_MIN / 127.0f));
    assert_false(isnormal(KERN_AMAX_MIN / 2 / 127.0f));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_follows_the_contract),
        cmocka_unit_test(test_float_rows_of_any_length),
        cmocka_unit_test(test_a_batch_equals_its_tokens),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_bad_activations_surface),
        cmocka_unit_test(test_bad_weights_surface),
        cmocka_unit_test(test_nvfp4_needs_64_bits),
        cmocka_unit_test(test_quantize_random_rows),
        cmocka_unit_test(test_quantize_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
