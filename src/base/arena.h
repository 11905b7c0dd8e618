/*
 * arena.h - one block of memory handed out in aligned pieces; nothing is freed singly.
 *
 * Sizes are computed by running the same allocations twice: first on an arena without memory, which
 * only counts, then on one of exactly that size.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { ARENA_ALIGN = 64 };

typedef struct {
    uint8_t *base; /* NULL: counting only */
    uint64_t used;
    uint64_t size;
    bool overflow; /* a size did not fit 64 bits, or the arena */
} arena;

/* Reserve `size` bytes of zeroed memory.  Pages cost nothing until they are touched. */
lfm_status arena_open(arena *a, uint64_t size, lfm_error *err);
/* Ask for large pages where the system has them.  Use this for memory that is filled from one end
 * and then read in any order. */
void arena_use_large_pages(void *from, uint64_t size);

void arena_close(arena *a); /* safe on a zeroed struct */

/* n * size bytes, 64-byte aligned; NULL while counting, or on overflow (a->overflow is then set).
 */
void *arena_get(arena *a, uint64_t n, uint64_t size);

#endif
