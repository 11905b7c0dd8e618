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
static void prepare_token(pass *b, const layer_weights *l, uint32_t attn_index, projections p,
                          size_t i) {
    const model_state *st = b->st;
    const model_shape *s = st->shape;
    const kern_table *kern = st->kern;
    const timeline *line = pass_line(b, i);
    const size_t dim = s->head_dim;
    const size_t chunk = pass_pos(b, i) / KERN_ATTN_CHUNK * timeline_stride(line);
    const size_t row = pass_pos(b, i) % KERN_ATTN_CHUNK;
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
        kern->norm(k, k, l->attn.k_norm, dim, s->eps);
        kern->rope(k, cosine, sine, dim);
        kern->kv_store(timeline_keys(line, attn_index, h) + chunk, k, dim, row, line->opt.kv);
        kern->kv_store(timeline_values(line, attn_index, h) + chunk, v, dim, row, line->opt.kv);
    }
}

/* ---- Attention ------------------------------------------------------------------------------ */

/* One KV head and the query heads that share it: they read its cache together. */
typedef struct {
    pass *b;
    const float *q;      /* [n][n_head][head_dim], of the first of these query heads */
    uint32_t attn_index;
    uint32_t head;
    size_t n_q;
    float scale;
} group;

static group group_of(pass *b, uint32_t attn_index, const float *q, uint32_t head) {
    const model_shape *s = b->st->shape;
    const size_t n_q = s->n_head / s->n_head_kv;
    return (group){
        .b = b, .q = q + head * n_q * s->head_dim, .attn_index = attn_index, .head = head,
        .n_q = n_q, .scale = 1.0f / sqrtf((float)s->head_dim),
    };
}

/* The group's floats in a part of token i. */
static float *group_part(const group *g, size_t i, size_t n_parts, size_t part) {
    const model_state *st = g->b->st;
    return state_parts(st, i, n_parts, part) +
           g->head * g->n_q * kern_part_floats(st->shape->head_dim);
}

/* Fold positions first..end into a part of token i; `first` begins a chunk. */
static void attend(const group *g, float *part, size_t i, uint32_t first, uint32_t end) {
    const model_state *st = g->b->st;
    const timeline *line = pass_line(g->b, i);
    const size_t stride = timeline_stride(line);
    const size_t at = first / KERN_ATTN_CHUNK * stride;
    const size_t dim = st->shape->head_dim;
    st->kern->attend(part, g->q + i * st->shape->n_head * dim,
                     timeline_keys(line, g->attn_index, g->head) + at,
                     timeline_values(line, g->attn_index, g->head) + at, g->n_q, dim, end - first,
                     stride, g->scale, line->opt.kv);
}

