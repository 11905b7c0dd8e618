/*
 * tool_calls.h - the tool calls in an answer.
 *
 * LFM2 models write them between <|tool_call_start|> and <|tool_call_end|> as a list of Python
 * calls, [f(a='x', n=1), m.g(items=[1, {'k': None}])], or, when asked to, as JSON objects with
 * "name" and "arguments".  Values may be Python's or JSON's.  Strings may end in either quote; a
 * quote inside one is taken for its end only where something can follow the string: the official
 * template writes strings without escapes.
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

/* Append the calls in `text` (n bytes, without the markers).  *read is false, and nothing is
 * appended, when the text is not a list of calls.  LFM_ERR_MEMORY. */
lfm_status tool_calls_read(tool_calls *list, const char *text, size_t n, bool *read,
                           lfm_error *err);

void tool_calls_drop(tool_calls *list);

#endif
