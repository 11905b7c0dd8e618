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
        /* Escapes: octal (vLLM pull request 48171), and every one of Python and JSON. */
        {"[f(a='\\033[0m \\012 \\101\\0\\7\\1018', b='\\a\\v\\f\\b\\/\\777\\8')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"\\u001b[0m \\n A\\u0000\\u0007A8\", \"b\": "
         "\"\\u0007\\u000b\\f\\b/\xc7\xbf\\\\8\"}}"},
        {"[f(a='a\\\nb', b='\\U0001f600\\ud800 \\udc00')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"ab\", \"b\": \"\xf0\x9f\x98\x80\\\\ud800 "
         "\\\\udc00\"}}"},
        /* Strings without escapes, as the template of LFM2.5-8B-A1B writes them. */
        {"[f(a='C:\\', b='D:\\', c='')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"C:\\\\\", \"b\": \"D:\\\\\", \"c\": \"\"}}"},
        {"[f(a='C:\\', b='x', c=1)]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"C:\\\\\", \"b\": \"x\", \"c\": 1}}"},
        {"[f(a='it\\'s, \\', b=')]", "{\"name\": \"f\", \"arguments\": {\"a\": \"it's, ', b=\"}}"},
        {"[f(a='one \\', and 'two'')]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"one ', and 'two'\"}}"},
        {"[f(a='cut -d ',' -f 2', b='say 'hi', b=2', c=\"x\", y=\"\")]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"cut -d ',' -f 2\", \"b\": \"say 'hi', b=2\", "
         "\"c\": \"x\", \"y\": \"\"}}"},
        {"[f(a='f('a')', b=['g('x', 'y')', 'z'], c={'k': 'h('1')'})]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"f('a')\", \"b\": [\"g('x\", \"y')\", \"z\"], "
         "\"c\": {\"k\": \"h('1')\"}}}"},
        {"[run(code='f('a'), g('b')'), f()]",
         "{\"name\": \"run\", \"arguments\": {\"code\": \"f('a'), g('b')\"}}, "
         "{\"name\": \"f\", \"arguments\": {}}"},
        {"[f(a=''x'', b=\"\"\"a\"b\"\"\")]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"'x'\", \"b\": \"a\\\"b\"}}"},
        /* Sets and tuples become lists (vLLM pull request 48171). */
        {"[f(a={'new', 'hot'}, b={'x'}, c={1, (2, 'y',), None}, d={{'k': 1}, }, e=())]",
         "{\"name\": \"f\", \"arguments\": {\"a\": [\"new\", \"hot\"], \"b\": [\"x\"], "
         "\"c\": [1, [2, \"y\"], null], \"d\": [{\"k\": 1}], \"e\": []}}"},
        {"[f(a=(640, 480), b=(1,), c=(1), d=(('x')), e=[(), ([1]), (2, (3))])]",
         "{\"name\": \"f\", \"arguments\": {\"a\": [640, 480], \"b\": [1], \"c\": 1, "
         "\"d\": \"x\", \"e\": [[], [1], [2, 3]]}}"},
        {"[f(a={'f('x')', 2}, b={'g('y')': 1}, c={-1: 0x10, True: ()})]",
         "{\"name\": \"f\", \"arguments\": {\"a\": [\"f('x')\", 2], \"b\": {\"g('y')\": 1}, \"c\": "
         "{\"-1\": 16, \"true\": []}}}"},
        /* Numbers keep their digits. */
        {"[f(a=1e999, b=-12.1234567812345678123456781234567812345678123456781234567812345678, "
         "c=123456789012345678901234567890123456789012345678901234567890123456789)]",
         "{\"name\": \"f\", \"arguments\": {\"a\": 1e999, \"b\": "
         "-12.1234567812345678123456781234567812345678123456781234567812345678, \"c\": "
         "123456789012345678901234567890123456789012345678901234567890123456789}}"},
        {"[f(a=0x1F, b=-0XfF, c=0o17, d=0b101, e=0x1_0, g=0xffffffffffffffffffffffffffffffff)]",
         "{\"name\": \"f\", \"arguments\": {\"a\": 31, \"b\": -255, \"c\": 15, \"d\": 5, "
         "\"e\": 16, \"g\": 340282366920938463463374607431768211455}}"},
        {"[f(a=-07, b=00.50, c=1E+05, d=-.5e-3, e=-0, g=0_0)]",
         "{\"name\": \"f\", \"arguments\": {\"a\": -7, \"b\": 0.50, \"c\": 1E+05, "
         "\"d\": -0.5e-3, \"e\": -0, \"g\": 0}}"},
        /* Names: keywords of arguments (mlx-lm 1785), dots. */
        {"[mail(from='a', class=1, import=True, None=2, True=3)]",
         "{\"name\": \"mail\", \"arguments\": {\"from\": \"a\", \"class\": 1, \"import\": true, "
         "\"None\": 2, \"True\": 3}}"},
        /* JSON calls beside Python ones, and what is in them. */
        {"[{\"name\": \"f\", \"arguments\": {\"a\": {\"name\": \"x\"}}}, g(), "
         "{'parameters': {'b': (1, 2)}, 'name': 'h'},]",
         "{\"name\": \"f\", \"arguments\": {\"a\": {\"name\": \"x\"}}}, "
         "{\"name\": \"g\", \"arguments\": {}}, {\"name\": \"h\", \"arguments\": {\"b\": [1, 2]}}"},
        /* A broken call costs only itself. */
        {"[f(x='1'), bad(x=b'z')]", "{\"name\": \"f\", \"arguments\": {\"x\": \"1\"}}"},
        {"[bad(y=nope), bad(1, z=2), f(x=2), {\"nam\": 1}, g(), h(2)]",
         "{\"name\": \"f\", \"arguments\": {\"x\": 2}}, {\"name\": \"g\", \"arguments\": {}}"},
        {"[f(a=0xg)]", NULL}, {"[f(a=0x)]", NULL}, {"[f(a=1e)]", NULL}, {"[f(a=.)]", NULL},
        {"[f(a=-)]", NULL}, {"[f(a={1: 2, 3})]", NULL}, {"[f(a={1, 2: 3})]", NULL},
        {"[f(a={(1): 2})]", NULL}, {"[f(a=(1 2))]", NULL}, {"[f(a={'a':})]", NULL},
        {"[f(a='\\')]", "{\"name\": \"f\", \"arguments\": {\"a\": \"\\\\\"}}"},
        {"[f(a='\\", NULL}, {"[{\"name\": \"\"}]", NULL},
        {"[{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": \\\"it's\\\"}\"}]",
         "{\"name\": \"f\", \"arguments\": {\"a\": \"it's\"}}"},
        {"[{\"name\": \"f\", \"arguments\": \"{a}\"}]", NULL},
        {"[{\"name\": \"f\", \"arguments\": [1]}]", NULL}, {"[{}]", NULL}, {"[[f()]]", NULL},
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
