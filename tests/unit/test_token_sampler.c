/*
 * test_token_sampler.c - the sampler against a naive one in double precision.
 *
 * The naive sampler below sorts everything and computes probabilities by their definitions; it
 * gives a distribution, and many draws are compared with it by chi-square.  Seeds are fixed, so a
 * test either always passes or always fails.
 */
#include "token/sampler.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 61, N_DRAWS = 20000, MAX_SEEN = 64 };

static const lfm_sampling plain = {
    .temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 1, .repeat_last_n = 64,
};

static sampler *make(const lfm_sampling *set, size_t n_vocab) {
    sampler *s = NULL;
    lfm_error err = {0};
    if (sampler_new(&s, set, n_vocab, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return s;
}

static int32_t pick(sampler *s, const float *logits) {
    int32_t token = -1;
    lfm_error err = {0};
    if (sampler_pick(s, logits, &token, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return token;
}

/* Roughly normal logits, deterministic. */
static void random_logits(float *logits, size_t n, uint64_t seed, double scale) {
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint64_t j = 0; j < 12; j++) {
            sum += rng_unit(rng_at(seed, i * 12 + j));
        }
        logits[i] = (float)(scale * (sum - 6));
    }
}

/* ---- The naive sampler ---------------------------------------------------------------------- */

typedef struct {
    double logit, p, score;
    int id;
    bool alive;
} naive_token;

static int by_logit(const void *a, const void *b) {
    const naive_token *x = a, *y = b;
    return x->logit > y->logit ? -1 : x->logit < y->logit ? 1 : x->id - y->id;
}

static int by_score(const void *a, const void *b) {
    const naive_token *x = a, *y = b;
    return x->score < y->score ? -1 : x->score > y->score ? 1 : x->id - y->id;
}

static void naive_softmax(naive_token *t, size_t n, double temperature) {
    double max = -HUGE_VAL, sum = 0;
    for (size_t i = 0; i < n; i++) {
        max = t[i].alive && t[i].logit > max ? t[i].logit : max;
    }
    for (size_t i = 0; i < n; i++) {
        t[i].p = t[i].alive ? exp((t[i].logit - max) / temperature) : 0;
        sum += t[i].p;
    }
    for (size_t i = 0; i < n; i++) {
        t[i].p /= sum;
    }
}

/* Keep tokens in the present order while the sum before them is below `limit`. */
static void naive_cut(naive_token *t, size_t n, double limit, bool strict) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (strict ? sum > limit : sum >= limit && i > 0) {
            t[i].alive = false;
        }
        sum += t[i].p;
    }
}

static void naive_penalties(const lfm_sampling *set, naive_token *t, const int32_t *said,
                            size_t n_said) {
    for (int i = 0; i < N; i++) {
        int count = 0;
        const size_t last = set->repeat_last_n < 0 ? n_said : (size_t)set->repeat_last_n;
        for (size_t j = n_said > last ? n_said - last : 0; j < n_said; j++) {
            count += said[j] == t[i].id;
        }
        if (count > 0) {
            t[i].logit *= t[i].logit <= 0 ? (double)set->repeat_penalty
                                          : 1 / (double)set->repeat_penalty;
            t[i].logit -= count * (double)set->frequency_penalty + (double)set->presence_penalty;
        }
    }
}

static void naive_top_k(const lfm_sampling *set, naive_token *t) {
    int n_alive = 0;
    qsort(t, N, sizeof *t, by_logit);
    for (int i = 0; i < N && set->top_k > 0; i++) {
        n_alive += t[i].alive;
        t[i].alive = t[i].alive && n_alive <= set->top_k;
    }
}

static void naive_typical(const lfm_sampling *set, naive_token *t) {
    double entropy = 0;
    if (set->typical_p >= 1) {
        return;
    }
    naive_softmax(t, N, 1);
    for (size_t i = 0; i < N; i++) {
        entropy -= t[i].p > 0 ? t[i].p * log(t[i].p) : 0;
    }
    for (size_t i = 0; i < N; i++) {
        t[i].score = t[i].alive ? fabs(-log(t[i].p) - entropy) : HUGE_VAL;
    }
    qsort(t, N, sizeof *t, by_score);
    naive_cut(t, N, (double)set->typical_p, true);
}

static void naive_min_p(const lfm_sampling *set, naive_token *t) {
    double max = 0;
    naive_softmax(t, N, 1);
    for (size_t i = 0; i < N; i++) {
        max = t[i].p > max ? t[i].p : max;
    }
    for (size_t i = 0; i < N; i++) {
        t[i].alive = t[i].alive && t[i].p >= max * (double)set->min_p;
    }
}

