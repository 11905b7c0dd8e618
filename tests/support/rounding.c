/*
 * rounding.c - activations as int8 in blocks, in the manner of two engines.
 */
#include "rounding.h"

#include "base/bytes.h"

#include <math.h>

static float to_half(float x) {
    return f16_to_f32(f32_to_f16(x));
}

/* The value of x[n] that is farthest from zero. */
static float farthest(const double *x, size_t n) {
    double far = 0;
    for (size_t i = 0; i < n; i++) {
        far = fabs(x[i]) > fabs(far) ? x[i] : far;
    }
    return (float)far;
}

static void round_block(double *x, size_t n, float scale, float inverse) {
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)scale * fmin((double)rintf((float)x[i] * inverse), 127);
    }
}

void rounding_lfm(double *x, size_t k, qtype type) {
    const size_t weights = qtype_get(type)->block_weights;
    const size_t block = weights == 256 ? 256 : 32;
    for (size_t at = 0; weights != 1 && at < k; at += block) {
        const float amax = fabsf(farthest(x + at, block));
        if (amax > 0) {
            round_block(x + at, block, amax / 127.0f, 127.0f / amax);
        }
    }
}

void rounding_llamacpp(double *x, size_t k, qtype type) {
    const size_t weights = qtype_get(type)->block_weights;
    for (size_t i = 0; type == QTYPE_F16 && i < k; i++) {
        x[i] = (double)to_half((float)x[i]);
    }
    const size_t block = weights == 256 ? 256 : 32;
    for (size_t at = 0; weights != 1 && at < k; at += block) {
        const float far = farthest(x + at, block);
        if (far != 0 && block == 256) {
            const float inverse = -127.0f / far;
            round_block(x + at, block, 1.0f / inverse, inverse);
        } else if (far != 0) {
            const float scale = fabsf(far) / 127.0f;
            round_block(x + at, block, to_half(scale), 1.0f / scale);
        }
    }
}
