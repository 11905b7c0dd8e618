/*
 * test_cli_bench_tune.c - which number of threads is chosen, from made-up measurements.
 */
#include "cli/bench/bench.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 6, SAMPLES = 5 };

/* Choose among rows of given speeds, with noise that all rows of a round share and noise of their
 * own.  A negative speed: measured once only. */
static size_t choose(const double *speed, size_t n, size_t base, double shared, double own,
                     uint64_t seed) {
    bench_row rows[MOST] = {{0}};
    double seconds[MOST][SAMPLES];
    for (size_t i = 0; i < n; i++) {
        rows[i].n_gen = 1;
        rows[i].seconds = seconds[i];
        rows[i].n = speed[i] < 0 ? 1 : SAMPLES;
        for (uint64_t k = 0; k < SAMPLES; k++) {
            const double all = 2 * rng_unit(rng_at(seed, k)) - 1;
            const double one = 2 * rng_unit(rng_at(seed + 1, k * MOST + i)) - 1;
            seconds[i][k] = exp(shared * all + own * one) / fabs(speed[i]);
        }
    }
    return bench_tune_choose(rows, n, base, false);
}

/* Each number of threads twice: on any cores, and on fast cores only. */
static void test_fast_cores(void **state) {
    (void)state;
    static const struct {
        double speed[MOST]; /* of 1, 2 and 4 threads, the second of each on fast cores */
        size_t want, want_otherwise;
    } cases[] = {
        {{10, 10, 20, 20, 40, 40}, 4, 4},
        {{10, 10, 20, 25, 30, 45}, 5, 4},
        {{10, 10, 30, 45, 30, 40}, 3, 2},
        {{10, 10, 30, 30.5, 30, 30.5}, 2, 2}, /* no reason to restrict the cores */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_row rows[MOST] = {{0}};
        double seconds[MOST][SAMPLES];
        for (size_t k = 0; k < MOST; k++) {
            rows[k] = (bench_row){.n_gen = 1, .fast = k % 2 == 1, .n = SAMPLES,
                                  .seconds = seconds[k]};
            for (uint64_t s = 0; s < SAMPLES; s++) {
                seconds[k][s] = (1 + 0.001 * rng_unit(rng_at(k, s))) / cases[i].speed[k];
            }
        }
        assert_int_equal(bench_tune_choose(rows, MOST, 4, true), cases[i].want);
        assert_int_equal(bench_tune_choose(rows, MOST, 4, false), cases[i].want_otherwise);
    }
}

static void test_quiet(void **state) {
    (void)state;
    static const struct {
        double speed[MOST];
        size_t n, base, want;
    } cases[] = {
        {{10, 19, 28, 36}, 4, 3, 3},           /* every core helps */
        {{10, 19, 28, 36, 40, 30}, 6, 3, 4},   /* more than cores */
        {{20, 30, 30, 30}, 4, 3, 1},           /* bound by memory: the fewest that are as fast */
        {{20, 29.7, 30, 30}, 4, 3, 1},         /* 1 % is no reason for two more threads */
        {{20, 28, 30, 30}, 4, 3, 2},           /* 7 % is */
        {{20, 30, 25, 22}, 4, 3, 1},           /* the cores are slower */
        {{30, 20}, 2, 1, 0},
        {{10}, 1, 0, 0},
        {{-20, 30, 25, 22}, 4, 3, 1},          /* given up after a round */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (uint64_t seed = 0; seed < 20; seed++) { /* noise that a round shares does not matter */
            assert_int_equal(choose(cases[i].speed, cases[i].n, cases[i].base, 0.5, 0.002, seed),
                             cases[i].want);
        }
    }
}

/* On a busy machine, where nothing can be shown, the number of cores nearly always stays. */
static void test_busy(void **state) {
    (void)state;
    static const double same[MOST] = {30, 30, 30, 30};
    int changed = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        changed += choose(same, 4, 3, 0, 0.5, 7 * seed) != 3;
    }
    assert_true(changed < 120); /* three others, shown by chance in 2.5 of 100 cases each */
    static const double slower[MOST] = {20, 25, 28, 30};
    changed = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        changed += choose(slower, 4, 3, 0, 0.3, 7 * seed) != 3;
    }
    assert_true(changed < 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_fast_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
