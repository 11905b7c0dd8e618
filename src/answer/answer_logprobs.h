/*
 * answer_logprobs.h - how probable the model found the tokens of an answer.
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
    size_t k;           /* alternatives to keep for each token */
    lfm_logprob *chosen; /* [n] */
    lfm_logprob *top;   /* [n][k] */
    size_t n, cap;
    size_t n_known; /* those before have their probabilities; the others need logits */
} token_logprobs;

/* One more token; its probabilities come with logprobs_learn, in the order of the tokens. */
lfm_status logprobs_add(token_logprobs *l, int32_t token, lfm_error *err);

/* The logits from which the first token without probabilities was, or could have been, chosen. */
lfm_status logprobs_learn(token_logprobs *l, const float *logits, size_t n_vocab, lfm_error *err);

void logprobs_drop(token_logprobs *l);

#endif
