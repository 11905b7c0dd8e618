/*
 * quantize.c - rows of floats -> floats of two bytes, blocks of 32 weights, and IQ4_XS.
 *
 * Every function states how it finds the scale and how it rounds; the order of float operations
 * determines the result.  The K types are in quantize_k.c.
 *
 * Source: the reference quantisation of ggml (ggml-quants.c, d32676d7) for search ranges, weights
 * and rounding; E2M1 and E8M0 from the OCP Microscaling Formats specification 1.0.
 */
#include "convert/quantize.h"

#include "convert/quantize_internal.h"
#include "kernel/kernel.h"

#include <assert.h>

/* ---- Blocks of 32 with equal steps ----------------------------------------------------------- */

/* 1 / d, and 0 for 0. */
static float inverse(float d) {
    return d != 0.0f ? 1.0f / d : 0.0f;
}

/* Cut off the fraction.  v is in [0, top + 2), except in blocks so small that 1 / d is infinite:
 * their d is zero as a half, and the codes have no meaning. */
static unsigned code_of(float v, unsigned top) {
    const unsigned code = v >= 0.0f && v < 256.0f ? (unsigned)v : 0;
    return code < top ? code : top;
}

/* 32 codes (x - from) / d, plus `half_up` for rounding; d and from as they were before rounding
 * to halves. */
static void codes_32(uint8_t q[32], const float *x, float from, float d, float half_up,
                     unsigned top) {
    const float id = inverse(d);
    for (size_t i = 0; i < 32; i++) {
        q[i] = (uint8_t)code_of((x[i] - from) * id + half_up, top);
    }
}

/* The fifth bits of 32 codes. */
static void put_fifth_bits(uint8_t out[4], const uint8_t q[32]) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 32; i++) {
        bits |= (uint32_t)(q[i] >> 4 & 1) << i;
    }
    memcpy(out, &bits, sizeof bits);
}

/* Symmetric types: the extreme value becomes the lowest code, which has no positive counterpart. */
static bool block_Q4_0(void *block, const float *x) {
    qblock_Q4_0 *b = block;
    uint8_t q[32];
    const float d = quantize_extreme(x, 32) / -8.0f;
    codes_32(q, x, 0.0f, d, 8.5f, 15);
    quantize_put_nibbles(b->q, q, 16);
    return isfinite(quantize_put_half(b->d, d));
}

static bool block_Q5_0(void *block, const float *x) {
    qblock_Q5_0 *b = block;
    uint8_t q[32];
    const float d = quantize_extreme(x, 32) / -16.0f;
    codes_32(q, x, 0.0f, d, 16.5f, 31);
    quantize_put_nibbles(b->low, q, 16);
    put_fifth_bits(b->high, q);
    return isfinite(quantize_put_half(b->d, d));
}

static void range_of(const float *x, size_t n, float *low, float *high) {
    *low = x[0];
    *high = x[0];
    for (size_t i = 1; i < n; i++) {
        *low = x[i] < *low ? x[i] : *low;
        *high = x[i] > *high ? x[i] : *high;
    }
}

/* Types with a minimum: the codes divide the range from the lowest value to the highest. */
static bool block_Q4_1(void *block, const float *x) {
    qblock_Q4_1 *b = block;
    uint8_t q[32];
    float low;
    float high;
    range_of(x, 32, &low, &high);
    const float d = (high - low) / 15.0f;
    codes_32(q, x, low, d, 0.5f, 15);
    quantize_put_nibbles(b->q, q, 16);
    return isfinite(quantize_put_half(b->d, d)) && isfinite(quantize_put_half(b->m, low));
}

static bool block_Q5_1(void *block, const float *x) {
    qblock_Q5_1 *b = block;
    uint8_t q[32];
    float low;
    float high;
    range_of(x, 32, &low, &high);
    const float d = (high - low) / 31.0f;
    codes_32(q, x, low, d, 0.5f, 31);
    quantize_put_nibbles(b->low, q, 16);
    put_fifth_bits(b->high, q);
    return isfinite(quantize_put_half(b->d, d)) && isfinite(quantize_put_half(b->m, low));
}

/* Ties away from zero here, unlike everywhere else. */
static bool block_Q8_0(void *block, const float *x) {
    qblock_Q8_0 *b = block;
    const float d = fabsf(quantize_extreme(x, 32)) / 127.0f;
    const float id = inverse(d);
    for (size_t i = 0; i < 32; i++) {
        const float q = roundf(x[i] * id);
        b->q[i] = fabsf(q) < 128.0f ? (int8_t)q : 0; /* false when 1 / d is infinite */
    }
    return isfinite(quantize_put_half(b->d, d));
}

