/*
 * tool_calls.h - the calls of tools in an answer, as JSON.
 *
 * LFM2 models write them between <|tool_call_start|> and <|tool_call_end|> as a list of Python
 * calls, [f(a='x', n=1), m.g(items=[1, {'k': None}])], or, when asked to, as JSON objects with
 * "name" and "arguments".  Values may be Python's or JSON's.  Strings may end in either quote; a
 * quote inside one is taken for its end only where something can follow the string: the official
 * template writes strings without escapes.
 */
#ifndef ANSWER_TOOL_CALLS_H
#define ANSWER_TOOL_CALLS_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Append the calls in `text` (n bytes, without the markers) to `out`: JSON objects
 * {"name": .., "arguments": {..}} with ", " between them; *n_calls is raised.  False, with nothing
 * appended, when the text is not a list of calls; or when memory runs out, which json_finish(out)
 * tells. */
bool toolcall_read(json_out *out, size_t *n_calls, const char *text, size_t n);

#endif
