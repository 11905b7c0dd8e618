/*
 * test_cli_bench_row.c - shares of what the machine can do, which are never above 100 %.
 */
#include "cli/bench/results/bench_row.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Two samples of ten tokens: 100 and 200 tokens a second, 150 on average. */
static bench_row make_row(double read, double int8) {
    bench_row r = {.n_gen = 10, .bytes_per_token = 4, .ops_per_token = 6, .read_bandwidth = read,
                   .int8_peak = int8};
    assert_int_equal(bench_row_add(&r, 0.1, 0, NULL), LFM_OK);
    assert_int_equal(bench_row_add(&r, 0.05, 0, NULL), LFM_OK);
    return r;
}

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * fabs(want))) {
        fail_msg("%.12g instead of %.12g", got, want);
    }
}

static void test_below_the_peaks(void **state) {
    (void)state;
    bench_row r = make_row(1200, 3000);
    near(bench_row_percent_of_read(&r), 50);
    near(bench_row_percent_of_int8(&r), 30);
    bench_row_raise_peaks(&r, false);
    near(r.read_bandwidth, 1200);
    near(r.int8_peak, 3000);
    bench_row_drop(&r);
}

/* The best sample counts as a peak, the mean is a share of it. */
static void test_above_the_peaks(void **state) {
    (void)state;
    bench_row r = make_row(500, 600);
    near(bench_row_percent_of_read(&r), 100);
    near(bench_row_percent_of_int8(&r), 100);
    bench_row_raise_peaks(&r, false);
    near(r.read_bandwidth, 800);
    near(r.int8_peak, 1200);
    near(bench_row_percent_of_read(&r), 75);
    near(bench_row_percent_of_int8(&r), 75);
    bench_row_drop(&r);
}

/* What a cache delivers is no measurement of memory. */
static void test_from_a_cache(void **state) {
    (void)state;
    bench_row r = make_row(500, 600);
    bench_row_raise_peaks(&r, true);
    near(r.read_bandwidth, 500);
    near(r.int8_peak, 1200);
    near(bench_row_percent_of_read(&r), 100);
    bench_row_drop(&r);
}

static void test_unknown(void **state) {
    (void)state;
    bench_row r = make_row(0, 0);
    bench_row_raise_peaks(&r, false);
    near(bench_row_percent_of_read(&r), 0);
    near(bench_row_percent_of_int8(&r), 0);
    bench_row_drop(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below_the_peaks),
        cmocka_unit_test(test_above_the_peaks),
        cmocka_unit_test(test_from_a_cache),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
