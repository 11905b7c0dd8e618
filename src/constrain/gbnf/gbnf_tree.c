/*
 * gbnf_tree.c - the syntax tree of a grammar, and errors about places in its text.
 */
#include "constrain/gbnf/gbnf_tree.h"

#include "base/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

lfm_status gbnf_fail(const gbnf_tree *tree, size_t at, lfm_error *err, const char *format, ...) {
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < tree->len; i++) {
        if (tree->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)tree->text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(err, LFM_ERR_ARG, "line %zu, column %zu: %s", line, column, what);
}

lfm_status gbnf_no_memory(const gbnf_tree *tree, lfm_error *err) {
    return err_set(err, LFM_ERR_MEMORY, "out of memory reading a grammar of %zu bytes", tree->len);
}

uint32_t gbnf_add_sizes(uint32_t a, uint32_t b) {
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

lfm_status gbnf_new_node(gbnf_tree *t, gbnf_node node, uint32_t *index, lfm_error *err) {
    gbnf_node *nodes = grow_array(t->nodes, &t->nodes_cap, t->n_nodes + 1, sizeof *nodes);
    if (!nodes) return gbnf_no_memory(t, err);
    t->nodes = nodes;
    node.next = GBNF_NONE;
    t->nodes[t->n_nodes] = node;
    *index = (uint32_t)t->n_nodes++;
    return LFM_OK;
}

void gbnf_adopt(gbnf_tree *t, uint32_t parent, uint32_t node) {
    t->nodes[node].next = t->nodes[parent].first;
    t->nodes[parent].first = node;
}

void gbnf_tree_free(gbnf_tree *tree) {
    free(tree->nodes);
    free(tree->rules);
    free(tree->ranges);
    free(tree->bytes);
    free(tree->tokens);
    *tree = (gbnf_tree){0};
}
