/*
 * test_constrain_grammar.c - grammars that are wrong as a whole, and those that are large; how sets
 * of characters are kept small.
 */
#include "constrain/engine/grammar.h"

#include "../support/hurry.h"
#include "../support/large.h"
#include "base/json.h"
#include "base/utf8.h"
#include "constrain/engine/automaton.h"
#include "constrain/gbnf/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"root ::= root \"a\" | \"a\"", "line 1, column 1: rule 'root' begins with itself "
                                       "(root -> root): write the repetition"},
        {"root ::= a\na ::= b\nb ::= \"\" c\nc ::= \"x\"? a", "line 2, column 1: rule 'a' begins "
                                                              "with itself (a -> b -> c -> a)"},
        {"root ::= (root \"a\")*", "line 1, column 1: rule 'root' begins with itself"},
        {"root ::= (root \"aaaaaaaaaaaaaaa\"){8}", "line 1, column 1: rule 'root' begins with"},
        {"root ::= (a){60,}\na ::= \"x\"? (b \"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"){20}\n"
         "b ::= \"\" a", "line 2, column 1: rule 'a' begins with itself (a -> b -> a)"},
        {"root ::= \"a\" root", "line 1, column 1: no text satisfies 'root'"},
        {"# a\n\nroot ::= a | b\na ::= \"x\" b\nb ::= \"y\" a", "line 3, column 1: no text"},
        {"root ::= \"x\"\nunused ::= unused", "line 2, column 1: rule 'unused' begins with"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        grammar g;
        lfm_error err = {0};
        const lfm_status st = gbnf_compile(&g, cases[i].text, strlen(cases[i].text), &err);
        if (st != LFM_ERR_ARG || strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0) {
            fail_msg("%s\nsays '%s', not '%s'", cases[i].text, err.text, cases[i].error);
        }
        assert_null(g.steps);
    }
}

/* Bytes that lead to the same step share an edge, characters that end alike share steps. */
static void test_sets(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t n_edges;
    } cases[] = {
        {"root ::= [a-z]", 1},
        {"root ::= [a-cx-z]", 2},
        {"root ::= [\\u0080-\\u07ff]", 2},
        {"root ::= [\\u0180-\\u018f\\u01c0-\\u01cf]", 2}, /* c6 or c7, 80 to 8f */
        {"root ::= [\\u0180-\\u018f\\u0200-\\u020f]", 3}, /* c6 or c8 */
        {"root ::= [\\u0180-\\u018f\\u01c0-\\u01ce]", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        grammar g;
        assert_int_equal(gbnf_compile(&g, cases[i].text, strlen(cases[i].text), NULL), LFM_OK);
        if (g.n_edges != cases[i].n_edges) {
            fail_msg("%s has %zu edges, not %zu", cases[i].text, g.n_edges, cases[i].n_edges);
        }
        grammar_free(&g);
    }
}

/* ---- Large ones ----------------------------------------------------------------------------- */

/* A number between two texts. */
static void number(json_out *o, const char *before, size_t i, const char *after) {
    json_write_text(o, before);
    json_write_int(o, (int64_t)i);
    json_write_text(o, after);
}

typedef void make_fn(json_out *o);

static void nested_groups(json_out *o) {
    json_write_text(o, "root ::= ");
    repeat(o, "(", 300000);
    json_write_text(o, "\"a\"");
    repeat(o, ")", 300000);
}

static void nested_stars(json_out *o) {
    json_write_text(o, "root ::= ");
    repeat(o, "(", 10000);
    json_write_text(o, "\"a\"");
    repeat(o, ")*", 10000);
}

/* Were they written out, there would be 2^10000 copies. */
static void nested_counts(json_out *o) {
    json_write_text(o, "root ::= ");
    repeat(o, "(", 10000);
    json_write_text(o, "\"a\"?");
    repeat(o, "){0,2}", 10000);
}