static void naive_stage(const lfm_sampling *set, naive_token *t, uint8_t stage, const int32_t *said,
                        size_t n_said) {
    switch (stage) {
    case LFM_STAGE_PENALTIES: naive_penalties(set, t, said, n_said); break;
    case LFM_STAGE_TOP_K: naive_top_k(set, t); break;
    case LFM_STAGE_TYPICAL: naive_typical(set, t); break;
    case LFM_STAGE_TOP_P:
        qsort(t, N, sizeof *t, by_logit);
        naive_softmax(t, N, 1);
        /* the dead have p = 0 and do not disturb the running sum */
        naive_cut(t, N, set->top_p < 1 ? (double)set->top_p : 2, false);
        break;
    case LFM_STAGE_MIN_P: naive_min_p(set, t); break;
    default:
        for (int i = 0; i < N; i++) {
            t[i].logit /= (double)set->temperature;
        }
    }
}

static void naive_distribution(const lfm_sampling *set, const float *logits, const int32_t *said,
                               size_t n_said, double *p) {
    static const uint8_t usual[] = {LFM_STAGE_PENALTIES, LFM_STAGE_TOP_K, LFM_STAGE_TYPICAL,
                                    LFM_STAGE_TOP_P, LFM_STAGE_MIN_P, LFM_STAGE_TEMPERATURE,
                                    LFM_STAGE_END};
    naive_token t[N];
    for (int i = 0; i < N; i++) {
        t[i] = (naive_token){.logit = (double)logits[i], .id = i, .alive = true};
        for (size_t b = 0; b < set->n_bias; b++) {
            t[i].logit += set->bias[b].token == i ? (double)set->bias[b].bias : 0;
        }
    }
    for (const uint8_t *stage = set->stages[0] ? set->stages : usual; *stage; stage++) {
        naive_stage(set, t, *stage, said, n_said);
    }
    naive_softmax(t, N, 1);
    for (size_t i = 0; i < N; i++) {
        p[t[i].id] = t[i].p;
    }
}

/* ---- Draws against the naive distribution --------------------------------------------------- */

static const lfm_logit_bias biases[] = {{3, 2.5f}, {4, -INFINITY}, {3, 0.5f}, {60, -1}};

enum {
    PENALTIES = LFM_STAGE_PENALTIES, TOP_K = LFM_STAGE_TOP_K, TYPICAL = LFM_STAGE_TYPICAL,
    TOP_P = LFM_STAGE_TOP_P, MIN_P = LFM_STAGE_MIN_P, TEMPERATURE = LFM_STAGE_TEMPERATURE
};

