/*
 * heap.h - a queue of 64-bit keys, smallest first.
 *
 * Four children per node: half the levels of a binary heap, and the four lie in one or two cache
 * lines.  The array belongs to the caller, who must make it large enough.
 */
#ifndef TOKEN_HEAP_H
#define TOKEN_HEAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t *keys;
    size_t n;
} tok_heap;

static inline void tok_heap_push(tok_heap *h, uint64_t key) {
    size_t i = h->n++;
    while (i > 0 && h->keys[(i - 1) / 4] > key) {
        h->keys[i] = h->keys[(i - 1) / 4];
        i = (i - 1) / 4;
    }
    h->keys[i] = key;
}

/* Remove and return the smallest key; n must not be 0. */
static inline uint64_t tok_heap_pop(tok_heap *h) {
    const uint64_t top = h->keys[0];
    const uint64_t key = h->keys[--h->n];
    size_t i = 0;
    for (;;) {
        size_t child = 4 * i + 1;
        if (child >= h->n) break;
        const size_t end = child + 4 < h->n ? child + 4 : h->n;
        for (size_t c = child + 1; c < end; c++) {
            if (h->keys[c] < h->keys[child]) {
                child = c;
            }
        }
        if (h->keys[child] >= key) break;
        h->keys[i] = h->keys[child];
        i = child;
    }
    h->keys[i] = key;
    return top;
}

#endif
