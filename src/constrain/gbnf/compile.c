/*
 * compile.c - the text of a GBNF grammar -> a program over bytes.
 */
#include "constrain/gbnf/compile.h"

#include "constrain/gbnf/analyse.h"
#include "constrain/gbnf/gbnf.h"
#include "constrain/gbnf/lower.h"

lfm_status gbnf_compile(grammar *g, const char *text, size_t len, lfm_error *err) {
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
