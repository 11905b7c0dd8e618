/*
 * test_base_pool.c - every piece is taken once, steps do not overlap, and idle workers sleep.
 */
#include "base/system/pool.h"

#include "../support/hurry.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { PIECES = 1000, STEPS = 20 };

typedef struct {
    _Atomic int taken[STEPS][PIECES];
    _Atomic int in_step[STEPS]; /* workers that have left a step */
    _Atomic int wrong;
    int value; /* written by one worker, read by all after the step */
} record;

static void work(void *ctx, team *t) {
    record *r = ctx;
    for (int step = 0; step < STEPS; step++) {
        size_t piece = 0;
        while (team_take(t, PIECES, &piece)) {
            atomic_fetch_add(&r->taken[step][piece], 1);
        }
        if (t->worker == 0) {
            r->value = step;
        }
        atomic_fetch_add(&r->in_step[step], 1);
        team_sync(t);
        if (atomic_load(&r->in_step[step]) != (int)t->n_workers || r->value != step) {
            atomic_fetch_add(&r->wrong, 1);
        }
        team_sync(t);
    }
}

static void test_steps(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 8};
    for (size_t i = 0; i < 4; i++) {
        pool *p = NULL;
        assert_int_equal(pool_new(&p, sizes[i], NULL), LFM_OK);
        assert_int_equal(pool_size(p), sizes[i]);
        for (int round = 0; round < 5; round++) {
            record *r = calloc(1, sizeof *r);
            pool_run(p, work, r);
            assert_int_equal(r->wrong, 0);
            for (int step = 0; step < STEPS; step++) {
                for (int piece = 0; piece < PIECES; piece++) {
                    assert_int_equal(r->taken[step][piece], 1);
                }
            }
            free(r);
        }
        pool_free(p);
    }
}

static void test_alone(void **state) {
    (void)state;
    record *r = calloc(1, sizeof *r);
    pool_run(NULL, work, r); /* no pool: the caller does it all */
    assert_int_equal(r->wrong, 0);
    assert_int_equal(r->taken[STEPS - 1][PIECES - 1], 1);
    free(r);
    assert_int_equal(pool_size(NULL), 1);
    pool_free(NULL);
}

static void nothing(void *ctx, team *t) {
    (void)ctx;
    (void)t;
}

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_idle_costs_nothing(void **state) {
    (void)state;
    pool *p = NULL;
    assert_int_equal(pool_new(&p, 4, NULL), LFM_OK);
    pool_run(p, nothing, NULL);
    const double before = cpu_seconds();
    const struct timespec half = {0, 500000000};
    nanosleep(&half, NULL);
    assert_true(cpu_seconds() - before < 0.1);
    pool_free(p);
}

#if defined(__linux__)
enum { MEETINGS = 2000 };

static void meet(void *ctx, team *t) {
    (void)ctx;
    for (int i = 0; i < MEETINGS; i++) {
        team_sync(t);
    }
}

/* Two workers on one core: who waits lets the other one run, and does not spin its time away. */
static void test_one_core(void **state) {
    (void)state;
    cpu_set_t before;
    cpu_set_t one;
    pool *p = NULL;
    if (is_sanitized()) {
        skip(); /* everything takes longer */
    }
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0); /* threads inherit it */
    assert_int_equal(pool_new(&p, 2, NULL), LFM_OK);
    const double start = cpu_seconds();
    pool_run(p, meet, NULL);
    const double each = (cpu_seconds() - start) / MEETINGS;
    pool_free(p);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    if (each > 20e-6) {
        fail_msg("%.1f us of processor time to meet", 1e6 * each);
    }
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_idle_costs_nothing),
#if defined(__linux__)
        cmocka_unit_test(test_one_core),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
