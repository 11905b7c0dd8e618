/*
 * calls.h - the tool calls of a text as one JSON text, for tests.
 */
#ifndef SUPPORT_CALLS_H
#define SUPPORT_CALLS_H

#include "answer/tool_calls.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Append {"name": .., "arguments": {..}} of each call with ", " between them; false, with nothing
 * appended, when the text is not a list of calls. */
bool calls_read(json_out *out, size_t *n_calls, const char *text, size_t n);

#endif
