/*
 * grammar.c - the memory of a grammar.
 */
#include "constrain/engine/grammar.h"

#include <stdlib.h>

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
