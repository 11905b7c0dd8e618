/*
 * answer_logprobs.c - collecting the log-probabilities of an answer's tokens.
 */
#include "answer/answer_logprobs.h"

#include "base/error.h"

#include <stdlib.h>

static lfm_status grow(token_logprobs *l, lfm_error *err) {
    const size_t cap = l->cap ? 2 * l->cap : 256;
    lfm_logprob *chosen = realloc(l->chosen, cap * sizeof *chosen);
    l->chosen = chosen ? chosen : l->chosen;
    lfm_logprob *top = realloc(l->top, (cap * l->k + 1) * sizeof *top);
    l->top = top ? top : l->top;
    if (!chosen || !top) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the probabilities of %zu tokens",
                       cap);
    }
    l->cap = cap;
    return LFM_OK;
}

lfm_status logprobs_add(token_logprobs *l, int32_t token, lfm_error *err) {
    if (l->n == l->cap) {
        const lfm_status st = grow(l, err);
        if (st != LFM_OK) return st;
    }
    l->chosen[l->n++] = (lfm_logprob){.token = token};
    return LFM_OK;
}

lfm_status logprobs_learn(token_logprobs *l, const float *logits, size_t n_vocab, lfm_error *err) {
    lfm_logprob *chosen = &l->chosen[l->n_known];
    const size_t i = l->n_known++;
    return lfm_logprobs(logits, n_vocab, chosen->token, &chosen->logprob, l->top + i * l->k, l->k,
                        err);
}

void logprobs_drop(token_logprobs *l) {
    free(l->chosen);
    free(l->top);
    *l = (token_logprobs){0};
}
