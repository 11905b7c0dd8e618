/*
 * quantize_internal.h - what the files of the quantiser share: rounding, extremes, and bits.
 */
#ifndef CONVERT_QUANTIZE_INTERNAL_H
#define CONVERT_QUANTIZE_INTERNAL_H

#include "base/bytes.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One block from its floats; false when a scale is not finite as a half. */
typedef bool quantize_block_fn(void *block, const float *x);

quantize_block_fn quantize_block_Q2_K, quantize_block_Q3_K, quantize_block_Q4_K,
    quantize_block_Q5_K, quantize_block_Q6_K;

/* Groups whose largest magnitude is below this are zeros to the search for a scale: their squares
 * would leave no digits. */
#define QUANTIZE_EPS 1e-15f

/* The nearest integer, ties to even, for |v| < 2^22: adding 1.5 * 2^23 pushes the fraction out
 * of the mantissa.  Beyond (a quotient by almost nothing) the result is some number in [-2^22,
 * 2^22), but the same one everywhere, and callers clamp it. */
static inline int quantize_round(float v) {
    const float shifted = v + 12582912.0f;
    return (int)(f32_bits(shifted) & 0x7fffffu) - 0x400000;
}

static inline int quantize_clamp(int v, int low, int high) {
    return v < low ? low : v > high ? high : v;
}

/* The value with the largest magnitude, the first among equals, with its sign. */
static inline float quantize_extreme(const float *x, size_t n) {
    float most = 0.0f;
    float value = 0.0f;
    for (size_t i = 0; i < n; i++) {
        if (fabsf(x[i]) > most) {
            most = fabsf(x[i]);
            value = x[i];
        }
    }
    return value;
}

/* Store a scale and return the stored value; codes must be chosen for that. */
static inline float quantize_put_half(uint8_t out[2], float v) {
    const uint16_t h = f32_to_f16(v);
    memcpy(out, &h, sizeof h);
    return f16_to_f32(h);
}

/* The low four bits of 2n codes in n bytes: the first n codes in the low halves. */
static inline void quantize_put_nibbles(uint8_t *out, const uint8_t *q, size_t n) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)((q[i] & 15) | (q[i + n] & 15) << 4);
    }
}

#endif
