/*
 * gbnf.h - the text of a GBNF grammar -> a syntax tree.
 *
 * GBNF is llama.cpp's notation for grammars (its grammars/README.md): rules `name ::= ...`,
 * "literals", [character classes], `.`, (groups), | alternatives, * + ? {m} {m,} {m,n} {,n}
 * repetitions, # comments, and <tokens>.  Nothing recurses, so nesting has no limit but memory.
 */
#ifndef CONSTRAIN_GBNF_GBNF_H
#define CONSTRAIN_GBNF_GBNF_H

#include "constrain/gbnf/gbnf_tree.h"

enum { GBNF_MAX_BYTES = 16 << 20 }; /* longest text */

/* Read a grammar.  Keeps `text`.  LFM_ERR_ARG names line and column (in characters, from 1);
 * undefined and doubly defined rules, and a missing root, are errors. */
lfm_status gbnf_parse(gbnf_tree *tree, const char *text, size_t len, lfm_error *err);

#endif
