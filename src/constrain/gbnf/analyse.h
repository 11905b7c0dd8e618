/*
 * analyse.h - properties and errors of the steps of a grammar.
 */
#ifndef CONSTRAIN_GBNF_ANALYSE_H
#define CONSTRAIN_GBNF_ANALYSE_H

#include "constrain/engine/grammar.h"
#include "constrain/gbnf/gbnf_tree.h"

/* Compute skip, tail, order and wide, remove steps that lead nowhere, and refuse left recursion and
 * grammars that no text satisfies.  `tree` supplies the places for errors. */
lfm_status grammar_analyse(grammar *g, const gbnf_tree *tree, lfm_error *err);

#endif
