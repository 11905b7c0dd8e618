/*
 * trie.h - the texts of a vocabulary as a tree of their prefixes, in flat arrays.
 */
#ifndef CONSTRAIN_ENGINE_TRIE_H
#define CONSTRAIN_ENGINE_TRIE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRIE_MAX_BYTES = 4096 }; /* longer texts are left out */

typedef struct {
    const char *ptr; /* bytes */
    size_t len;      /* 0: no text */
} trie_text;

/* The nodes are in depth-first order, so the subtree of a node is a slice of the array. */
typedef struct {
    uint32_t end;   /* the first node after the subtree */
    uint32_t first; /* ids[first..first of the next node) end here */
    uint16_t depth; /* bytes from the root, which is no node: at least 1 */
    uint8_t byte;   /* the last of them */
} trie_node;

/* A zeroed struct is a valid empty one. */
typedef struct {
    trie_node *nodes;  // [n_nodes + 1], the last one only for its `first`
    size_t n_nodes;
    int32_t *ids;      // [n_ids]
    size_t n_ids;
    uint32_t depth;    /* of the deepest node */
} trie;

/* Build the trie of the texts[i] of more than `min` and at most `max` bytes, with id i.  Keeps no
 * pointer to them. */
lfm_status trie_init(trie *t, const trie_text *texts, size_t n, size_t min, size_t max,
                     lfm_error *err);
void trie_drop(trie *t); /* safe on a zeroed struct */

/* Does a longer text begin with these bytes whose id is in the set `allowed` (bit i of its 64-bit
 * numbers stands for id i)? */
bool trie_has_longer(const trie *t, const char *text, size_t n, const uint64_t *allowed);

#endif
