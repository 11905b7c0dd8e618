/*
 * answer_logprobs.h - log-probabilities of the tokens of an answer, and of their alternatives.
 *
 * Probabilities are the model's own, before temperature, filters, penalties and constraints.
 */
#ifndef ANSWER_ANSWER_LOGPROBS_H
#define ANSWER_ANSWER_LOGPROBS_H

#include "lfm.h"

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is a valid empty one. */
typedef struct {
    size_t k;            /* alternatives to keep for each token */
    lfm_logprob *chosen; /* [n] */
    lfm_logprob *top;    /* [n][k] */
    size_t n, cap;
    size_t n_known; /* tokens with probabilities, the first ones; the others still need logits */
} token_logprobs;

/* Append a token, still without probabilities. */
lfm_status logprobs_add(token_logprobs *l, int32_t token, lfm_error *err);

/* Compute the probabilities of the first token that lacks them from `logits` [n_vocab]: those that
 * the token was chosen from, or, for a forced token, would have been chosen from. */
lfm_status logprobs_learn(token_logprobs *l, const float *logits, size_t n_vocab, lfm_error *err);

void logprobs_drop(token_logprobs *l);

#endif
