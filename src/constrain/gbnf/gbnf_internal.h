/*
 * gbnf_internal.h - what gbnf.c and gbnf_items.c share: the reader and its place in the text.
 */
#ifndef CONSTRAIN_GBNF_GBNF_INTERNAL_H
#define CONSTRAIN_GBNF_GBNF_INTERNAL_H

#include "constrain/gbnf/gbnf_tree.h"

/* An open group: its alternatives so far, and the current sequence. */
typedef struct {
    uint32_t alternatives; /* node */
    uint32_t sequence;     /* node */
    uint32_t at;           /* of the parenthesis */
} gbnf_group;

typedef struct {
    gbnf_tree *tree;
    const char *text;
    size_t pos, len;
    gbnf_group *groups;    /* from the rule itself to the innermost parenthesis */
    size_t n_groups, groups_cap;
    uint32_t *names;       // [names_cap] rule + 1 by the hash of its name; 0 = free
    size_t names_cap;      /* a power of two, at least twice n_rules */
    lfm_error *err;
} gbnf_parser;

/* The byte at the current place; -1 at the end. */
static inline int gbnf_peek(const gbnf_parser *p) {
    return p->pos < p->len ? (unsigned char)p->text[p->pos] : -1;
}

static inline bool gbnf_is_digit(int c) {
    return c >= '0' && c <= '9';
}

/* Skip blanks and comments, and with `newline_ok` line breaks, too: they do not end the rule
 * there. */
void gbnf_skip_space(gbnf_parser *p, bool newline_ok);

/* An error: "'x' where `wanted` is expected". */
lfm_status gbnf_unexpected(const gbnf_parser *p, const char *wanted);

/* Read an item of a rule, from its first character on, and add it to the innermost sequence.  A
 * repetition takes the last item of that sequence as its child. */
lfm_status gbnf_read_literal(gbnf_parser *p);
lfm_status gbnf_read_class(gbnf_parser *p);
lfm_status gbnf_read_dot(gbnf_parser *p);
lfm_status gbnf_read_token(gbnf_parser *p);
lfm_status gbnf_read_mark(gbnf_parser *p);
lfm_status gbnf_read_repeat(gbnf_parser *p, bool nested);
lfm_status gbnf_add_item(gbnf_parser *p, gbnf_node node);

#endif
