/*
 * matmul.h - matrix products shared among a team: pieces of rows, taken as workers come.
 */
#ifndef KERNEL_MATMUL_H
#define KERNEL_MATMUL_H

#include "base/system/pool.h"
#include "kernel/kernel.h"

#include <stddef.h>
#include <stdint.h>

enum { JOB_TOKENS = 128 }; /* tokens per call of a product, at most */

/* y[t][r] = W[r] . x[t] for all rows of one matrix and n tokens. */
typedef struct matmul_job matmul_job;
struct matmul_job {
    kern_mul_fn *mul;
    const uint8_t *w;
    size_t row_bytes;
    size_t rows;
    size_t k;
    const void *const *x; /* [n] rows of activations in the layout that the weight type takes */
    float *y0;            /* outputs [n][rows], when they lie one after the other; otherwise NULL */
    float *const *y;      /* [n] outputs of `rows` floats */
    size_t n;
    size_t align;         /* a power of two: rows that belong together in a piece; 0: any */
    size_t most_rows;     /* of a piece, at least `align`; 0: any */
    size_t piece_rows;    /* set by jobs_plan */
    size_t n_pieces;
};

/* How a job's pieces are computed, when not simply by its product: rows [row, row + rows).  `next`
 * is where the worker goes on reading, or NULL. */
typedef void jobs_piece_fn(void *ctx, const matmul_job *j, size_t row, size_t rows,
                           const uint8_t *next);

/* Divide the jobs of one step into pieces for `n_workers`; the total number of pieces. */
size_t jobs_plan(matmul_job *jobs, size_t n_jobs, size_t n_workers);

/* Tokens of each call, so that n (not 0) are divided evenly. */
size_t jobs_tile(size_t n);

/* The weights with which this worker begins; NULL when it has no share. */
const uint8_t *jobs_start(const team *t, const matmul_job *jobs, size_t n_pieces);

/* Take pieces until there are none left.  `after` is what this worker will read then, or NULL. */
void jobs_run(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after);

/* The same with pieces of the caller's. */
void jobs_run_with(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after,
                   jobs_piece_fn *run, void *ctx);

#endif
