/*
 * tool_calls.h - parsing the tool calls of an answer.
 *
 * LFM2 models write tool calls between <|tool_call_start|> and <|tool_call_end|>, as a list of
 * Python calls, [f(a='x', n=1), m.g(items=[1, {'k': None}])], or, when asked to, as JSON objects
 * with "name" and "arguments".  Values may use the syntax of Python or of JSON, in as many brackets
 * as JSON_MAX_DEPTH allows; sets and tuples become lists.  Strings may have escapes, quotes and
 * line breaks, written as such or not: the template of LFM2.5-2.6B writes escapes, that of
 * LFM2.5-8B-A1B does not (tool_calls_one.h).
 */
#ifndef ANSWER_TOOL_CALLS_H
#define ANSWER_TOOL_CALLS_H

#include "base/error.h"
#include "base/json.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct is an empty list. */
typedef struct {
    lfm_tool_call *all; // [n]; names and arguments are owned
    size_t n, cap;
} tool_calls;

/* Parse `text` (n bytes, without the markers) and append its calls; *n_lost are those of them that
 * could not be read.  *read is false when none could be, and the list is not empty ([]) either.
 * LFM_ERR_MEMORY. */
lfm_status tool_calls_read(tool_calls *list, const char *text, size_t n, bool *read, size_t *n_lost,
                           lfm_error *err);

typedef enum {
    BARE_TEXT,  /* it does not begin with calls */
    BARE_OPEN,  /* more text will tell */
    BARE_CALLS
} tool_calls_bare_result;

/* Text without markers that begins with '[': calls of functions of `tools` (a list as in
 * lfm_answer_options.tools; NULL = none)?  Appends them, and *n_used bytes were theirs.  `open`:
 * more text may follow.  What is found does not depend on where the text was cut.  *patience is
 * what may be read in vain, in bytes, and shrinks; at 0 all is text.  LFM_ERR_MEMORY. */
lfm_status tool_calls_bare(tool_calls *list, const json_value *tools, const char *text, size_t n,
                           bool open, size_t *patience, tool_calls_bare_result *result,
                           size_t *n_used, lfm_error *err);

/* Does `tools` have the function `name`?  `part`: one whose name begins with it. */
bool tool_calls_offered(const json_value *tools, const char *name, size_t n, bool part);

void tool_calls_drop(tool_calls *list);

#endif
