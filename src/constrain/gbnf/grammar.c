/*
 * grammar.c - from the text of a grammar to its program, and the end of it.
 */
#include "constrain/engine/grammar.h"

#include "constrain/gbnf/gbnf.h"
#include "constrain/gbnf/lower.h"

#include <stdlib.h>

lfm_status grammar_parse(grammar *g, const char *text, size_t len, lfm_error *err) {
    gbnf_tree tree = {0};
    *g = (grammar){0};
    lfm_status st = gbnf_parse(&tree, text, len, err);
    if (st == LFM_OK) st = grammar_lower(g, &tree, err);
    if (st == LFM_OK) st = grammar_analyse(g, &tree, err);
    gbnf_tree_free(&tree);
    if (st != LFM_OK) {
        grammar_free(g);
    }
    return st;
}

void grammar_free(grammar *g) {
    free(g->steps);
    free(g->edges);
    free(g->branches);
    free(g->rules);
    free(g->repeats);
    free(g->tokens);
    free(g->names);
    *g = (grammar){0};
}
