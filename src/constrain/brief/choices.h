/*
 * choices.h - a list of allowed answers -> a grammar.
 */
#ifndef CONSTRAIN_BRIEF_CHOICES_H
#define CONSTRAIN_BRIEF_CHOICES_H

#include "base/error.h"

#include <stddef.h>

/* "yes,no,not sure" -> the GBNF grammar of these texts (NUL-terminated; free it).  Blanks count;
 * "\," is a comma and "\\" a backslash.  LFM_ERR_ARG for an empty choice and for bytes that are
 * not UTF-8. */
lfm_status choices_to_gbnf(char **gbnf, const char *text, size_t len, lfm_error *err);

#endif
