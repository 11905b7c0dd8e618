/*
 * regex.h - regular expressions, as `pattern` has them, as GBNF.
 */
#ifndef CONSTRAIN_SCHEMA_REGEX_H
#define CONSTRAIN_SCHEMA_REGEX_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Write the strings that a regular expression allows, as GBNF for what stands between the quotes;
 * false with the reason. */
bool regex_to_gbnf(json_out *out, const char *pattern, size_t n, char *why, size_t why_cap);

#endif
