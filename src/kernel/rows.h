/*
 * rows.h - what products of quantised rows share on x86 and on ARM.
 */
#ifndef KERNEL_ROWS_H
#define KERNEL_ROWS_H

#include "kernel/isa.h"
#include "kernel/kernel.h"

#include <string.h>

enum { TILE = 128 }; /* activation rows per pass over a group of weight rows, at most */

/* Divide n activation rows evenly: the weights would be unpacked again for a small remainder. */
INLINE size_t even_tile(size_t n) {
    const size_t passes = (n + TILE - 1) / TILE;
    return (n + passes - 1) / passes;
}

/* Offsets into a quantised row of k values. */
typedef struct {
    size_t d;
    size_t sum;
} act_offsets;

INLINE act_offsets offsets_of(size_t k, size_t block) {
    return (act_offsets){kern_act_d_offset(k), kern_act_sum_offset(k, block)};
}

/* The scale of a block of activations. */
INLINE float act_scale(const uint8_t *x, act_offsets at, size_t block) {
    float d;
    memcpy(&d, x + at.d + block * sizeof d, sizeof d);
    return d;
}

/* Define the kernel of a type: mul32 or mul256 with what they need to know about it. */
#define MUL32(name, id, ...)                                                                       \
    static void ISA(mul_##name)(float *const *restrict y, const void *restrict w,                  \
                                const void *const *restrict x, size_t n, size_t rows, size_t k,    \
                                const void *next) {                                                \
        mul32(y, w, x, n, rows, k, next,                                                           \
              (kind32){QTYPE_##id, sizeof(qblock_##id), load_##name, __VA_ARGS__});                \
    }
#define MUL256(name, id, ...)                                                                      \
    static void ISA(mul_##name)(float *const *restrict y, const void *restrict w,                  \
                                const void *const *restrict x, size_t n, size_t rows, size_t k,    \
                                const void *next) {                                                \
        mul256(y, w, x, n, rows, k, next,                                                          \
               (kind256){QTYPE_##id, sizeof(qblock_##id), block_##name, __VA_ARGS__});             \
    }

#endif
