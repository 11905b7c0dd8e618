/*
 * test_answer_answer_calls.c - the calls of an answer and the text around them, in any cutting.
 *
 * Every case is cut at every byte and into pieces of 1, 2 and 3 bytes: calls and text must not
 * depend on how the model cuts what it writes, and nothing may be shown and taken back.  Cases were
 * reduced from reports: vLLM pull request 48171, mlx-lm 1785, llama.cpp 17120, 19139, 21242, 24234,
 * 24667 and 26658.
 */
#include "../support/calls.h"
#include "../support/hurry.h"
#include "../support/large.h"
#include "answer/answer_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START "<|tool_call_start|>"
#define END "<|tool_call_end|>"

static const char tools[] = "[{\"name\": \"f\"}, {\"type\": \"function\", \"function\": {\"name\": "
                            "\"get_weather\"}}, {\"name\": \"m.g\"}, {\"name\": \"2-x\"}]";

static const struct {
    const char *text, *calls, *content;
    size_t n_unread, n_lost;
    bool has_undefined;
} cases[] = {
    {"", "", "", 0, 0, false},
    {"no call", "", "no call", 0, 0, false},
    {START "[f(a=1)]" END, "f{\"a\": 1}", "", 0, 0, false},
    {START " [f(a=1)]\n" END "\n", "f{\"a\": 1}", "\n", 0, 0, false},
    {"Look. " START "[f(a=1)]" END " and " START "[f(), m.g()]" END " Done.",
     "f{\"a\": 1} f{} m.g{}", "Look.  and  Done.", 0, 0, false},
    {START "[f(a=1)]" START "[m.g()]" END, "f{\"a\": 1} m.g{}", "", 0, 0, false},
    {START START "[f()]" END END, "f{}", "", 0, 0, false},
    {START "[f(a=1)]", "f{\"a\": 1}", "", 0, 0, false}, /* the end of the answer ends it */
    {START "[h(a=1), f()]" END, "h{\"a\": 1} f{}", "", 0, 0, true},
    /* Nothing to call, and nothing to see. */
    {"abc" END, "", "abc", 0, 0, false},
    {END "a" END "b", "", "ab", 0, 0, false},
    {START "[]" END, "", "", 0, 0, false},
    {START END "x", "", "x", 0, 0, false},
    /* An echo. */
    {START "[f()]" END "[f()]" END, "f{}", "", 0, 0, false},
    {START "[f()]" END "\n[f()]" END " [f()]" END ".", "f{}", ".", 0, 0, false},
    {START "f(a='[x')" END "f(a='[x')" END "y", "f{\"a\": \"[x\"}", "y", 0, 0, false},
    {START "[h()]" END "[h()]x", "h{}", "x", 0, 0, true},
    {START "[f()]" END "[f(a=1)]" END, "f{} f{\"a\": 1}", "", 0, 0, false},
    {START "[f()]" END "[f()", "f{}", "[f()", 0, 0, false},
    {START "[f()]" END " [f", "f{}", " [f", 0, 0, false},
    {START "[f()]" END START "[f()]" END, "f{} f{}", "", 0, 0, false},
    {START "[f()]" END "\nDone [f", "f{}", "\nDone [f", 0, 0, false},
    /* Broken calls, beside others and alone. */
    {START "[f(x='1'), m.g(x=b'z')]" END, "f{\"x\": \"1\"}", "", 0, 1, false},
    {START "[f(y=nope), m.g(x=2)]" END, "m.g{\"x\": 2}", "", 0, 1, false},
    {START "[f(1), f(a=1), m.g(2), m.g()]" END, "f{\"a\": 1} m.g{}", "", 0, 2, false},
    {START "[f(a=1, a=2), m.g()]" END, "m.g{}", "", 0, 1, false},
    {START "[f(y=nope)]" END ".", "", START "[f(y=nope)]" END ".", 1, 0, false},
    {START "[f(y=", "", START "[f(y=", 1, 0, false},
    {START "x" START "[f()]" END, "f{}", START "x", 1, 0, false},
    {START "[f(\xff)]" END, "", START "[f(\xff)]" END, 1, 0, false},
    /* Without markers: a call of a function that is offered; other brackets are text. */
    {"[get_weather(city=\"Oslo\")]", "get_weather{\"city\": \"Oslo\"}", "", 0, 0, false},
    {"Yes: [ f ( a = ']' , ) , m.g() , ] [x]", "f{\"a\": \"]\"} m.g{}", "Yes:  [x]", 0, 0, false},
    {"[f()]" END, "f{}", "", 0, 0, false},
    {"[f(c='cut -d ',' -f 2')]", "f{\"c\": \"cut -d ',' -f 2\"}", "", 0, 0, false},
    {"[f(x='f('a')')] b", "f{\"x\": \"f('a')\"}", " b", 0, 0, false},
    {"[f(t='\\u00e9\\033', n=-.5)][2-x()]",
     "f{\"t\": \"\xc3\xa9\\u001b\", \"n\": -0.5} 2-x{}", "", 0, 0, false},
    {"[f(a='x'), h()]", "", "[f(a='x'), h()]", 0, 0, false},
    {"[f(a='x'), f(1)]", "", "[f(a='x'), f(1)]", 0, 0, false},
    {"[f(a)] is [f(b) or [f()]", "f{}", "[f(a)] is [f(b) or ", 0, 0, false},
    {"[f(a='\xff')]", "", "[f(a='\xff')]", 0, 0, false},
    {"[f(a=1), a=2)]", "", "[f(a=1), a=2)]", 0, 0, false},
    {"[{\"name\": \"f\"}]", "", "[{\"name\": \"f\"}]", 0, 0, false},
    {"items = [1, 2]\n- [x] done\nsee [docs](u) [", "",
     "items = [1, 2]\n- [x] done\nsee [docs](u) [", 0, 0, false},
    {"[fetch()] [F()] [f.x()] f() (f())", "", "[fetch()] [F()] [f.x()] f() (f())", 0, 0, false},
    {"[f", "", "[f", 0, 0, false},
    {"[f(a='cut off", "", "[f(a='cut off", 0, 0, false},
    {"[f(a='1'" START "[m.g()]" END, "m.g{}", "[f(a='1'", 0, 0, false},
};

