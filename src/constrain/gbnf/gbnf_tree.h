/*
 * gbnf_tree.h - the syntax tree of a grammar, and errors about places in its text.
 */
#ifndef CONSTRAIN_GBNF_GBNF_TREE_H
#define CONSTRAIN_GBNF_GBNF_TREE_H

#include "base/error.h"
#include "constrain/engine/charset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GBNF_COPY_LIMIT = 64 }; /* x{m,n} is written out up to this number of steps */
#define GBNF_NONE UINT32_MAX /* no node, no rule, no upper limit */

typedef enum {
    GBNF_SEQUENCE,     /* children one after the other; none: the empty text */
    GBNF_ALTERNATIVES, /* one of the children */
    GBNF_TEXT,         /* bytes */
    GBNF_CHARACTER,    /* one character of a set */
    GBNF_RULE,         /* a reference to a rule */
    GBNF_TOKEN,        /* one token, whatever its text */
    GBNF_REPEAT,       /* the child min to max times */
    GBNF_MARK          /* a mark on the bracket before it; not in GBNF, only in our own grammars */
} gbnf_kind;

typedef struct {
    uint8_t kind;
    bool negated;   /* GBNF_TOKEN: any token but this one */
    uint32_t at;    /* where it begins in the text */
    uint32_t first; /* the LAST child; TEXT: first byte; CHARACTER: first range; RULE, TOKEN: its
                       number */
    uint32_t n;     /* TEXT: bytes; CHARACTER: ranges */
    uint32_t min, max; /* GBNF_REPEAT; max may be GBNF_NONE */
    uint32_t next;  /* the sibling BEFORE this one */
    uint32_t size;  /* about how many steps match it; decides what is written out */
} gbnf_node;

typedef struct {
    uint32_t at;       /* first mention in the text, or its definition */
    uint32_t len;      /* of the name, at text[at] */
    uint32_t body;     /* node; GBNF_NONE until it is defined */
} gbnf_rule;

/* <name> or <[id]>. */
typedef struct {
    int32_t id;   /* -1: by name */
    uint32_t at;  /* the name with its brackets, at text[at] */
    uint32_t len;
} gbnf_token;

/* Lists in the tree run from the last element to the first: the reader builds and lower.c reads
 * them in this order.  A zeroed struct is a valid empty one. */
typedef struct {
    const char *text; /* the caller's; used for names and for errors */
    size_t len;
    gbnf_node *nodes;
    size_t n_nodes, nodes_cap;
    gbnf_rule *rules;
    size_t n_rules, rules_cap;
    char_range *ranges;   /* each set normalised */
    size_t n_ranges, ranges_cap;
    char *bytes;
    size_t n_bytes, bytes_cap;
    gbnf_token *tokens;
    size_t n_tokens, tokens_cap;
    uint32_t root;
} gbnf_tree;

void gbnf_tree_free(gbnf_tree *tree); /* safe on a zeroed struct */

/* Append a node. */
lfm_status gbnf_new_node(gbnf_tree *t, gbnf_node node, uint32_t *index, lfm_error *err);

/* Make `node` the last child of `parent`. */
void gbnf_adopt(gbnf_tree *t, uint32_t parent, uint32_t node);

uint32_t gbnf_add_sizes(uint32_t a, uint32_t b); /* at most UINT32_MAX */

/* An error about the place `at` of the text: "line 3, column 7: ..."; no memory for the tree. */
lfm_status gbnf_fail(const gbnf_tree *tree, size_t at, lfm_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
lfm_status gbnf_no_memory(const gbnf_tree *tree, lfm_error *err);

#endif
