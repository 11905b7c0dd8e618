/*
 * guard.h - memory between two pages that cannot be touched, so that one byte too far is a fault.
 */
#ifndef SUPPORT_GUARD_H
#define SUPPORT_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed one is empty and may be dropped. */
typedef struct {
    uint8_t *map;
    size_t map_bytes;
    uint8_t *first; /* right after an unreadable page */
    size_t room;    /* bytes until the next one: whole pages */
} guard;

/* Map at least `room` bytes, zeroed; false when the system refuses. */
bool guard_init(guard *g, size_t room);
void guard_drop(guard *g);

/* n bytes that begin `offset` bytes after the lower page. */
static inline uint8_t *guard_start(const guard *g, size_t offset) {
    return g->first + offset;
}

/* n bytes that end at the upper page, or as close to it as an address that is a multiple of `align`
 * (a power of two) allows. */
static inline uint8_t *guard_end(const guard *g, size_t n, size_t align) {
    return g->first + (g->room - n) / align * align;
}

#endif