static const struct {
    const char *name;
    lfm_sampling set;
    size_t n_said;
} stages[] = {
    {"plain", {.temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 1}, 0},
    {"cold", {.temperature = 0.4f, .typical_p = 1, .top_p = 1, .repeat_penalty = 1}, 0},
    {"hot", {.temperature = 3, .typical_p = 1, .top_p = 1, .repeat_penalty = 1}, 0},
    {"top-k 7", {.temperature = 1, .top_k = 7, .typical_p = 1, .top_p = 1, .repeat_penalty = 1}, 0},
    {"top-k too big", {.temperature = 1, .top_k = 999, .typical_p = 1, .top_p = 1,
                       .repeat_penalty = 1}, 0},
    {"top-p", {.temperature = 1, .typical_p = 1, .top_p = 0.7f, .repeat_penalty = 1}, 0},
    {"top-p after top-k", {.temperature = 1, .top_k = 20, .typical_p = 1, .top_p = 0.8f,
                           .repeat_penalty = 1}, 0},
    {"min-p", {.temperature = 2, .typical_p = 1, .top_p = 1, .min_p = 0.1f,
               .repeat_penalty = 1}, 0},
    {"typical", {.temperature = 1, .typical_p = 0.6f, .top_p = 1, .repeat_penalty = 1}, 0},
    {"typical after top-k", {.temperature = 1, .top_k = 12, .typical_p = 0.3f, .top_p = 1,
                             .repeat_penalty = 1}, 0},
    {"repeat", {.temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 1.7f,
                .repeat_last_n = 8}, 40},
    {"repeat, all", {.temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 0.8f,
                     .repeat_last_n = -1}, MAX_SEEN},
    {"presence, frequency", {.temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 1,
                             .repeat_last_n = 30, .presence_penalty = 0.5f,
                             .frequency_penalty = -0.3f}, MAX_SEEN},
    {"penalties off", {.temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 1.7f,
                       .repeat_last_n = 0}, 20},
    {"bias", {.temperature = 1, .typical_p = 1, .top_p = 1, .repeat_penalty = 1, .bias = biases,
              .n_bias = sizeof biases / sizeof *biases}, 0},
    {"everything", {.temperature = 0.8f, .top_k = 30, .typical_p = 0.9f, .top_p = 0.9f,
                    .min_p = 0.02f, .repeat_penalty = 1.1f, .repeat_last_n = 16,
                    .presence_penalty = 0.1f, .frequency_penalty = 0.1f, .bias = biases,
                    .n_bias = 2}, 50},
    {"temperature first", {.temperature = 0.5f, .top_k = 30, .typical_p = 1, .top_p = 0.7f,
                           .repeat_penalty = 1, .stages = {TEMPERATURE, TOP_P}}, 0},
    {"hot, then min-p", {.temperature = 3, .typical_p = 1, .top_p = 1, .min_p = 0.3f,
                         .repeat_penalty = 1, .stages = {TEMPERATURE, MIN_P}}, 0},
    {"no temperature", {.temperature = 0.1f, .top_k = 9, .typical_p = 1, .top_p = 1,
                        .repeat_penalty = 1, .stages = {TOP_K}}, 0},
    {"top-p before top-k", {.temperature = 1, .top_k = 6, .typical_p = 1, .top_p = 0.9f,
                            .repeat_penalty = 1, .stages = {TOP_P, TOP_K, TEMPERATURE}}, 0},
    {"top-k last", {.temperature = 2, .top_k = 6, .typical_p = 1, .top_p = 1,
                    .repeat_penalty = 1, .stages = {TEMPERATURE, TOP_K}}, 0},
    {"penalties last", {.temperature = 0.7f, .top_k = 12, .typical_p = 1, .top_p = 1,
                        .repeat_penalty = 1.7f, .repeat_last_n = -1, .presence_penalty = 0.4f,
                        .stages = {TOP_K, TEMPERATURE, PENALTIES}}, 40},
    {"backwards", {.temperature = 1.3f, .top_k = 15, .typical_p = 0.8f, .top_p = 0.9f,
                   .min_p = 0.05f, .repeat_penalty = 1.3f, .repeat_last_n = 16,
                   .stages = {TEMPERATURE, MIN_P, TOP_P, TYPICAL, TOP_K, PENALTIES}}, 50},
};

/* Chi-square of the counts; rare tokens share one cell.  The probability that a right sampler
 * passes `4 sigma` above its mean is about 1e-4 per test. */
static void check_counts(const char *name, const int *count, const double *p) {
    double chi = 0, rare_p = 0;
    int cells = -1, rare = 0;
    for (size_t i = 0; i < N; i++) {
        const double expected = p[i] * (double)N_DRAWS;
        if (p[i] <= 0 && count[i] > 0) {
            fail_msg("%s: token %zu is filtered out, but was drawn", name, i);
        }
        if (expected < 10) {
            rare_p += expected;
            rare += count[i];
        } else {
            chi += (count[i] - expected) * (count[i] - expected) / expected;
            cells++;
        }
    }
    if (rare_p > 10) {
        chi += (rare - rare_p) * (rare - rare_p) / rare_p;
        cells++;
    }
    if (chi > cells + 4 * sqrt(2.0 * cells) + 4) {
        fail_msg("%s: chi-square is %.1f for %d degrees of freedom", name, chi, cells);
    }
}

static void test_stages(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        float logits[N];
        double p[N];
        int count[N] = {0};
        int32_t said[MAX_SEEN];
        lfm_sampling set = stages[i].set;
        set.seed = 1000 + i;
        random_logits(logits, N, i, 2);
        sampler *s = make(&set, N);
        for (size_t j = 0; j < stages[i].n_said; j++) {
            said[j] = (int32_t)(rng_at(77, j) % 20);
            assert_int_equal(sampler_accept(s, said[j], NULL), LFM_OK);
        }
        naive_distribution(&set, logits, said, stages[i].n_said, p);
        for (int j = 0; j < N_DRAWS; j++) {
            count[pick(s, logits)]++;
        }
        check_counts(stages[i].name, count, p);
        sampler_free(s);
    }
}

/* The set of tokens that survive the filters, on many random logits: drawn very hot, so that
 * every survivor turns up. */
