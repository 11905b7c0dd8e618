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
    size_t searched; /* workers whose shares have nothing left, from `worker` on */
} team;

/* The work: called once on every worker. */
typedef void team_fn(void *ctx, team *t);

/* A pool of `n` workers, the caller included.  When the system refuses some of the threads, the
 * pool has fewer: ask pool_size.  Fails only when memory does. */
lfm_status pool_new(pool **out, size_t n, lfm_error *err);
void pool_free(pool *p); /* NULL is fine */

/* Workers in the pool; 1 for NULL. */
size_t pool_size(const pool *p);

/* Run fn on every worker and wait for all of them.  `p` may be NULL: fn then runs in the caller
 * alone. Everything written before is seen by the workers, and what they wrote by the caller.  Runs
 * do not nest. */
void pool_run(pool *p, team_fn *fn, void *ctx);

/* Take the next of this step's `n` pieces; false when there are none left.  Every worker must pass
 * the same n.  Each has an equal share, a run of pieces, and takes it in rising order; who is done
 * goes on with what is left of the others'. */
bool team_take(team *t, size_t n, size_t *piece);

/* The first of this worker's share of n pieces, and the one behind its last. */
size_t team_share_start(const team *t, size_t n);
size_t team_share_end(const team *t, size_t n);

/* End the step: wait until every worker is here.  What was written before is seen by all after. */
void team_sync(team *t);

#endif
