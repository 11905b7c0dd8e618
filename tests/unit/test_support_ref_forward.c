/*
 * test_support_ref_forward.c - the slow forward pass, against llama.cpp with F32 weights and cache.
 *
 * Other tests trust ref_forward, so it is tested like a part of the product.  The wanted logits
 * were computed in single precision: they are good to about 2e-6.
 */
#include "../support/ref_forward.h"

#include "../support/golden.h"
#include "../support/hurry.h"
#include "../support/rounding.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOGITS_BAR 4e-6
#define LAYERS_BAR 1e-5 /* the residual stream has larger values than the logits */

typedef struct {
    char text[64];
} file_name;

static file_name named(const char *model, const char *suffix) {
    file_name name;
    snprintf(name.text, sizeof name.text, "%s%s", model, suffix);
    return name;
}

/* Skip the test unless the file is there; before anything is allocated. */
static void need(file_name name) {
    golden_path path;
    if (!golden_find(&path, name.text)) {
        print_message("skip: golden/forward/%s is not here\n", name.text);
        skip();
    }
}

static ref_model *open_model(const char *model) {
    golden_path path;
    assert_true(golden_find(&path, named(model, ".gguf").text));
    return ref_open_file(path.text);
}

static void *make(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    assert_non_null(p);
    return p;
}

/* Fails when x[n] differs from a golden file by more than `bar`. */
static void check_file(const double *x, size_t n, file_name name, double bar) {
    size_t n_want = 0;
    float *want = golden_floats(name.text, &n_want);
    float *got = make(n, sizeof *got);
    assert_non_null(want);
    assert_int_equal(n_want, n);
    for (size_t i = 0; i < n; i++) {
        got[i] = (float)x[i];
    }
    const golden_error e = golden_compare(got, want, n);
    free(want);
    free(got);
    print_message("%s: largest difference %.2e\n", name.text, e.max);
    assert_true(e.max <= bar);
}

static void test_logits(void **state) {
    const char *model = *state;
    size_t n = 0;
    need(named(model, ".ideal.f32"));
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    ref_model *m = open_model(model);
    const size_t n_logits = n * ref_get_shape(m).n_vocab;
    double *logits = make(n_logits, sizeof *logits);
    ref_eval(m, tokens, n, &(ref_run){.logits = logits});
    check_file(logits, n_logits, named(model, ".ideal.f32"), LOGITS_BAR);
    free(logits);
    ref_free(m);
    free(tokens);
}

static void test_layers(void **state) {
    const char *model = *state;
    size_t n = 0;
    need(named(model, ".layers.f32"));
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    ref_model *m = open_model(model);
    const ref_shape shape = ref_get_shape(m);
    double *layers = make(shape.n_layer * n * shape.n_embd, sizeof *layers);
    ref_eval(m, tokens, n, &(ref_run){.layers = layers});
    check_file(layers, shape.n_layer * n * shape.n_embd, named(model, ".layers.f32"), LAYERS_BAR);
    free(layers);
    ref_free(m);
    free(tokens);
}

static void test_deep(void **state) {
    const char *model = *state;
    size_t n = 0;
    need(named(model, ".last16of3000.f32"));
    if (test_hurries()) {
        print_message("skip: too slow with sanitizers\n");
        skip();
    }
    int32_t *tokens = golden_tokens("tokens3000.txt", &n);
    assert_int_equal(n, 3000);
    ref_model *m = open_model(model);
    const size_t n_logits = 16 * ref_get_shape(m).n_vocab;
    double *logits = make(n_logits, sizeof *logits);
    ref_eval(m, tokens, n, &(ref_run){.logits = logits, .first_logits = n - 16});
    check_file(logits, n_logits, named(model, ".last16of3000.f32"), LOGITS_BAR);
    free(logits);
    ref_free(m);
    free(tokens);
}

/* The greedy answer, evaluated at once: each of its tokens is the best after those before it. */
static void test_greedy(void **state) {
    const char *model = *state;
    size_t n = 0;
    size_t n_answer = 0;
    need(named(model, ".greedy.txt"));
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    int32_t *answer = golden_tokens(named(model, ".greedy.txt").text, &n_answer);
    assert_int_equal(n_answer, 200);
    ref_model *m = open_model(model);
    const size_t n_vocab = ref_get_shape(m).n_vocab;
    int32_t *all = make(n + n_answer, sizeof *all);
    double *logits = make((n_answer + 1) * n_vocab, sizeof *logits);
    memcpy(all, tokens, n * sizeof *all);
    memcpy(all + n, answer, n_answer * sizeof *all);
    ref_eval(m, all, n + n_answer, &(ref_run){.logits = logits, .first_logits = n - 1});
    for (size_t i = 0; i < n_answer; i++) {
        const double *row = logits + i * n_vocab;
        size_t best = 0;
        for (size_t id = 1; id < n_vocab; id++) {
            best = row[id] > row[best] ? id : best;
        }
        assert_int_equal(best, answer[i]);
    }
    free(logits);
    free(all);
    ref_free(m);
    free(answer);
    free(tokens);
}