static void test_survivors(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 60; round++) {
        float logits[N];
        double p[N];
        bool seen[N] = {false};
        lfm_sampling set = plain;
        set.temperature = 1e6f;
        set.top_k = round % 3 == 0 ? 0 : (int32_t)(round % 31 + 1);
        set.typical_p = round % 4 == 1 ? 0.7f : 1;
        set.top_p = round % 5 < 2 ? 0.85f : 1;
        set.min_p = round % 2 ? 0.03f : 0;
        set.seed = round;
        random_logits(logits, N, 500 + round, 1.5);
        naive_distribution(&set, logits, NULL, 0, p);
        sampler *s = make(&set, N);
        for (int j = 0; j < 1500; j++) {
            seen[pick(s, logits)] = true;
        }
        for (int i = 0; i < N; i++) {
            if (seen[i] != (p[i] > 0)) {
                fail_msg("round %d: token %d should %s", (int)round, i, p[i] > 0 ? "stay" : "go");
            }
        }
        sampler_free(s);
    }
}

/* ---- Greedy and ties ------------------------------------------------------------------------ */

static void test_greedy(void **state) {
    (void)state;
    float logits[N];
    lfm_sampling cold = plain, greedy = plain;
    cold.temperature = 1e-30f;
    greedy.temperature = 0;
    greedy.top_k = 5;
    sampler *a = make(&cold, N);
    sampler *b = make(&greedy, N);
    for (uint64_t i = 0; i < 200; i++) {
        random_logits(logits, N, i, 3);
        assert_int_equal(pick(a, logits), pick(b, logits));
    }
    for (size_t i = 0; i < N; i++) {
        logits[i] = i >= 17 && i % 2 ? 1.5f : -1; /* ties: 17, 19, 21, ... */
    }
    assert_int_equal(pick(b, logits), 17);
    memset(logits, 0, sizeof logits);
    assert_int_equal(pick(b, logits), 0);
    sampler_free(a);
    sampler_free(b);
}

/* At temperature 0 the best of what the stages before it leave; without that stage, a draw. */
static void test_greedy_in_order(void **state) {
    (void)state;
    float logits[N];
    lfm_sampling usual = plain, early = plain, absent = plain;
    usual.temperature = early.temperature = absent.temperature = 0;
    early.min_p = 0.2f;
    memcpy(early.stages, (uint8_t[]){TEMPERATURE, MIN_P, TOP_K}, 3);
    memcpy(absent.stages, (uint8_t[]){MIN_P, TOP_K}, 2);
    sampler *a = make(&usual, N);
    sampler *b = make(&early, N);
    sampler *c = make(&absent, N);
    int differ = 0;
    for (uint64_t i = 0; i < 200; i++) {
        random_logits(logits, N, i, 1);
        const int32_t best = pick(a, logits);
        assert_int_equal(best, pick(b, logits));
        differ += best != pick(c, logits);
    }
    assert_true(differ > 50);
    sampler_free(a);
    sampler_free(b);
    sampler_free(c);
}

static void test_wrong_stages(void **state) {
    (void)state;
    static const uint8_t wrong[][LFM_N_STAGES] = {
        {TOP_K, TOP_P, TOP_K}, {LFM_N_STAGES}, {255}, {1, 2, 3, 4, 5, 6, 6},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        lfm_sampling set = plain;
        sampler *s = NULL;
        memcpy(set.stages, wrong[i], sizeof set.stages);
        assert_int_equal(sampler_new(&s, &set, N, NULL), LFM_ERR_ARG);
        assert_null(s);
    }
}

