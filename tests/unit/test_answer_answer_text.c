/*
 * test_answer_answer_text.c - thoughts, stop strings and whole characters, in any cutting.
 *
 * Every case is fed in pieces of 1, 2, 3, ... bytes: what comes out must not depend on how the
 * model cuts its text into tokens, and nothing may ever be shown and taken back.
 */
#include "answer/answer_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *fed;
    const char *stops[3];
    bool split;
    const char *thoughts, *text;
    bool stopped;
} cases[] = {
    {"", {0}, true, "", "", false},
    {"plain", {0}, true, "", "plain", false},
    {"  plain\n", {0}, true, "", "  plain\n", false},
    {"<think>a b</think>yes", {0}, true, "a b", "yes", false},
    {"\n <think>a\n\nb</think>\n\n yes\n", {0}, true, "a\n\nb", " yes\n", false},
    {"<think></think>\n", {0}, true, "", "", false},
    {"<think>never ends </thi", {0}, true, "never ends </thi", "", false},
    {"<think>x</think>y<think>z</think>", {0}, true, "x", "y<think>z</think>", false},
    {"<thinks>", {0}, true, "", "<thinks>", false},
    {"<thin", {0}, true, "", "<thin", false},
    {"a <think>b</think>", {0}, true, "", "a <think>b</think>", false},
    {"<think>a</think>b", {0}, false, "", "<think>a</think>b", false},
    {"one. two. three", {". t"}, true, "", "one", true},
    {"one. two. three", {"three", "two"}, true, "", "one. ", true},
    {"aaab", {"aab"}, true, "", "a", true},
    {"abababac", {"ababac"}, true, "", "ab", true},
    {"stop", {"stop"}, true, "", "", true},
    {"sto", {"stop"}, true, "", "sto", false},
    {"almost sto", {"stop", "to!"}, true, "", "almost sto", false},
    {"<think>stop</think>go stop", {"stop"}, true, "stop", "go ", true},
    {"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80.", {0}, true, "", "h\xc3\xa9 \xe2\x82\xac "
     "\xf0\x9f\x98\x80.", false},
    {"cut \xe2\x82", {0}, true, "", "cut ", false}, /* half a character is no text */
    {"\xf0\x9f\x98", {0}, true, "", "", false},
    {"<think>cut \xe2\x82", {0}, true, "cut ", "", false},
    {"bad \xff\xfe", {0}, true, "", "bad \xff\xfe", false},
    {"<think>\xe2\x82\xac</think>\xe2\x82\xac", {"\xac!"}, true, "\xe2\x82\xac", "\xe2\x82\xac",
     false},
};

static size_t count_stops(const char *const stops[3]) {
    size_t n = 0;
    while (n < 3 && stops[n]) {
        n++;
    }
    return n;
}

/* Does the settled part end inside a character that the next bytes would complete? */
static bool ends_inside_character(const char *p, size_t n) {
    return n > 0 && ((unsigned char)p[n - 1] == 0xe2 || (unsigned char)p[n - 1] == 0xc3 ||
                     (unsigned char)p[n - 1] == 0xf0 ||
                     (n > 1 && (unsigned char)p[n - 2] == 0xe2));
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t len = strlen(cases[i].fed);
        for (size_t piece = 1; piece <= len + 1; piece++) {
            answer_text a = {.stops = cases[i].stops,
                             .n_stops = count_stops(cases[i].stops),
                             .split = cases[i].split};
            char shown[100] = "";
            size_t n_shown = 0;
            for (size_t at = 0; at < len; at += piece) {
                const size_t n = len - at < piece ? len - at : piece;
                assert_int_equal(answer_text_feed(&a, cases[i].fed + at, n, NULL), LFM_OK);
                assert_true(a.settled >= n_shown && a.settled <= a.text.len);
                memcpy(shown + n_shown, a.text.ptr + n_shown, a.settled - n_shown);
                n_shown = a.settled;
                assert_false(ends_inside_character(shown, n_shown) && !a.stopped);
            }
            assert_int_equal(answer_text_end(&a, NULL), LFM_OK);
            assert_int_equal(a.settled, a.text.len);
            assert_string_equal(a.thoughts.ptr, cases[i].thoughts);
            assert_string_equal(a.text.ptr, cases[i].text);
            assert_int_equal(a.stopped, cases[i].stopped);
            assert_memory_equal(shown, a.text.ptr, n_shown);
            answer_text_drop(&a);
        }
    }
}