/* The calls as NAME{ARGUMENTS}, with blanks between them. */
static void write_brief(json_out *out, const json_value *calls) {
    for (const json_value *c = calls->first; c; c = c->next) {
        const json_value *name = json_get(c, "name");
        json_write_text(out, out->len > 0 ? " " : "");
        json_write_raw(out, name->text, name->len);
        json_write_value(out, json_get(c, "arguments"));
    }
    json_write_raw(out, "", 0);
}

static void check_case(size_t i, size_t piece, size_t cut) {
    const char *text = cases[i].text;
    calls_answer a;
    json_doc doc = {0};
    json_out brief = {0};
    calls_answer_make(&a, tools, text, strlen(text), piece, cut);
    assert_int_equal(json_parse(&doc, a.calls.ptr, a.calls.len, NULL), LFM_OK);
    write_brief(&brief, doc.root);
    if (strcmp(brief.ptr, cases[i].calls) != 0 || strcmp(a.content.ptr, cases[i].content) != 0) {
        fail_msg("%s, cut at %zu: %s and '%s'", text, cut, brief.ptr, a.content.ptr);
    }
    if (a.n_unread != cases[i].n_unread || a.n_lost != cases[i].n_lost ||
        a.has_undefined != cases[i].has_undefined || !a.is_steady) {
        fail_msg("%s, cut at %zu: %zu unread, %zu lost, undefined %d, steady %d", text, cut,
                 a.n_unread, a.n_lost, a.has_undefined, a.is_steady);
    }
    json_out_free(&brief);
    json_doc_free(&doc);
    calls_answer_drop(&a);
}

static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece <= 3; piece++) {
            check_case(i, piece, 0);
        }
        for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) {
            check_case(i, SIZE_MAX, cut);
        }
    }
}

