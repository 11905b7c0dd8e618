/*
 * specials.h - finding the names of special tokens in a text, all of them in one pass.
 *
 * Where names overlap, the result is that of splitting the text by one name after another, longer
 * names first, names of equal length by id, each from left to right.  llama.cpp does so too; it
 * differs from taking the longest name at each place.
 */
#ifndef TOKEN_SPECIALS_H
#define TOKEN_SPECIALS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name; /* 1 .. TOK_MAX_BYTES bytes, not NUL-terminated */
    uint32_t len;
    int32_t id;
} tok_special;

/* Limits: bytes of one token, and of all special names together. */
enum { TOK_MAX_BYTES = 64 * 1024, TOK_MAX_SPECIAL_BYTES = 4 * 1024 * 1024 };

/* An Aho-Corasick automaton.  Nodes and names refer to each other by index; node 0 is the root. */
typedef struct {
    uint32_t child;   /* first of the list of children, 0 = none */
    uint32_t sibling; /* next in the parent's list, 0 = last */
    uint32_t fail;    /* node of the longest proper suffix */
    uint32_t shorter; /* nearest node along the `fail` links that ends a name, 0 = none */
    uint32_t name;    /* index + 1 of the name that ends here, 0 = none */
    uint8_t byte;     /* on the edge from the parent */
} tok_special_node;

typedef struct {
    tok_special *names;      /* [n_names], longer ones first, then by id */
    uint32_t n_names;
    tok_special_node *nodes; /* [n_nodes] */
    uint32_t *name_node;     /* [n_names] where a name ends */
    uint32_t n_nodes;
    uint32_t root[256];      /* children of the root, 0 = none */
} tok_specials;

/* Take ownership of the array (*names is sorted in place and freed by tok_specials_drop, also after
 * a failure).  The texts must stay valid.  LFM_ERR_FORMAT when two are equal; `path` is for
 * messages. */
lfm_status tok_specials_init(tok_specials *s, tok_special *names, uint32_t n_names,
                             const char *path, lfm_error *err);
void tok_specials_drop(tok_specials *s); /* safe on a zeroed struct */

/* The id with exactly this name, or -1. */
int32_t tok_specials_get(const tok_specials *s, const char *name, size_t len);

typedef struct {
    uint32_t start;
    uint32_t len;
    int32_t id;
} tok_match;

/* Find the names in text[n], n < 2^32 - 1.  *matches (allocated, to be freed; NULL when there are
 * none) are in order of their start and do not overlap.
 * Time is linear in n; where names overlap, times the logarithm of n and the number of names that
 * end in each other. */
lfm_status tok_specials_find(const tok_specials *s, const char *text, size_t n,
                             tok_match **matches, size_t *n_matches, lfm_error *err);

#endif
