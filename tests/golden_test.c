/*
 * golden_test.c - whole models against what llama.cpp computed from the same files.
 *
 * Float weights: with an F32 cache we compute the mathematics to 2e-5, in every layer, at every
 * position and after 3,000 tokens, and the greedy answer is the same.  Quantised weights:
 * activations are rounded, so both engines err; ours at most twice as much as llama.cpp.
 *
 * That error is mostly made of near ties in the router, frequent with random weights, where
 * rounding exchanges an expert.  To compare without this luck, ref_forward repeats each engine's
 * rounding in double precision: where it then finds the engine's logits, the engine's experts are
 * known, and positions are compared where both engines chose those of the mathematics.
 *
 * The data are in golden/forward (support/golden.h); what is absent is skipped.
 */
#include "lfm_tools.h"

#include "gguf/gguf.h"
#include "support/golden.h"
#include "support/hurry.h"
#include "support/ref_forward.h"
#include "support/rounding.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_LAST = 16 }; /* positions in .last16of3000.f32 */

#define FLOAT_BAR 2e-5
#define NOT_MEASURED (-1.0)

/* The logits of two runs that chose the same experts differ by less, those of others by more.
 * Measured on these files, as squared error at one position: below 8e-4, and from 4.8e-3 on. */
#define SAME_EXPERTS_NMSE 2e-3

/* A model file and what the tests found. */
typedef struct {
    const char *name;
    lfm_kv_type kv;  /* for the test of equal bits */
    size_t n_tokens; /* for the same */
    double logits, layers, deep, f16_max, f16_nmse;
    int n_greedy, n_wanted;
    double ours, theirs;
    int n, n_agree;
    double agree_ours, agree_theirs, ratio_error;
} subject;

/* ---- Files and runs ------------------------------------------------------------------------- */

typedef struct {
    char text[64];
} file_name;

static file_name named(const subject *s, const char *suffix) {
    file_name name;
    snprintf(name.text, sizeof name.text, "%s%s", s->name, suffix);
    return name;
}

static bool is_here(const char *name) {
    golden_path path;
    return golden_find(&path, name);
}

/* Skip the test unless these files are there; before anything is allocated. */
static void need(const subject *s, const char *suffix, const char *tokens) {
    const file_name names[] = {named(s, ".gguf"), named(s, suffix)};
    for (size_t i = 0; i < 2; i++) {
        if (!is_here(names[i].text)) {
            print_message("skip: golden/forward/%s is not here\n", names[i].text);
            skip();
        }
    }
    if (!is_here(tokens)) {
        fail_msg("golden/forward/%s is not here, although %s is", tokens, names[0].text);
    }
}

