/*
 * block.h - what the blocks of a layer share: one pass of a batch through the model, and its steps.
 *
 * Every worker of the team runs the same functions.  In each step, free workers take the next
 * piece; each function ends its step (team_sync) before it returns, so that all workers see its
 * results.
 */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include "base/system/pool.h"
#include "model/state.h"
#include "model/timeline.h"

#include <stdatomic.h>
#include <stddef.h>

/* What is still to be added to the residual stream. */
typedef enum { PENDING_NOTHING, PENDING_DELTA, PENDING_MIXTURE } pending;

/* One worker's view of a pass.  All workers have the same values, but for the team. */
typedef struct {
    model_state *st;
    team *t;
    size_t n;             /* tokens in the batch */
    timeline *const *lines;
    size_t n_lines;       /* 1: all tokens go to one timeline; else n, a token for each */
    pending waiting;
    uint32_t layer;
    _Atomic int32_t *bad; /* first layer whose output was not finite, or INT32_MAX; shared */

    size_t n_head;        /* tokens that the head is for: the last ones, or none */
    const weights_step *step; /* the next products */
    matmul_job jobs[STEP_MATRICES]; /* their plan, without outputs */
    size_t n_pieces;
} pass;

/* The timeline of token i, and the token's position in it. */
static inline timeline *pass_line(const pass *b, size_t i) {
    return b->lines[b->n_lines > 1 ? i : 0];
}
static inline uint32_t pass_pos(const pass *b, size_t i) {
    return b->n_lines > 1 ? b->lines[i]->pos : b->lines[0]->pos + (uint32_t)i;
}

/* x += what is pending; in = norm(x), in the layouts that the next products take.  One step. */
void pass_enter(pass *b, const float *norm);

/* x += what is pending, and nothing else.  One step. */
void pass_settle(pass *b);

/* `in` in the other layouts that the next products take, from its floats [n][width].  One step. */
void pass_fill(pass *b, size_t width);

/* Multiply the rows of `in` by the matrices of the current weights_step, and advance: out[i]
 * receives the products of matrix i as [n][rows].  The last pieces fetch the first weights of the
 * next weights_step.  One step. */
void pass_multiply(pass *b, float *const *out);

/* Start at the model's first products. */
void pass_begin(pass *b);

/* Go one step further; after the last step comes the first one, of the next pass.  Returns where
 * this worker will begin to read weights: NULL when it has no part in the step, or when the step's
 * matrices are not known yet. */
const uint8_t *pass_advance(pass *b);

/* The blocks: from x (through pass_enter) to something pending. */
void block_conv(pass *b, const layer_weights *l, uint32_t conv_index);
void block_attn(pass *b, const layer_weights *l, uint32_t attn_index);
void block_dense(pass *b, const layer_weights *l);
void block_moe(pass *b, const layer_weights *l);

#endif
