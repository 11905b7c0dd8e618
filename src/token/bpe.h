/*
 * bpe.h - merging the bytes of one piece of text into tokens.
 *
 * Rule: while any neighbours have a merge, apply the merge of the lowest rank; among equals, the
 * leftmost.
 */
#ifndef TOKEN_BPE_H
#define TOKEN_BPE_H

#include "base/error.h"
#include "token/tok_list.h"

#include <stddef.h>
#include <stdint.h>

/* Hash table: (left, right) -> (rank, merged). */
typedef struct {
    uint32_t left, right;
    uint32_t rank; /* + 1; 0 = empty slot */
    uint32_t merged;
} tok_merge;

typedef struct {
    tok_merge *slots;
    size_t n_slots; /* a power of two; 0 = no merges */
} tok_merges;

/* Room for `n` merges. */
lfm_status tok_merges_init(tok_merges *m, size_t n, lfm_error *err);
void tok_merges_drop(tok_merges *m); /* safe on a zeroed struct */

/* Add a merge; the first one of a pair wins.  At most the `n` of tok_merges_init. */
void tok_merges_add(tok_merges *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged);

/* Prefetch the slot of a pair for a tok_merges_add that follows soon. */
void tok_merges_prefetch(const tok_merges *m, uint32_t left, uint32_t right);

/* Scratch memory of merging, reused from piece to piece.  Zeroed is empty. */
typedef struct tok_bpe_node tok_bpe_node;
typedef struct {
    tok_bpe_node *nodes; /* [cap] */
    uint64_t *queue;     /* [2 * cap] */
    size_t cap;
} tok_bpe_work;

void tok_bpe_work_free(tok_bpe_work *w);

/* Append the tokens of piece[n], 1 <= n < 2^32 - 1.  byte_id: the token of each byte, -1 = none;
 * LFM_ERR_UNSUPPORTED when the piece needs such a byte.  Time is n log n, memory 36 n bytes. */
lfm_status tok_bpe_encode(const tok_merges *m, const int32_t byte_id[256], const char *piece,
                          size_t n, tok_bpe_work *w, tok_list *out, lfm_error *err);

#endif
