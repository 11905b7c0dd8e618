/*
 * logprobs.c - logits -> natural logarithms of probabilities.
 *
 * With the largest logit m: log p = (l - m) - log(sum of exp(l - m)).  The sum is at least 1, so
 * its logarithm is never negative and no result is above 0.  exp and log are our own, and the sum
 * runs in the order of the ids: the same bits on every machine.
 */
#include "token/logprobs.h"

#include "kernel/kern_math.h"

#include <inttypes.h>
#include <math.h>

/* The largest logit; NaN if any logit is NaN or +infinity. */
static float largest(const float *logits, size_t n) {
    float max = -INFINITY;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        bad |= !(logits[i] < INFINITY);
        max = logits[i] > max ? logits[i] : max;
    }
    return bad ? NAN : max;
}

/* Insert a token among the best k, behind equal ones that came first. */
static void insert(lfm_logprob *top, size_t *n, size_t k, int32_t token, float logit) {
    if (*n == k && (k == 0 || logit <= top[k - 1].logprob)) return;
    size_t at = *n < k ? (*n)++ : k - 1;
    for (; at > 0 && top[at - 1].logprob < logit; at--) {
        top[at] = top[at - 1];
    }
    top[at] = (lfm_logprob){token, logit};
}

lfm_status sampler_logprobs(const float *logits, size_t n_vocab, int32_t token, float *chosen,
                            lfm_logprob *top, size_t k, lfm_error *err) {
    if (chosen && (token < 0 || (size_t)token >= n_vocab)) {
        return err_set(err, LFM_ERR_ARG, "there is no token %" PRId32 " (the vocabulary has %zu)",
                       token, n_vocab);
    }
    if (k > LFM_MAX_TOP || k > n_vocab) {
        return err_set(err, LFM_ERR_ARG, "the %zu most probable tokens are too many (at most %zu)",
                       k, n_vocab < LFM_MAX_TOP ? n_vocab : (size_t)LFM_MAX_TOP);
    }
    const float max = largest(logits, n_vocab);
    if (!(max > -INFINITY)) {
        return err_set(err, LFM_ERR_NUMERIC, "the logits are not finite; the file may be damaged");
    }
    double z = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < n_vocab; i++) {
        z += (double)kern_exp(logits[i] - max);
        insert(top, &n, k, (int32_t)i, logits[i]);
    }
    const float log_z = kern_log((float)z);
    for (size_t i = 0; i < k; i++) {
        top[i].logprob = top[i].logprob - max - log_z;
    }
    if (chosen) {
        *chosen = logits[token] - max - log_z;
    }
    return LFM_OK;
}