/* What can be shown at once is shown at once. */
static void test_nothing_is_held_needlessly(void **state) {
    (void)state;
    static const char *const stops[] = {"END"};
    answer_text a = {.stops = stops, .n_stops = 1, .split = true};
    assert_int_equal(answer_text_feed(&a, "abc", 3, NULL), LFM_OK);
    assert_int_equal(a.settled, 3);
    assert_int_equal(answer_text_feed(&a, "dE", 2, NULL), LFM_OK);
    assert_int_equal(a.settled, 4);
    assert_int_equal(answer_text_feed(&a, "N\xc3", 2, NULL), LFM_OK);
    assert_int_equal(a.settled, 6);
    assert_int_equal(answer_text_feed(&a, "\xa9", 1, NULL), LFM_OK);
    assert_int_equal(a.settled, 8);
    answer_text_drop(&a);
    answer_text b = {.split = true};
    assert_int_equal(answer_text_feed(&b, "<think>abc", 10, NULL), LFM_OK);
    assert_int_equal(b.thoughts_settled, 3);
    assert_int_equal(b.at.phase, THOUGHTS_INSIDE);
    answer_text_drop(&b);
}

static void test_prefill(void **state) {
    (void)state;
    static const char *const stops[] = {"a"};
    answer_text a = {.stops = stops, .n_stops = 1, .split = true};
    assert_int_equal(answer_text_prefill(&a, "banana", 6, NULL), LFM_OK);
    assert_int_equal(a.settled, 6);
    assert_int_equal(answer_text_feed(&a, "xya", 3, NULL), LFM_OK);
    assert_true(a.stopped);
    assert_string_equal(a.text.ptr, "bananaxy");
    answer_text_drop(&a);
    answer_text b = {.split = true};
    assert_int_equal(answer_text_prefill(&b, "<think>", 7, NULL), LFM_OK);
    assert_int_equal(answer_text_feed(&b, "x</think>y", 10, NULL), LFM_OK);
    assert_int_equal(answer_text_end(&b, NULL), LFM_OK);
    assert_string_equal(b.thoughts.ptr, "x");
    assert_string_equal(b.text.ptr, "y");
    answer_text_drop(&b);
}

/* What the caller adds in the middle of a character ends it: its bytes are dropped everywhere. */
static void test_half_dropped(void **state) {
    (void)state;
    answer_text a = {.split = true};
    assert_int_equal(answer_text_feed(&a, "<think>a\xe2\x82", 10, NULL), LFM_OK);
    answer_text_drop_half(&a);
    assert_int_equal(answer_text_feed(&a, "</think>b\xc3", 10, NULL), LFM_OK);
    assert_int_equal(answer_text_end(&a, NULL), LFM_OK);
    assert_string_equal(a.thoughts.ptr, "a");
    assert_string_equal(a.text.ptr, "b");
    assert_string_equal(a.raw.ptr, "<think>a</think>b");
    answer_text_drop(&a);
    answer_text b = {.split = true};
    assert_int_equal(answer_text_prefill(&b, "a\xc3", 2, NULL), LFM_OK);
    assert_int_equal(b.settled, 1);
    assert_int_equal(answer_text_feed(&b, "\xa9", 1, NULL), LFM_OK);
    assert_int_equal(b.settled, 3);
    answer_text_drop(&b);
}

static void test_bytes_may_be_zero(void **state) {
    (void)state;
    static const char *const stops[] = {"!"};
    answer_text a = {.stops = stops, .n_stops = 1, .split = true};
    assert_int_equal(answer_text_feed(&a, "\0a\0!b", 5, NULL), LFM_OK);
    assert_true(a.stopped);
    assert_int_equal(a.text.len, 3);
    assert_memory_equal(a.text.ptr, "\0a\0", 3);
    answer_text_drop(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_nothing_is_held_needlessly),
        cmocka_unit_test(test_prefill),
        cmocka_unit_test(test_half_dropped),
        cmocka_unit_test(test_bytes_may_be_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
