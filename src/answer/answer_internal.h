/*
 * answer_internal.h - an answer in the making.
 */
#ifndef ANSWER_ANSWER_INTERNAL_H
#define ANSWER_ANSWER_INTERNAL_H

#include "answer/answer_logprobs.h"
#include "answer/answer_text.h"
#include "answer/tool_calls.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lfm_answer {
    lfm_answer_options opt;
    const lfm_model *model;
    lfm_session *session;
    lfm_sampler *sampler;
    lfm_constraint *constraint; /* NULL = any answer will do */

    answer_text text;
    lfm_finish finish;
    int32_t *pending; // [n_pending] tokens that were chosen and are not evaluated
    size_t n_pending, pending_cap;
    token_logprobs logprobs;
    float *masked;      // [n_vocab] logits without the tokens that cannot follow
    bool in_call;       /* between the markers of tool calls */
    json_out call_text; /* what was said there */
    tool_calls calls;
    size_t n_unread_calls;
    size_t n_generated;
    size_t n_reasoning;
    size_t n_room; /* tokens that the answer may have; SIZE_MAX = any number */

    lfm_answer_state state; /* the above, as callers see it */
};

/* A token's bytes go to the text, or to the tool calls. */
lfm_status answer_add_bytes(lfm_answer *a, int32_t token, lfm_error *err);

/* Read the calls that are open.  What cannot be read becomes text, as it was said. */
lfm_status answer_end_calls(lfm_answer *a, bool marked, lfm_error *err);

/* Make `state` say what is there now. */
void answer_refresh(lfm_answer *a);

#endif