static void finish(const group *g, const float *part, size_t i) {
    const size_t dim = g->b->st->shape->head_dim;
    kern_part_finish(act_floats(&g->b->st->in, i) + g->head * g->n_q * dim, part, g->n_q, dim);
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t spans_of(const pass *b, size_t i) {
    return pass_pos(b, i) / KERN_ATTN_SPAN + 1;
}

/* Fold a span into the current parts of tokens i..end of one timeline. */
static void attend_span(const group *g, size_t i, size_t end, uint32_t span) {
    const model_state *st = g->b->st;
    const timeline *line = pass_line(g->b, i);
    const size_t stride = timeline_stride(line);
    const size_t from = (size_t)span * KERN_ATTN_SPAN / KERN_ATTN_CHUNK * stride;
    const size_t n_head = st->shape->n_head;
    const size_t dim = st->shape->head_dim;
    const kern_queries tokens = {
        .part = group_part(g, i, 2, span > 0),
        .part_step = 2 * n_head * kern_part_floats(dim),
        .q = g->q + i * n_head * dim,
        .q_step = n_head * dim,
        .n = end - i,
        .first = pass_pos(g->b, i) + 1 - span * KERN_ATTN_SPAN,
        .most = KERN_ATTN_SPAN,
    };
    st->kern->attend_many(&tokens, timeline_keys(line, g->attn_index, g->head) + from,
                          timeline_values(line, g->attn_index, g->head) + from, g->n_q, dim, stride,
                          g->scale, line->opt.kv);
}

/* Tokens i..end of one timeline together, so that a chunk of the cache is read from memory once for
 * all of them.  Part 0 is the sum of the spans so far, part 1 the current span. */
static void attend_block(const group *g, size_t i, size_t end) {
    const size_t dim = g->b->st->shape->head_dim;
    for (uint32_t span = 0; span < spans_of(g->b, end - 1); span++) {
        size_t first = i; /* that sees this span */
        while (pass_pos(g->b, first) < span * KERN_ATTN_SPAN) {
            first++;
        }
        for (size_t j = first; j < end; j++) {
            kern_part_start(group_part(g, j, 2, span > 0), g->n_q, dim);
        }
        attend_span(g, first, end, span);
        for (size_t j = first; span > 0 && j < end; j++) {
            kern_part_join(group_part(g, j, 2, 0), group_part(g, j, 2, 1), g->n_q, dim);
        }
    }
    for (size_t j = i; j < end; j++) {
        finish(g, group_part(g, j, 2, 0), j);
    }
}

/* Pieces are (KV head, block of tokens), the blocks of a head in succession. */
static void attend_many(pass *b, uint32_t attn_index, const float *q) {
    const model_shape *s = b->st->shape;
    const size_t together = (size_t)KERN_ATTN_ROWS * s->n_head_kv / s->n_head;
    const size_t size = b->n_lines > 1 || together == 0 ? 1 : together;
    const size_t n_blocks = (b->n + size - 1) / size;
    size_t piece = 0;
    while (team_take(b->t, n_blocks * s->n_head_kv, &piece)) {
        const group g = group_of(b, attn_index, q, (uint32_t)(piece / n_blocks));
        const size_t i = piece % n_blocks * size;
        attend_block(&g, i, i + size < b->n ? i + size : b->n);
    }
    team_sync(b->t);
}

/* Merge the spans of token i, in order. */
static void join_spans(const group *g, size_t i) {
    const model_state *st = g->b->st;
    float *sum = group_part(g, i, st->n_spans, 0);
    for (uint32_t span = 1; span < spans_of(g->b, i); span++) {
        kern_part_join(sum, group_part(g, i, st->n_spans, span), g->n_q, st->shape->head_dim);
    }
    finish(g, sum, i);
}

/* For few tokens.  Pieces are (token, KV head, span): with a long cache, enough for all workers. */
static void attend_few(pass *b, uint32_t attn_index, const float *q) {
    const uint32_t n_kv = b->st->shape->n_head_kv;
    uint32_t n_spans = 1;
    for (size_t i = 0; i < b->n; i++) {
        n_spans = spans_of(b, i) > n_spans ? spans_of(b, i) : n_spans;
    }
    size_t piece = 0;
    while (team_take(b->t, b->n * n_kv * n_spans, &piece)) {
        const size_t i = piece / n_spans / n_kv;
        const uint32_t span = (uint32_t)(piece % n_spans);
        const group g = group_of(b, attn_index, q, (uint32_t)(piece / n_spans % n_kv));
        if (span < spans_of(b, i)) {
            float *part = group_part(&g, i, b->st->n_spans, span);
            kern_part_start(part, g.n_q, b->st->shape->head_dim);
            attend(&g, part, i, span * KERN_ATTN_SPAN,
                   smaller(pass_pos(b, i) + 1, (span + 1) * KERN_ATTN_SPAN));
            if (n_spans == 1) {
                finish(&g, part, i);
            }
        }
    }
    team_sync(b->t);
    if (n_spans > 1) {
        while (team_take(b->t, b->n * n_kv, &piece)) {
            const group g = group_of(b, attn_index, q, (uint32_t)(piece % n_kv));
            join_spans(&g, piece / n_kv);
        }
        team_sync(b->t);
    }
}

void block_attn(pass *b, const layer_weights *l, uint32_t attn_index) {
    model_state *st = b->st;
    const model_shape *s = st->shape;
    const size_t n_q = (size_t)s->n_head * s->head_dim;
    const size_t n_kv = (size_t)s->n_head_kv * s->head_dim;
    const projections p = {
        .q = st->wide, .k = st->wide + b->n * n_q, .v = st->wide + b->n * (n_q + n_kv),
    };
    float *const targets[3] = {p.q, p.k, p.v};
    pass_enter(b, l->norm_in);
    pass_multiply(b, targets);
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        prepare_token(b, l, attn_index, p, i);
    }
    team_sync(b->t);
    if (b->n <= STATE_SPLIT_TOKENS) {
        attend_few(b, attn_index, p.q);
    } else {
        attend_many(b, attn_index, p.q);
    }
    pass_fill(b, n_q);
    pass_multiply(b, &st->delta); /* the output projection */
    b->waiting = PENDING_DELTA;
}
