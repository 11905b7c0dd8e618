/*
 * regular_internal.h - the nodes of expressions.
 */
#ifndef CONSTRAIN_REGULAR_REGULAR_INTERNAL_H
#define CONSTRAIN_REGULAR_REGULAR_INTERNAL_H

#include "constrain/regular/regular.h"

typedef enum { R_NONE, R_EMPTY, R_SET, R_MARK, R_CAT, R_OR, R_AND, R_NOT, R_LOOP, R_VEIL,
               R_HIDE } regular_kind;

typedef struct {
    uint8_t kind;      /* regular_kind */
    bool nullable;     /* has the empty text */
    bool plain;        /* no text has marks */
    regular_id a, b;   /* parts; R_SET: number of the set; R_MARK: the mark */
    uint32_t min, max; /* of R_LOOP */
} regular_node;

/* ranges[first..first+n) of the store */
typedef struct {
    size_t first, n;
} regular_chars;

struct regular_store {
    regular_node *nodes;
    size_t n_nodes, nodes_cap;
    uint32_t *slots; /* hash table of nodes: id + 1, 0 = empty */
    size_t n_slots;
    regular_chars *sets;
    size_t n_sets, sets_cap;
    char_range *ranges;
    size_t n_ranges, ranges_cap;

    uint64_t *keys;       /* hash table of derivatives: node and letter + 1, 0 = empty */
    regular_id *found;
    size_t n_found, n_found_slots;
    regular_id *stack;    /* nodes whose derivatives are still to be found */
    size_t n_stack, stack_cap;
    bool failed;
};

/* The number of a node, which is new or not.  `plain` is found. */
regular_id regular_intern(regular_store *s, regular_node node);

/* The derivative by a character, or by mark m as the letter REGULAR_FIRST_MARK + m. */
enum { REGULAR_FIRST_MARK = 0x110000 };
regular_id regular_derive(regular_store *s, regular_id a, uint32_t letter);

/* Is the character in the set? */
bool regular_has(const regular_store *s, uint32_t set, uint32_t code);

#endif
