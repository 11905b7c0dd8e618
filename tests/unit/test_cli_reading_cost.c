/*
 * test_cli_reading_cost.c - the time to go, for prompts whose cost is known.
 */
#include "cli/reading/cost.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { BATCH = 512, MOST_BATCHES = 256 };

/* About the normal distribution, standard deviation 1. */
static double normal(uint64_t seed, uint64_t i) {
    double sum = -6;
    for (uint64_t k = 0; k < 12; k++) {
        sum += rng_unit(rng_at(seed, 12 * i + k));
    }
    return sum;
}

/* A prompt whose tokens cost 1 + ratio * position, in batches. */
typedef struct {
    double ratio, expected; /* expected / ratio: how wrong the expectation is */
    double noise;           /* of a batch, relative */
    double first;           /* times that the first batch takes */
    uint32_t n;             /* tokens */
    uint64_t seed;
} prompt;

/* The largest relative error of the time to go from the first tenth on. */
static double worst_error(const prompt *p) {
    double seconds[MOST_BATCHES];
    const uint32_t n_batches = p->n / BATCH;
    double left = 0;
    for (uint32_t i = 0; i < n_batches; i++) {
        const double x = BATCH * (i + 0.5);
        seconds[i] = BATCH * (1 + p->ratio * x) * (1 + p->noise * normal(p->seed, i)) *
                     (i == 0 ? p->first : 1);
        left += seconds[i];
    }
    double worst = 0;
    reading_times t = {.ratio = p->expected};
    for (uint32_t i = 0; i + 1 < n_batches; i++) {
        const uint32_t done = (i + 1) * BATCH;
        reading_add(&t, done - BATCH, BATCH, seconds[i]);
        left -= seconds[i];
        const double told = reading_seconds(reading_fit(&t), done, p->n - done);
        const double error = fabs(told / left - 1);
        worst = i > 0 && 10 * done >= p->n && error > worst ? error : worst;
    }
    return worst;
}

static void test_time_to_go_is_right_within_a_fifth(void **state) {
    (void)state;
    static const double ratios[] = {1e-6, 2e-5, 1e-4, 3e-4};
    static const double wrong[] = {0.7, 1, 1.4};
    static const double noises[] = {0, 0.01, 0.02};
    static const double firsts[] = {0.95, 1, 1.3, 3, 100};
    static const uint32_t lengths[] = {2048, 8192, 32768, 131072};
    for (size_t i = 0; i < 4 * 3 * 3 * 5 * 4; i++) {
        prompt p = {.ratio = ratios[i % 4], .noise = noises[i / 12 % 3],
                    .first = firsts[i / 36 % 5], .n = lengths[i / 180], .seed = i};
        p.expected = p.ratio * wrong[i / 4 % 3];
        const double error = worst_error(&p);
        if (!(error <= 0.2)) {
            fail_msg("%u tokens, ratio %g (expected %g), noise %g, first batch %g: off by %.0f %%",
                     (unsigned)p.n, p.ratio, p.expected, p.noise, p.first, 100 * error);
        }
    }
}

/* The batches correct an expectation that is wrong by far. */
static void test_batches_correct_the_expectation(void **state) {
    (void)state;
    static const double wrong[] = {0.4, 2.5};
    for (size_t i = 0; i < 2; i++) {
        const reading_cost truth = {.token = 0.01, .position = 2e-6};
        reading_times t = {.ratio = truth.position / truth.token * wrong[i]};
        for (uint32_t pos = 0; pos < 32768; pos += BATCH) {
            reading_add(&t, pos, BATCH, reading_seconds(truth, pos, BATCH));
        }
        const reading_cost c = reading_fit(&t);
        assert_true(fabs(c.token / truth.token - 1) < 0.02);
        assert_true(fabs(c.position / truth.position - 1) < 0.02);
    }
}

/* Others begin or cease to use the machine: four batches later the time is right again. */
static void test_speed_changes(void **state) {
    (void)state;
    static const double factors[] = {0.5, 2};
    const reading_cost truth = {.token = 0.01, .position = 1e-6};
    for (size_t i = 0; i < 2; i++) {
        reading_times t = {.ratio = 1.3e-4};
        for (uint32_t pos = 0; pos < 32 * BATCH; pos += BATCH) {
            const double factor = pos < 10 * BATCH ? 1 : factors[i];
            reading_add(&t, pos, BATCH, factor * reading_seconds(truth, pos, BATCH));
            const uint32_t done = pos + BATCH;
            const double left = factor * reading_seconds(truth, done, 40 * BATCH - done);
            const double told = reading_seconds(reading_fit(&t), done, 40 * BATCH - done);
            if ((done < 10 * BATCH && pos > 0) || done > 14 * BATCH) {
                assert_true(fabs(told / left - 1) < 0.2);
            }
        }
    }
}

static void test_cost_is_never_negative(void **state) {
    (void)state;
    reading_times t = {.ratio = 1e-4};
    reading_cost c = reading_fit(&t);
    assert_true(c.token == 0 && c.position == 0);
    reading_add(&t, 0, BATCH, 0); /* a clock that stands still says nothing */
    c = reading_fit(&t);
    assert_true(c.token == 0 && c.position == 0);
    for (uint32_t i = 0; i < 64; i++) { /* faster with depth */
        reading_add(&t, i * BATCH, BATCH, 100 - i);
    }
    c = reading_fit(&t);
    assert_true(c.token > 0 && c.position >= 0);
    t = (reading_times){.ratio = 1e-4};
    for (uint32_t i = 1; i < 64; i++) { /* steeper than from nothing */
        reading_add(&t, i * BATCH, BATCH, i - 0.99);
    }
    c = reading_fit(&t);
    assert_true(c.token > 0 && c.position >= 0);
}

static void test_seconds(void **state) {
    (void)state;
    const reading_cost c = {.token = 2, .position = 0.5};
    assert_true(reading_seconds(c, 0, 0) == 0);
    assert_true(reading_seconds(c, 0, 4) == 8 + 0.5 * 4 * 2);
    assert_true(fabs(reading_seconds(c, 0, 10) - reading_seconds(c, 0, 4) -
                     reading_seconds(c, 4, 6)) < 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_to_go_is_right_within_a_fifth),
        cmocka_unit_test(test_batches_correct_the_expectation),
        cmocka_unit_test(test_speed_changes),
        cmocka_unit_test(test_cost_is_never_negative),
        cmocka_unit_test(test_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
