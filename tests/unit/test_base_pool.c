/*
 * test_base_pool.c - every piece is taken once, steps do not overlap, and idle workers sleep.
 */
#include "base/system/pool.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_idle_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
