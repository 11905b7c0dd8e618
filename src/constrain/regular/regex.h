/*
 * regex.h - regular expressions, as `pattern` has them.
 */
#ifndef CONSTRAIN_REGULAR_REGEX_H
#define CONSTRAIN_REGULAR_REGEX_H

#include "constrain/regular/regular.h"

#include <stdbool.h>
#include <stddef.h>

/* The texts in which a regular expression matches somewhere; false with the reason. */
bool regex_read(regular_store *s, regular_id *language, const char *pattern, size_t n, char *why,
                size_t why_cap);

#endif
