/*
 * pool.h - persistent worker threads that run one function together.
 *
 * The caller is worker 0.  Between runs the workers spin briefly and then sleep, so an idle pool
 * costs nothing.
 */
#ifndef BASE_SYSTEM_POOL_H
#define BASE_SYSTEM_POOL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct pool pool;

/* One worker's place in a run.  A run is a sequence of steps: in each, the workers take pieces of
 * work until none is left, and meet before the next one begins. */
typedef struct {
    pool *pool; /* NULL when the caller works alone */
    size_t worker;
    size_t n_workers;
    size_t taken;    /* pieces of this step taken so far, when alone */
    size_t searched; /* workers whose shares are empty, counted from `worker` */
} team;

/* The work: called once on every worker. */
typedef void team_fn(void *ctx, team *t);

/* A pool of `n` workers, the caller included.  When the system refuses some threads, the pool has
 * fewer: see pool_size.  Fails only when memory runs out. */
lfm_status pool_new(pool **out, size_t n, lfm_error *err);
void pool_free(pool *p); /* NULL is fine */

/* Workers in the pool; 1 for NULL. */
size_t pool_size(const pool *p);

/* Run fn on every worker and wait for all of them.  `p` may be NULL: fn then runs in the caller
 * alone.  The workers see everything written before, and the caller what they wrote.  Runs do not
 * nest. */
void pool_run(pool *p, team_fn *fn, void *ctx);

/* Take the next of this step's `n` pieces; false when there are none left.  Every worker must pass
 * the same n.  Each worker takes its own equal share, a run of pieces, in rising order, and then
 * continues with what is left of other shares. */
bool team_take(team *t, size_t n, size_t *piece);

/* This worker's share of n pieces: the first one, and the one after the last. */
size_t team_share_start(const team *t, size_t n);
size_t team_share_end(const team *t, size_t n);

/* End the step: wait until every worker is here.  Writes made before it are visible to all workers
 * after it. */
void team_sync(team *t);

#endif
