/*
 * bench_bytes.h - how much memory a test reads.
 *
 * Counted from the tensors that are really touched: of a mixture of experts a token reads those it
 * chose, and a batch of tokens those that any of them chose.
 */
#ifndef CLI_BENCH_BENCH_BYTES_H
#define CLI_BENCH_BENCH_BYTES_H

#include "lfm.h"

#include <stdint.h>

/* Sizes of a model, in bytes. */
typedef struct {
    double token;    /* weights for one token alone, head included */
    double experts;  /* all experts of all layers */
    double head;     /* the output layer: read once for the last token of an evaluation */
    double position; /* keys and values of one position */
    uint32_t n_expert, n_expert_used; /* 0: a dense model */
} bench_sizes;

bench_sizes bench_sizes_of(const lfm_model *m, lfm_kv_type kv);

/* Bytes that are read for a prompt of n_prompt tokens in batches of n_batch, and n_gen tokens one
 * after the other, when n_depth tokens are there before.  Which experts the tokens of a batch
 * choose is not known: they are taken to choose at random. */
double bench_bytes(const bench_sizes *s, uint32_t n_depth, uint32_t n_prompt, uint32_t n_gen,
                   uint32_t n_batch);

#endif
