/*
 * test_cli_batch_forms.c - forms of lines: one for each text, kept while they are used.
 */
#include "cli/batch/batch_forms.h"

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

static lfm_status get(batch_forms *f, const lfm_model *m, int number, batch_form **out) {
    json_out text = {0};
    char choice[32];
    snprintf(choice, sizeof choice, "answer %d", number);
    json_write_text(&text, choice);
    const lfm_status st = forms_get(f, LFM_CONSTRAINT_CHOICES, &text, m, &plain, out, NULL);
    json_out_free(&text);
    return st;
}

static size_t count(const batch_forms *f) {
    size_t n = 0;
    for (size_t i = 0; i < FORMS_IN_USE + FORMS_KEPT; i++) {
        n += f->all[i] != NULL;
    }
    return n;
}

/* The same text is the same form; the same text of another kind is not. */
static void test_shared(void **state) {
    batch_forms f = {0};
    batch_form *a;
    batch_form *b;
    batch_form *c;
    json_out text = {0};
    json_write_text(&text, "answer 1");
    assert_int_equal(get(&f, *state, 1, &a), LFM_OK);
    assert_int_equal(get(&f, *state, 1, &b), LFM_OK);
    assert_int_equal(get(&f, *state, 2, &c), LFM_OK);
    assert_true(a == b && a != c && form_of(a)->first && form_of(a)->grammar);
    batch_form *none = a;
    lfm_error err = {0};
    assert_int_equal(forms_get(&f, LFM_CONSTRAINT_GBNF, &text, *state, &plain, &none, &err),
                     LFM_ERR_ARG);
    assert_true(none == NULL && err.text[0] && count(&f) == 2);
    json_out_free(&text);
    forms_give_back(a);
    forms_give_back(b);
    forms_give_back(c);
    forms_give_back(NULL);
    forms_drop(&f);
}

/* However many come, some idle ones are kept, those that were asked for last. */
static void test_bounded(void **state) {
    batch_forms f = {0};
    batch_form *form;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(get(&f, *state, i, &form), LFM_OK);
        forms_give_back(form);
        assert_true(count(&f) <= FORMS_KEPT + 1);
    }
    const size_t before = count(&f);
    batch_form *last = form;
    assert_int_equal(get(&f, *state, 39, &form), LFM_OK);
    assert_true(form == last && count(&f) == before);
    forms_give_back(form);
    forms_drop(&f);
}

/* What is used stays where it is, as many as there can be, and one more is refused. */
static void test_in_use(void **state) {
    enum { N = FORMS_IN_USE + FORMS_KEPT };
    batch_forms f = {0};
    batch_form *used[N];
    batch_form *more = NULL;
    for (int i = 0; i < N; i++) {
        assert_int_equal(get(&f, *state, i, &used[i]), LFM_OK);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(get(&f, *state, i, &more), LFM_OK);
        assert_true(more == used[i]);
        forms_give_back(more);
    }
    assert_int_equal(get(&f, *state, N, &more), LFM_ERR_MEMORY);
    forms_give_back(used[5]);
    assert_int_equal(get(&f, *state, N, &more), LFM_OK);
    forms_drop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_in_use),
    };
    return cmocka_run_group_tests_name("cli/batch_forms", tests, open_model, close_model);
}
