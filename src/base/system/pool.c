/*
 * pool.c - workers, wake-up and barrier.
 *
 * A run is announced by advancing `epoch`; each worker compares it with the last one it served.
 * Waiting spins for some microseconds, because the next run of a token usually follows at once, and
 * then sleeps on a condition variable.  A worker that spins yields only when another one was last
 * seen on its core, where the system puts them while other programs come and go; those would not
 * soon give the core back.
 */
#include "base/system/pool.h"

#include "base/system/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    MAX_WORKERS = 512,
    LINE = 64, /* bytes of a cache line */
    /* Zen 4, two threads: 20 to 200 us are equally fast, for a model of 9M weights (7,300 tok/s)
     * and one of 8B (30 tok/s); 5 us cost up to 5 % of that, 2 us 10 %. */
    SPIN_NS = 50000,
    LOOK_EVERY = 64 /* rounds of spinning: one takes 10 to 50 ns */
};

/* Pieces given out of one worker's share of the step, on a cache line of its own. */
typedef struct {
    _Alignas(LINE) _Atomic size_t taken;
} share;

struct pool {
    _Atomic size_t n; /* workers that wait for the first run may read it before all have started */
    pthread_t *threads; /* [n - 1] */
    team_fn *fn;
    void *ctx;
    /* A run begins when epoch advances (release) and is over when left reaches 0 (acquire). */
    _Alignas(LINE) _Atomic uint32_t epoch;
    _Atomic uint32_t left;
    _Atomic bool quit;
    /* End of a step: the last to arrive clears the shares and advances the phase. */
    _Alignas(LINE) _Atomic uint32_t arrived;
    _Alignas(LINE) _Atomic uint32_t phase;
    share *shares; /* [n] */
    _Alignas(LINE) _Atomic int core[MAX_WORKERS]; /* where each last waited; 0: unknown */
    pthread_mutex_t lock; /* pairs with both conditions; the counters themselves are atomic */
    pthread_cond_t wake;  /* epoch or phase advanced */
    pthread_cond_t done;  /* left reached 0 */
    _Atomic uint32_t sleepers;
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Note the core of this worker; was another one last seen there? */
static bool shares_core(pool *p, size_t worker) {
#if defined(__linux__)
    const int core = sched_getcpu() + 1;
#else
    const int core = 0;
#endif
    atomic_store_explicit(&p->core[worker], core, memory_order_relaxed);
    for (size_t i = 0; i < p->n && core > 0; i++) {
        if (i != worker && p->core[i] == core) return true;
    }
    return false;
}

/* Spin until *word is `value`, or with `leave` until it no longer is; false when it takes long. */
static bool spin(pool *p, size_t worker, _Atomic uint32_t *word, uint32_t value, bool leave) {
    int64_t start = 0;
    for (uint32_t i = 1;; i++) {
        if ((atomic_load_explicit(word, memory_order_acquire) == value) != leave) return true;
        relax();
        if (i % LOOK_EVERY == 0) {
            start = start ? start : clock_ns();
            if (clock_ns() - start > SPIN_NS) return false;
            if (shares_core(p, worker)) {
                sched_yield();
            }
        }
    }
}

/* Wait until *word is no longer `old`. */
static void wait_change(pool *p, size_t worker, _Atomic uint32_t *word, uint32_t old) {
    if (spin(p, worker, word, old, true)) return;
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(word) == old) {
        pthread_cond_wait(&p->wake, &p->lock);
    }
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

/* Wake the threads that gave up spinning.  The word was advanced before this (sequentially
 * consistent): either a thread that counted itself as a sleeper sees it, or we see the sleeper. */
static void wake_sleepers(pool *p) {
    if (atomic_load(&p->sleepers) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
}

/* A worker that sees the next run or step begin also sees this. */
static void clear_shares(pool *p) {
    for (size_t i = 0; i < p->n; i++) {
        atomic_store_explicit(&p->shares[i].taken, 0, memory_order_relaxed);
    }
}

typedef struct {
    pool *p;
    size_t index;
} worker_start;

static void *worker_main(void *arg) {
    const worker_start start = *(worker_start *)arg;
    free(arg);
    pool *p = start.p;
    uint32_t seen = 0;
    for (;;) {
        wait_change(p, start.index, &p->epoch, seen);
        seen++;
        if (atomic_load_explicit(&p->quit, memory_order_relaxed)) return NULL;
        team t = {.pool = p, .worker = start.index, .n_workers = p->n};
        p->fn(p->ctx, &t);
        if (atomic_fetch_sub(&p->left, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

lfm_status pool_new(pool **out, size_t n, lfm_error *err) {
    n = n < 1 ? 1 : n > MAX_WORKERS ? MAX_WORKERS : n;
    *out = NULL;
    pool *p = aligned_alloc(LINE, sizeof *p);
    pthread_t *threads = calloc(n, sizeof *threads);
    share *shares = aligned_alloc(LINE, n * sizeof *shares);
    if (!p || !threads || !shares) {
        free(p);
        free(threads);
        free(shares);
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu threads", n);
    }
    *p = (pool){.threads = threads, .shares = shares};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    size_t started = 1;
    while (started < n) {
        worker_start *start = malloc(sizeof *start);
        if (!start) break;
        *start = (worker_start){p, started};
        if (pthread_create(&threads[started - 1], NULL, worker_main, start) != 0) {
            free(start);
            break;
        }
        started++;
    }
    p->n = started;
    *out = p;
    return LFM_OK;
}

void pool_free(pool *p) {
    if (!p) return;
    atomic_store(&p->quit, true);
    atomic_fetch_add(&p->epoch, 1);
    wake_sleepers(p);
    for (size_t i = 0; i + 1 < p->n; i++) {
        pthread_join(p->threads[i], NULL);
    }
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    free(p->threads);
    free(p->shares);
    free(p);
}

size_t pool_size(const pool *p) {
    return p ? p->n : 1;
}

void pool_run(pool *p, team_fn *fn, void *ctx) {
    if (!p || p->n == 1) {
        team alone = {.n_workers = 1};
        fn(ctx, &alone);
        return;
    }
    p->fn = fn;
    p->ctx = ctx;
    clear_shares(p);
    atomic_store(&p->left, (uint32_t)(p->n - 1));
    atomic_fetch_add(&p->epoch, 1);
    wake_sleepers(p);
    team t = {.pool = p, .n_workers = p->n};
    fn(ctx, &t);
    if (spin(p, 0, &p->left, 0, false)) return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->left) != 0) {
        pthread_cond_wait(&p->done, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

/* The first piece of a worker's share of n; the remainder goes to the first workers. */
static size_t share_start(size_t n, size_t worker, size_t n_workers) {
    return (n * worker + n_workers - 1) / n_workers;
}

size_t team_share_start(const team *t, size_t n) {
    return share_start(n, t->worker, t->n_workers);
}

size_t team_share_end(const team *t, size_t n) {
    return share_start(n, t->worker + 1, t->n_workers);
}

bool team_take(team *t, size_t n, size_t *piece) {
    pool *p = t->pool;
    if (!p) {
        *piece = t->taken++;
        return *piece < n;
    }
    for (; t->searched < p->n; t->searched++) {
        const size_t owner = (t->worker + t->searched) % p->n;
        const size_t start = share_start(n, owner, p->n);
        const size_t length = share_start(n, owner + 1, p->n) - start;
        /* Relaxed: team_sync orders the pieces' data; the counter only has to hand out each number
         * once.  Reading it first avoids writing to the cache line of an empty share. */
        _Atomic size_t *taken = &p->shares[owner].taken;
        if (atomic_load_explicit(taken, memory_order_relaxed) < length) {
            const size_t i = atomic_fetch_add_explicit(taken, 1, memory_order_relaxed);
            if (i < length) {
                *piece = start + i;
                return true;
            }
        }
    }
    return false;
}

void team_sync(team *t) {
    pool *p = t->pool;
    t->taken = 0;
    t->searched = 0;
    if (!p) return;
    const uint32_t phase = atomic_load(&p->phase);
    if (atomic_fetch_add(&p->arrived, 1) + 1 == p->n) {
        atomic_store(&p->arrived, 0);
        clear_shares(p);
        atomic_fetch_add(&p->phase, 1);
        wake_sleepers(p);
    } else {
        wait_change(p, t->worker, &p->phase, phase);
    }
}
