/*
 * matmul.h - matrix products shared among a team: pieces of rows, taken as workers come.
 */
#ifndef KERNEL_MATMUL_H
#define KERNEL_MATMUL_H

#include "base/pool.h"
#include "kernel/kernel.h"

#include <stddef.h>
#include <stdint.h>

/* y[t][r] = W[r] . x[t] for all rows of one matrix and n tokens. */
typedef struct {
    kern_mul_fn *mul;
    const uint8_t *w;
    size_t row_bytes;
    size_t rows;
    size_t k;
    const void *const *x; /* [n] rows of activations in the form that the weight type takes */
    float *y0;            /* outputs [n][rows], when they lie one after the other; otherwise NULL */
    float *const *y;      /* [n] outputs of `rows` floats */
    size_t n;
    size_t piece_rows;    /* set by jobs_plan */
    size_t n_pieces;
} matmul_job;

/* Divide the jobs of one step into pieces for `n_workers`; the total number of pieces. */
size_t jobs_plan(matmul_job *jobs, size_t n_jobs, size_t n_workers);

/* The weights with which this worker begins; NULL when it has no share. */
const uint8_t *jobs_start(const team *t, const matmul_job *jobs, size_t n_pieces);

/* Take pieces until there are none left.  `after` is what this worker will read then, or NULL. */
void jobs_run(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after);

#endif
