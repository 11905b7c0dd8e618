/*
 * internal.h - the structs behind lfm.h.
 *
 * The model owns the mapping, the vocabulary and the views, and is immutable once opened.  The
 * session owns everything that changes.
 */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "api/template.h"
#include "base/system/pool.h"
#include "gguf/gguf.h"
#include "kernel/kernel.h"
#include "lfm_tools.h"
#include "model/shape.h"
#include "model/state.h"
#include "model/timeline.h"
#include "model/weights.h"
#include "token/tokenizer.h"

struct lfm_model {
    gguf_file file;
    model_shape shape;
    model_weights weights;
    kern_table kern;
    tokenizer *tok;
    chat_template template;
    lfm_model_info info;
    lfm_sampling sampling; /* the defaults */
    char name[256]; /* general.name, cut to fit */
    bool vocab_only;
};

/* What the sessions of a family share. */
typedef struct {
    const lfm_model *model;
    pool *threads;
    pool *batch_threads; /* for batches of more than one token; NULL: `threads` */
    model_state state;
    size_t n_sessions;
    uint64_t memory;      /* bytes available when it was made */
} session_shared;

struct lfm_session {
    session_shared *shared;
    timeline line;
    float *logits;   /* [n_vocab] */
    bool has_logits; /* `logits` are those of the last token */
    bool broken;     /* after LFM_ERR_NUMERIC, until reset */
    lfm_progress_fn *on_progress;
    void *progress_ctx;
    lfm_layer_fn *on_layer;
    void *layer_ctx;
};

#endif
