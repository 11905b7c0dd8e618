/*
 * gbnf_write.h - bytes as a literal of a GBNF grammar.
 */
#ifndef CONSTRAIN_GBNF_GBNF_WRITE_H
#define CONSTRAIN_GBNF_GBNF_WRITE_H

#include "base/json.h"

#include <stddef.h>

/* Write a literal with these bytes, quotes included. */
void gbnf_write_literal(json_out *out, const char *bytes, size_t n);

#endif
