/*
 * divergence.h - log-likelihood and KL divergence: how far the predictions of two models differ.
 */
#ifndef CLI_COMMANDS_DIVERGENCE_H
#define CLI_COMMANDS_DIVERGENCE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* log of the sum of exp(x[n]); exact to double precision. */
double log_sum_exp(const float *x, size_t n);

/* Sums for a mean and its standard error. */
typedef struct {
    size_t n;
    double sum, squares;
} moments;

void moments_add(moments *m, double x);
double moments_mean(const moments *m);
double moments_error(const moments *m); /* standard error of the mean; 0 for fewer than two */

/* How far two models differ over some positions.  Zeroed is empty. */
typedef struct {
    moments kl;       /* sum over tokens of p log(p / q), p of the base, q of the model; in nats */
    moments same_top; /* 1 where both have the same most probable token */
    moments delta_p;  /* squared difference of the probabilities of the true token */
    float *all;       /* [n] every KL, for percentiles */
    size_t n, cap;
} divergence;

/* Add a position: logits [n_vocab] of the base and of the model, and the true next token. */
lfm_status divergence_add(divergence *d, const float *base, const float *model, size_t n_vocab,
                          int32_t next, lfm_error *err);

/* The p-quantile of KL, p in [0, 1].  Sorts d->all. */
double divergence_percentile(divergence *d, double p);

void divergence_drop(divergence *d);

#endif
