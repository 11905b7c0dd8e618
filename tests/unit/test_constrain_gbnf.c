/*
 * test_constrain_gbnf.c - what the GBNF reader refuses, and where it says the mistake is.
 */
#include "constrain/gbnf/gbnf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *error; /* its beginning */
    } cases[] = {
        {"", "the grammar has no rule 'root'"},
        {"# nothing\n", "the grammar has no rule 'root'"},
        {"x ::= \"a\"", "the grammar has no rule 'root'"},
        {"root", "line 1, column 5: the grammar ends where '::=' is expected"},
        {"root = \"a\"", "line 1, column 6: '=' where '::=' is expected"},
        {"root ::=", "line 1, column 1: rule 'root' is empty; write \"\""},
        {"root ::= \nx ::= \"a\"", "line 1, column 1: rule 'root' is empty; write \"\""},
        {"\n  root ::= \"a", "line 2, column 12: this literal has no closing quote"},
        {"root ::= \"a\nb\"", "line 1, column 10: this literal has no closing quote"},
        {"root ::= \"\\", "line 1, column 11: unknown escape"},
        {"root ::= \"\\q\"", "line 1, column 11: unknown escape"},
        {"root ::= \"\\x4\"", "line 1, column 11: this escape needs 2 hexadecimal digits"},
        {"root ::= \"\\u00e\"", "line 1, column 11: this escape needs 4 hexadecimal digits"},
        {"root ::= \"\\ud800\"", "line 1, column 11: U+D800 is not a character"},
        {"root ::= \"\\U00110000\"", "line 1, column 11: U+110000 is not a character"},
        {"root ::= \"\\UFFFFFFFF\"", "line 1, column 11: U+FFFFFFFF is not a character"},
        {"root ::= [a", "line 1, column 10: this class has no closing bracket"},
        {"root ::= [a\n]", "line 1, column 10: this class has no closing bracket"},
        {"root ::= []", "line 1, column 10: this class is empty"},
        {"root ::= [^\\x00-\\U0010ffff]", "line 1, column 10: this class is empty"},
        {"root ::= [z-a]", "line 1, column 11: this range runs backwards"},
        {"root ::= (\"a\"", "line 1, column 10: this '(' is never closed"},
        {"root ::= \"a\")", "line 1, column 13: ')' without '('"},
        {"root ::= *", "line 1, column 10: '*' has nothing before it to repeat"},
        {"root ::= \"a\" | +", "line 1, column 16: '+' has nothing before it to repeat"},
        {"root ::= (?)", "line 1, column 11: '?' has nothing before it to repeat"},
        {"root ::= \"a\"{", "line 1, column 14: the grammar ends where a number is expected"},
        {"root ::= \"a\"{x}", "line 1, column 14: 'x' where a number is expected"},
        {"root ::= \"a\"{2", "line 1, column 15: the grammar ends where '}' is expected"},
        {"root ::= \"a\"{2;}", "line 1, column 15: ';' where '}' is expected"},
        {"root ::= \"a\"{3,2}", "line 1, column 13: {3,2} allows nothing"},
        {"root ::= \"a\"{99999999999}", "line 1, column 14: at most 2147483647 repetitions"},
        {"root ::= \"\xc3\xa9\" $", "line 1, column 14: '$' where an item, '|' or the end"},
        {"root ::= a\n\nb ::= c", "line 1, column 10: rule 'a' is not defined"},
        {"root ::= numbr\nnumber ::= [0-9]", "line 1, column 10: rule 'numbr' is not defined. "
                                              "Did you mean 'number'?"},
        {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule 'root' is defined twice"},
        {"root ::= \"a\" x ::= \"b\"", "line 1, column 16: ':' where an item, '|' or the end"},
        {"root ::= <think", "line 1, column 10: this token has no closing '>'"},
        {"root ::= !think", "line 1, column 11: 't' where a token such as <name> or <[123]>"},
        {"root ::= <[12x]>", "line 1, column 10: this is not the number of a token"},
        {"root ::= <[99999999999]>", "line 1, column 10: this is not the number of a token"},
        {"root ::= \"\xff\"", "line 1, column 11: this byte is not UTF-8"},
        {"= \"a\"", "line 1, column 1: '=' where the name of a rule is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gbnf_tree tree;
        lfm_error err = {0};
        const lfm_status st = gbnf_parse(&tree, cases[i].text, strlen(cases[i].text), &err);
        if (st != LFM_ERR_ARG || strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0) {
            fail_msg("%s\nsays '%s', not '%s'", cases[i].text, err.text, cases[i].error);
        }
        assert_null(tree.nodes);
    }
}

/* Cut at every byte, and with every byte replaced: an error or a tree, never more. */
static void test_damage(void **state) {
    (void)state;
    static const char text[] =
        "# c\nroot ::= (a | \"x\\n\\u00e9\\U0001F600\" )+ [^a-c\\]]{2,} |\n b?{1,3} <think> "
        "!<[7]>\na ::= \"\\x41\" # d\nb ::= . | \"\"\r\n";
    static const char bytes[] = "\"[](){}|*+?<>!\\#\n\0a0:=,\xff";
    char copy[sizeof text];
    size_t n_good = 0;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            gbnf_tree tree;
            memcpy(copy, text, sizeof text);
            copy[i] = bytes[k];
            n_good += gbnf_parse(&tree, copy, sizeof text - 1, NULL) == LFM_OK;
            gbnf_tree_free(&tree);
            gbnf_parse(&tree, text, i, NULL);
            gbnf_tree_free(&tree);
        }
    }
    assert_true(n_good > 100);
}

static void test_limits(void **state) {
    (void)state;
    const size_t len = GBNF_MAX_BYTES + 1;
    char *text = malloc(len);
    gbnf_tree tree;
    lfm_error err = {0};
    assert_non_null(text);
    memset(text, ' ', len);
    assert_int_equal(gbnf_parse(&tree, text, len, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "are allowed"));
    /* NUL is a byte like others, and none that belongs into a grammar. */
    err = (lfm_error){0};
    assert_int_equal(gbnf_parse(&tree, "root ::= \"a\"\0", 13, &err), LFM_ERR_ARG);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
