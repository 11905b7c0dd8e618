/*
 * test_answer_loop.c - lfm_answer_run and its steps: how answers end, alone and together.
 */
#include "lfm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { N_PROMPT = 3, N_TOKENS = 5 };

static const int32_t prompt[N_PROMPT] = {20, 21, 22};
static lfm_model *model;

static int open_model(void **state) {
    lfm_error err = {0};
    (void)state;
    if (lfm_model_open(&model, "models/lfm-stories-Q4_0.gguf", NULL, &err) != LFM_OK) {
        fprintf(stderr, "%s; run from the repository's root\n", err.text);
        return 1;
    }
    return 0;
}

static int close_model(void **state) {
    (void)state;
    lfm_model_close(model);
    return 0;
}

static void ok(lfm_status st, const lfm_error *err) {
    if (st != LFM_OK) {
        fail_msg("%s", err->text);
    }
}

/* An answer of at most N_TOKENS greedy tokens, with all that it borrows. */
typedef struct {
    lfm_session *session;
    lfm_sampler *sampler;
    lfm_answer *answer;
    const lfm_answer_state *now;
} asked;

static void ask(asked *a, lfm_session *family) {
    const lfm_session_options opt = {.n_ctx = 64, .n_threads = 1};
    const lfm_sampling greedy = {.top_p = 1.0f, .typical_p = 1.0f, .repeat_penalty = 1.0f};
    lfm_answer_options settings;
    lfm_error err = {0};
    size_t reused = 0;
    lfm_answer_defaults(&settings, sizeof settings);
    settings.max_tokens = N_TOKENS;
    ok(family ? lfm_session_fork(&a->session, family, &err)
              : lfm_session_new(&a->session, model, &opt, &err), &err);
    ok(lfm_sampler_new(&a->sampler, model, &greedy, &err), &err);
    ok(lfm_session_sync(a->session, prompt, N_PROMPT, &reused, &err), &err);
    ok(lfm_answer_new(&a->answer, a->session, a->sampler, NULL, &settings, prompt, N_PROMPT, &err),
       &err);
    a->now = lfm_answer_get(a->answer);
}

static void drop(asked *a) {
    lfm_answer_free(a->answer);
    lfm_sampler_free(a->sampler);
    lfm_session_free(a->session);
}

/* Returns `status` at token `at`. */
typedef struct {
    size_t at;
    lfm_status status;
} stop_at;

static lfm_status on_token(void *ctx, const lfm_answer_state *state, lfm_error *err) {
    const stop_at *s = ctx;
    (void)err;
    return state->n_generated == s->at ? s->status : LFM_OK;
}

static void test_run(void **state) {
    static const struct {
        stop_at stop;
        lfm_status status;
        lfm_finish finish;
        size_t n_generated;
    } cases[] = {
        {{0, LFM_OK}, LFM_OK, LFM_FINISH_LENGTH, N_TOKENS},
        {{2, LFM_ERR_STOPPED}, LFM_OK, LFM_FINISH_INTERRUPTED, 2},
        {{N_TOKENS, LFM_ERR_STOPPED}, LFM_OK, LFM_FINISH_LENGTH, N_TOKENS}, /* it ended anyway */
        {{2, LFM_ERR_IO}, LFM_ERR_IO, LFM_FINISH_NONE, 2},
        {{N_TOKENS, LFM_ERR_IO}, LFM_ERR_IO, LFM_FINISH_LENGTH, N_TOKENS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stop_at stop = cases[i].stop;
        asked a = {0};
        lfm_error err = {0};
        ask(&a, NULL);
        assert_int_equal(lfm_answer_run(a.answer, on_token, &stop, &err), cases[i].status);
        assert_int_equal(a.now->finish, cases[i].finish);
        assert_int_equal(a.now->n_generated, cases[i].n_generated);
        drop(&a);
    }
}

/* Answers that take their steps together, one of them without a token to evaluate. */
static void test_eval_together(void **state) {
    asked a = {0};
    asked b = {0};
    lfm_error err = {0};
    (void)state;
    ask(&a, NULL);
    ask(&b, a.session);
    lfm_answer *const both[] = {a.answer, b.answer};
    ok(lfm_answer_take(a.answer, &err), &err);
    ok(lfm_answer_take(b.answer, &err), &err);
    ok(lfm_answer_eval(both, 2, &err), &err);
    assert_int_equal(lfm_session_pos(a.session), N_PROMPT + 1);
    assert_int_equal(lfm_session_pos(b.session), N_PROMPT + 1);
    ok(lfm_answer_take(b.answer, &err), &err);
    assert_int_equal(a.now->n_pending, 0);
    ok(lfm_answer_eval(both, 2, &err), &err);
    assert_int_equal(b.now->n_pending, 0);
    assert_int_equal(lfm_session_pos(a.session), N_PROMPT + 1);
    assert_int_equal(lfm_session_pos(b.session), N_PROMPT + 2);
    ok(lfm_answer_eval(both, 2, &err), &err); /* nothing at all */
    drop(&b);
    drop(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_eval_together),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
