/*
 * tool_calls_one.h - one call -> JSON, going back where a quote did not end its string.
 *
 * Models write strings with escapes and without, so a quote may end its string or belong to it, and
 * a backslash before it may be an escape or the last character.  The first quote that a delimiter
 * follows is taken as the end; when what comes then cannot be read, the reader goes back and takes
 * the next one.  It goes back to the latest quote first, and only while `patience` lasts, so that
 * no text takes longer than a fixed number of its lengths.  Nothing recurses.
 */
#ifndef ANSWER_TOOL_CALLS_ONE_H
#define ANSWER_TOOL_CALLS_ONE_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* A text of calls. */
typedef struct {
    const char *end;
    bool bracket;    /* the list is in brackets */
    bool bare;       /* it is not between markers: anything may come behind its bracket */
    bool open;       /* more text may come: stop where that could change what is read */
    size_t patience; /* bytes that may still be read in vain */

    const char *seen; /* the farthest place that was looked at since the latest way back */
    bool at_end;      /* `open` stopped it */
    bool no_memory;
} tool_calls_text;

/* Read the call at `p`: NAME(ARGUMENT=VALUE, ..), written as {"name": .., "arguments": {..}}; or
 * a JSON object, written as it is.  It counts only if another call or the end of the list follows.
 * Returns the place behind it; NULL = it cannot be read. */
const char *tool_calls_one(tool_calls_text *t, const char *p, json_out *out);

/* The next character that is not blank; t->end = there is none. */
const char *tool_calls_skip(tool_calls_text *t, const char *p);

/* The end of the name of a function, which may have dots and begin with a digit; `p` = no name. */
const char *tool_calls_name(tool_calls_text *t, const char *p);

/* Does a call begin here?  `named`: only if its first argument has a name, too. */
bool tool_calls_begins(tool_calls_text *t, const char *p, bool named);

#endif
