/*
 * test_cli_truncate.c - what is left of a text that was cut, and how much room an answer gets.
 */
#include "cli/prompt/truncate.h"

#include "base/rng.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char model_path[] = "models/lfm-stories-Q4_0.gguf";

static int open_model(void **state) {
    const lfm_model_options opt = {.vocab_only = true};
    return lfm_model_open((lfm_model **)state, model_path, &opt, NULL) == LFM_OK ? 0 : -1;
}

static int close_model(void **state) {
    lfm_model_close(*state);
    return 0;
}

static void test_limit(void **state) {
    (void)state;
    static const struct {
        double n; /* -n; -2 = not given */
        size_t n_ctx, limit;
    } cases[] = {
        {-2, 1000, 750}, {-1, 1000, 750}, {0, 1000, 1000}, {20, 120, 100}, {749, 1000, 251},
        {750, 1000, 250}, {5000, 1000, 250}, {2147483647.0, 1000, 250}, {-2, 1, 1}, {9, 1, 0},
        {-2, 3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_options o = {0};
        if (cases[i].n > -2) {
            o.n_predict = (opt_number){cases[i].n, true};
        }
        const size_t got = truncate_limit(&o, cases[i].n_ctx);
        if (got != cases[i].limit) {
            fail_msg("-n %g of %zu: %zu tokens, not %zu", cases[i].n, cases[i].n_ctx, got,
                     cases[i].limit);
        }
    }
}

static size_t count_tokens(const lfm_model *m, const char *text, size_t len) {
    int32_t *tokens = NULL;
    size_t n = 0;
    assert_int_equal(lfm_tokenize(m, text, len, 0, &tokens, &n, NULL), LFM_OK);
    lfm_free(tokens);
    return n;
}

/* Words of one to four bytes a character, such that tokens end inside of some. */
static void random_text(json_out *text, uint64_t seed, size_t n_words) {
    static const char *const words[] = {"fox ", "é", "漢字", "😀", "\n", "Peter Rabbit ", "ß, ",
                                        "🦊🐇", "1234", " "};
    for (size_t i = 0; i < n_words; i++) {
        json_write_text(text, words[rng_at(seed, i) % (sizeof words / sizeof *words)]);
    }
    assert_int_equal(json_finish(text, NULL), LFM_OK);
}

/* How many bytes a and b begin, or end, with alike. */
static size_t same_head(const json_out *a, const json_out *b) {
    size_t n = 0;
    while (n < a->len && n < b->len && a->ptr[n] == b->ptr[n]) {
        n++;
    }
    return n;
}

static size_t same_tail(const json_out *a, const json_out *b) {
    size_t n = 0;
    while (n < a->len && n < b->len && a->ptr[a->len - 1 - n] == b->ptr[b->len - 1 - n]) {
        n++;
    }
    return n;
}

static void test_cuts(void **state) {
    const lfm_model *m = *state;
    static const opt_truncate places[] = {TRUNCATE_HEAD, TRUNCATE_TAIL, TRUNCATE_MIDDLE};
    for (uint64_t seed = 0; seed < 90; seed++) {
        json_out all = {0};
        json_out left = {0};
        const opt_truncate how = places[seed % 3];
        random_text(&all, seed, 40 + seed);
        json_write_raw(&left, all.ptr, all.len);
        assert_int_equal(json_finish(&left, NULL), LFM_OK);
        const size_t n = count_tokens(m, all.ptr, all.len);
        const size_t drop = 1 + rng_at(seed, 1000) % (n - 1);
        assert_int_equal(truncate_text(&left, m, how, 0, drop, NULL), LFM_OK);
        assert_true(left.len < all.len && left.ptr[left.len] == '\0');
        assert_true(utf8_valid(left.ptr, left.len));
        const size_t head = same_head(&all, &left);
        const size_t tail = same_tail(&all, &left);
        assert_true(how != TRUNCATE_HEAD || tail == left.len);
        assert_true(how != TRUNCATE_TAIL || head == left.len);
        assert_true(head + tail >= left.len);
        /* no more goes than has to: what is gone is the tokens and a character at each end */
        const size_t n_left = count_tokens(m, left.ptr, left.len);
        assert_true(n_left <= n - drop + 8 && n_left + drop + 24 >= n);
        json_out_free(&all);
        json_out_free(&left);
    }
}

static void test_everything(void **state) {
    json_out text = {0};
    lfm_error err = {0};
    json_write_text(&text, "one two three");
    const size_t n = count_tokens(*state, text.ptr, text.len);
    assert_int_equal(truncate_text(&text, *state, TRUNCATE_HEAD, 0, n, &err), LFM_ERR_FULL);
    assert_non_null(strstr(err.text, "even without the prompt"));
    assert_string_equal(text.ptr, "one two three");
    json_out_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_everything),
    };
    return cmocka_run_group_tests_name("cli/truncate", tests, open_model, close_model);
}