/* ---- MXFP4 ----------------------------------------------------------------------------------- */

/* E2M1, doubled to be integers; the scale is halved to match. */
static const int8_t levels_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* The scale 2^e that lets the largest magnitude fall between 4 and 8: e = floor(log2(amax)) - 2.
 * The logarithm is rounded to a float first, as in the reference: a value a few units below a power
 * of two counts as that power. */
static unsigned e8m0_for(float amax) {
    if (amax == 0.0f) return 0;
    const int e = (int)floorf((float)log2((double)amax)) - 2 + 127;
    return e < 0 ? 0 : (unsigned)e;
}

/* The nearest level for each of 32 values, the first among equals.  Loops over levels outside, so
 * that the compiler can vectorise over values. */
static void nearest_e2m1(uint8_t q[32], const float *x, float d) {
    float least[32];
    int32_t best[32] = {0};
    for (size_t i = 0; i < 32; i++) {
        least[i] = fabsf(x[i]); /* level 0 */
    }
    for (int32_t code = 1; code < 16; code++) {
        const float level = (float)levels_e2m1[code] * d;
        for (size_t i = 0; i < 32; i++) {
            const float error = fabsf(level - x[i]);
            best[i] = error < least[i] ? code : best[i];
            least[i] = error < least[i] ? error : least[i];
        }
    }
    for (size_t i = 0; i < 32; i++) {
        q[i] = (uint8_t)best[i];
    }
}

static bool block_MXFP4(void *block, const float *x) {
    qblock_MXFP4 *b = block;
    const unsigned e = e8m0_for(fabsf(quantize_extreme(x, 32)));
    const float d = f32_from_bits(e < 2 ? 0x200000u << e : (e - 1) << 23); /* half of 2^(e - 127) */
    uint8_t q[32];
    nearest_e2m1(q, x, d);
    b->exponent = (uint8_t)e;
    quantize_put_nibbles(b->q, q, 16);
    return true;
}

/* ---- IQ4: 16 uneven levels ------------------------------------------------------------------- */

enum { IQ4_TRIES = 7 };

static const int8_t levels_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

/* The codes of 32 values times id: the nearest levels, the upper of two equally near.  A code is
 * the number of borders between levels that a value has reached; `level` is what the code means.
 * Loops over borders outside, so that the compiler can vectorise over values. */
static void nearest_iq4(int32_t code[32], float level[32], const float *x, float id) {
    float v[32];
    for (size_t i = 0; i < 32; i++) {
        v[i] = id * x[i];
        code[i] = 0;
        level[i] = (float)levels_iq4[0];
    }
    for (size_t border = 0; border < 15; border++) {
        const float low = (float)levels_iq4[border];
        const float high = (float)levels_iq4[border + 1];
        const float middle = (low + high) / 2.0f; /* exact */
        for (size_t i = 0; i < 32; i++) {
            code[i] += v[i] >= middle ? 1 : 0;
            level[i] = v[i] >= middle ? high : level[i];
        }
    }
}

/* Sums over a group for codes chosen with the factor id: of w q x and of w q q, where w = x * x. */
static void sums_iq4(const float *x, float id, float *qx, float *qq) {
    int32_t code[32];
    float q[32];
    nearest_iq4(code, q, x, id);
    *qx = 0.0f;
    *qq = 0.0f;
    for (size_t i = 0; i < 32; i++) {
        const float w = x[i] * x[i];
        *qx += w * q[i] * x[i];
        *qq += w * q[i] * q[i];
    }
}

/* The scale of 32 weights.  Each try maps the extreme value to a place near the lowest level, on
 * either side, and takes the best scale for the codes that follow (least squares with weights
 * x^2); the try with the least error wins. */
static float scale_iq4(const float *x) {
    const float most = quantize_extreme(x, 32);
    if (fabsf(most) < QUANTIZE_EPS) return 0.0f;
    const float lowest = (float)levels_iq4[0];
    float qx;
    float qq;
    sums_iq4(x, 1.0f / (-most / lowest), &qx, &qq);
    float d = qq > 0.0f ? qx / qq : 0.0f;
    float best = d * qx;
    for (int i = -IQ4_TRIES; i <= IQ4_TRIES; i++) {
        sums_iq4(x, ((float)i + lowest) / most, &qx, &qq);
        if (qq > 0.0f && qx * qx > best * qq) {
            d = qx / qq;
            best = d * qx;
        }
    }
    return d;
}

