/*
 * lower.h - a syntax tree -> the steps of a grammar.
 */
#ifndef CONSTRAIN_GBNF_LOWER_H
#define CONSTRAIN_GBNF_LOWER_H

#include "constrain/engine/grammar.h"
#include "constrain/gbnf/gbnf_tree.h"

/* Write the steps, edges, rules and repeats of `tree` into an empty grammar.  The first n_rules
 * rules are those of the tree; the bodies of counted repetitions follow. */
lfm_status grammar_lower(grammar *g, const gbnf_tree *tree, lfm_error *err);

#endif