/* Filters cut through ties at the higher ids. */
static void test_ties(void **state) {
    (void)state;
    const float logits[8] = {0, 1, 1, 0, 1, 1, 1, -INFINITY};
    const struct {
        int32_t top_k;
        float top_p, typical_p;
        const char *stay;
    } cases[] = {
        {3, 1, 1, "01101000"}, {6, 1, 1, "11101110"}, {7, 1, 1, "11111110"},
        {1, 1, 1, "01000000"}, {0, 0.3f, 1, "01100000"}, {0, 0, 1, "01000000"},
        {0, 1, 0, "01000000"}, {0, 1, 0.3f, "01100000"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char seen[] = "00000000";
        lfm_sampling set = plain;
        set.top_k = cases[c].top_k;
        set.top_p = cases[c].top_p;
        set.typical_p = cases[c].typical_p;
        sampler *s = make(&set, 8);
        for (int i = 0; i < 500; i++) {
            seen[pick(s, logits)] = '1';
        }
        assert_string_equal(seen, cases[c].stay);
        sampler_free(s);
    }
}

/* ---- Repeatability -------------------------------------------------------------------------- */

static void test_same_seed(void **state) {
    (void)state;
    float logits[N];
    random_logits(logits, N, 9, 1);
    lfm_sampling set = plain;
    set.seed = 42;
    sampler *a = make(&set, N);
    sampler *b = make(&set, N);
    set.seed = 43;
    sampler *c = make(&set, N);
    int differ = 0;
    for (int i = 0; i < 200; i++) {
        const int32_t x = pick(a, logits);
        assert_int_equal(x, pick(b, logits));
        differ += x != pick(c, logits);
    }
    assert_true(differ > 50);
    sampler_free(a);
    sampler_free(b);
    sampler_free(c);
}

/* Draw n depends on (seed, n) alone: what was chosen or accepted before does not shift it. */
static void test_draws_are_keyed(void **state) {
    (void)state;
    float logits[N], other[N];
    random_logits(logits, N, 9, 1);
    random_logits(other, N, 10, 1);
    sampler *a = make(&plain, N);
    sampler *b = make(&plain, N);
    for (int i = 0; i < 100; i++) {
        (void)pick(a, i % 2 ? logits : other);
        (void)pick(b, logits);
        assert_int_equal(sampler_accept(b, i % N, NULL), LFM_OK);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pick(a, logits), pick(b, logits));
    }
    sampler_free(a);
    sampler_free(b);
}

/* ---- Penalties, exactly --------------------------------------------------------------------- */

