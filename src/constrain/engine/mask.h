/*
 * mask.h - which tokens of a vocabulary can follow in a state of a grammar.
 *
 * A token can follow if all of its bytes can; so the vocabulary's trie is walked with the
 * automaton, and a wrong beginning rules out all tokens that begin so.  Most of the answer does not
 * depend on what is far below on the stacks: it is computed once for each outline of a state
 * (automaton_outline) and cached, with the nodes of the trie at which a token leaves the outline.
 * For a new state only what lies below those nodes is walked.
 */
#ifndef CONSTRAIN_ENGINE_MASK_H
#define CONSTRAIN_ENGINE_MASK_H

#include "constrain/engine/automaton.h"
#include "constrain/engine/outline.h"
#include "constrain/engine/trie.h"

/* The texts of a vocabulary; never changes. */
typedef struct {
    size_t n_vocab;
    trie brief;         /* texts of at most `brief_bytes` */
    trie lengthy;       /* and the others, of which there are few */
    uint32_t brief_bytes;
    uint64_t *has_text; // [mask_words(n_vocab)]
} mask_vocab;

/* texts[i] belongs to token i; tokens without text (length 0) never follow by their bytes.  Keeps
 * no pointer to them. */
lfm_status mask_vocab_init(mask_vocab *v, const trie_text *texts, size_t n, lfm_error *err);
void mask_vocab_drop(mask_vocab *v); /* safe on a zeroed struct */

/* 64-bit words in the mask of n tokens. */
static inline size_t mask_words(size_t n) {
    return (n + 63) / 64;
}

/* A cached mask of a state or of an outline. */
typedef struct mask_entry mask_entry;

/* One grammar's masks.  A zeroed struct is a valid empty one. */
typedef struct {
    const mask_vocab *vocab;
    automaton *a;
    const int32_t *ids;    // [a->g->n_tokens] ids of the tokens that the grammar names
    bool *allowed;         // [n_tokens]
    mask_entry *masks;     /* cached for states */
    mask_entry *outlines;  /* and for outlines */
    uint64_t clock;        /* counts the uses of entries */
    automaton_view view;   /* pinned, as is the path */
    uint32_t *path;        // [depth + 1] states along the way through a trie
    automaton_pin view_pin, path_pin;
    uint64_t n_computed;   /* masks that were not in the cache */
} mask;

/* All arguments must outlive the mask. */
lfm_status mask_init(mask *m, const mask_vocab *vocab, automaton *a, const int32_t *ids,
                     lfm_error *err);
void mask_drop(mask *m); /* safe on a zeroed struct; before the automaton goes */

/* *bits has bit i set if token i can follow in *state, which is pinned; valid until the next call.
 * LFM_ERR_UNSUPPORTED when the grammar is too ambiguous. */
lfm_status mask_get(mask *m, const uint32_t *state, const uint64_t **bits, lfm_error *err);

#endif
