/*
 * formats.h - what `format` means for strings.
 */
#ifndef CONSTRAIN_REGULAR_FORMATS_H
#define CONSTRAIN_REGULAR_FORMATS_H

#include <stdbool.h>
#include <stddef.h>

/* A regular expression that matches whole texts of a format; NULL when it is unknown. */
const char *regex_of_format(const char *name, size_t n);

#endif
