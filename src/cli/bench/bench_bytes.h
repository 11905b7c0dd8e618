/*
 * bench_bytes.h - how much memory a test reads.
 *
 * Only tensors that are touched count.  In a mixture of experts, a token reads the experts that it
 * chose, and a batch reads every expert that any of its tokens chose.
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

/* Bytes read to evaluate, after n_depth tokens, a prompt of n_prompt tokens in batches of n_batch
 * and then n_gen single tokens.  Assumes that tokens choose their experts at random. */
double bench_bytes(const bench_sizes *s, uint32_t n_depth, uint32_t n_prompt, uint32_t n_gen,
                   uint32_t n_batch);

#endif
