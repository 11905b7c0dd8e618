/*
 * test_cli_grammar_cache.c - forms of lines: one for each text, kept while they are used.
 */
#include "cli/batch/grammar_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const cli_options plain;

static int open_model(void **state) {
    const lfm_model_options opt = {.vocab_only = true};
    return lfm_model_open((lfm_model **)state, "models/lfm-stories-Q4_0.gguf", &opt, NULL) == LFM_OK
               ? 0 : -1;
}

static int close_model(void **state) {
    lfm_model_close(*state);
    return 0;
}

static lfm_status get(grammar_cache *f, const lfm_model *m, int number, cached_grammar **out) {
    json_out text = {0};
    char choice[32];
    snprintf(choice, sizeof choice, "answer %d", number);
    json_write_text(&text, choice);
    const lfm_status st = grammar_cache_get(f, LFM_CONSTRAINT_CHOICES, &text, m, &plain, out, NULL);
    json_out_free(&text);
    return st;
}

static size_t count(const grammar_cache *f) {
    size_t n = 0;
    for (size_t i = 0; i < GRAMMARS_IN_USE + GRAMMARS_KEPT; i++) {
        n += f->all[i] != NULL;
    }
    return n;
}

/* The same text is the same grammar; the same text of another kind is not. */
static void test_shared(void **state) {
    grammar_cache f = {0};
    cached_grammar *a;
    cached_grammar *b;
    cached_grammar *c;
    json_out text = {0};
    json_write_text(&text, "answer 1");
    assert_int_equal(get(&f, *state, 1, &a), LFM_OK);
    assert_int_equal(get(&f, *state, 1, &b), LFM_OK);
    assert_int_equal(get(&f, *state, 2, &c), LFM_OK);
    assert_true(a == b && a != c && grammar_cache_of(a)->first && grammar_cache_of(a)->grammar);
    cached_grammar *none = a;
    lfm_error err = {0};
    assert_int_equal(grammar_cache_get(&f, LFM_CONSTRAINT_GBNF, &text, *state, &plain, &none, &err),
                     LFM_ERR_ARG);
    assert_true(none == NULL && err.text[0] && count(&f) == 2);
    json_out_free(&text);
    grammar_cache_give_back(a);
    grammar_cache_give_back(b);
    grammar_cache_give_back(c);
    grammar_cache_give_back(NULL);
    grammar_cache_drop(&f);
}

/* However many come, some idle ones are kept, those that were asked for last. */
static void test_bounded(void **state) {
    grammar_cache f = {0};
    cached_grammar *cached;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(get(&f, *state, i, &cached), LFM_OK);
        grammar_cache_give_back(cached);
        assert_true(count(&f) <= GRAMMARS_KEPT + 1);
    }
    const size_t before = count(&f);
    cached_grammar *last = cached;
    assert_int_equal(get(&f, *state, 39, &cached), LFM_OK);
    assert_true(cached == last && count(&f) == before);
    grammar_cache_give_back(cached);
    grammar_cache_drop(&f);
}

/* What is used stays where it is, as many as there can be, and one more is refused. */
static void test_in_use(void **state) {
    enum { N = GRAMMARS_IN_USE + GRAMMARS_KEPT };
    grammar_cache f = {0};
    cached_grammar *used[N];
    cached_grammar *more = NULL;
    for (int i = 0; i < N; i++) {
        assert_int_equal(get(&f, *state, i, &used[i]), LFM_OK);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(get(&f, *state, i, &more), LFM_OK);
        assert_true(more == used[i]);
        grammar_cache_give_back(more);
    }
    assert_int_equal(get(&f, *state, N, &more), LFM_ERR_MEMORY);
    grammar_cache_give_back(used[5]);
    assert_int_equal(get(&f, *state, N, &more), LFM_OK);
    grammar_cache_drop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_in_use),
    };
    return cmocka_run_group_tests_name("cli/grammar_cache", tests, open_model, close_model);
}
