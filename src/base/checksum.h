/*
 * checksum.h - a fast 64-bit checksum against accidental corruption.
 *
 * Four lanes take words of 8 bytes in turn; it is about as fast as memory.  File formats depend on
 * it, so it must not change.  Do not use it for hash tables with hostile keys.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/bytes.h"
#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

static inline uint64_t checksum_step(uint64_t lane, uint64_t word) {
    lane = (lane ^ word) * 0x9e3779b97f4a7c15u;
    return lane << 29 | lane >> 35;
}

/* The checksum of `n` bytes.  `seed` is 0, or the checksum of what lies before them. */
static inline uint64_t checksum(const void *bytes, size_t n, uint64_t seed) {
    const uint8_t *p = bytes;
    uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3};
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        for (size_t j = 0; j < 4; j++) {
            lane[j] = checksum_step(lane[j], load_u64(p + i + 8 * j));
        }
    }
    uint8_t tail[32] = {0};
    memcpy(tail, p + i, n - i);
    uint64_t sum = rng_mix(n);
    for (size_t j = 0; j < 4; j++) {
        sum = rng_mix(sum ^ checksum_step(lane[j], load_u64(tail + 8 * j)));
    }
    return sum;
}

#endif
