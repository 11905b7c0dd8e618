/*
 * compile.h - the text of a GBNF grammar -> a program over bytes.
 */
#ifndef CONSTRAIN_GBNF_COMPILE_H
#define CONSTRAIN_GBNF_COMPILE_H

#include "constrain/engine/grammar.h"

#include <stddef.h>

/* Read a grammar in GBNF (gbnf.h).  Keeps no pointer to `text`.  LFM_ERR_ARG names line and column;
 * time and memory are linear in the length of the text. */
lfm_status gbnf_compile(grammar *g, const char *text, size_t len, lfm_error *err);

#endif
