/*
 * internal.h - what the files that implement lfm.h share.
 *
 * The model owns the mapping, the vocabulary and the views; it never changes after it was opened.
 * The session owns everything that changes.
 */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "base/system/pool.h"
#include "gguf/gguf.h"
#include "kernel/kernel.h"
#include "lfm_tools.h"
#include "model/shape.h"
#include "model/state.h"
#include "model/timeline.h"
#include "model/weights.h"
#include "token/chat.h"
#include "token/tokenizer.h"

struct lfm_model {
    gguf_file file;
    model_shape shape;
    model_weights weights;
    kern_table kern;
    tokenizer *tok;
    chat_template template;
    lfm_model_info info;
    char name[256]; /* general.name, cut to fit */
    bool vocab_only;
};

/* Copy the option struct that a caller gave, NULL for all defaults, into one of ours of `size`
 * bytes.  Both begin with struct_size.  When a struct has grown, a struct_size of 0 has to mean its
 * size in version 0.1.  LFM_ERR_ARG when fields are set that we do not know. */
lfm_status options_read(void *ours, size_t size, const void *theirs, const char *name,
                        lfm_error *err);

/* What sessions of one family work with. */
typedef struct {
    const lfm_model *model;
    pool *threads;
    pool *batch_threads; /* for several tokens of a text at once; NULL: the same */
    model_state state;
    size_t n_sessions;
    uint64_t memory;      /* bytes that were to be had when it began */
} session_shared;

struct lfm_session {
    session_shared *shared;
    timeline line;
    float *logits;   /* [n_vocab] */
    bool has_logits; /* they are those of the last token */
    bool broken;     /* after LFM_ERR_NUMERIC, until reset */
    lfm_progress_fn *on_progress;
    void *progress_ctx;
    lfm_layer_fn *on_layer;
    void *layer_ctx;
};

#endif
