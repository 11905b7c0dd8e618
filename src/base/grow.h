/*
 * grow.h - arrays that grow by doubling.
 */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Make room for at least `n` elements of `size` bytes in `array` (NULL when it is new), which has
 * room for *cap; the least is 16.  Returns the array, which may have moved; NULL when memory runs
 * out, and the old one and *cap are then unchanged. */
static inline void *grow_array(void *array, size_t *cap, size_t n, size_t size) {
    if (n <= *cap && array) return array;
    size_t want = *cap < 16 ? 16 : *cap;
    while (want < n) {
        if (want > SIZE_MAX / 2) return NULL;
        want *= 2;
    }
    if (want > SIZE_MAX / size) return NULL;
    void *grown = realloc(array, want * size);
    if (grown) {
        *cap = want;
    }
    return grown;
}

#endif
