/*
 * tool_calls_scalar.h - numbers, words and strings of Python -> JSON.
 */
#ifndef ANSWER_TOOL_CALLS_SCALAR_H
#define ANSWER_TOOL_CALLS_SCALAR_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Write the number at `p`, which has `n` bytes before the end of the text, and return its length;
 * 0 = it is none.  Every digit is kept: 123456789012345678901234567890 and 1e999 are JSON.  What
 * JSON has not is rewritten: +1, 007, .5, 5., 1_000; 0x1F, 0o17 and 0b11 of up to 64 digits. */
size_t tool_calls_number(json_out *out, const char *p, size_t n);

/* Write True, False, None, true, false or null; false when the `n` bytes are none of them. */
bool tool_calls_word(json_out *out, const char *p, size_t n);

/* Write bytes of the content of a JSON string. */
void tool_calls_content(json_out *out, const char *bytes, size_t n);

/* Write the character of an escape of Python or JSON as content of a JSON string.  `p` is behind
 * the backslash, n > 0 bytes before the end of the text.  Returns the length of the escape; 0 = it
 * is none, and the backslash was written. */
size_t tool_calls_escape(json_out *out, const char *p, size_t n);

#endif