static lfm_model *open_model(const subject *s) {
    golden_path path;
    lfm_error err = {0};
    lfm_model *m = NULL;
    assert_true(golden_find(&path, named(s, ".gguf").text));
    if (lfm_model_open(&m, path.text, NULL, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return m;
}

static lfm_session *new_session(const lfm_model *m, lfm_session_options opt) {
    lfm_error err = {0};
    lfm_session *s = NULL;
    if (lfm_session_new(&s, m, &opt, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return s;
}

static void *make(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    assert_non_null(p);
    return p;
}

/* The logits [n][n_vocab] of all tokens in a new session. */
static float *eval_all(const lfm_model *m, lfm_session_options opt, const int32_t *tokens,
                       size_t n) {
    lfm_error err = {0};
    lfm_session *s = new_session(m, opt);
    float *logits = make(n * lfm_model_get_info(m)->n_vocab, sizeof *logits);
    if (lfm_eval_all(s, tokens, n, logits, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    lfm_session_free(s);
    return logits;
}

/* The difference of x[n] from a golden file, which must have that many floats. */
static golden_error compare_file(const float *x, file_name name, size_t n) {
    size_t n_want = 0;
    float *want = golden_floats(name.text, &n_want);
    assert_non_null(want);
    assert_int_equal(n_want, n);
    const golden_error e = golden_compare(x, want, n);
    free(want);
    return e;
}

/* ---- Float weights -------------------------------------------------------------------------- */

static void test_logits(void **state) {
    subject *s = *state;
    size_t n = 0;
    need(s, ".ideal.f32", "tokens.txt");
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    lfm_model *m = open_model(s);
    const size_t n_logits = n * lfm_model_get_info(m)->n_vocab;
    float *logits = eval_all(m, (lfm_session_options){.kv = LFM_KV_F32}, tokens, n);
    s->logits = compare_file(logits, named(s, ".ideal.f32"), n_logits).max;
    free(logits);

    logits = eval_all(m, (lfm_session_options){.kv = LFM_KV_F16}, tokens, n);
    const golden_error f16 = compare_file(logits, named(s, ".ideal.f32"), n_logits);
    s->f16_max = f16.max;
    s->f16_nmse = f16.nmse;
    if (is_here(named(s, ".llamacpp.f32").text)) { /* its cache is F16 as well */
        size_t n_want = 0;
        float *ideal = golden_floats(named(s, ".ideal.f32").text, &n_want);
        float *theirs = golden_floats(named(s, ".llamacpp.f32").text, &n_want);
        s->theirs = golden_compare(theirs, ideal, n_want).nmse;
        free(ideal);
        free(theirs);
    }
    free(logits);
    lfm_model_close(m);
    free(tokens);
    assert_true(s->logits <= FLOAT_BAR);
    assert_true(s->f16_nmse <= 1e-6);
}

typedef struct {
    float *x; /* [n_layer][n][n_embd] */
    size_t n, n_embd;
    size_t done[64]; /* tokens seen per layer */
} layer_log;

static void log_layer(void *ctx, uint32_t layer, const float *x, size_t n) {
    layer_log *log = ctx;
    assert_true(layer < 64 && n <= log->n - log->done[layer]);
    memcpy(log->x + (layer * log->n + log->done[layer]) * log->n_embd, x,
           n * log->n_embd * sizeof *x);
    log->done[layer] += n;
}

static void test_layers(void **state) {
    subject *s = *state;
    lfm_error err = {0};
    layer_log log = {0};
    need(s, ".layers.f32", "tokens.txt");
    int32_t *tokens = golden_tokens("tokens.txt", &log.n);
    lfm_model *m = open_model(s);
    const size_t n_layer = lfm_model_get_info(m)->n_layer;
    log.n_embd = lfm_model_get_info(m)->n_embd;
    log.x = make(n_layer * log.n * log.n_embd, sizeof *log.x);

    lfm_session *session = new_session(m, (lfm_session_options){.kv = LFM_KV_F32, .n_batch = 40});
    lfm_session_on_layer(session, log_layer, &log);
    assert_int_equal(lfm_eval(session, tokens, log.n, &err), LFM_OK);
    for (size_t i = 0; i < n_layer; i++) {
        assert_int_equal(log.done[i], log.n);
    }
    s->layers = compare_file(log.x, named(s, ".layers.f32"), n_layer * log.n * log.n_embd).max;
    lfm_session_free(session);
    lfm_model_close(m);
    free(log.x);
    free(tokens);
    assert_true(s->layers <= FLOAT_BAR);
}

static void test_deep(void **state) {
    subject *s = *state;
    lfm_error err = {0};
    size_t n = 0;
    need(s, ".last16of3000.f32", "tokens3000.txt");
    int32_t *tokens = golden_tokens("tokens3000.txt", &n);
    assert_int_equal(n, 3000);
    lfm_model *m = open_model(s);
    const size_t n_logits = N_LAST * lfm_model_get_info(m)->n_vocab;
    float *logits = make(n_logits, sizeof *logits);
    lfm_session *session = new_session(m, (lfm_session_options){.kv = LFM_KV_F32});
    assert_int_equal(lfm_eval(session, tokens, n - N_LAST, &err), LFM_OK);
    assert_int_equal(lfm_eval_all(session, tokens + n - N_LAST, N_LAST, logits, &err), LFM_OK);
    s->deep = compare_file(logits, named(s, ".last16of3000.f32"), n_logits).max;
    lfm_session_free(session);
    lfm_model_close(m);
    free(logits);
    free(tokens);
    assert_true(s->deep <= FLOAT_BAR);
}

static int32_t largest(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return (int32_t)best;
}

static void test_greedy(void **state) {
    subject *s = *state;
    lfm_error err = {0};
    size_t n = 0;
    size_t n_want = 0;
    need(s, ".greedy.txt", "tokens.txt");
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    int32_t *want = golden_tokens(named(s, ".greedy.txt").text, &n_want);
    assert_int_equal(n_want, 200);
    lfm_model *m = open_model(s);
    lfm_session *session = new_session(m, (lfm_session_options){.kv = LFM_KV_F32});
    assert_int_equal(lfm_eval(session, tokens, n, &err), LFM_OK);
    s->n_greedy = 0;
    s->n_wanted = (int)n_want;
    for (size_t i = 0; i < n_want; i++) {
        const int32_t id = largest(lfm_logits(session), lfm_model_get_info(m)->n_vocab);
        s->n_greedy += id == want[i];
        assert_int_equal(id, want[i]);
        assert_int_equal(lfm_eval(session, &id, 1, &err), LFM_OK);
    }
    lfm_session_free(session);
    lfm_model_close(m);
    free(tokens);
    free(want);
}

/* ---- Batches and threads -------------------------------------------------------------------- */

static void test_same_bits(void **state) {
    const subject *s = *state;
    static const uint32_t batches[] = {1, 7, 512};
    static const uint32_t threads[] = {1, 2, 8};
    size_t n = 0;
    need(s, ".gguf", "tokens.txt");
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    assert_true(n >= s->n_tokens);
    n = s->n_tokens < 24 || test_all() ? s->n_tokens : 24;
    lfm_model *m = open_model(s);
    const size_t n_bytes = n * lfm_model_get_info(m)->n_vocab * sizeof(float);
    float *want = eval_all(m, (lfm_session_options){.n_batch = 1, .n_threads = 1, .kv = s->kv},
                           tokens, n);
    for (size_t i = 1; i < 9; i++) {
        const lfm_session_options opt = {
            .n_batch = batches[i / 3], .n_threads = threads[i % 3], .kv = s->kv};
        float *logits = eval_all(m, opt, tokens, n);
        if (memcmp(logits, want, n_bytes) != 0) {
            fail_msg("%s: other bits with batches of %u on %u threads", s->name, opt.n_batch,
                     opt.n_threads);
        }
        free(logits);
    }
    free(want);
    lfm_model_close(m);
    free(tokens);
}

/* ---- Quantised weights ---------------------------------------------------------------------- */

/* The exact mathematics of a file for the golden tokens. */
typedef struct {
    ref_model *model;
    ref_shape shape;
    int32_t *tokens; /* [n] */
    size_t n;
    int32_t *experts; /* [n_layer][n][n_used] */
} exact;

static int32_t *new_experts(const exact *e) {
    return make(e->shape.n_layer * e->n * e->shape.n_used, sizeof(int32_t));
}

static void exact_open(exact *e, const subject *s) {
    golden_path path;
    gguf_file file = {0};
    assert_true(golden_find(&path, named(s, ".gguf").text));
    assert_int_equal(gguf_open(&file, path.text, NULL), LFM_OK);
    e->model = ref_open(&file);
    gguf_close(&file);
    e->shape = ref_get_shape(e->model);
    e->tokens = golden_tokens("tokens.txt", &e->n);
    e->experts = new_experts(e);
    ref_eval(e->model, e->tokens, e->n, &(ref_run){.experts = e->experts});
}

static void exact_drop(exact *e) {
    ref_free(e->model);
    free(e->tokens);
    free(e->experts);
}

static bool has_experts(const exact *e, size_t layer) {
    return e->shape.n_used != 0 && e->experts[layer * e->n * e->shape.n_used] >= 0;
}

/* Whether the experts that an engine chose at positions from..to are those of the mathematics,
 * in one layer. */
static bool same_experts(const exact *e, const int32_t *experts, size_t layer, size_t from,
                         size_t to) {
    const size_t n_used = e->shape.n_used;
    const size_t at = (layer * e->n + from) * n_used;
    return memcmp(experts + at, e->experts + at, (to - from + 1) * n_used * sizeof *experts) == 0;
}

/* agree[t] = an engine's experts are known, and those of the mathematics, wherever they matter
 * most for position t: at t itself in all layers, and at the earlier tokens that reach t through
 * the convolutions above a layer, two tokens each.  (Attention dilutes what is further back.)
 * `round` is how the engine rounds, `logits` are what it computed. */
static bool *agreement(const exact *e, ref_round_fn *round, const float *logits) {
    const size_t n_vocab = e->shape.n_vocab;
    bool *agree = make(e->n, sizeof *agree);
    bool *known = make(e->n, sizeof *known);
    int32_t *experts = new_experts(e);
    double *repeated = make(e->n * n_vocab, sizeof *repeated);
    float *row = make(n_vocab, sizeof *row);
    ref_eval(e->model, e->tokens, e->n,
             &(ref_run){.round = round, .kv_f16 = true, .logits = repeated, .experts = experts});
    for (size_t t = 0; t < e->n; t++) {
        for (size_t i = 0; i < n_vocab; i++) {
            row[i] = (float)repeated[t * n_vocab + i];
        }
        known[t] = golden_compare(row, logits + t * n_vocab, n_vocab).nmse < SAME_EXPERTS_NMSE;
        agree[t] = known[t];
        size_t reach = 0; /* tokens */
        for (size_t layer = e->shape.n_layer; layer-- > 0 && has_experts(e, layer);) {
            const size_t from = t > reach ? t - reach : 0;
            agree[t] = agree[t] && memchr(known + from, false, t - from) == NULL &&
                       same_experts(e, experts, layer, from, t);
            reach += ref_is_conv(e->model, layer) ? 2 : 0;
        }
    }
    free(known);
    free(experts);
    free(repeated);
    free(row);
    return agree;
}

/* Both engines' errors where both agree with the mathematics.  The ratio of the two sums rests on
 * some dozens of positions, so it has a standard error: that of the paired differences. */
static void compare_agreeing(subject *s, const exact *e, const float *ours, const float *theirs,
                             const float *ideal) {
    const size_t n_vocab = e->shape.n_vocab;
    bool *our_agree = agreement(e, rounding_lfm, ours);
    bool *their_agree = agreement(e, rounding_llamacpp, theirs);
    double sum[6] = {0}; /* of a, b, aa, ab, bb and the wanted squares; a is ours */
    for (size_t t = 0; t < e->n; t++) {
        if (!our_agree[t] || !their_agree[t]) {
            continue;
        }
        double a = 0;
        double b = 0;
        for (size_t i = t * n_vocab; i < (t + 1) * n_vocab; i++) {
            const double want = (double)ideal[i];
            a += pow((double)ours[i] - want, 2);
            b += pow((double)theirs[i] - want, 2);
            sum[5] += want * want;
        }
        sum[0] += a, sum[1] += b, sum[2] += a * a, sum[3] += a * b, sum[4] += b * b;
        s->n_agree++;
    }
    const double r = sum[0] / sum[1];
    s->agree_ours = sum[0] / sum[5];
    s->agree_theirs = sum[1] / sum[5];
    s->ratio_error = sqrt(fmax(0, sum[2] - 2 * r * sum[3] + r * r * sum[4])) / sum[1];
    free(our_agree);
    free(their_agree);
}

static void test_quantised(void **state) {
    subject *s = *state;
    size_t n_logits = 0;
    size_t n_theirs = 0;
    exact e = {0};
    need(s, ".ideal.f32", "tokens.txt");
    need(s, ".llamacpp.f32", "tokens.txt");
    exact_open(&e, s);
    float *ideal = golden_floats(named(s, ".ideal.f32").text, &n_logits);
    float *theirs = golden_floats(named(s, ".llamacpp.f32").text, &n_theirs);
    assert_int_equal(n_logits, e.n * e.shape.n_vocab);
    assert_int_equal(n_theirs, n_logits);

    lfm_model *m = open_model(s);
    float *ours = eval_all(m, (lfm_session_options){.kv = LFM_KV_F16}, e.tokens, e.n);
    s->ours = golden_compare(ours, ideal, n_logits).nmse;
    s->theirs = golden_compare(theirs, ideal, n_logits).nmse;
    s->n = (int)e.n;
    compare_agreeing(s, &e, ours, theirs, ideal);
    lfm_model_close(m);
    free(ours);
    free(ideal);
    free(theirs);
    exact_drop(&e);

    assert_true(s->ours <= 2 * s->theirs);
    assert_true(s->n_agree >= 10);
    assert_true(s->agree_ours <= s->agree_theirs * (1 + 2 * s->ratio_error));
}

/* ---- Tables --------------------------------------------------------------------------------- */

static void print_value(double x) {
    if (x < 0) {
        printf("  %9s", "-");
    } else {
        printf("  %9.2e", x);
    }
}

static void print_floats(const subject *s, size_t n) {
    printf("\nFloat weights.  F32 cache: largest difference from the mathematics (bar %.0e).\n"
           "F16 cache: the same, and squared error, normalised, ours and llama.cpp's.\n"
           "%-12s  %9s  %9s  %9s  %10s  %9s  %9s  %9s\n", FLOAT_BAR, "", "logits", "layers",
           "3,000th", "greedy", "F16 max", "F16 lfm", "llama.cpp");
    for (size_t i = 0; i < n; i++) {
        if (s[i].logits < 0) {
            continue; /* skipped */
        }
        printf("%-12s", s[i].name);
        print_value(s[i].logits);
        print_value(s[i].layers);
        print_value(s[i].deep);
        printf("  %4d of %3d", s[i].n_greedy, s[i].n_wanted);
        print_value(s[i].f16_max);
        print_value(s[i].f16_nmse);
        print_value(s[i].theirs);
        printf("\n");
    }
}

static void print_quantised(const subject *s, size_t n) {
    printf("\nQuantised weights, F16 cache: squared error against the mathematics, normalised.\n"
           "%-12s  %-31s  %s\n%-12s  %9s  %9s  %9s  %9s  %9s  %9s  %s\n", "",
           "all positions (bar: ratio 2)", "both engines chose the right experts (bar: ratio 1)",
           "", "lfm", "llama.cpp", "ratio", "positions", "lfm", "llama.cpp", "ratio");
    for (size_t i = 0; i < n; i++) {
        if (s[i].ours < 0) {
            continue;
        }
        printf("%-12s", s[i].name);
        print_value(s[i].ours);
        print_value(s[i].theirs);
        printf("  %9.3f  %3d of %2d", s[i].ours / s[i].theirs, s[i].n_agree, s[i].n);
        print_value(s[i].agree_ours);
        print_value(s[i].agree_theirs);
        printf("  %.3f +- %.3f\n", s[i].agree_ours / s[i].agree_theirs, s[i].ratio_error);
    }
}

static subject subject_of(const char *name, lfm_kv_type kv, size_t n_tokens) {
    const double none = NOT_MEASURED;
    return (subject){.name = name, .kv = kv, .n_tokens = n_tokens, .logits = none,
                     .layers = none, .deep = none, .f16_max = none, .f16_nmse = none,
                     .ours = none, .theirs = none, .agree_ours = none, .agree_theirs = none,
                     .ratio_error = none};
}

#define FLOAT_TESTS(name, i)                                         \
    {name ": logits", test_logits, NULL, NULL, &floats[i]},          \
    {name ": 3,000 tokens deep", test_deep, NULL, NULL, &floats[i]}, \
    {name ": greedy", test_greedy, NULL, NULL, &floats[i]},          \
    {name ": same bits", test_same_bits, NULL, NULL, &floats[i]}

#define QUANTISED_TESTS(name, i)                                  \
    {name ": error", test_quantised, NULL, NULL, &quantised[i]},  \
    {name ": same bits", test_same_bits, NULL, NULL, &quantised[i]}

int main(void) {
    subject floats[] = {
        subject_of("nano32-f32", LFM_KV_F32, 96),
        subject_of("dense-f32", LFM_KV_F32, 96),
    };
    subject quantised[] = {
        subject_of("nano32-F16", LFM_KV_F16, 24),  subject_of("nano32-Q8_0", LFM_KV_F16, 24),
        subject_of("nano32-Q4_0", LFM_KV_F16, 24), subject_of("kq-Q4_K_M", LFM_KV_F16, 24),
        subject_of("kq-Q6_K", LFM_KV_F16, 24),     subject_of("dense-Q4_0", LFM_KV_F16, 24),
    };
    const struct CMUnitTest tests[] = {
        FLOAT_TESTS("nano32-f32", 0),      FLOAT_TESTS("dense-f32", 1),
        {"nano32-f32: layers", test_layers, NULL, NULL, &floats[0]},
        QUANTISED_TESTS("nano32-F16", 0),  QUANTISED_TESTS("nano32-Q8_0", 1),
        QUANTISED_TESTS("nano32-Q4_0", 2), QUANTISED_TESTS("kq-Q4_K_M", 3),
        QUANTISED_TESTS("kq-Q6_K", 4),     QUANTISED_TESTS("dense-Q4_0", 5),
    };
    const int n_failed = cmocka_run_group_tests_name("golden", tests, NULL, NULL);
    print_floats(floats, sizeof floats / sizeof floats[0]);
    print_quantised(quantised, sizeof quantised / sizeof quantised[0]);
    return n_failed;
}
