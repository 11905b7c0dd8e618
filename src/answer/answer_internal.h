/*
 * answer_internal.h - the fields of lfm_answer, and what answer.c and loop.c share.
 */
#ifndef ANSWER_ANSWER_INTERNAL_H
#define ANSWER_ANSWER_INTERNAL_H

#include "answer/answer_calls.h"
#include "answer/answer_logprobs.h"
#include "answer/answer_text.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lfm_answer {
    lfm_answer_options opt;
    const lfm_model *model;
    lfm_session *session;
    lfm_sampler *sampler;
    lfm_constraint *constraint; /* NULL = unconstrained */

    answer_text text;
    lfm_finish finish;
    int32_t *pending; // [n_pending] tokens that are chosen but not yet evaluated
    size_t n_pending, pending_cap;
    token_logprobs logprobs;
    float *masked; // [n_vocab] logits, -inf for tokens that the constraint forbids
    answer_calls calls;
    size_t n_generated;
    size_t n_reasoning;
    size_t n_room; /* most tokens that the answer may have; SIZE_MAX = no limit */

    lfm_answer_state state; /* the above for callers: answer_refresh fills it */
};

/* Append the bytes of a token to the text, or to the tool call that is open. */
lfm_status answer_add_bytes(lfm_answer *a, int32_t token, lfm_error *err);

/* Fill `state` from the other fields. */
void answer_refresh(lfm_answer *a);

#endif