/* Experts are as many as the model uses, ascending, and only in layers that have some; the margin
 * says that the choice was not a tie. */
static void test_experts(void **state) {
    const char *model = *state;
    size_t n = 0;
    need(named(model, ".gguf"));
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    ref_model *m = open_model(model);
    const ref_shape shape = ref_get_shape(m);
    assert_int_equal(shape.n_used, 4);
    int32_t *experts = make(shape.n_layer * n * shape.n_used, sizeof *experts);
    double *margins = make(shape.n_layer * n, sizeof *margins);
    ref_eval(m, tokens, n, &(ref_run){.experts = experts, .margins = margins});
    for (size_t i = 0; i < shape.n_layer * n; i++) {
        const int32_t *chosen = experts + i * shape.n_used;
        const bool dense = i < 2 * n;
        assert_true(dense ? isinf(margins[i]) : margins[i] > 0 && margins[i] < 1);
        for (size_t j = 0; j < shape.n_used; j++) {
            assert_true(dense ? chosen[j] == -1 : chosen[j] >= 0 && chosen[j] < 32);
            assert_true(dense || j == 0 || chosen[j] > chosen[j - 1]);
        }
    }
    free(experts);
    free(margins);
    ref_free(m);
    free(tokens);
}

/* With an engine's rounding the result is the engine's, up to what else it does in single
 * precision: the first position, where attention is the identity, has nothing else. */
static void test_rounding(void **state) {
    const char *model = *state;
    size_t n = 0;
    size_t n_floats = 0;
    need(named(model, ".llamacpp.f32"));
    int32_t *tokens = golden_tokens("tokens.txt", &n);
    float *want = golden_floats(named(model, ".llamacpp.f32").text, &n_floats);
    ref_model *m = open_model(model);
    const size_t n_vocab = ref_get_shape(m).n_vocab;
    double *logits = make(n_vocab, sizeof *logits);
    float *got = make(n_vocab, sizeof *got);
    double nmse[2];
    for (size_t i = 0; i < 2; i++) {
        ref_eval(m, tokens, 1, &(ref_run){.round = i == 0 ? NULL : rounding_llamacpp,
                                          .kv_f16 = i == 1, .logits = logits});
        for (size_t id = 0; id < n_vocab; id++) {
            got[id] = (float)logits[id];
        }
        nmse[i] = golden_compare(got, want, n_vocab).nmse;
    }
    print_message("%s: %.2e as it is, %.2e with llama.cpp's rounding\n", model, nmse[0], nmse[1]);
    free(logits);
    free(got);
    free(want);
    ref_free(m);
    free(tokens);
    assert_true(nmse[0] > 1e-4);
    assert_true(nmse[1] < 1e-10);
}

#define CASE(test, name) {name ": " #test, test_##test, NULL, NULL, (char[]){name}}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(logits, "nano32-f32"),    CASE(logits, "dense-f32"),    CASE(logits, "nano32-F16"),
        CASE(logits, "nano32-Q8_0"),   CASE(logits, "nano32-Q4_0"),  CASE(logits, "kq-Q4_K_M"),
        CASE(logits, "kq-Q6_K"),       CASE(logits, "dense-Q4_0"),   CASE(layers, "nano32-f32"),
        CASE(deep, "nano32-f32"),      CASE(deep, "dense-f32"),      CASE(greedy, "nano32-f32"),
        CASE(greedy, "dense-f32"),     CASE(experts, "nano32-Q4_0"), CASE(experts, "nano32-f32"),
        CASE(rounding, "nano32-Q4_0"), CASE(rounding, "nano32-Q8_0"), CASE(rounding, "dense-Q4_0"),
        CASE(rounding, "kq-Q4_K_M"),   CASE(rounding, "kq-Q6_K"),
    };
    return cmocka_run_group_tests_name("ref_forward", tests, NULL, NULL);
}
