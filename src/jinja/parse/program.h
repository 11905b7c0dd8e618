/*
 * program.h - parsed templates.
 */
#ifndef JINJA_PARSE_PROGRAM_H
#define JINJA_PARSE_PROGRAM_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct jinja_program jinja_program; /* immutable once parsed */

/* Parse a template.  Nothing of `text` is kept.  LFM_ERR_FORMAT: the text is not a template, or
 * uses what this engine does not have; the message names line and column.  Filters and tests that
 * are unknown fail only where they are used. */
lfm_status jinja_parse(jinja_program **out, const char *text, size_t len, lfm_error *err);
void jinja_free(jinja_program *p); /* NULL is fine */

/* Is this word anywhere in the source, as a variable, an attribute or a key? */
bool jinja_mentions(const jinja_program *p, const char *name);

#endif