/* A bare call that is complete, and text that cannot become one, are not held back. */
static void test_promptness(void **state) {
    (void)state;
    static const char *const texts[] = {"[f()]", "[x", "[1", "a", "[f(a)", "[f(a=1)]x", "[[f()"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        answer_calls c = {0};
        answer_text to = {0};
        lfm_error err = {0};
        assert_int_equal(answer_calls_begin(&c, tools, &err), LFM_OK);
        assert_int_equal(answer_calls_add(&c, &to, texts[i], strlen(texts[i]), &err), LFM_OK);
        const bool waits = strcmp(texts[i], "[[f()") == 0;
        assert_int_equal(c.held.len > 0, waits);
        answer_calls_drop(&c);
        answer_text_drop(&to);
    }
}

/* Without a list of tools no bracket is a call, and every name between markers is. */
static void test_no_tools(void **state) {
    (void)state;
    static const char text[] = "[f()] " START "[f()]" END;
    static const char *const none[] = {NULL, "", "[]"};
    for (size_t i = 0; i < 3; i++) {
        calls_answer a;
        calls_answer_make(&a, none[i], text, strlen(text), 1, 0);
        assert_string_equal(a.content.ptr, "[f()] ");
        assert_int_equal(a.n_calls, 1);
        assert_int_equal(a.has_undefined, i == 2);
        calls_answer_drop(&a);
    }
}

static void test_bad_tools(void **state) {
    (void)state;
    static const char *const bad[] = {"[", "{}", "1"};
    for (size_t i = 0; i < 3; i++) {
        answer_calls c = {0};
        lfm_error err = {0};
        assert_int_equal(answer_calls_begin(&c, bad[i], &err), LFM_ERR_ARG);
        assert_true(strstr(err.text, "the tools of the answer") != NULL);
        answer_calls_drop(&c);
    }
}

/* Thoughts and what a stop string cuts off have no bare calls. */
static void test_thoughts(void **state) {
    (void)state;
    static const char text[] = "<think>[f()]</think>[f(a=1)] x STOP [f(b=2)]";
    static const char *const stops[] = {"STOP"};
    for (size_t piece = 1; piece < sizeof text; piece++) {
        answer_calls c = {0};
        answer_text to = {.split = true, .stops = stops, .n_stops = 1};
        lfm_error err = {0};
        assert_int_equal(answer_calls_begin(&c, tools, &err), LFM_OK);
        for (size_t i = 0; i + 1 < sizeof text; i += piece) {
            const size_t left = sizeof text - 1 - i;
            assert_int_equal(
                answer_calls_add(&c, &to, text + i, left < piece ? left : piece, &err), LFM_OK);
        }
        assert_int_equal(answer_calls_end(&c, &to, &err), LFM_OK);
        assert_int_equal(answer_text_end(&to, &err), LFM_OK);
        assert_string_equal(to.thoughts.ptr, "[f()]");
        assert_string_equal(to.text.ptr, " x ");
        assert_int_equal(c.list.n, 1);
        assert_string_equal(c.list.all[0].arguments, "{\"a\": 1}");
        answer_calls_drop(&c);
        answer_text_drop(&to);
    }
}

/* A megabyte of anything takes no longer than a fixed number of readings. */
static void test_hostile(void **state) {
    (void)state;
    static const char *const texts[][3] = {
        {"[f(a=", "'", ""}, {"[f(a=", "',", ""}, {"[f(a=[", "'',", ""}, {"[f(a={", "'':'',", ""},
        {"[f(a='", "\\'", ""}, {"[f(a='", "\\',", ""}, {"[", "),f(x=", ""},
        {"[f(x='", "'),f(x='", ""}, {"[", "),f(x='),f(x=\"", ""}, {"[f(a=", "[", ""},
        {"[f(a=", "{", ""}, {"[f(a=", "{'',", ""}, {"[f(a=", "1", ")]"}, {"[f(a=0x", "f", ")]"},
        {"[f(", "a", ""}, {"", "[f(", ""}, {"", "[f(a='", ""}, {"[f(a='", "']", ""},
        {"", "[f(a='x')]", ""}, {"[f(a=['','','','','','','','','','','','',''])", " ", "x"},
        {"[f(a='", "a',a='", ""}, {"[", "{\"name\":'f'},", ""}, {"[ ", "[ ", ""},
        {START "[f(a='", "a, ", END "[f(a='"}, {START, "f(),", "f()" END},
        {START "[f(a=", "',", END "[f(a="},
    };
    const size_t size = is_sanitized() ? 200000 : 1000000;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        calls_answer a;
        json_out text = {0};
        json_write_text(&text, texts[i][0]);
        repeat(&text, texts[i][1], size / strlen(texts[i][1]));
        json_write_text(&text, texts[i][2]);
        const double began = now_s();
        calls_answer_make(&a, tools, text.ptr, text.len, 4, 0);
        const double took = now_s() - began;
        if (took > (is_sanitized() ? 10.0 : 2.0)) {
            fail_msg("%s%s..%s took %.1f s", texts[i][0], texts[i][1], texts[i][2], took);
        }
        calls_answer_drop(&a);
        json_out_free(&text);
    }
}

