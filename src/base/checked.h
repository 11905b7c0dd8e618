/*
 * checked.h - arithmetic on numbers that came from a file.
 */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

/* Round up to a multiple of `align`, a power of two. */
static inline bool align_u64(uint64_t a, uint64_t align, uint64_t *out) {
    if (!add_u64(a, align - 1, out)) return false;
    *out &= ~(align - 1);
    return true;
}

/* Does [off, off + len) lie inside [0, size)? */
static inline bool span_fits(uint64_t off, uint64_t len, uint64_t size) {
    return off <= size && len <= size - off;
}

#endif
