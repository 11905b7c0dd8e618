/*
 * forward.h - the story of a token: embedding, layers, norm, logits.
 */
#ifndef MODEL_FORWARD_H
#define MODEL_FORWARD_H

#include "base/system/pool.h"
#include "model/state.h"
#include "model/timeline.h"

/* Called after each layer with the residual stream [n][n_embd]. */
typedef void layer_fn(void *ctx, uint32_t layer, const float *x, size_t n);

typedef struct {
    timeline *const *lines;
    size_t n_lines;        /* 1, or n: a token for each timeline */
    const int32_t *tokens; /* [n], ids below n_vocab */
    size_t n;              /* 1 to n_batch; all timelines have room */
    float *logits;         /* [n_vocab] of the last token, or [n][n_vocab]; NULL: none wanted */
    bool all_logits;
    layer_fn *on_layer;    /* NULL: no calls */
    void *on_layer_ctx;
} forward_request;

/* Evaluate a batch and move its timelines forward.  LFM_ERR_NUMERIC names the layer (or the output)
 * in which NaN or infinity first appeared; they are then unusable until timeline_reset. */
lfm_status model_forward(model_state *st, pool *threads, const forward_request *rq, lfm_error *err);

#endif