static void empty_counts(json_out *o) {
    json_write_text(o, "root ::= \"\"{2000000000} (\"\" | () | \"\"{0,7}){1000000000} \"a\"");
}

static void open_groups(json_out *o) {
    json_write_text(o, "root ::= ");
    repeat(o, "(", 1000000);
}

static void many_words(json_out *o) {
    json_write_text(o, "root ::= \"a\"");
    for (size_t i = 0; i < 60000; i++) {
        number(o, " | \"word", i, "\"");
    }
}

static void many_rules(json_out *o) {
    json_write_text(o, "root ::= r0\n");
    for (size_t i = 0; i < 50000; i++) {
        number(o, "r", i, " ::= r");
        number(o, "", i + 1, " \"b\"? | \"a\"\n");
    }
    json_write_text(o, "r50000 ::= \"a\"\n");
}

/* Rules that may all be empty, in the order that is worst for finding it out. */
static void many_empty_rules(json_out *o) {
    json_write_text(o, "root ::= \"a\" r0\n");
    for (size_t i = 0; i < 50000; i++) {
        number(o, "r", i, " ::= r");
        number(o, "", i + 1, " | \"a\"\n");
    }
    json_write_text(o, "r50000 ::= \"\"\n");
}

/* Every rule begins with each of the others that come later. */
static void dense_rules(json_out *o) {
    json_write_text(o, "root ::= \"a\" | r0\n");
    for (size_t i = 0; i < 400; i++) {
        number(o, "r", i, " ::= \"x\"");
        for (size_t k = i + 1; k < 400; k++) {
            number(o, " | r", k, " \"b\"");
        }
        json_write_text(o, "\n");
    }
}

static void wide_class(json_out *o) {
    json_write_text(o, "root ::= [a");
    for (size_t code = 0x100; code < 0x10ffff; code += 12) {
        if (code < 0xd7f0 || code > 0xe000) {
            char text[4];
            json_write_raw(o, text, utf8_encode((uint32_t)code, text));
        }
    }
    json_write_text(o, "]");
}

static void long_literal(json_out *o) {
    json_write_text(o, "root ::= \"");
    repeat(o, "a", 1000000);
    json_write_text(o, "\" | \"a\"");
}

static void large_counts(json_out *o) {
    json_write_text(o, "root ::= (\"a\"{1,1000000}){1,1000000}");
}

/* Large texts, far below the limit of time unless something grows too fast, and what they say of
 * the text "a". */
static void test_large(void **state) {
    (void)state;
    static const struct {
        make_fn *make;
        int accepts; /* "a"; -1 = the grammar is refused */
    } cases[] = {
        {nested_groups, 1}, {nested_stars, 1},     {nested_counts, 1}, {empty_counts, 1},
        {open_groups, -1},  {many_words, 1},       {many_rules, 1},    {many_empty_rules, 1},
        {dense_rules, 1},   {wide_class, 1},       {long_literal, 1},  {large_counts, 1},
    };
    const double limit = is_sanitized() ? 20 : 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_out text = {0};
        grammar g;
        automaton *a = NULL;
        lfm_error err = {0};
        cases[i].make(&text);
        assert_int_equal(json_finish(&text, NULL), LFM_OK);
        const double start = now_s();
        const lfm_status st = gbnf_compile(&g, text.ptr, text.len, &err);
        if (cases[i].accepts < 0) {
            assert_int_equal(st, LFM_ERR_ARG);
        } else if (st != LFM_OK) {
            fail_msg("case %zu: %s", i, err.text);
        } else {
            uint32_t to = STATE_DEAD;
            assert_int_equal(automaton_new(&a, &g, &err), LFM_OK);
            assert_int_equal(automaton_step(a, &a->start, 'a', &to, &err), LFM_OK);
            assert_int_equal(automaton_bits(a, to) & STATE_ACCEPTS, cases[i].accepts);
        }
        const double seconds = now_s() - start;
        print_message("case %zu: %zu bytes, %.3f s\n", i, text.len, seconds);
        assert_true(seconds < limit);
        automaton_free(a);
        grammar_free(&g);
        json_out_free(&text);
    }
}

