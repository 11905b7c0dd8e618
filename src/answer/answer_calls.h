/*
 * answer_calls.h - the tool calls in an answer: between markers, or bare in its text.
 *
 * Stands before answer_text: takes the calls out of what the model writes, and passes the rest on.
 * Text that may yet be a call is held back, so that what is shown never changes:
 *   - [NAME(..)] with the name of an offered function is a call; other brackets are text;
 *   - what was between the markers and comes again behind them, as some models write it, is
 *     dropped, and so are markers that have no other;
 *   - where no call can be read between the markers, all of it is text, markers too.
 */
#ifndef ANSWER_ANSWER_CALLS_H
#define ANSWER_ANSWER_CALLS_H

#include "answer/answer_text.h"
#include "answer/tool_calls.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct is ready. */
typedef struct {
    json_doc tools;    /* the functions that are offered */
    tool_calls list;
    size_t n_unread;   /* texts between markers without a call */
    size_t n_lost;     /* calls that could not be read beside others that could */
    const char *undefined; /* name of the first call of a function that was not offered, or NULL */
    size_t n_checked;      /* calls */
    bool inside;       /* between markers */
    json_out block;    /* the text between the latest markers so far */
    bool may_echo;     /* `block` may come again */
    json_out held;     /* text that may be a call */
    size_t n_tried;    /* of `held`: it was looked at when it was so long */
    size_t n_added;    /* bytes that the model wrote */
    size_t n_read;     /* bytes that were looked at for bare calls, the same ones many times */
    bool gave_up;      /* they were too many */
} answer_calls;

/* `tools`: a JSON list, as in lfm_answer_options; NULL or "" = none.  LFM_ERR_ARG. */
lfm_status answer_calls_begin(answer_calls *c, const char *tools, lfm_error *err);

/* The model wrote text, or the marker at the start or the end of calls. */
lfm_status answer_calls_add(answer_calls *c, answer_text *to, const char *bytes, size_t n,
                            lfm_error *err);
lfm_status answer_calls_mark(answer_calls *c, answer_text *to, bool start, lfm_error *err);

/* Nothing follows: read what is open, and pass on what was held back. */
lfm_status answer_calls_end(answer_calls *c, answer_text *to, lfm_error *err);

void answer_calls_drop(answer_calls *c);

#endif
