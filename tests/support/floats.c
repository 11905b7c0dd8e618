/*
 * floats.c - rows of weights for tests of quantisation.
 */
#include "floats.h"

#include "base/bytes.h"
#include "base/rng.h"

#include <math.h>

/* Something like a normal distribution: the sum of four uniform numbers, exact in a float. */
static float bell(uint64_t bits) {
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (int)(bits >> 16 * i & 0xfff) - 0x800;
    }
    return (float)sum * 0x1p-11f;
}

static float value(floats_kind kind, uint64_t seed, size_t i, int exponent) {
    const uint64_t bits = rng_at(seed, i);
    const uint64_t group = rng_at(~seed, i / 16);
    const float x = ldexpf(bell(bits), exponent);
    switch (kind) {
    case FLOATS_BELL:
        return x * (1.0f + (float)(bits >> 60) * 0x1p-20f); /* more digits than 12 bits have */
    case FLOATS_OUTLIERS:
        return bits >> 58 == 0 ? 30.0f * x : x;
    case FLOATS_HALVES:
        return f16_to_f32(f32_to_f16(x * 0.7f));
    case FLOATS_BRAINS:
        return bf16_to_f32(f32_to_bf16(x * 0.7f));
    case FLOATS_SPARSE:
        return bits >> 60 == 0 ? x : 0.0f;
    case FLOATS_CONSTANT:
        return ldexpf(bell(group), exponent);
    case FLOATS_POSITIVE:
        return fabsf(x);
    case FLOATS_NEGATIVE:
        return -fabsf(x);
    case FLOATS_INTEGERS:
        return ldexpf((float)((int)(bits >> 32 & 15) - 8), exponent);
    case FLOATS_UNEVEN:
        return ldexpf(bell(bits), (int)(group % 41) - 30);
    case FLOATS_TINY:
        return ldexpf(bell(bits), (int)(seed % 24) - 36);
    default: /* FLOATS_LARGE */
        return ldexpf(bell(bits), (int)(seed % 6) + 7);
    }
}

void floats_fill(float *x, size_t n, floats_kind kind, uint64_t seed) {
    const int exponent = (int)(rng_at(seed, SIZE_MAX - 1) % 14) - 10;
    for (size_t i = 0; i < n; i++) {
        x[i] = value(kind, seed, i, exponent);
    }
}

void floats_sweep(float *x, uint64_t seed) {
    for (size_t run = 0; run < FLOATS_SWEEP / FLOATS_RUN; run++) {
        floats_fill(x + run * FLOATS_RUN, FLOATS_RUN, (floats_kind)(run % FLOATS_KINDS),
                    seed + run);
    }
}

uint64_t floats_hash(const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ p[i]) * 0x100000001b3u;
    }
    return hash;
}