/* ---- Cases from the field ------------------------------------------------------------------- */

/* The same value?  Numbers are: integers by their digits, others by what they stand for. */
static bool same(const json_value *a, const json_value *b) {
    json_out x = {0};
    json_out y = {0};
    bool equal = a->kind == b->kind && a->n == b->n &&
                 (!a->key || (a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0));
    if (equal && a->kind >= JSON_ARRAY) {
        const json_value *p = a->first;
        for (const json_value *q = b->first; p && q && equal; p = p->next, q = q->next) {
            equal = same(p, q);
        }
        return equal;
    }
    const bool real = equal && a->kind == JSON_NUMBER && memchr(b->text, '.', b->len);
    json_write_value(&x, a);
    json_write_value(&y, b);
    equal = equal && (real ? a->number == b->number : strcmp(x.ptr, y.ptr) == 0);
    json_out_free(&x);
    json_out_free(&y);
    return equal;
}

static void check_shared(const json_value *c, size_t piece, size_t cut) {
    const json_value *text = json_get(c, "text");
    const json_value *content = json_get(c, "content");
    json_out offered = {0};
    json_doc doc = {0};
    calls_answer a;
    json_begin_array(&offered, NULL);
    for (const json_value *t = json_get(c, "tools")->first; t; t = t->next) {
        json_begin_object(&offered, NULL);
        json_put_string(&offered, "name", t->text, t->len);
        json_end_object(&offered);
    }
    json_end_array(&offered);
    calls_answer_make(&a, offered.ptr, text->text, text->len, piece, cut);
    assert_int_equal(json_parse(&doc, a.calls.ptr, a.calls.len, NULL), LFM_OK);
    if (!same(doc.root, json_get(c, "calls")) || a.content.len != content->len ||
        memcmp(a.content.ptr, content->text, content->len) != 0 || !a.is_steady) {
        fail_msg("%.*s, cut at %zu: %s and '%s'", (int)json_get(c, "case")->len,
                 json_get(c, "case")->text, cut, a.calls.ptr, a.content.ptr);
    }
    json_doc_free(&doc);
    json_out_free(&offered);
    calls_answer_drop(&a);
}

static void test_shared(void **state) {
    (void)state;
    const char *shared = getenv("LFM_SHARED");
    char path[600];
    char line[20000];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/cases/calls.jsonl", shared && *shared ? shared : "../shared");
    FILE *f = fopen(path, "rb");
    if (!f) {
        skip();
    }
    for (; fgets(line, sizeof line, f); n++) {
        json_doc doc = {0};
        assert_int_equal(json_parse(&doc, line, strlen(line), NULL), LFM_OK);
        for (size_t cut = 0; cut <= json_get(doc.root, "text")->len; cut++) {
            check_shared(doc.root, SIZE_MAX, cut);
        }
        check_shared(doc.root, 1, 0);
        json_doc_free(&doc);
    }
    fclose(f);
    assert_true(n >= 25);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),    cmocka_unit_test(test_promptness),
        cmocka_unit_test(test_no_tools), cmocka_unit_test(test_bad_tools),
        cmocka_unit_test(test_thoughts), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
