/*
 * tool_calls.h - parsing the tool calls of an answer.
 *
 * LFM2 models write tool calls between <|tool_call_start|> and <|tool_call_end|>, as a list of
 * Python calls, [f(a='x', n=1), m.g(items=[1, {'k': None}])], or, when asked to, as JSON objects
 * with "name" and "arguments".  Values may use the syntax of Python or of JSON.  Strings have
 * single or double quotes.  A quote ends its string only if a delimiter follows, because the
 * official template writes strings without escapes.
 */
#ifndef ANSWER_TOOL_CALLS_H
#define ANSWER_TOOL_CALLS_H

#include "base/error.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct is an empty list. */
typedef struct {
    lfm_tool_call *all; // [n]; names and arguments are owned
    size_t n, cap;
} tool_calls;

/* Parse `text` (n bytes, without the markers) and append its calls.  When it is not a list of
 * calls, *read is false and nothing is appended.  LFM_ERR_MEMORY. */
lfm_status tool_calls_read(tool_calls *list, const char *text, size_t n, bool *read,
                           lfm_error *err);

void tool_calls_drop(tool_calls *list);

#endif
