/*
 * test_cli_bench_list.c - lists and ranges of numbers, and words of options.
 */
#include "cli/bench/bench_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_lists(void **state) {
    (void)state;
    static const struct {
        const char *text, *want; /* NULL: refused */
    } cases[] = {
        {"512", "512"},        {"1,2,4", "1 2 4"},     {"1-4", "1 2 3 4"},
        {"8-20+4", "8 12 16 20"}, {"8-64*2", "8 16 32 64"}, {"0", "0"},
        {"0,3-4,10-1000*10", "0 3 4 10 100 1000"},     {"5-5", "5"}, {"0-2*2", "0 1 2"},
        {"", NULL},            {"a", NULL},            {"1,", NULL},
        {"1,,2", NULL},        {"4-2", NULL},          {"1-", NULL},
        {"1-9*1", NULL},       {"1-9+0", NULL},        {"-3", NULL},
        {"1 2", NULL},         {"99999999999", NULL},  {"2000", NULL},
        {"1-100", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_list list = {0};
        lfm_error err = {0};
        const lfm_status st = bench_list_read(&list, "-p", cases[i].text, 0, 1000, &err);
        if (!cases[i].want) {
            if (st != LFM_ERR_ARG || strncmp(err.text, "-p: ", 4) != 0) {
                fail_msg("'%s' was taken, or for another reason refused: %s", cases[i].text,
                         err.text);
            }
            continue;
        }
        char got[200] = "";
        for (size_t j = 0; j < list.n; j++) {
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u", j ? " " : "", list.at[j]);
        }
        assert_int_equal(st, LFM_OK);
        assert_string_equal(got, cases[i].want);
    }
}

/* A second text is appended. */
static void test_append(void **state) {
    (void)state;
    bench_list list = {0};
    assert_int_equal(bench_list_read(&list, "-p", "1,2", 0, 9, NULL), LFM_OK);
    assert_int_equal(bench_list_read(&list, "-p", "7", 0, 9, NULL), LFM_OK);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.at[2], 7);
}

static void test_thread_counts(void **state) {
    (void)state;
    static const struct {
        uint32_t cpus, cores;
        const char *want;
    } cases[] = {
        {1, 1, "1"},
        {2, 2, "1 2"},
        {2, 1, "1 2"},
        {8, 4, "1 2 3 4 5 6 7 8"},
        {9, 9, "1 2 3 4 5 6 7 8 9"},
        {16, 8, "1 2 3 4 5 6 7 8 10 12 14 16"},
        {22, 13, "1 2 3 4 5 6 7 8 10 12 13 14 16 20 22"},
        {20, 19, "1 2 3 4 5 6 7 8 10 12 14 16 19 20"},
        {19, 18, "1 2 3 4 5 6 7 8 10 12 14 16 18 19"},
        {64, 32, "1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 40 48 56 64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_list list;
        char got[200] = "";
        bench_thread_counts(&list, cases[i].cpus, cases[i].cores);
        for (size_t j = 0; j < list.n; j++) {
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u", j ? " " : "", list.at[j]);
        }
        assert_string_equal(got, cases[i].want);
    }
    for (uint32_t cpus = 1; cpus <= 1024; cpus++) { /* rising, within limits, and never too many */
        bench_list list;
        bench_thread_counts(&list, cpus, (cpus + 1) / 2);
        assert_true(list.n <= BENCH_MAX_LIST && list.at[0] == 1 && list.at[list.n - 1] == cpus);
        bool has_cores = false;
        for (size_t j = 0; j < list.n; j++) {
            assert_true(j == 0 || list.at[j] > list.at[j - 1]);
            has_cores = has_cores || list.at[j] == (cpus + 1) / 2;
        }
        assert_true(has_cores);
    }
}

static void test_words(void **state) {
    (void)state;
    static const struct {
        const char *text, *want; /* words in angle brackets; NULL: refused */
    } cases[] = {
        {"", ""},
        {"  \t ", ""},
        {"-t 4", "<-t><4>"},
        {"  -t   4 ", "<-t><4>"},
        {"-m 'a b.gguf' --kv=\"q8\"", "<-m><a b.gguf><--kv=q8>"},
        {"''", "<>"},
        {"a'b c'd", "<ab cd>"},
        {"\"it's\"", "<it's>"},
        {"'a", NULL},
        {"a \"b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buf[100];
        char *word[BENCH_MAX_WORDS];
        size_t n = 0;
        char got[200] = "";
        lfm_error err = {0};
        const lfm_status st = bench_words(cases[i].text, buf, sizeof buf, word, &n, &err);
        assert_int_equal(st, cases[i].want ? LFM_OK : LFM_ERR_ARG);
        for (size_t j = 0; cases[i].want && j < n; j++) {
            snprintf(got + strlen(got), sizeof got - strlen(got), "<%s>", word[j]);
        }
        assert_string_equal(got, cases[i].want ? cases[i].want : "");
    }
    char small[4];
    char *word[BENCH_MAX_WORDS];
    size_t n = 0;
    assert_int_equal(bench_words("abc", small, sizeof small, word, &n, NULL), LFM_OK);
    assert_int_equal(bench_words("abcd", small, sizeof small, word, &n, NULL), LFM_ERR_ARG);
    char many[2 * BENCH_MAX_WORDS + 3];
    char room[sizeof many];
    memset(many, 'x', sizeof many);
    for (size_t i = 1; i < sizeof many; i += 2) {
        many[i] = ' ';
    }
    many[2 * BENCH_MAX_WORDS - 1] = '\0';
    assert_int_equal(bench_words(many, room, sizeof room, word, &n, NULL), LFM_OK);
    assert_int_equal(n, BENCH_MAX_WORDS);
    many[2 * BENCH_MAX_WORDS - 1] = ' ';
    many[2 * BENCH_MAX_WORDS + 1] = '\0';
    assert_int_equal(bench_words(many, room, sizeof room, word, &n, NULL), LFM_ERR_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_thread_counts),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
