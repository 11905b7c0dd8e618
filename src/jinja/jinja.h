/*
 * jinja.h - chat templates: programs in the language of Jinja, and what they render.
 *
 * This is the part of Jinja 3.1 that chat templates use, set up as Hugging Face's transformers sets
 * it up (trim_blocks, lstrip_blocks, loop controls, {% generation %}, raise_exception,
 * strftime_now).  Values behave and print as Python's do.
 *
 * A template comes from a stranger: it sees nothing but the values that it is given, and its steps,
 * memory, output and depth are limited.
 */
#ifndef JINJA_JINJA_H
#define JINJA_JINJA_H

#include "base/error.h"
#include "jinja/parse/program.h"
#include "jinja/values/limits.h"

#include <stddef.h>
#include <stdint.h>

/* What was rendered.  own[i] is 1 when byte i was written by the template itself, and 0 when it
 * came from a value: only the template's own bytes may name control tokens. */
typedef struct {
    char *text; /* [len], NUL-terminated */
    char *own;  /* [len] */
    size_t len;
} jinja_text;

/* Render with these variables; a later one of the same name wins.  `marks` may be NULL.  `now`:
 * seconds since 1970 for strftime_now, which gives local time; see jinja_now.
 * LFM_ERR_ARG: the template cannot render these values, or it raised an exception;
 * LFM_ERR_UNSUPPORTED: a limit was reached.  The message names the line, and the value if it is one
 * of the variables: "messages[2].content is null". */
lfm_status jinja_render(const jinja_program *p, const jinja_global *globals, size_t n_globals,
                        const jinja_marks *marks, int64_t now, jinja_text *out, lfm_error *err);
void jinja_text_free(jinja_text *t); /* safe on a zeroed struct */

/* The time for jinja_render: SOURCE_DATE_EPOCH when it is set to a number, else the clock. */
int64_t jinja_now(void);

#endif
