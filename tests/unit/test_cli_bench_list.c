/*
 * test_cli_bench_list.c - lists and ranges of numbers.
 */
#include "cli/bench_list.h"

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
        bench_list list;
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