/* Ways to read a text grow exponentially, states must not. */
static void test_ambiguous(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t n; /* bytes 'a' that must be read without an error */
    } cases[] = {
        {"root ::= s\ns ::= \"a\" | \"a\" s | \"a\" s s", 300},
        {"root ::= x | y\nx ::= \"a\" x \"b\" | \"a\" y \"c\" | \"a\"\n"
         "y ::= \"a\" x \"d\" | \"a\" y \"e\" | \"a\"", 20000},
        {"root ::= (\"a\" | \"aa\" | \"aaa\")*", 20000},
        {"root ::= (((\"a\"*)*)* | (\"a\"+)+)*", 20000},
        {"root ::= (\"a\"{0,50}){0,50}", 2000},
        {"root ::= (\"a\"{1,300} \"b\"?){1,300}", 300},
        {"root ::= p{0,100000}\np ::= \"a\" p? \"b\"? | \"a\"", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        grammar g;
        automaton *a = NULL;
        lfm_error err = {0};
        const double start = now_s();
        assert_int_equal(gbnf_compile(&g, cases[i].text, strlen(cases[i].text), &err), LFM_OK);
        assert_int_equal(automaton_new(&a, &g, &err), LFM_OK);
        uint32_t at = a->start;
        automaton_pin pin = {0};
        automaton_hold(a, &pin, &at, 1);
        lfm_status st = LFM_OK;
        size_t n = 0;
        for (; n < cases[i].n && st == LFM_OK; n++) {
            st = automaton_step(a, &at, 'a', &at, &err);
        }
        print_message("case %zu: %zu bytes, %zu stacks, %.3f s, %s\n", i, n, a->n_stacks,
                      now_s() - start, st == LFM_OK ? "" : err.text);
        assert_true(st == LFM_OK && at != STATE_DEAD);
        automaton_release(a, &pin);
        automaton_free(a);
        grammar_free(&g);
    }
}

/* Rules that each begin with many others in many ways. */
static void tangled_rules(json_out *o) {
    enum { N = 60 };
    json_write_text(o, "root ::= r0\n");
    for (size_t i = 0; i < N; i++) {
        number(o, "r", i, " ::= \"a\"");
        for (size_t k = 0; k < N; k++) {
            number(o, " | \"a\" r", (7 * i + 13 * k + 1) % N, "?");
            number(o, " r", (3 * i + 5 * k + 2) % N, "?");
            number(o, " r", (7 * i + 13 * k + 2) % N, "?");
        }
        json_write_text(o, "\n");
    }
}

/* Where they grow too fast all the same, the end is an error, in time: the first bytes can be
 * read, and after few the work of one step passes its limit. */
static void test_too_ambiguous(void **state) {
    (void)state;
    json_out text = {0};
    grammar g;
    automaton *a = NULL;
    lfm_error err = {0};
    tangled_rules(&text);
    assert_int_equal(json_finish(&text, NULL), LFM_OK);
    assert_int_equal(gbnf_compile(&g, text.ptr, text.len, &err), LFM_OK);
    assert_int_equal(automaton_new(&a, &g, &err), LFM_OK);
    uint32_t at = a->start;
    automaton_pin pin = {0};
    automaton_hold(a, &pin, &at, 1);
    const double start = now_s();
    lfm_status st = LFM_OK;
    size_t n = 0;
    for (; n < 10 && st == LFM_OK; n++) {
        st = automaton_step(a, &at, 'a', &at, &err);
    }
    print_message("%zu bytes, %.3f s: %s\n", n, now_s() - start, err.text);
    assert_int_equal(st, LFM_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "too ambiguous"));
    assert_true(n > 2 && now_s() - start < (is_sanitized() ? 120 : 15));
    automaton_release(a, &pin);
    automaton_free(a);
    grammar_free(&g);
    json_out_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_too_ambiguous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
