/*
 * random_grammar.h - small random grammars, and a slow matcher that shares nothing with ours.
 *
 * The alphabet is a b c and U+00E9 (two bytes in UTF-8).
 */
#ifndef SUPPORT_RANDOM_GRAMMAR_H
#define SUPPORT_RANDOM_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RG_MAX_NODES = 200, RG_MAX_RULES = 5, RG_MAX_TEXT = 62 };

typedef enum { RG_TEXT, RG_CLASS, RG_RULE, RG_SEQUENCE, RG_CHOICE, RG_REPEAT } rg_kind;

typedef struct {
    rg_kind kind;
    int child[4];
    int n;          /* children */
    int rule;
    int min, max;   /* max -1: no limit */
    bool negated;
    char text[12];  /* RG_TEXT: the bytes; RG_CLASS: members, a b c or e for U+00E9 */
} rg_node;

typedef struct {
    rg_node nodes[RG_MAX_NODES];
    int n_nodes;
    int rules[RG_MAX_RULES]; /* the first is root */
    int n_rules;
    uint64_t seed, n_drawn;
} random_grammar;

void rg_make(random_grammar *g, uint64_t seed);

/* As GBNF; returns the length. */
size_t rg_print(const random_grammar *g, char *out, size_t cap);

/* Does the grammar match exactly these bytes (at most RG_MAX_TEXT)?  It must not be
 * left-recursive. */
bool rg_matches(const random_grammar *g, const char *text, size_t n);

#endif
