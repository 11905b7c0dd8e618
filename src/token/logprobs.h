/*
 * logprobs.h - log probabilities of tokens.
 */
#ifndef TOKEN_LOGPROBS_H
#define TOKEN_LOGPROBS_H

#include "token/sampler.h"

/* As lfm_logprobs (lfm.h): logits [n_vocab], top [k], chosen may be NULL. */
lfm_status sampler_logprobs(const float *logits, size_t n_vocab, int32_t token, float *chosen,
                            lfm_logprob *top, size_t k, lfm_error *err);

#endif
