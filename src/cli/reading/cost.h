/*
 * cost.h - how long a prompt takes to read, from the times of its first batches.
 */
#ifndef CLI_READING_COST_H
#define CLI_READING_COST_H

#include <stddef.h>

/* Seconds of a token at position p: `token` for the weights, p * `position` for attention. */
typedef struct {
    double token, position;
} reading_cost;

/* Seconds of n tokens from position `pos` on. */
double reading_seconds(reading_cost c, double pos, double n);

/* The operations of a token as a cost: attention's are on floats, which are slower than those on
 * int8 that most weights need. */
reading_cost reading_cost_of_ops(double weights, double attention);

/* Sums over batches of n tokens that took s seconds a token at the mean position x. */
typedef struct {
    double n, uu, uv, vv, u, v; /* n times 1, u * u, .. with u = 1 / s and v = x / s */
} reading_sums;

/* The batches that were read.  Set `ratio`, leave the rest zero. */
typedef struct {
    double ratio;        /* position / token as it is expected, more than 0 */
    reading_sums first;  /* of one batch */
    reading_sums rest;
    reading_sums recent; /* the same with fading memory */
} reading_times;

/* Add a batch of n tokens that began at position `pos`. */
void reading_add(reading_times *t, double pos, double n, double seconds);

/* Fit a cost to the batches; zero before the first.  The first one may have waited for the disk,
 * so only from the second on can the fit be trusted. */
reading_cost reading_fit(const reading_times *t);

#endif
