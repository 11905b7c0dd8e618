/*
 * test_cli_bench_stats.c - statistics of samples, against tables and worked examples.
 */
#include "cli/bench/results/bench_stats.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want, double within) {
    if (!(fabs(got - want) <= within)) {
        fail_msg("%.9g instead of %.9g", got, want);
    }
}

/* Numbers of a normal distribution (Box and Muller), from a fixed seed. */
static double normal(uint64_t seed, uint64_t i) {
    const double u = ((double)(rng_at(seed, 2 * i) >> 11) + 1) / 9007199254740993.0;
    const double v = (double)(rng_at(seed, 2 * i + 1) >> 11) / 9007199254740992.0;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* Printed tables: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2. */
static void test_quantiles(void **state) {
    (void)state;
    static const struct {
        double freedom, t;
    } cases[] = {
        {1, 12.706}, {2, 4.303}, {3, 3.182}, {4, 2.776}, {5, 2.571}, {6, 2.447}, {7, 2.365},
        {8, 2.306}, {9, 2.262}, {10, 2.228}, {15, 2.131}, {20, 2.086}, {30, 2.042}, {60, 2.000},
        {100, 1.984}, {1e5, 1.960},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        near(stats_t_quantile(cases[i].freedom), cases[i].t, 6e-4);
    }
    near(stats_t_quantile(0.2), 12.706, 6e-4);
    assert_true(stats_t_quantile(2.5) < 4.303 && stats_t_quantile(2.5) > 3.182);
}

static void test_mean(void **state) {
    (void)state;
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    double spread = 0;
    near(stats_mean(x, 8, &spread), 5, 1e-12);
    near(spread, sqrt(32.0 / 7), 1e-12);
    near(stats_mean(x, 1, &spread), 2, 1e-12);
    near(spread, 0, 0);
    near(stats_mean(x, 0, &spread), 0, 0);
    /* half the interval of the mean of 8: t(7) s / sqrt(8), as a share of 5 */
    near(stats_uncertainty(x, 8), 2.3646 * sqrt(32.0 / 7 / 8) / 5, 1e-4);
    near(stats_uncertainty(x, 2), 1, 0);
    const double same[] = {3, 3, 3};
    near(stats_uncertainty(same, 3), 0, 0);
}

static void test_percentiles(void **state) {
    (void)state;
    double x[] = {5, 1, 4, 2, 3};
    near(stats_percentile(x, 5, 0.5), 3, 0);
    near(stats_percentile(x, 5, 0), 1, 0);
    near(stats_percentile(x, 5, 1), 5, 0);
    near(stats_percentile(x, 5, 0.95), 4.8, 1e-12);
    near(stats_percentile(x, 1, 0.95), 1, 0);
    near(stats_percentile(x, 0, 0.5), 0, 0);
}

/* Seconds are a constant times exp of given numbers, so the wanted figures follow by hand. */
static void test_compare(void **state) {
    (void)state;
    const double a[] = {exp(0.01), exp(0.02), exp(0.03)};       /* mean 0.02, s 0.01 */
    const double b[] = {exp(-0.11), exp(-0.09), exp(-0.10)};    /* mean -0.10, s 0.01 */
    stats_gain g;
    assert_true(stats_compare(a, 3, b, 3, &g));
    const double error = sqrt(2 * 0.0001 / 3); /* Welch: 4 degrees of freedom */
    near(g.gain, 100 * (exp(0.12) - 1), 1e-9);
    near(g.low, 100 * (exp(0.12 - 2.7764 * error) - 1), 1e-2);
    near(g.high, 100 * (exp(0.12 + 2.7764 * error) - 1), 1e-2);
    assert_true(stats_is_shown(&g));
    assert_true(stats_compare(b, 3, a, 3, &g));
    near(g.gain, 100 * (exp(-0.12) - 1), 1e-9);
    assert_true(stats_compare(a, 3, a, 3, &g));
    near(g.gain, 0, 1e-9);
    assert_false(stats_is_shown(&g));
    assert_false(stats_compare(a, 1, b, 3, &g));
    assert_false(stats_compare(a, 3, b, 0, &g));
}

/* What both of a pair share cancels out, however large. */
static void test_pairs(void **state) {
    (void)state;
    const double a[] = {1.00, 2.00, 5.00, 0.50};
    const double b[] = {0.98, 1.98, 4.90, 0.495};
    stats_gain g;
    assert_true(stats_compare_pairs(a, b, 4, &g));
    assert_true(stats_is_shown(&g) && g.low > 0.5 && g.high < 3);
    assert_true(stats_compare(a, 4, b, 4, &g));
    assert_false(stats_is_shown(&g)); /* unpaired, the same samples show nothing */
    assert_false(stats_compare_pairs(a, b, 1, &g));
}

/* The interval holds the truth in 95 of 100 cases. */
static void test_coverage(void **state) {
    (void)state;
    enum { CASES = 4000, N = 5 };
    const double n_cases = CASES;
    int apart = 0;
    int paired = 0;
    int drifting = 0;
    for (uint64_t k = 0; k < CASES; k++) {
        double a[N];
        double b[N];
        double x[N];
        double y[N];
        stats_gain g;
        for (uint64_t i = 0; i < N; i++) {
            a[i] = exp(0.02 * normal(1, k * N + i));
            b[i] = exp(-0.05 + 0.04 * normal(2, k * N + i));
            x[i] = (double)i;
            y[i] = exp(-0.01 * (double)i + 0.03 * normal(4, k * N + i));
        }
        assert_true(stats_compare(a, N, b, N, &g));
        const double truth = 100 * (exp(0.05) - 1);
        apart += g.low <= truth && truth <= g.high;
        assert_true(stats_compare_pairs(a, b, N, &g));
        paired += g.low <= truth && truth <= g.high;
        assert_true(stats_drift(x, y, N, &g));
        const double slope = 100 * (exp(-0.01) - 1);
        drifting += g.low <= slope && slope <= g.high;
    }
    near((double)apart / n_cases, 0.95, 0.012);
    near((double)paired / n_cases, 0.95, 0.012);
    near((double)drifting / n_cases, 0.95, 0.012);
}

static void test_verdicts(void **state) {
    (void)state;
    static const struct {
        stats_gain g;
        const char *want;
    } cases[] = {
        {{3.14, 2.41, 3.84}, "faster 3.1 % [2.4, 3.8]"},
        {{-5.0, -6.25, -3.75}, "slower 5.0 % [3.8, 6.2]"},
        {{0.2, -0.5, 0.9}, "no difference shown (+0.2 % [-0.5, 0.9])"},
        {{-0.2, -0.9, 0.0}, "no difference shown (-0.2 % [-0.9, 0.0])"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[96];
        stats_verdict(text, sizeof text, &cases[i].g);
        assert_string_equal(text, cases[i].want);
    }
}

static void test_drift(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3};
    const double y[] = {100, 90, 81, 72.9};
    stats_gain g;
    assert_true(stats_drift(x, y, 4, &g));
    near(g.gain, -10, 1e-9);
    near(g.low, -10, 1e-6);
    const double steady[] = {100, 101, 101, 100};
    assert_true(stats_drift(x, steady, 4, &g));
    assert_false(stats_is_shown(&g));
    const double nowhere[] = {1, 1, 1};
    assert_false(stats_drift(nowhere, y, 3, &g));
    assert_false(stats_drift(x, y, 2, &g));
}

static void test_between(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3};
    const double y[] = {10, 20, 30, 40};
    near(stats_mean_between(x, y, 4, 0, 2), 15, 0);
    near(stats_mean_between(x, y, 4, 2, 9), 35, 0);
    near(stats_mean_between(x, y, 4, 2.2, 2.9), 40, 0); /* none: 3 is nearest to 2.55 */
    near(stats_mean_between(x, y, 0, 0, 1), 0, 0);
}

