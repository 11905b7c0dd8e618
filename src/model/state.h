/*
 * state.h - the working memory of a pass.
 */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/system/pool.h"
#include "kernel/kernel.h"
#include "kernel/matmul.h"
#include "model/shape.h"
#include "model/weights.h"

#include <stddef.h>
#include <stdint.h>

/* Rows of activations in every layout; a row's layouts are filled as its weights need them. */
typedef struct {
    size_t n_rows;
    uint8_t *rows[ACT_LAYOUTS];      /* NULL for layouts that this model never needs */
    size_t stride[ACT_LAYOUTS];      /* bytes from row to row */
    const void **at[ACT_LAYOUTS];    /* [n_rows] addresses of the rows */
} act_rows;

/* One chosen expert of one token. */
typedef struct {
    int32_t expert;
    float weight;
} expert_choice;

typedef struct {
    const model_shape *shape;
    const model_weights *weights;
    const kern_table *kern;
    uint32_t n_batch;
    uint32_t n_spans;  /* most spans of a timeline (KERN_ATTN_SPAN) */
    double *freq;      /* [head_dim / 2] */

    /* For n_batch tokens. */
    float *x;          /* [n][n_embd] residual stream */
    float *delta;      /* [n][n_embd] what the last block adds to it */
    float *wide;       /* [n][widest intermediate] */
    float *cosine;     /* [n][head_dim / 2] */
    float *sine;
    act_rows in;       /* [n] input of the current matrices */
    float *parts;      /* [n_parts][n_head][kern_part_floats] of attention */
    /* Experts: a slot is (token, rank), slot = token * n_expert_used + rank. */
    float *scores;     /* [n][n_expert] router */
    expert_choice *choice; /* [slots] */
    float *mixed;      /* [slots][n_embd] outputs of the experts */
    act_rows hidden;   /* [slots] input of the down matrices, in expert order */
    const void **gather[ACT_LAYOUTS]; /* [slots] rows of `in` in expert order */
    float **mixed_at;  /* [slots] in expert order */
    matmul_job *gate_jobs;  /* [n_expert]; with up_jobs they compute `hidden` */
    matmul_job *up_jobs;
    matmul_job *down_jobs;
    size_t n_gate_up;  /* pieces of these jobs */
    size_t n_down;

    arena memory;
} model_state;

typedef struct {
    uint32_t n_ctx;    /* longest timeline */
    uint32_t n_batch;
} state_options;

/* Up to this many tokens, attention is divided by spans too, each with a part of its own. */
enum { STATE_SPLIT_TOKENS = 8 };

/* Bytes that a state takes.  LFM_ERR_MEMORY when they do not fit 64 bits. */
lfm_status state_bytes(const model_shape *s, const model_weights *w, state_options opt,
                       uint64_t *bytes, lfm_error *err);

lfm_status state_open(model_state *st, const model_shape *s, const model_weights *w,
                      const kern_table *kern, state_options opt, lfm_error *err);
void state_close(model_state *st); /* safe on a zeroed struct */

/* Fill the quantised layouts in `mask` (1 << layout) of row i from x[n]. */
void act_fill(const act_rows *a, const kern_table *kern, size_t i, const float *x, size_t n,
              unsigned mask);

/* Fill a part of one layout of row i, of `width` values: x[n] from value `first` on.  `first` and n
 * are multiples of the layout's blocks, and n is at most ACT_PART. */
enum { ACT_PART = 1024 };
void act_fill_part(const act_rows *a, const kern_table *kern, size_t i, size_t width, size_t first,
                   const float *x, size_t n, act_layout layout);

/* The floats of row i. */
static inline float *act_floats(const act_rows *a, size_t i) {
    return (float *)(void *)(a->rows[ACT_F32] + i * a->stride[ACT_F32]);
}

/* The parts of token i: `part` is a span, or 0 for the sum so far and 1 for the current span. */
static inline float *state_parts(const model_state *st, size_t i, size_t n_parts, size_t part) {
    return st->parts + (i * n_parts + part) * st->shape->n_head *
                           kern_part_floats(st->shape->head_dim);
}

#endif
