/*
 * block.h - what the blocks of a layer share: one batch on its way through the model, and its
 * steps.
 *
 * Every worker of the team runs the same functions; a step's pieces are taken by whoever is free,
 * and each function returns with the step ended (team_sync), so that its results are there for all.
 */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include "base/system/pool.h"
#include "model/state.h"
#include "model/timeline.h"

#include <stdatomic.h>
#include <stddef.h>

/* What waits to be added to the residual stream. */
typedef enum { PENDING_NOTHING, PENDING_DELTA, PENDING_MIXTURE } pending;

/* One worker's view of a batch.  All workers keep the same values. */
typedef struct {
    model_state *st;
    team *t;
    size_t n;             /* tokens in the batch */
    timeline *const *lines;
    size_t n_lines;       /* 1: all tokens go to one timeline; else n, a token for each */
    pending waiting;
    uint32_t layer;
    _Atomic int32_t *bad; /* first layer whose output was not finite, or INT32_MAX; shared */
} pass;

/* Matrices that meet the same rows: what one step multiplies by.  Empty: not known. */
typedef struct {
    const weight *w[3];
    size_t n;
} matrices;

/* Where token i belongs, and how many tokens come before it there. */
static inline timeline *pass_line(const pass *b, size_t i) {
    return b->lines[b->n_lines > 1 ? i : 0];
}
static inline uint32_t pass_pos(const pass *b, size_t i) {
    return b->n_lines > 1 ? b->lines[i]->pos : b->lines[0]->pos + (uint32_t)i;
}

/* x += what is pending; in = norm(x) in the forms of `mask`.  One step. */
void pass_enter(pass *b, const float *norm, unsigned mask);

/* x += what is pending, and nothing else.  One step. */
void pass_settle(pass *b);

/* The other forms of `in`, from its floats [n][width].  One step. */
void pass_fill(pass *b, size_t width, unsigned mask);

/* The forms that these matrices take (for pass_enter). */
unsigned pass_layouts(matrices m);

/* Where this worker begins with matrices that all tokens meet; NULL when it has no part in them, or
 * they are not known. */
const uint8_t *pass_start(const pass *b, matrices m);

/* The products of matrices with the rows of `in`; out[i] receives those of matrix i as [n][rows].
 * `after` are the matrices of the next such step: their first rows are fetched ahead.  One step. */
void pass_multiply(pass *b, matrices m, float *const *out, matrices after);

/* What the two halves of a layer begin with. */
matrices block_mixer_first(const layer_weights *l);
matrices block_ffn_first(const layer_weights *l);

/* The blocks: from x (through pass_enter) to something pending. */
void block_conv(pass *b, const layer_weights *l, uint32_t conv_index);
void block_attn(pass *b, const layer_weights *l, uint32_t attn_index);
void block_dense(pass *b, const layer_weights *l, matrices after);
void block_moe(pass *b, const layer_weights *l, matrices after);

#endif
