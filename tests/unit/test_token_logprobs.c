/*
 * test_token_logprobs.c - log-probabilities against their definition in double precision.
 */
#include "token/logprobs.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 500, K = 20 };

static const float *sorted_by; /* what by_logit compares */

static int by_logit(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return sorted_by[x] > sorted_by[y] ? -1 : sorted_by[x] < sorted_by[y] ? 1 : x - y;
}

static double naive(const float *logits, size_t n, int32_t token) {
    double max = -HUGE_VAL;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        max = (double)logits[i] > max ? (double)logits[i] : max;
    }
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)logits[i] - max);
    }
    return (double)logits[token] - max - log(sum);
}

/* Many scales, with equals among the logits. */
static void test_against_definition(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 60; round++) {
        float logits[N];
        int32_t order[N];
        lfm_logprob top[K];
        float chosen = 0;
        const double scale = pow(10, (double)(round % 5) - 2);
        for (size_t i = 0; i < N; i++) {
            logits[i] = (float)(floor(200 * rng_unit(rng_at(round, i))) / 10 * scale);
            order[i] = (int32_t)i;
        }
        const int32_t token = (int32_t)(rng_at(round, N) % N);
        sorted_by = logits;
        qsort(order, N, sizeof *order, by_logit);
        assert_int_equal(sampler_logprobs(logits, N, token, &chosen, top, K, NULL), LFM_OK);
        for (size_t i = 0; i < K; i++) {
            const double want = naive(logits, N, order[i]);
            assert_int_equal(top[i].token, order[i]);
            assert_true(fabs((double)top[i].logprob - want) < 1e-5 + 1e-6 * fabs(want));
            assert_true(top[i].logprob <= 0);
        }
        const double want = naive(logits, N, token);
        assert_true(fabs((double)chosen - want) < 1e-5 + 1e-6 * fabs(want));
    }
}

static void test_edges(void **state) {
    (void)state;
    const float one[3] = {-INFINITY, 5, -INFINITY};
    const float huge[3] = {3e38f, -3e38f, 3e38f};
    lfm_logprob top[3];
    float chosen = 1;
    assert_int_equal(sampler_logprobs(one, 3, 1, &chosen, top, 3, NULL), LFM_OK);
    assert_true(chosen == 0 && top[0].token == 1 && top[0].logprob == 0);
    assert_true(top[1].token == 0 && isinf(top[1].logprob) && top[2].token == 2);
    assert_int_equal(sampler_logprobs(one, 3, 0, &chosen, NULL, 0, NULL), LFM_OK);
    assert_true(isinf(chosen) && chosen < 0);
    assert_int_equal(sampler_logprobs(huge, 3, 1, &chosen, top, 2, NULL), LFM_OK);
    assert_true(top[0].token == 0 && top[1].token == 2);
    assert_true(fabs((double)top[0].logprob + log(2)) < 1e-6 && isinf(chosen));
    assert_int_equal(sampler_logprobs(one, 3, -7, NULL, top, 1, NULL), LFM_OK); /* not asked for */
}

static void test_errors(void **state) {
    (void)state;
    float logits[N] = {0};
    lfm_logprob top[LFM_MAX_TOP + 1];
    float chosen;
    lfm_error err = {0};
    assert_int_equal(sampler_logprobs(logits, N, -1, &chosen, top, 1, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "-1"));
    assert_int_equal(sampler_logprobs(logits, N, N, &chosen, top, 1, NULL), LFM_ERR_ARG);
    assert_int_equal(sampler_logprobs(logits, N, 0, &chosen, top, LFM_MAX_TOP + 1, NULL),
                     LFM_ERR_ARG);
    assert_int_equal(sampler_logprobs(logits, 3, 0, &chosen, top, 4, NULL), LFM_ERR_ARG);
    logits[9] = NAN;
    assert_int_equal(sampler_logprobs(logits, N, 0, &chosen, top, 1, NULL), LFM_ERR_NUMERIC);
    logits[9] = INFINITY;
    assert_int_equal(sampler_logprobs(logits, N, 0, &chosen, top, 1, NULL), LFM_ERR_NUMERIC);
    logits[0] = -INFINITY;
    assert_int_equal(sampler_logprobs(logits, 1, 0, &chosen, top, 1, NULL), LFM_ERR_NUMERIC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_definition),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("token/logprobs", tests, NULL, NULL);
}
