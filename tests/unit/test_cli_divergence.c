/*
 * test_cli_divergence.c - statistics of predictions, against values computed by hand.
 */
#include "cli/commands/divergence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * (1.0 + fabs(want)))) {
        fail_msg("%.15g, wanted %.15g", got, want);
    }
}

static void test_log_sum_exp(void **state) {
    (void)state;
    const float equal[4] = {3, 3, 3, 3};
    const float large[3] = {1000, 1000, -1000};
    const float one[1] = {-7.5f};
    near(log_sum_exp(equal, 4), 3 + log(4));
    near(log_sum_exp(large, 3), 1000 + log(2));
    near(log_sum_exp(one, 1), -7.5);
}

static void test_moments(void **state) {
    (void)state;
    moments m = {0};
    near(moments_mean(&m), 0);
    near(moments_error(&m), 0);
    moments_add(&m, 5);
    near(moments_error(&m), 0);
    moments_add(&m, 1);
    moments_add(&m, 3);
    near(moments_mean(&m), 3);
    near(moments_error(&m), sqrt(8.0 / 3.0 / 2.0));
}

static void test_divergence(void **state) {
    (void)state;
    lfm_error err = {0};
    divergence d = {0};
    /* p = 1/2 1/4 1/4, q = 1/4 1/2 1/4 */
    const float p[3] = {logf(2), 0, 0};
    const float q[3] = {0, logf(2), 0};
    assert_int_equal(divergence_add(&d, p, p, 3, 0, &err), LFM_OK);
    near(moments_mean(&d.kl), 0);
    near(moments_mean(&d.same_top), 1);
    assert_int_equal(divergence_add(&d, p, q, 3, 0, &err), LFM_OK);
    const double kl = 0.5 * log(2.0) + 0.25 * log(0.5);
    assert_true(fabs(d.kl.sum - kl) < 1e-6);
    near(moments_mean(&d.same_top), 0.5);
    assert_true(fabs(d.delta_p.sum - 0.0625) < 1e-6);
    assert_true(fabs(divergence_percentile(&d, 0.5) - kl / 2) < 1e-6);
    assert_true(fabs(divergence_percentile(&d, 1.0) - kl) < 1e-6);
    near(divergence_percentile(&d, 0.0), 0);
    divergence_drop(&d);
    near(divergence_percentile(&d, 0.5), 0);
}

/* A token that the base rules out adds nothing, whatever the model says. */
static void test_impossible_tokens(void **state) {
    (void)state;
    lfm_error err = {0};
    divergence d = {0};
    const float p[2] = {0, -INFINITY};
    const float q[2] = {0, 0};
    assert_int_equal(divergence_add(&d, p, q, 2, 0, &err), LFM_OK);
    near(d.kl.sum, log(2));
    divergence_drop(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_sum_exp),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_impossible_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