static void test_sparkline(void **state) {
    (void)state;
    char out[STATS_SPARK_BYTES];
    double low = 0;
    double high = 0;
    const double x[] = {0, 1, 2, 3};
    const double falling[] = {100, 90, 75, 50};
    stats_sparkline(out, x, falling, 4, 4, &low, &high);
    assert_string_equal(out, "█▇▅▁");
    near(low, 50, 0);
    near(high, 100, 0);
    const double steady[] = {100, 99.5, 100, 99};
    stats_sparkline(out, x, steady, 4, 4, &low, &high);
    assert_string_equal(out, "████"); /* noise does not look like a collapse */
    const double collapse[] = {100, 10, 100, 100};
    stats_sparkline(out, x, collapse, 4, 4, &low, &high);
    assert_string_equal(out, "█▁██");
    stats_sparkline(out, x, steady, 0, 4, &low, &high);
    assert_string_equal(out, "");
    double many[1000];
    double when[1000];
    for (int i = 0; i < 1000; i++) {
        many[i] = i < 500 ? 2 : 1;
        when[i] = i;
    }
    stats_sparkline(out, when, many, 1000, 1000, &low, &high);
    assert_int_equal(strlen(out), 3 * STATS_COLUMNS);
    assert_memory_equal(out, "█", 3);
    assert_memory_equal(out + 3 * (STATS_COLUMNS - 1), "▁", 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles), cmocka_unit_test(test_mean),
        cmocka_unit_test(test_percentiles), cmocka_unit_test(test_compare),
        cmocka_unit_test(test_pairs), cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_drift),
        cmocka_unit_test(test_between), cmocka_unit_test(test_sparkline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
