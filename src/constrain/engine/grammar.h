/*
 * grammar.h - a grammar as a program over bytes, for the automaton to run.
 *
 * Every rule is a little nondeterministic automaton of steps; a step that calls another rule makes
 * the whole a pushdown automaton.  Characters are spelled as bytes of UTF-8, so a token may end
 * inside a character.  The program never changes after it was made and may be shared by threads.
 *
 * A mark tells the checks beside a grammar (keys.h, checks/ahead.h) about the bracket before it:
 * elements of a marked array must differ; a marked object may run out of keys.  Where only some of
 * the ways to read a text so far have a mark, all count as marked.
 *
 * Guarantees: no rule begins with itself (left recursion is an error), and from every step that a
 * text can reach there is a way to the end of the grammar; steps without one were removed.
 */
#ifndef CONSTRAIN_ENGINE_GRAMMAR_H
#define CONSTRAIN_ENGINE_GRAMMAR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    STEP_DEAD,   /* no text gets from here to the end */
    STEP_RETURN, /* the end of the rule */
    STEP_MATCH,  /* a byte: by the one of edges[first..first+n) that it fits; they do not overlap */
    STEP_TOKEN,  /* a whole token: tokens[first], then `next` */
    STEP_SPLIT,  /* any of branches[first..first+n) */
    STEP_CALL,   /* rule `first`, then `next` */
    STEP_REPEAT, /* the rule of repeats[first] as often as it says, then `next` */
    STEP_MARK    /* sets STATE_MARKED, then `next`: the bracket that was just opened is marked */
} grammar_step_kind;

typedef struct {
    uint8_t kind;
    bool skip;      /* CALL, REPEAT: may match nothing, so `next` is reachable at once */
    bool tail;      /* CALL: `next` is the end of the rule */
    uint32_t first;
    uint32_t n;
    uint32_t next;
} grammar_step;

typedef struct {
    uint8_t lo, hi;
    uint32_t next; /* step */
} grammar_edge;

typedef struct {
    uint32_t start; /* step */
    uint32_t order; /* rules come after those that begin with them */
    uint32_t at;    /* of its definition in the text, for errors */
    bool wide;      /* may match long texts, which rarely fit in one token */
} grammar_rule;

typedef struct {
    uint32_t rule;
    uint32_t min, max;  /* max is UINT32_MAX when there is none */
} grammar_repeat;

typedef struct {
    int32_t id;      /* -1: by name */
    uint32_t name;   /* in names[] */
    uint32_t len;
    bool negated;    /* any token but this one */
} grammar_token;

/* A zeroed struct is a valid empty one. */
typedef struct {
    grammar_step *steps;
    size_t n_steps, steps_cap;
    grammar_edge *edges;
    size_t n_edges, edges_cap;
    uint32_t *branches;
    size_t n_branches, branches_cap;
    grammar_rule *rules;
    size_t n_rules, rules_cap;
    grammar_repeat *repeats;
    size_t n_repeats, repeats_cap;
    grammar_token *tokens;
    size_t n_tokens;
    size_t n_marks;           /* steps */
    char *names;
    uint32_t root;            /* rule */
    uint8_t byte_class[256];  /* bytes that no edge tells apart have the same class */
    uint8_t class_byte[256];  /* one byte of each class */
    uint32_t n_classes;
} grammar;

void grammar_free(grammar *g); /* safe on a zeroed struct */

#endif
