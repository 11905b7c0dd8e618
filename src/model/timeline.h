/*
 * timeline.h - what a model remembers of the tokens that it has read, and how to rewind it.
 *
 * Attention layers keep the keys and values of every position, so rewinding means forgetting the
 * later ones.  Convolutions keep only the last two inputs, and earlier ones are lost: so copies of
 * them are kept, after every TIMELINE_GRID tokens and wherever a caller asks for one.
 */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H

#include "base/arena.h"
#include "base/error.h"
#include "kernel/kernel.h"
#include "model/shape.h"

#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_GRID = 256, TIMELINE_MARKS = 32 };

typedef struct {
    uint32_t n_ctx;
    kern_kv kv;
} timeline_options;

typedef struct {
    const model_shape *shape;
    timeline_options opt;
    uint32_t pos;          /* tokens read so far */
    int32_t *tokens;       /* [n_ctx] */
    float *history;        /* [n_conv][2][n_embd], the older column first */
    float *grid;           /* copies of it: after (i + 1) * TIMELINE_GRID tokens */
    float *marked;         /* [TIMELINE_MARKS] copies */
    uint32_t mark[TIMELINE_MARKS]; /* after how many tokens; valid once pos has passed it */
    uint32_t n_marks;
    uint8_t *cache;        /* chunks of positions: [n_attn][keys, values][n_head_kv] */
    arena memory;
} timeline;

/* Bytes that `n_tokens` tokens take. */
lfm_status timeline_bytes(const model_shape *s, timeline_options opt, uint32_t n_tokens,
                          uint64_t *bytes, lfm_error *err);

/* Reserve memory for opt.n_ctx tokens; its pages cost nothing until they are written. */
lfm_status timeline_open(timeline *t, const model_shape *s, timeline_options opt, lfm_error *err);
void timeline_close(timeline *t); /* safe on a zeroed struct */

/* Forget all tokens. */
void timeline_reset(timeline *t);

/* Rewind to the latest point at or before `n` tokens that has a copy; returns that point. */
uint32_t timeline_rewind(timeline *t, uint32_t n);

/* Ask for a copy after `pos` tokens, which have not been read yet.  It replaces the oldest of
 * TIMELINE_MARKS marks. */
void timeline_mark(timeline *t, uint32_t pos);

/* The copy of the history after `pos` tokens, [n_conv][2][n_embd]; NULL when none is wanted there.
 */
float *timeline_copy_at(const timeline *t, uint32_t pos);

/* Clear what rewinding has left after `pos`, so that two timelines of the same tokens hold the same
 * bytes; drop marks that were not passed. */
void timeline_tidy(timeline *t);

/* to = from; both of one model and kind of cache.  LFM_ERR_FULL when `to` is too short. */
lfm_status timeline_copy(timeline *to, const timeline *from, lfm_error *err);

/* Floats of one copy of the history. */
static inline size_t timeline_history(const model_shape *s) {
    return 2 * (size_t)s->n_conv * s->n_embd;
}

/* Bytes of the cache of one head's keys, or values, in a chunk. */
static inline size_t timeline_head_bytes(const timeline *t) {
    return kern_kv_chunk_bytes(t->shape->head_dim, t->opt.kv);
}

/* Bytes from chunk to chunk: an odd number of heads, one more than there are.  With a round number
 * of bytes, a head's chunks would share few sets of the processor's caches. */
static inline size_t timeline_stride(const timeline *t) {
    return (2 * (size_t)t->shape->n_attn * t->shape->n_head_kv | 1) * timeline_head_bytes(t);
}

/* Chunks that hold `n` positions. */
static inline size_t timeline_chunks(uint32_t n) {
    return ((size_t)n + KERN_ATTN_CHUNK - 1) / KERN_ATTN_CHUNK;
}

/* First chunk of a head's keys; its values. */
static inline uint8_t *timeline_keys(const timeline *t, uint32_t attn_layer, uint32_t head) {
    const size_t before = 2 * (size_t)attn_layer * t->shape->n_head_kv + head;
    return t->cache + before * timeline_head_bytes(t);
}
static inline uint8_t *timeline_values(const timeline *t, uint32_t attn_layer, uint32_t head) {
    return timeline_keys(t, attn_layer, head) + t->shape->n_head_kv * timeline_head_bytes(t);
}

#endif
