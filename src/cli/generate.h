/*
 * generate.h - an answer, token by token.
 *
 * The caller evaluates: first the prompt, then what generation_take leaves in `last`.  So that
 * several answers can take their steps together.
 */
#ifndef CLI_GENERATE_H
#define CLI_GENERATE_H

#include "cli/answer.h"
#include "cli/options.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct with the first group filled in is ready. */
typedef struct {
    const cli_options *o;
    const lfm_model *model;
    lfm_session *session;
    lfm_sampler *sampler;     /* owned */

    answer answer;
    const char *finish;       /* OpenAI's finish_reason; NULL = not finished */
    int32_t last;             /* the token that was taken last */
    bool last_waits;          /* it has not been evaluated */
    size_t n_generated;
    size_t n_reasoning;
} generation;

/* Before the first token: stop strings, thoughts, --prefill; then every token of the prompt. */
lfm_status generation_begin(generation *g, const int32_t *prompt, size_t n, lfm_error *err);

/* Choose a token from the session's logits and add it to the answer.  g->finish is set when it was
 * the last one; otherwise g->last is to be evaluated next, and there is room for it. */
lfm_status generation_take(generation *g, lfm_error *err);

/* Evaluate g->last. */
lfm_status generation_step(generation *g, lfm_error *err);

void generation_drop(generation *g);

#endif
