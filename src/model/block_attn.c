/*
 * block_attn.c - grouped-query attention with normed and rotated heads.
 *
 * Source: MODEL.md, "Attention".
 */
#include "model/block.h"

#include <math.h>

typedef struct {
    float *q; /* [n][n_head][head_dim] */
    float *k; /* [n][n_head_kv][head_dim] */
    float *v;
} projections;

/* Norm and rotate the heads of token i, and put its keys and values into the cache. */
static void prepare_token(batch *b, const layer_weights *l, uint32_t attn_index, projections p,
                          size_t i) {
    const model_state *st = b->st;
    const model_shape *s = st->shape;
    const kern_table *kern = st->kern;
    const size_t dim = s->head_dim;
    const float *cosine = st->cosine + i * (dim / 2);
    const float *sine = st->sine + i * (dim / 2);
    for (size_t h = 0; h < s->n_head; h++) {
        float *q = p.q + (i * s->n_head + h) * dim;
        kern->norm(q, q, l->attn.q_norm, dim, s->eps);
        kern->rope(q, cosine, sine, dim);
    }
    for (uint32_t h = 0; h < s->n_head_kv; h++) {
        float *k = p.k + (i * s->n_head_kv + h) * dim;
        const float *v = p.v + (i * s->n_head_kv + h) * dim;
        const size_t at = kv_offset(st, attn_index, h) + (st->pos + i) * kv_row_bytes(st);
        kern->norm(k, k, l->attn.k_norm, dim, s->eps);
        kern->rope(k, cosine, sine, dim);
        kern->kv_store(st->keys + at, k, dim, st->kv);
        kern->kv_store(st->values + at, v, dim, st->kv);
    }
}

/* Pieces are (token, KV head): the query heads that share a KV head read its cache together. */
static void attend(batch *b, uint32_t attn_index, const float *q) {
    const model_state *st = b->st;
    const model_shape *s = st->shape;
    const size_t dim = s->head_dim;
    const size_t group = s->n_head / s->n_head_kv;
    const float scale = 1.0f / sqrtf((float)dim);
    size_t piece = 0;
    while (team_take(b->t, b->n * s->n_head_kv, &piece)) {
        const size_t i = piece / s->n_head_kv;
        const uint32_t h = (uint32_t)(piece % s->n_head_kv);
        const size_t at = kv_offset(st, attn_index, h);
        const size_t first = h * group * dim;
        st->kern->attend(act_floats(&st->in, i) + first, q + i * s->n_head * dim + first,
                         st->keys + at, st->values + at, group, dim, st->pos + i + 1,
                         kv_row_bytes(st), scale, st->kv);
    }
    team_sync(b->t);
}

void block_attn(batch *b, const layer_weights *l, uint32_t attn_index) {
    model_state *st = b->st;
    const model_shape *s = st->shape;
    const size_t n_q = (size_t)s->n_head * s->head_dim;
    const size_t n_kv = (size_t)s->n_head_kv * s->head_dim;
    const weight *const qkv[3] = {&l->attn.q, &l->attn.k, &l->attn.v};
    const weight *out = &l->attn.out;
    const projections p = {
        .q = st->wide, .k = st->wide + b->n * n_q, .v = st->wide + b->n * (n_q + n_kv),
    };
    float *const targets[3] = {p.q, p.k, p.v};
    batch_enter(b, l->norm_in, form_bit(qkv[0]) | form_bit(qkv[1]) | form_bit(qkv[2]));
    batch_multiply(b, qkv, targets, 3);
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        prepare_token(b, l, attn_index, p, i);
    }
    team_sync(b->t);
    attend(b, attn_index, p.q);
    batch_fill(b, n_q, form_bit(out));
    batch_multiply(b, &out, &st->delta, 1);
    b->waiting = PENDING_DELTA;
}
