/*
 * matmul.h - matrix products shared among a team: free workers take the next piece of rows.
 */
#ifndef KERNEL_MATMUL_H
#define KERNEL_MATMUL_H

#include "base/system/pool.h"
#include "kernel/kernel.h"

#include <stddef.h>
#include <stdint.h>

enum { JOB_TOKENS = 128 }; /* tokens per call of a product, at most */

/* y[t][r] = scale * (W[r] . x[t]) for all rows of one matrix and n tokens. */
typedef struct matmul_job matmul_job;
struct matmul_job {
    kern_mul_fn *mul;
    const uint8_t *w;
    size_t row_bytes;
    size_t rows;
    size_t k;
    const void *const *x; /* [n] rows of activations in the layout that the weight type takes */
    float *y0;            /* outputs [n][rows] when they are contiguous, otherwise NULL */
    float *const *y;      /* [n] outputs of `rows` floats */
    size_t n;
    const float *scale;   /* of the whole matrix, multiplied last; NULL: none */
    size_t align;         /* a power of two: rows that must stay in one piece; 0: any */
    size_t most_rows;     /* of a piece, at least `align`; 0: any */
    size_t piece_rows;    /* set by jobs_plan */
    size_t n_pieces;
};

/* Compute rows [row, row + rows) of a job whose pieces are more than products.  `next` is the
 * address that the worker reads next, or NULL. */
typedef void jobs_piece_fn(void *ctx, const matmul_job *j, size_t row, size_t rows,
                           const uint8_t *next);

/* Multiply the products y[n][rows] of some rows by the scale of their matrix, if it has one. */
void jobs_scale(const matmul_job *j, float *const *y, size_t n, size_t rows);

/* Divide the jobs of one step into pieces for `n_workers`; the total number of pieces. */
size_t jobs_plan(matmul_job *jobs, size_t n_jobs, size_t n_workers);

/* Tokens per call of a product, so that n tokens (not 0) are divided evenly. */
size_t jobs_tile(size_t n);

/* The first weights that this worker reads; NULL when it has no share. */
const uint8_t *jobs_start(const team *t, const matmul_job *jobs, size_t n_pieces);

/* Take pieces until none is left.  `after` is the address that this worker reads then, or NULL: its
 * last piece prefetches from there. */
void jobs_run(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after);

/* The same, with the caller's function for a piece. */
void jobs_run_with(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after,
                   jobs_piece_fn *run, void *ctx);

#endif
