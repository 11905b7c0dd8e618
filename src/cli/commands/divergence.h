/*
 * divergence.h - how well a model predicts a text, and how far its predictions are from another's.
 */
#ifndef CLI_COMMANDS_DIVERGENCE_H
#define CLI_COMMANDS_DIVERGENCE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* log of the sum of exp(x[n]); exact to double precision. */
double log_sum_exp(const float *x, size_t n);

/* Numbers of which the mean and its standard error are wanted. */
typedef struct {
    size_t n;
    double sum, squares;
} moments;

void moments_add(moments *m, double x);
double moments_mean(const moments *m);
double moments_error(const moments *m); /* standard error of the mean; 0 for fewer than two */

/* What two models say of the same positions.  A zeroed struct is an empty one. */
typedef struct {
    moments kl;       /* sum over tokens of p log(p / q), p of the base, q of the model; in nats */
    moments same_top; /* 1 where both hold the same token most probable */
    moments delta_p;  /* squared difference of the probabilities of the true token */
    float *all;       /* [n] every KL, for percentiles */
    size_t n, cap;
} divergence;

/* Add a position: logits [n_vocab] of the base and of the model, and the token that followed. */
lfm_status divergence_add(divergence *d, const float *base, const float *model, size_t n_vocab,
                          int32_t next, lfm_error *err);

/* The KL that a share p in [0, 1] of the positions stays below.  Sorts d->all. */
double divergence_percentile(divergence *d, double p);

void divergence_drop(divergence *d);

#endif
