/*
 * generate.h - an answer, token by token.
 *
 * The caller evaluates: first the prompt, then what generation_take leaves waiting: one token, and
 * with a form also those that it forces to follow.  So that several answers can take their steps
 * together.
 */
#ifndef CLI_PROMPT_GENERATE_H
#define CLI_PROMPT_GENERATE_H

#include "answer/logprobs.h"
#include "answer/text.h"
#include "cli/options/options.h"

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
    lfm_constraint *form;     /* owned; NULL = any answer will do */

    answer answer;
    const char *finish;       /* OpenAI's finish_reason; NULL = not finished */
    int32_t *waiting;         /* [n_waiting] tokens that were taken and are not evaluated */
    size_t n_waiting, waiting_cap;
    token_logprobs logprobs;  /* with --logprobs: of every token that was generated */
    float *logits;            /* [n_vocab] with a form: without what cannot follow */
    bool in_call;             /* between the markers of calls of tools, with --tools */
    json_out call_text;       /* what was said there */
    json_out calls;           /* JSON objects with ", " between them */
    size_t n_calls;
    size_t n_bad_calls;       /* texts between markers that are no calls: they are in the answer */
    size_t n_generated;
    size_t n_reasoning;
    size_t n_room;            /* tokens that the answer may have, thoughts and all */
} generation;

/* Before the first token: stop strings, thoughts, --prefill; then every token of the prompt. */
lfm_status generation_begin(generation *g, const int32_t *prompt, size_t n, lfm_error *err);

/* Choose a token from the session's logits and add it to the answer, and what must follow it.
 * g->finish is set when the answer ended ("grammar": it has its form, and that is complete);
 * otherwise g->waiting is to be evaluated next, and there is room for it. */
lfm_status generation_take(generation *g, lfm_error *err);

/* Evaluate what waits, or all of it but the last token. */
lfm_status generation_step(generation *g, lfm_error *err);
lfm_status generation_step_to_last(generation *g, lfm_error *err);

/* Nothing follows: settle what is open.  After it the answer and its calls are complete. */
lfm_status generation_end(generation *g, lfm_error *err);

/* Has a finished answer not got the form that was asked for? */
bool generation_is_cut(const generation *g);

void generation_drop(generation *g);

#endif
