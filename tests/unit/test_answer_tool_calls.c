/*
 * test_answer_tool_calls.c - calls of tools as models write them, and worse.
 */
#include "../support/calls.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_table(void **state) {
    (void)state;
    static const struct {
        const char *text, *json; /* NULL: not calls */
    } cases[] = {
        {"[f()]", "{\"name\": \"f\", \"arguments\": {}}"},
        {"f(a=1)", "{\"name\": \"f\", \"arguments\": {\"a\": 1}}"},
        {" [ get_weather ( city = 'Paris' , days=3, ) , m.sub.g(x=-0.5e3) ] ",
         "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}}, "
         "{\"name\": \"m.sub.g\", \"arguments\": {\"x\": -0.5e3}}"},
        {"[f(a=True, b=False, c=None, d=true, e=false, g=null)]",
         "{\"name\": \"f\", \"arguments\": {\"a\": true, \"b\": false, \"c\": null, \"d\": true, "
         "\"e\": false, \"g\": null}}"},
        {"[f(a=[1, [2, {'k': ('x', 1.0)}], {}, []])]",
         "{\"name\": \"f\", \"arguments\": {\"a\": [1, [2, {\"k\": [\"x\", 1.0]}], {}, []]}}"},
        {"[f(a={1: 'x', None: 2, 'k': {\"z\": 3}, })]",
         "{\"name\": \"f\", \"arguments\": {\"a\": {\"1\": \"x\", \"null\": 2, \"k\": {\"z\": "
         "3}}}}"},
        {"[f(a='it's here', b=\"say \"yes\"\")]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"it's here\", \"b\": \"say \\\"yes\\\"\"}}"},
        {"[f(a='l1\\nl2\\t\\\\\\'\\u00e9\\x41', b='\\q')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"l1\\nl2\\t\\\\'\xc3\xa9" "A\", \"b\": "
         "\"\\\\q\"}}"},
        {"[f(a=\"\\ud83d\\ude00\", b=\"\xf0\x9f\x98\x80\")]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"\xf0\x9f\x98\x80\", \"b\": "
         "\"\xf0\x9f\x98\x80\"}}"},
        {"[f(a='''x 'y' z''', b='')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"x 'y' z\", \"b\": \"\"}}"},
        {"[f(a=1_000, b=.5, c=5., d=+3, e=007)]",
         "{\"name\": \"f\", \"arguments\": {\"a\": 1000, \"b\": 0.5, \"c\": 5, \"d\": 3, "
         "\"e\": 7}}"},
        {"[f(a='line\nbreak')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"line\\nbreak\"}}"},
        {"[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]",
         "{\"name\": \"f\", \"arguments\": {\"a\": 1}}"},
        {"{\"name\": \"f\", \"parameters\": {\"a\": [true]}}",
         "{\"name\": \"f\", \"arguments\": {\"a\": [true]}}"},
        {"[{'name': 'f'}]", "{\"name\": \"f\", \"arguments\": {}}"},
        {"[2-f.9()]", "{\"name\": \"2-f.9\", \"arguments\": {}}"},
        {"[f(a='\\x+1\\x 1\\u0x41')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"\\\\x+1\\\\x 1\\\\u0x41\"}}"},
        {"", ""}, {"[]", ""}, {" [ ] ", ""}, /* nothing, and no mistake */
        {"hello", NULL}, {"[", NULL}, {"[] x", NULL}, {"[f(a=1)", NULL}, {"[f(a=1", NULL},
        {"[f(a=)]", NULL}, {"[f(1)]", NULL}, {"[f(a=b)]", NULL}, {"[f(a='x)]", NULL},
        {"[f(a=1) g()]", NULL}, {"[f(a=1)] and more", NULL}, {"[f(a=nan)]", NULL},
        {"[f(a=1, a=2)]", NULL}, {"[f(a={)]", NULL}, {"[f(a=[1 2])]", NULL},
        {"[f(a=[1}])]", NULL}, {"[(a=1)]", NULL}, {"[f(a=\xff)]", NULL},
        {"[f(a='\xff')]", NULL}, {"[{\"name\": 1}]", NULL}, {"[{\"arguments\": {}}]", NULL},
        {"[f(a=--1)]", NULL}, {"[f(a=1.2.3)]", NULL}, {"[,]", NULL}, {"[f(),,g()]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_out out = {0};
        size_t n = 0;
        const bool good = calls_read(&out, &n, cases[i].text, strlen(cases[i].text));
        json_write_raw(&out, "", 0);
        if (good != (cases[i].json != NULL) || strcmp(out.ptr, good ? cases[i].json : "") != 0) {
            fail_msg("%s gives %s", cases[i].text, good ? out.ptr : "nothing");
        }
        json_out_free(&out);
    }
}

static void test_several(void **state) {
    (void)state;
    json_out out = {0};
    size_t n = 0;
    assert_true(calls_read(&out, &n, "[f(), g()]", 10));
    assert_true(calls_read(&out, &n, "[h()]", 5));
    assert_int_equal(n, 3);
    assert_string_equal(out.ptr, "{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"g\", "
                                 "\"arguments\": {}}, {\"name\": \"h\", \"arguments\": {}}");
    json_out_free(&out);
}

/* Deep brackets end in a refusal, not on the stack. */
static void test_deep(void **state) {
    (void)state;
    json_out text = {0};
    json_out out = {0};
    size_t n = 0;
    json_write_text(&text, "[f(a=");
    for (int i = 0; i < 100000; i++) {
        json_write_text(&text, "[");
    }
    assert_false(calls_read(&out, &n, text.ptr, text.len));
    json_out_free(&text);
    json_out_free(&out);
}

/* Broken calls: whatever is accepted is JSON (tool_calls_read checks it), and nothing is read that
 * is not there (the sanitizers check that). */
static void test_damaged(void **state) {
    (void)state;
    static const char whole[] = "[f(a='it\\'s', b=[1, {'k': None}], c=\"\\u00e9\"), m.g(x=-1.5e3)]";
    size_t n_good = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        const size_t cut = i < sizeof whole ? i : rng_at(1, i) % sizeof whole;
        char *text = malloc(cut + 1);
        json_out out = {0};
        size_t n = 0;
        assert_non_null(text);
        memcpy(text, whole, cut);
        for (uint64_t k = 0; i >= sizeof whole && k < i % 4; k++) {
            if (cut > 0) {
                text[rng_at(2 + k, i) % cut] = "[](){}'\"\\,=:1 x"[rng_at(9 + k, i) % 15];
            }
        }
        char *exact = malloc(cut ? cut : 1); /* nothing behind it */
        assert_non_null(exact);
        memcpy(exact, text, cut);
        n_good += calls_read(&out, &n, exact, cut);
        free(exact);
        free(text);
        json_out_free(&out);
    }
    assert_true(n_good > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_several), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
