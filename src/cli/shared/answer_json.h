/*
 * answer_json.h - parts of an answer as JSON: tool calls, log-probabilities.
 */
#ifndef CLI_SHARED_ANSWER_JSON_H
#define CLI_SHARED_ANSWER_JSON_H

#include "base/json.h"

#include "lfm.h"

#include <stddef.h>

/* Append an element of a list: {"name": .., "arguments": {..}}. */
void tool_call_write(json_out *out, const lfm_tool_call *call);

/* Append a list of the tokens from `first` on:
 * [{"id":..,"token":..,"bytes":[..],"logprob":..,TOP:[..]},..].  `top` is the key of the
 * alternatives. */
void logprobs_write(json_out *out, const lfm_answer_state *a, size_t first, const lfm_model *m,
                    const char *top);

#endif