/* Greedy shows where a penalised logit lies: it is compared with one just above and just below. */
static void test_penalties_exact(void **state) {
    (void)state;
    const struct {
        float logit, repeat, presence, frequency;
        int32_t last_n;
        int n_times, n_others;
        float expected;
    } cases[] = {
        {3, 1.5f, 0, 0, 64, 1, 0, 2},
        {-3, 1.5f, 0, 0, 64, 1, 0, -4.5f},
        {0, 1.5f, 0, 0, 64, 1, 0, 0},
        {3, 1, 0.5f, 0, 64, 3, 0, 2.5f},
        {3, 1, 0, 0.25f, 64, 3, 0, 2.25f},
        {3, 2, 0.5f, 0.25f, 64, 2, 0, 0.5f},
        {3, 1, 0, 0.25f, 4, 3, 2, 2.5f},     /* two of the four last */
        {3, 1, 0, 0.25f, 4, 3, 4, 3},        /* forgotten */
        {3, 1, 0, 0.25f, 64, 100, 0, -13},   /* never more than 64 */
        {3, 1, 0, 0.25f, 64, 100, 60, 2},
        {3, 1, 0, 0.25f, -1, 100, 60, -22},  /* all of them */
        {3, 1, 0, 0.25f, 150, 10, 144, 1.5f}, /* the window has grown */
        {3, 1, 0, 0.25f, 150, 10, 200, 3},
        {3, 2, 1, 1, 0, 100, 0, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lfm_sampling set = plain;
        set.temperature = 0;
        set.repeat_penalty = cases[i].repeat;
        set.presence_penalty = cases[i].presence;
        set.frequency_penalty = cases[i].frequency;
        set.repeat_last_n = cases[i].last_n;
        sampler *s = make(&set, 3);
        for (int j = 0; j < cases[i].n_times; j++) {
            assert_int_equal(sampler_accept(s, 0, NULL), LFM_OK);
        }
        for (int j = 0; j < cases[i].n_others; j++) {
            assert_int_equal(sampler_accept(s, 2, NULL), LFM_OK);
        }
        const float e = cases[i].expected;
        const float above[3] = {cases[i].logit, nextafterf(e, INFINITY), -1000};
        const float below[3] = {cases[i].logit, nextafterf(e, -INFINITY), -1000};
        const float equal[3] = {cases[i].logit, e, -1000};
        if (pick(s, above) != 1 || pick(s, below) != 0 || pick(s, equal) != 0) {
            fail_msg("case %zu: the logit did not become %g", i, (double)e);
        }
        sampler_free(s);
    }
}

/* ---- Errors --------------------------------------------------------------------------------- */

static void test_bad_logits(void **state) {
    (void)state;
    const float values[] = {NAN, -NAN, INFINITY};
    lfm_sampling greedy = plain;
    greedy.temperature = 0;
    for (size_t i = 0; i < 6; i++) {
        float logits[N];
        random_logits(logits, N, 1, 1);
        logits[i < 3 ? N - 1 : 0] = values[i % 3];
        sampler *s = make(i % 2 ? &plain : &greedy, N);
        lfm_error err = {0};
        int32_t token = -7;
        assert_int_equal(sampler_pick(s, logits, &token, &err), LFM_ERR_NUMERIC);
        assert_non_null(strstr(err.text, "NaN or infinity"));
        assert_int_equal(token, -7);
        sampler_free(s);
    }
}

static void test_nothing_possible(void **state) {
    (void)state;
    float logits[N];
    for (size_t i = 0; i < N; i++) {
        logits[i] = -INFINITY;
    }
    lfm_sampling set = plain;
    for (int k = 0; k < 3; k++) {
        set.top_k = k;
        sampler *s = make(&set, N);
        lfm_error err = {0};
        int32_t token;
        assert_int_equal(sampler_pick(s, logits, &token, &err), LFM_ERR_NUMERIC);
        assert_non_null(strstr(err.text, "impossible"));
        logits[5] = -3; /* one is enough */
        assert_int_equal(pick(s, logits), 5);
        logits[5] = -INFINITY;
        sampler_free(s);
    }
}

static void test_extreme_logits(void **state) {
    (void)state;
    const float logits[4] = {3e38f, -3e38f, 3e38f, 0};
    lfm_sampling set = plain;
    set.typical_p = 0.99f;
    set.top_p = 0.99f;
    set.min_p = 0.01f;
    sampler *s = make(&set, 4);
    int count[4] = {0};
    for (int i = 0; i < 100; i++) {
        count[pick(s, logits)]++;
    }
    assert_int_equal(count[0] + count[2], 100);
    assert_true(count[0] > 20 && count[2] > 20);
    sampler_free(s);
}

static void test_bad_settings(void **state) {
    (void)state;
    static const lfm_logit_bias far[] = {{N, 1}}, negative[] = {{-1, 1}}, nan_bias[] = {{1, NAN}},
                                inf_bias[] = {{1, INFINITY}};
    struct {
        lfm_sampling set;
        const char *word;
    } cases[12];
    for (size_t i = 0; i < 12; i++) {
        cases[i].set = plain;
    }
    cases[0].set.temperature = NAN, cases[0].word = "temperature";
    cases[1].set.top_p = -0.1f, cases[1].word = "top-p";
    cases[2].set.min_p = 1.1f, cases[2].word = "min-p";
    cases[3].set.typical_p = NAN, cases[3].word = "typical";
    cases[4].set.repeat_penalty = 0, cases[4].word = "repeat penalty";
    cases[5].set.presence_penalty = INFINITY, cases[5].word = "presence";
    cases[6].set.frequency_penalty = NAN, cases[6].word = "frequency";
    cases[7].set.repeat_last_n = -2, cases[7].word = "repeat-last-n";
    cases[8].set.bias = far, cases[8].set.n_bias = 1, cases[8].word = "no token 61";
    cases[9].set.bias = negative, cases[9].set.n_bias = 1, cases[9].word = "no token -1";
    cases[10].set.bias = nan_bias, cases[10].set.n_bias = 1, cases[10].word = "bias";
    cases[11].set.bias = inf_bias, cases[11].set.n_bias = 1, cases[11].word = "bias";
    for (size_t i = 0; i < 12; i++) {
        sampler *s = (sampler *)1;
        lfm_error err = {0};
        assert_int_equal(sampler_new(&s, &cases[i].set, N, &err), LFM_ERR_ARG);
        assert_null(s);
        assert_non_null(strstr(err.text, cases[i].word));
    }
    sampler *s = make(&plain, N);
    assert_int_equal(sampler_accept(s, N, NULL), LFM_ERR_ARG);
    assert_int_equal(sampler_accept(s, -1, NULL), LFM_ERR_ARG);
    sampler_free(s);
    sampler_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_survivors),
        cmocka_unit_test(test_greedy),
        cmocka_unit_test(test_greedy_in_order),
        cmocka_unit_test(test_wrong_stages),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_same_seed),
        cmocka_unit_test(test_draws_are_keyed),
        cmocka_unit_test(test_penalties_exact),
        cmocka_unit_test(test_bad_logits),
        cmocka_unit_test(test_nothing_possible),
        cmocka_unit_test(test_extreme_logits),
        cmocka_unit_test(test_bad_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
