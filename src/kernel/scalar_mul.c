/*
 * scalar_mul.c - products of weight rows with activations, and the quantisation of activations:
 * contracts 1, 2 and 3 of kernel.h as plain code.
 *
 * Every other instruction set is compared with this file bit for bit.
 */
#include "kernel/scalar.h"

#include "base/bytes.h"

#include <assert.h>
#include <math.h>

enum {
    TILE = 8,    /* activation rows that share one reading of the weights */
    CHUNK = 256, /* float weights decoded at a time */
    REST = 128   /* activation rows per call for rows that another kernel left */
};

/* ---- Contract 1: activations to int8 --------------------------------------------------------- */

/* The bits of max |x|.  Without their signs floats order like integers and NaN lies above infinity,
 * so one comparison afterwards finds either. */
static uint32_t amax_bits(const float *x, size_t n) {
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = f32_bits(x[i]) & 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return most;
}

float kern_quantize_block(int8_t *restrict q, const float *restrict x, size_t n) {
    const uint32_t bits = amax_bits(x, n);
    const float amax = f32_from_bits(bits);
    if (bits >= 0x7f800000u || amax < KERN_AMAX_MIN) {
        memset(q, 0, n);
        return bits >= 0x7f800000u ? f32_from_bits(0x7fc00000u) : 0.0f;
    }
    const float inverse = 127.0f / amax;
    for (size_t i = 0; i < n; i++) {
        q[i] = (int8_t)lrintf(x[i] * inverse);
    }
    return amax / 127.0f;
}

void kern_quantize_scalar(void *restrict act, const float *restrict x, size_t k, size_t block) {
    assert(block == 32 || block == 256);
    assert(k % block == 0);
    int8_t *q = act;
    uint8_t *d_at = (uint8_t *)act + kern_act_d_offset(k);
    uint8_t *sum_at = (uint8_t *)act + kern_act_sum_offset(k, block);
    for (size_t at = 0; at < k; at += block) {
        const float d = kern_quantize_block(q + at, x + at, block);
        memcpy(d_at + at / block * sizeof d, &d, sizeof d);
    }
    for (size_t g = 0; g < k / KERN_GROUP; g++) {
        int16_t sum = 0;
        for (size_t i = 0; i < KERN_GROUP; i++) {
            sum = (int16_t)(sum + q[g * KERN_GROUP + i]);
        }
        memcpy(sum_at + g * sizeof sum, &sum, sizeof sum);
    }
}

/* ---- Contract 2: quantised weights ----------------------------------------------------------- */

/* The parts of a quantised row. */
typedef struct {
    const int8_t *q;
    const float *d;
    const int16_t *sum;
} act_row;

static act_row act_open(const void *row, size_t k, size_t block) {
    const int8_t *bytes = row;
    const void *d = bytes + kern_act_d_offset(k);
    const void *sum = bytes + kern_act_sum_offset(k, block);
    return (act_row){bytes, d, sum};
}

/* Sum of q * x over a group; below 2^18. */
static int32_t dot_group(const int8_t *q, const int8_t *x) {
    int32_t sum = 0;
    for (size_t i = 0; i < KERN_GROUP; i++) {
        sum += q[i] * x[i];
    }
    return sum;
}

/* S * d, rounded once, as contract 2 says. */
static float times_scale(int64_t s, float d, bool small_block) {
    return small_block ? fmaf(KERN_FLOAT_BASE + (float)s, d, -KERN_FLOAT_BASE * d) : (float)s * d;
}

/* Fold weights [from, from + n) of a block, all multiplied by one block of activations: `x` from
 * position `at` of the row. */
static float fold(float acc, const kern_block *b, size_t from, size_t n, const act_row *x,
                  size_t at, bool small_block, bool has_min) {
    assert(n > 0);
    const float dx = x->d[at / n];
    int64_t s = 0;
    int64_t m = 0;
    for (size_t g = 0; g < n / KERN_GROUP; g++) {
        const size_t wg = from / KERN_GROUP + g;
        s += (int64_t)b->scale[wg] * dot_group(b->q + wg * KERN_GROUP, x->q + at + g * KERN_GROUP);
        m += (int64_t)b->min[wg] * x->sum[at / KERN_GROUP + g];
    }
    acc = fmaf(times_scale(s, b->d, small_block), dx, acc);
    return has_min ? fmaf(-((float)m * dx), b->dmin, acc) : acc;
}

/* One row of weights against up to TILE rows of activations. */
static void mul_row(float acc[TILE], qtype type, const uint8_t *row, const act_row *x, size_t n,
                    size_t k) {
    const qtype_info *info = qtype_get(type);
    const size_t act = kern_act_block(info->block_weights);
    const bool small_block = info->block_weights == 32;
    const bool has_min = kern_has_min(type);
    kern_unpack_fn *unpack = kern_unpack(type);
    kern_block b;
    memset(acc, 0, TILE * sizeof *acc);
    for (size_t at = 0; at < k; at += info->block_weights, row += info->block_bytes) {
        unpack(&b, row);
        for (size_t t = 0; t < n; t++) {
            for (size_t from = 0; from < info->block_weights; from += act) {
                acc[t] = fold(acc[t], &b, from, act, &x[t], at + from, small_block, has_min);
            }
        }
    }
}

