/*
 * answer_json.h - parts of an answer as JSON: tool calls, log-probabilities.
 */
#ifndef CLI_SHARED_ANSWER_JSON_H
#define CLI_SHARED_ANSWER_JSON_H

#include "base/json.h"

#include "lfm.h"

#include <stddef.h>

/* Append an element: {"name": .., "arguments": {..}}. */
void tool_call_write(json_out *out, const lfm_tool_call *call);

/* Append a list, [{"id":..,"token":..,"bytes":[..],"logprob":..,TOP:[..]},..], of the tokens from
 * `first` on.  `top` is what the list of alternatives is called. */
void logprobs_write(json_out *out, const lfm_answer_state *a, size_t first, const lfm_model *m,
                    const char *top);

#endif
