/*
 * logprobs.h - how probable the model found the tokens of an answer: --logprobs.
 *
 * Probabilities are the model's own, before temperature, filters, penalties and forms.
 */
#ifndef ANSWER_LOGPROBS_H
#define ANSWER_LOGPROBS_H

#include "base/json.h"

#include "lfm.h"

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is a valid empty one. */
typedef struct {
    size_t k;           /* alternatives to keep for each token */
    lfm_logprob *chosen; /* [n] */
    lfm_logprob *top;   /* [n][k] */
    size_t n, cap;
    size_t n_known;     /* those before have their probabilities; the others wait for logits */
} token_logprobs;

/* One more token; its probabilities come with logprobs_learn, in the order of the tokens. */
lfm_status logprobs_add(token_logprobs *l, int32_t token, lfm_error *err);

/* The logits from which the first token without probabilities was, or could have been, chosen. */
lfm_status logprobs_learn(token_logprobs *l, const float *logits, size_t n_vocab, lfm_error *err);

/* A JSON list: [{"id":..,"token":..,"bytes":[..],"logprob":..,TOP:[..]},..] of the known tokens
 * from `first` on.  `top` is what the list of alternatives is called. */
void logprobs_write(json_out *out, const token_logprobs *l, size_t first, const lfm_model *m,
                    const char *top);

void logprobs_drop(token_logprobs *l);

#endif
