/*
 * sampler.h - logits -> the next token.
 *
 * The logit bias, then the stages of the settings (by default in the order of llama.cpp's chain:
 * penalties, top-k, typical, top-p, min-p, temperature), then a draw.  Everything is deterministic:
 * our own exp and log, ties broken by the lower id, sums in a fixed order, and a generator keyed by
 * (seed, number of the draw).
 */
#ifndef TOKEN_SAMPLER_H
#define TOKEN_SAMPLER_H

#include "base/error.h"
#include "lfm.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lfm_sampler sampler;

/* Settings are checked (LFM_ERR_ARG names the one that is wrong) and copied. */
lfm_status sampler_new(sampler **out, const lfm_sampling *settings, size_t n_vocab,
                       lfm_error *err);
void sampler_free(sampler *s); /* NULL is fine */

/* Remember a token of the prompt or the answer, for the penalties. */
lfm_status sampler_accept(sampler *s, int32_t token, lfm_error *err);

/* Choose from logits [n_vocab].  NaN, +infinity, or nothing but -infinity: LFM_ERR_NUMERIC. */
lfm_status sampler_pick(sampler *s, const float *logits, int32_t *token, lfm_error *err);

#endif
