/*
 * concise.h - a short notation for flat schemas -> JSON Schema.
 *
 * Fields are separated by commas, or by line ends if there are any:
 *     name, age int, email?, tags str[], kind red|green|blue, bio: what the person does
 * A field is a name, a type (str, int, float, bool; str when it is absent; [] for a list; or words
 * joined by | to choose from), ? when it may be left out, and after a colon a description for
 * people.  The types are those of the `llm` program's concise schemas; ?, [] and | are additions.
 */
#ifndef CONSTRAIN_BRIEF_CONCISE_H
#define CONSTRAIN_BRIEF_CONCISE_H

#include "base/error.h"

#include <stddef.h>

/* The JSON schema (NUL-terminated; free it).  LFM_ERR_ARG names the field that is wrong. */
lfm_status concise_to_schema(char **schema, const char *text, size_t len, lfm_error *err);

#endif
