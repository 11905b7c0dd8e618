/*
 * memory.c - blocks that pieces are cut from.
 */
#include "jinja/values/memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct jinja_block {
    struct jinja_block *before;
    max_align_t bytes[];
};

void *jinja_memory_get(jinja_memory *m, size_t n) {
    const size_t align = sizeof(max_align_t);
    m->is_full = n > m->limit;
    if (m->is_full) return NULL;
    n = (n + align - 1) / align * align;
    if (!m->blocks || n > m->size - m->used) {
        const size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        m->is_full = size > m->limit - m->total;
        if (m->is_full) return NULL;
        struct jinja_block *b = calloc(1, sizeof *b + size);
        if (!b) return NULL;
        m->total += size;
        if (m->blocks && n > BLOCK_BYTES) { /* keep cutting small pieces from the newest block */
            b->before = m->blocks->before;
            m->blocks->before = b;
            return b->bytes;
        }
        b->before = m->blocks;
        m->blocks = b;
        m->used = 0;
        m->size = size;
    }
    void *piece = (char *)m->blocks->bytes + m->used;
    m->used += n;
    return piece;
}

void jinja_memory_drop(jinja_memory *m) {
    while (m->blocks) {
        struct jinja_block *before = m->blocks->before;
        free(m->blocks);
        m->blocks = before;
    }
    *m = (jinja_memory){0};
}
