/*
 * memory.h - memory of one program, or of one rendering: freed all at once.
 */
#ifndef JINJA_VALUES_MEMORY_H
#define JINJA_VALUES_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    struct jinja_block *blocks;
    size_t used, size; /* of the newest block */
    size_t total;      /* bytes of all blocks */
    size_t limit;      /* for the total */
    bool is_full;      /* the limit was reached */
} jinja_memory;

/* `n` zeroed bytes, aligned for every type; NULL when the limit is reached (is_full), or when
 * memory runs out. */
void *jinja_memory_get(jinja_memory *m, size_t n);
void jinja_memory_drop(jinja_memory *m); /* safe on a zeroed struct */

#endif
