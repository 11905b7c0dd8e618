/*
 * state.h - what changes while a model runs: one timeline's memory and the scratch of a batch.
 */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/pool.h"
#include "kernel/kernel.h"
#include "kernel/matmul.h"
#include "model/shape.h"
#include "model/weights.h"

#include <stddef.h>
#include <stdint.h>

/* The forms in which activations meet weights: plain floats, int8 in blocks of 32 or of 256. */
typedef enum { FORM_F32, FORM_Q32, FORM_Q256, FORM_COUNT } act_form;

/* Rows of activations in every form; a row's forms are filled as its weights need them. */
typedef struct {
    size_t n_rows;
    uint8_t *rows[FORM_COUNT];       /* NULL for forms that this model never needs */
    size_t stride[FORM_COUNT];       /* bytes from row to row */
    const void **at[FORM_COUNT];     /* [n_rows] addresses of the rows */
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
    uint32_t n_ctx;
    uint32_t n_batch;
    kern_kv kv;

    /* The timeline. */
    uint32_t pos;      /* tokens evaluated so far */
    uint8_t *keys;     /* [n_attn][n_head_kv][n_ctx][head_dim] in the cache's type */
    uint8_t *values;   /* likewise */
    float *history;    /* [n_conv][2][n_embd], the older column first */
    double *freq;      /* [head_dim / 2] */

    /* Scratch for n_batch tokens. */
    float *x;          /* [n][n_embd] residual stream */
    float *delta;      /* [n][n_embd] what the last block adds to it */
    float *wide;       /* [n][widest intermediate] */
    float *cosine;     /* [n][head_dim / 2] */
    float *sine;
    act_rows in;       /* [n] input of the current matrices */
    /* Experts: a slot is (token, rank), slot = token * n_expert_used + rank. */
    float *scores;     /* [n][n_expert] router */
    expert_choice *choice; /* [slots] */
    uint32_t *order;   /* [slots] slots sorted by expert */
    float *gate;       /* [slots][n_ff_expert] */
    float *up;         /* [slots][n_ff_expert] */
    float *mixed;      /* [slots][n_embd] outputs of the experts */
    act_rows hidden;   /* [slots] input of the down matrices */
    const void **gather[FORM_COUNT]; /* [slots] rows of `in` in expert order */
    const void **hidden_at;          /* [slots] rows of `hidden` in expert order */
    float **gate_at, **up_at, **mixed_at; /* [slots] in expert order */
    matmul_job *jobs;  /* [2 * n_expert] */
    size_t n_jobs;
    size_t n_pieces;

    arena timeline;
    arena scratch;
} model_state;

typedef struct {
    uint32_t n_ctx;
    uint32_t n_batch;
    kern_kv kv;
} state_options;

/* Memory that a state takes: the timeline for n_ctx tokens, and the scratch.  LFM_ERR_MEMORY when
 * the sizes do not fit 64 bits. */
lfm_status state_plan(const model_shape *s, const model_weights *w, state_options opt,
                      uint64_t *timeline_bytes, uint64_t *scratch_bytes, lfm_error *err);

/* Reserve memory; the cache's pages cost nothing until they are written. */
lfm_status state_open(model_state *st, const model_shape *s, const model_weights *w,
                      const kern_table *kern, state_options opt, lfm_error *err);
void state_close(model_state *st); /* safe on a zeroed struct */

/* Back to an empty timeline. */
void state_reset(model_state *st);

/* The form that a weight type takes. */
act_form state_form(qtype type);

/* Fill the forms in `mask` (1 << form) of row i from its floats, which are `n` long. */
void act_fill(const act_rows *a, const kern_table *kern, size_t i, size_t n, unsigned mask);

/* The floats of row i. */
static inline float *act_floats(const act_rows *a, size_t i) {
    return (float *)(void *)(a->rows[FORM_F32] + i * a->stride[FORM_F32]);
}

static inline unsigned form_bit(const weight *w) {
    return 1u << state_form(w->type);
}

/* First position of a KV head, in st->keys or st->values; positions follow each other. */
static inline size_t kv_row_bytes(const model_state *st) {
    return st->shape->head_dim * (st->kv == KERN_KV_F16 ? sizeof(uint16_t) : sizeof(float));
}
static inline size_t kv_offset(const model_state *st, uint32_t attn_layer, uint32_t head) {
    return ((size_t)attn_layer * st->shape->n_head_kv + head) * st->n_ctx * kv_row_bytes(st);
}

#endif
