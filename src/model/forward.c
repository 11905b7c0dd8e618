/*
 * forward.c - one batch of tokens through the whole model.
 *
 * Every worker of the team walks the same story; block.h says how they share each step.
 */
#include "model/forward.h"

#include "kernel/rope.h"
#include "model/block.h"

#include <inttypes.h>
#include <math.h>

typedef struct {
    model_state *st;
    const forward_request *rq;
    _Atomic int32_t bad;
} forward_run;

/* x = embedding rows; angles of each token's position. */
static void embed(pass *b, const forward_request *rq) {
    model_state *st = b->st;
    const weight *e = &st->weights->embedding;
    const size_t half = st->shape->head_dim / 2;
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        float *x = st->x + i * e->cols;
        kern_dequantize(e->type, x, e->data + (size_t)rq->tokens[i] * e->row_bytes, e->cols);
        for (size_t j = 0; e->scale && j < e->cols; j++) {
            x[j] *= *e->scale;
        }
        rope_angles(st->cosine + i * half, st->sine + i * half, st->freq, half, pass_pos(b, i));
    }
    team_sync(b->t);
}

/* Each block first adds the pending output of the one before, which b->layer produced. */
static void layer(pass *b, uint32_t i, uint32_t *n_conv, uint32_t *n_attn) {
    const layer_weights *l = &b->st->weights->layers[i];
    if (l->kind == LAYER_CONV) {
        block_conv(b, l, (*n_conv)++);
    } else {
        block_attn(b, l, (*n_attn)++);
    }
    b->layer = i;
    if (l->is_moe) {
        block_moe(b, l);
    } else {
        block_dense(b, l);
    }
}

static void watch(pass *b, const forward_request *rq) {
    pass_settle(b);
    if (b->t->worker == 0) {
        rq->on_layer(rq->on_layer_ctx, b->layer, b->st->x, b->n);
    }
    team_sync(b->t);
}

/* The head is the largest matrix, so it computes the logits of all tokens only on request. */
static size_t head_tokens(const forward_request *rq) {
    return !rq->logits ? 0 : rq->all_logits ? rq->n : 1;
}

static void head(pass *b, const forward_request *rq) {
    pass_enter(b, b->st->weights->norm_out);
    if (rq->logits) {
        pass_multiply(b, &rq->logits);
    }
}

static void forward(void *ctx, team *t) {
    forward_run *run = ctx;
    model_state *st = run->st;
    pass b = {
        .st = st,
        .t = t,
        .n = run->rq->n,
        .lines = run->rq->lines,
        .n_lines = run->rq->n_lines,
        .bad = &run->bad,
        .n_head = head_tokens(run->rq),
    };
    uint32_t n_conv = 0;
    uint32_t n_attn = 0;
    pass_begin(&b);
    embed(&b, run->rq);
    for (uint32_t i = 0; i < st->shape->n_layer; i++) {
        layer(&b, i, &n_conv, &n_attn);
        if (run->rq->on_layer) {
            watch(&b, run->rq);
        }
    }
    head(&b, run->rq);
}

/* Append the tokens to their timelines. */
static void advance(const forward_request *rq) {
    for (size_t i = 0; i < rq->n; i++) {
        timeline *line = rq->lines[rq->n_lines > 1 ? i : 0];
        line->tokens[line->pos++] = rq->tokens[i];
    }
}

static lfm_status check_logits(const model_state *st, const forward_request *rq, lfm_error *err) {
    const size_t n = (rq->all_logits ? rq->n : 1) * (size_t)st->shape->n_vocab;
    for (size_t i = 0; rq->logits && i < n; i++) {
        if (!isfinite(rq->logits[i])) {
            return err_set(err, LFM_ERR_NUMERIC, "the model's output layer produced a number that "
                           "is not finite at position %" PRIu32 "; the file's weights are damaged",
                           rq->lines[0]->pos);
        }
    }
    return LFM_OK;
}

lfm_status model_forward(model_state *st, pool *threads, const forward_request *rq,
                         lfm_error *err) {
    forward_run run = {.st = st, .rq = rq, .bad = INT32_MAX};
    pool_run(threads, forward, &run);
    if (run.bad != INT32_MAX) {
        return err_set(err, LFM_ERR_NUMERIC, "layer %" PRId32 " of the model produced a number "
                       "that is not finite near position %" PRIu32 "; the file's weights are "
                       "damaged", run.bad, rq->lines[0]->pos);
    }
    const lfm_status status = check_logits(st, rq, err);
    if (status == LFM_OK) {
        advance(rq);
    }
    return status;
}