static void codes_iq4(uint8_t out[16], const float *x, float id) {
    int32_t code[32];
    float level[32];
    uint8_t q[32];
    nearest_iq4(code, level, x, id);
    for (size_t i = 0; i < 32; i++) {
        q[i] = (uint8_t)code[i];
    }
    quantize_put_nibbles(out, q, 16);
}

/* Choose codes for the scale before it is rounded to a half. */
static bool block_IQ4_NL(void *block, const float *x) {
    qblock_IQ4_NL *b = block;
    const float d = scale_iq4(x);
    codes_iq4(b->q, x, inverse(d));
    return isfinite(quantize_put_half(b->d, d));
}

/* The scales of eight groups are integers of 6 bits in [-32, 32) times one d; the largest is
 * -32. */
static bool block_IQ4_XS(void *block, const float *x) {
    qblock_IQ4_XS *b = block;
    float scale[8];
    for (size_t j = 0; j < 8; j++) {
        scale[j] = scale_iq4(x + 32 * j);
    }
    const float d = -quantize_extreme(scale, 8) / 32.0f;
    const float id = inverse(d);
    uint16_t high = 0;
    memset(b->scale_low, 0, sizeof b->scale_low);
    for (size_t j = 0; j < 8; j++) {
        const int l = quantize_clamp(quantize_round(id * scale[j]), -32, 31);
        codes_iq4(b->q + 16 * j, x + 32 * j, inverse(d * (float)l));
        b->scale_low[j / 2] |= (uint8_t)(((l + 32) & 15) << 4 * (j % 2));
        high |= (uint16_t)(((l + 32) >> 4) << 2 * j);
    }
    memcpy(b->scale_high, &high, sizeof high);
    return isfinite(quantize_put_half(b->d, d));
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static quantize_block_fn *const block_of[QTYPE_COUNT] = {
    [QTYPE_Q4_0] = block_Q4_0,          [QTYPE_Q4_1] = block_Q4_1,
    [QTYPE_Q5_0] = block_Q5_0,          [QTYPE_Q5_1] = block_Q5_1,
    [QTYPE_Q8_0] = block_Q8_0,          [QTYPE_Q2_K] = quantize_block_Q2_K,
    [QTYPE_Q3_K] = quantize_block_Q3_K, [QTYPE_Q4_K] = quantize_block_Q4_K,
    [QTYPE_Q5_K] = quantize_block_Q5_K, [QTYPE_Q6_K] = quantize_block_Q6_K,
    [QTYPE_IQ4_NL] = block_IQ4_NL,      [QTYPE_IQ4_XS] = block_IQ4_XS,
    [QTYPE_MXFP4] = block_MXFP4,
};

bool kern_can_quantize(qtype type) {
    return type == QTYPE_F32 || type == QTYPE_F16 || type == QTYPE_BF16 || block_of[type];
}

/* Magnitudes from here on fit no block with a half as its scale (the most is 65504 * 128 * 32), and
 * below it no sum in any search overflows. */
#define TOO_LARGE 0x1p40f

/* Is every magnitude below `limit`?  A NaN is not.  Without branches, because it reads every
 * weight. */
static bool all_below(const float *x, size_t n, float limit) {
    const uint32_t first_bad = f32_bits(limit);
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        bad |= (f32_bits(x[i]) & 0x7fffffffu) >= first_bad;
    }
    return bad == 0;
}

/* Floats of two bytes, nearest even; false when one is too large for the format. */
static bool shorten(qtype type, uint8_t *out, const float *x, size_t n) {
    const unsigned exponent = type == QTYPE_F16 ? 0x7c00u : 0x7f80u;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        const uint16_t h = type == QTYPE_F16 ? f32_to_f16(x[i]) : f32_to_bf16(x[i]);
        bad |= (h & exponent) == exponent;
        memcpy(out + 2 * i, &h, sizeof h);
    }
    return !bad;
}

bool kern_quantize_rows(qtype type, void *restrict out, const float *restrict x, size_t n_rows,
                        size_t k) {
    const qtype_info *info = qtype_get(type);
    const size_t n = n_rows * k;
    assert(kern_can_quantize(type) && k % info->block_weights == 0);
    const bool has_half = info->block_weights > 1 && type != QTYPE_MXFP4;
    if (!all_below(x, n, has_half ? TOO_LARGE : INFINITY)) return false;
    if (type == QTYPE_F32) {
        memcpy(out, x, n * sizeof *x);
        return true;
    }
    if (type == QTYPE_F16 || type == QTYPE_BF16) return shorten(type, out, x, n);
    uint8_t *block = out;
    for (size_t i = 0; i < n; i += info->block_weights, block += info->block_bytes) {
        if (!block_of[type](block, x + i)) return false;
    }
    return true;
}