static void mul_quant(qtype type, float *const *restrict y, const void *restrict w,
                      const void *const *restrict x, size_t n, size_t rows, size_t k) {
    const size_t row_bytes = qtype_row_bytes(type, k);
    const size_t act = kern_act_block(qtype_get(type)->block_weights);
    for (size_t first = 0; first < n; first += TILE) {
        const size_t n_tile = n - first < TILE ? n - first : TILE;
        act_row tile[TILE];
        for (size_t t = 0; t < n_tile; t++) {
            tile[t] = act_open(x[first + t], k, act);
        }
        for (size_t r = 0; r < rows; r++) {
            float acc[TILE];
            mul_row(acc, type, (const uint8_t *)w + r * row_bytes, tile, n_tile, k);
            for (size_t t = 0; t < n_tile; t++) {
                y[first + t][r] = acc[t];
            }
        }
    }
}

/* ---- Contract 3: float weights --------------------------------------------------------------- */

/* Add the upper half of the lanes to the lower until one is left. */
static float halve_lanes(float lane[KERN_LANES]) {
    for (size_t half = KERN_LANES / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            lane[l] += lane[l + half];
        }
    }
    return lane[0];
}

/* One row of weights against up to TILE rows of activations; lane i % 16 takes value i. */
static void mul_row_float(float acc[TILE], qtype type, const uint8_t *row, const void *const *x,
                          size_t n, size_t k) {
    float lane[TILE][KERN_LANES] = {{0}};
    float w[CHUNK];
    for (size_t at = 0; at < k; at += CHUNK) {
        const size_t len = k - at < CHUNK ? k - at : CHUNK;
        kern_dequantize(type, w, row + qtype_row_bytes(type, at), len);
        for (size_t t = 0; t < n; t++) {
            const float *xt = (const float *)x[t] + at;
            for (size_t i = 0; i < len; i++) {
                lane[t][i % KERN_LANES] = fmaf(w[i], xt[i], lane[t][i % KERN_LANES]);
            }
        }
    }
    for (size_t t = 0; t < n; t++) {
        acc[t] = halve_lanes(lane[t]);
    }
}

static void mul_float(qtype type, float *const *restrict y, const void *restrict w,
                      const void *const *restrict x, size_t n, size_t rows, size_t k) {
    const size_t row_bytes = qtype_row_bytes(type, k);
    for (size_t first = 0; first < n; first += TILE) {
        const size_t n_tile = n - first < TILE ? n - first : TILE;
        for (size_t r = 0; r < rows; r++) {
            float acc[TILE];
            mul_row_float(acc, type, (const uint8_t *)w + r * row_bytes, x + first, n_tile, k);
            for (size_t t = 0; t < n_tile; t++) {
                y[first + t][r] = acc[t];
            }
        }
    }
}

/* ---- The slots ------------------------------------------------------------------------------- */

#define MUL_QUANT(id, name, number, weights, bytes)                                               \
    static void mul_##id(float *const *restrict y, const void *restrict w,                        \
                         const void *const *restrict x, size_t n, size_t rows, size_t k,          \
                         const void *next) {                                                      \
        (void)next;                                                                               \
        mul_quant(QTYPE_##id, y, w, x, n, rows, k);                                               \
    }
#define MUL_FLOAT(id, name, number, weights, bytes)                                               \
    static void mul_##id(float *const *restrict y, const void *restrict w,                        \
                         const void *const *restrict x, size_t n, size_t rows, size_t k,          \
                         const void *next) {                                                      \
        (void)next;                                                                               \
        mul_float(QTYPE_##id, y, w, x, n, rows, k);                                               \
    }
QTYPES_FLOAT(MUL_FLOAT)
QTYPES_QUANT(MUL_QUANT)
#undef MUL_QUANT
#undef MUL_FLOAT

void kern_rest(kern_mul_fn *mul, size_t row_bytes, float *const *y, const void *w,
               const void *const *x, size_t n, size_t first, size_t rows, size_t k) {
    const uint8_t *rest = (const uint8_t *)w + first * row_bytes;
    for (size_t at = 0; first < rows && at < n; at += REST) {
        const size_t n_now = n - at < REST ? n - at : REST;
        float *to[REST];
        for (size_t t = 0; t < n_now; t++) {
            to[t] = y[at + t] + first;
        }
        mul(to, rest, x + at, n_now, rows - first, k, NULL);
    }
}

void kern_scalar_rest(qtype type, float *const *y, const void *w, const void *const *x, size_t n,
                      size_t first, size_t rows, size_t k) {
    static kern_mul_fn *const mul[QTYPE_COUNT] = {
#define MUL_ENTRY(id, name, number, weights, bytes) [QTYPE_##id] = mul_##id,
        QTYPES(MUL_ENTRY)
#undef MUL_ENTRY
    };
    kern_rest(mul[type], qtype_row_bytes(type, k), y, w, x, n, first, rows, k);
}

void kern_scalar_mul(kern_table *t) {
#define MUL_SLOT(id, name, number, weights, bytes) t->mul[QTYPE_##id] = mul_##id;
    QTYPES(MUL_SLOT)
#undef MUL_SLOT
}
