/*
 * calls.h - the tool calls of a text as one JSON text, for tests.
 */
#ifndef SUPPORT_CALLS_H
#define SUPPORT_CALLS_H

#include "answer/tool_calls.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Append {"name": .., "arguments": {..}} of each call with ", " between them, and count them;
 * false, with nothing appended, when none could be read, and the list is not empty either. */
bool calls_read(json_out *out, size_t *n_calls, const char *text, size_t n);

/* What became of the text of an answer.  A zeroed struct is a valid empty one. */
typedef struct {
    json_out calls; /* a JSON list */
    json_out content;
    size_t n_calls, n_unread, n_lost;
    bool has_undefined;
    bool is_steady; /* what was shown did not change later */
    bool gave_up;   /* the text was too ambiguous: where it is cut may matter */
} calls_answer;

/* `text` as an answer: the markers of calls in it are tokens, and so are other pieces of at most
 * `piece` bytes; one more ends at the byte `cut`.  `tools` as in lfm_answer_options. */
void calls_answer_make(calls_answer *a, const char *tools, const char *text, size_t n, size_t piece,
                       size_t cut);
void calls_answer_drop(calls_answer *a);

#endif
