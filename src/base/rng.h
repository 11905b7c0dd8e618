/*
 * rng.h - a small counter-based generator: the n-th number depends on (seed, n) alone.
 *
 * SplitMix64 (Steele, Lea, Flood 2014) evaluated at position n, so that replaying, caching or
 * skipping draws cannot shift what follows.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

static inline uint64_t rng_mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 64 random bits for position `n` of stream `seed`. */
static inline uint64_t rng_at(uint64_t seed, uint64_t n) {
    return rng_mix(rng_mix(seed) + (n + 1) * 0x9e3779b97f4a7c15u);
}

/* A double in [0, 1) with 53 random bits. */
static inline double rng_unit(uint64_t bits) {
    return (double)(bits >> 11) * 0x1p-53;
}

#endif
