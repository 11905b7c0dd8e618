/*
 * properties.h - classes of characters that regular expressions name: \p{..}.
 */
#ifndef CONSTRAIN_REGULAR_PROPERTIES_H
#define CONSTRAIN_REGULAR_PROPERTIES_H

#include "constrain/engine/charset.h"

#include <stdbool.h>
#include <stddef.h>

/* Write the ranges of a property ("Lu", "Letter", "Script=Greek"), or of the other assigned
 * characters, to ranges[cap]; their number, or 0 for one that is unknown or does not fit. */
size_t regex_property(char_range *ranges, size_t cap, const char *name, size_t n, bool negated);

#endif
