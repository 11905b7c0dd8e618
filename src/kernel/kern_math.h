/*
 * kern_math.h - the scalar elementary functions, written once.
 *
 * SIMD files repeat these operations lane by lane, so results have the same bits everywhere.
 */
#ifndef KERNEL_KERN_MATH_H
#define KERNEL_KERN_MATH_H

#include "base/bytes.h"

#include <math.h>
#include <stdbool.h>

/* exp(x) within 2 ulp for x <= 88; 0 below -87.3, where the result would be subnormal; above 88.3,
 * infinity. NaN gives NaN.
 *
 * x = n ln2 + r with |r| <= ln2 / 2 (ln2 in two parts, Cody and Waite), exp(r) by a polynomial of
 * degree 6 (Taylor coefficients; the remainder is below 2^-24), and 2^n through the exponent bits.
 */
static inline float kern_exp(float x) {
    if (!(x >= -87.3f)) return x != x ? x : 0.0f;
    if (x > 88.3f) return f32_from_bits(0x7f800000u);
    const float n = rintf(x * 0x1.715476p+0f);
    float r = fmaf(n, -0x1.62e4p-1f, x);
    r = fmaf(n, -0x1.7f7d1cp-20f, r);
    float p = 0x1.6c16c2p-10f;
    p = fmaf(p, r, 0x1.111112p-7f);
    p = fmaf(p, r, 0x1.555556p-5f);
    p = fmaf(p, r, 0x1.555556p-3f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    return p * f32_from_bits((uint32_t)((int32_t)n + 127) << 23);
}

/* log(x) within 2 ulp; -infinity for 0, NaN below it.
 *
 * x = m 2^n with m in [sqrt(1/2), sqrt(2)), and log(m) = 2 atanh(s) with s = (m - 1) / (m + 1):
 * the series up to s^9, whose remainder is below 2^-27 of the result. */
static inline float kern_log(float x) {
    if (!(x > 0.0f) || x > 0x1.fffffep+127f) return x == 0.0f ? -INFINITY : x > 0.0f ? x : NAN;
    const bool subnormal = x < 0x1p-126f;
    const uint32_t bits = f32_bits(subnormal ? x * 0x1p23f : x);
    /* 0x3f3504f3 is sqrt(1/2): what lies above it by whole exponents is n */
    const int32_t n = (int32_t)(bits - 0x3f3504f3u) >> 23;
    const float m = f32_from_bits(bits - ((uint32_t)n << 23));
    const float s = (m - 1.0f) / (m + 1.0f);
    const float q = s * s;
    float p = 0x1.c71c72p-4f;
    p = fmaf(p, q, 0x1.24924ap-3f);
    p = fmaf(p, q, 0x1.99999ap-3f);
    p = fmaf(p, q, 0x1.555556p-2f);
    const float log_m = fmaf(2.0f * s * q, p, 2.0f * s);
    const float e = (float)(subnormal ? n - 23 : n);
    return fmaf(e, 0x1.62e4p-1f, fmaf(e, 0x1.7f7d1cp-20f, log_m));
}

static inline float kern_sigmoid(float x) {
    return 1.0f / (1.0f + kern_exp(-x));
}

static inline float kern_silu(float x) {
    return x / (1.0f + kern_exp(-x));
}

/* The scale of a group of weights whose largest has these bits, none being negative, and the factor
 * that makes codes of them by rounding half to even; 0 when all codes are 0.  As in contract 1: no
 * scale is subnormal, and that of a NaN or an infinity is NaN. */
static inline float kern_weight_scale(uint32_t most, float *factor) {
    const float top = f32_from_bits(most);
    const bool bad = most >= 0x7f800000u;
    const bool zero = bad || top < 0x1p-118f;
    *factor = zero ? 0.0f : 255.0f / top;
    return bad ? f32_from_bits(0x7fc00000u) : zero ? 0.0f : top / 255.0f;
}

#endif
