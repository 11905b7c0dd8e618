/*
 * analyse.h - what the steps of a grammar mean, and what is wrong with them.
 */
#ifndef CONSTRAIN_GBNF_ANALYSE_H
#define CONSTRAIN_GBNF_ANALYSE_H

#include "constrain/engine/grammar.h"
#include "constrain/gbnf/gbnf_tree.h"

/* Find what the steps mean (skip, tail, order, wide), remove those that lead nowhere, and refuse
 * left recursion and grammars that no text satisfies.  `tree` is for the places in errors. */
lfm_status grammar_analyse(grammar *g, const gbnf_tree *tree, lfm_error *err);

#endif
