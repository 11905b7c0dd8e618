/*
 * test_constrain_ahead.c - elements that must differ: never the same twice, and never stuck.
 *
 * Random texts that grammars and their checks allow are read as JSON, and the elements of all
 * arrays that must be unique are compared as values.
 */
#include "../support/checked.h"
#include "../support/hurry.h"
#include "../support/large.h"
#include "base/json.h"
#include "constrain/gbnf/compile.h"
#include "constrain/json/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    grammar g;
    automaton *a;
    ahead *h;
} machine;

static void machine_make(machine *m, const char *schema) {
    char *gbnf = NULL;
    lfm_error err = {0};
    *m = (machine){0};
    lfm_status st = schema_to_gbnf(&gbnf, NULL, schema, strlen(schema), &err);
    if (st == LFM_OK) st = gbnf_compile(&m->g, gbnf, strlen(gbnf), &err);
    if (st == LFM_OK) st = automaton_new(&m->a, &m->g, &err);
    if (st == LFM_OK) st = ahead_new(&m->h, m->a, &err);
    if (st != LFM_OK) {
        fail_msg("%s: %s", schema, err.text);
    }
    free(gbnf);
}

static void machine_drop(machine *m) {
    ahead_free(m->h);
    automaton_free(m->a);
    grammar_free(&m->g);
}

/* Are two values equal?  Recursive: test texts are shallow. */
static bool same(const json_value *a, const json_value *b) { /* NOLINT(misc-no-recursion) */
    if (a->kind != b->kind || a->n != b->n) {
        return false;
    }
    if (a->kind == JSON_NUMBER) {
        return a->number == b->number;
    }
    if (a->kind == JSON_STRING) {
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    }
    const json_value *y = b->first;
    for (const json_value *x = a->first; x; x = x->next, y = y->next) {
        const json_value *other = a->kind == JSON_OBJECT ? json_get_n(b, x->key, x->key_len) : y;
        if (!other || !same(x, other)) {
            return false;
        }
    }
    return true;
}

/* Do the elements of every array differ? */
static bool all_differ(const json_value *v) { /* NOLINT(misc-no-recursion) */
    for (const json_value *x = v->first; x; x = x->next) {
        for (const json_value *y = x->next; v->kind == JSON_ARRAY && y; y = y->next) {
            if (same(x, y)) {
                return false;
            }
        }
        if (!all_differ(x)) {
            return false;
        }
    }
    return true;
}

#define STRING "{\"type\": \"string\"}"
#define UNIQUE "\"type\": \"array\", \"uniqueItems\": true"

/* In each of them all arrays are unique. */
static const struct {
    const char *schema;
    const char *good[4], *bad[4];
} cases[] = {
    {"{" UNIQUE ", \"items\": {\"enum\": [\"a\", \"b\", \"c\"]}, \"minItems\": 2}",
     {"[\"a\", \"b\"]", "[\"c\", \"b\", \"a\"]"},
     {"[\"a\", \"a\"]", "[\"a\"]", "[\"a\", \"b\", \"c\", \"a\"]"}},
    {"{" UNIQUE ", \"items\": {\"enum\": [\"a\", \"b\", \"c\"]}, \"minItems\": 3}",
     {"[\"c\", \"b\", \"a\"]"}, {"[\"a\", \"b\"]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"number\"}}", {"[1, 2]", "[]", "[1, 10, 1e2, 0.1]"},
     {"[1, 1.0]", "[1, 2, 10e-1]", "[0, -0]", "[1e2, 100]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 12}, "
     "\"minItems\": 9}", {"[0, 1, 2, 3, 4, 5, 6, 7, 12, 11, 10, 9, 8]"},
     {"[0, 1, 2, 3, 4, 5, 6, 7, 0]", "[1, 2]"}},
    {"{" UNIQUE ", \"items\": {\"type\": [\"boolean\", \"null\"]}}", {"[true, null, false]"},
     {"[true, true]", "[null, false, null]"}},
    {"{" UNIQUE ", \"items\": " STRING ", \"minItems\": 4}", {"[\"\", \"a\", \"aa\", \"b\"]"},
     {"[\"a\", \"b\", \"c\", \"a\"]", "[\"\", \"\"]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"string\", \"maxLength\": 1}, \"minItems\": 5}",
     {"[\"\", \"a\", \"c\", \"b\", \"\\n\"]"}, {"[\"\", \"a\", \"c\", \"b\", \"\"]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"string\", \"pattern\": \"^[ab]{1,2}$\"}, "
     "\"minItems\": 5}", {"[\"a\", \"b\", \"aa\", \"ab\", \"ba\", \"bb\"]"},
     {"[\"a\", \"b\", \"aa\", \"ab\", \"a\"]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"string\", \"format\": \"date\"}}",
     {"[\"2024-01-01\", \"2024-01-02\"]"}, {"[\"2024-01-01\", \"2024-01-01\"]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"object\", \"properties\": {\"a\": {\"type\": "
     "\"boolean\"}, \"b\": {\"enum\": [1, 2]}}, \"required\": [\"a\"], "
     "\"additionalProperties\": false}, \"minItems\": 4}",
     {"[{\"a\": true}, {\"a\": false}, {\"a\": true, \"b\": 1}, {\"a\": true, \"b\": 2}]"},
     {"[{\"a\": true}, {\"a\": false}, {\"a\": true, \"b\": 1}, {\"a\": true}]"}},
    {"{" UNIQUE ", \"items\": {\"type\": \"object\", \"additionalProperties\": {\"enum\": [1, 2]}, "
     "\"minProperties\": 1}, \"maxItems\": 5}",
     {"[{\"a\": 1, \"b\": 2}, {\"b\": 1, \"a\": 2}]"},
     {"[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1}]"}},
    {"{" UNIQUE ", \"items\": {" UNIQUE ", \"items\": {\"enum\": [1, 2]}}}",
     {"[[], [1], [2], [1, 2]]", "[[2, 1], [1, 2]]"},
     {"[[], []]", "[[1, 1]]", "[[1, 2], [2], [1, 2]]"}},
    {"{" UNIQUE ", \"items\": {" UNIQUE ", \"items\": {\"enum\": [1, 2]}, \"minItems\": 2}, "
     "\"minItems\": 2}", {"[[1, 2], [2, 1]]"}, {"[[1, 2], [1, 2]]", "[[1, 2]]"}},
    {"{\"type\": \"object\", \"properties\": {\"x\": {" UNIQUE ", \"items\": {\"enum\": [\"p\", "
     "\"q\"]}}, \"y\": {" UNIQUE ", \"items\": {\"type\": \"integer\"}, \"minItems\": 2}}, "
     "\"required\": [\"x\", \"y\"]}",
     {"{\"x\": [\"p\", \"q\"], \"y\": [1, 2]}", "{\"x\": [\"p\"], \"y\": [1, 2]}"},
     {"{\"x\": [\"p\", \"p\"], \"y\": [1, 2]}", "{\"x\": [], \"y\": [1, 1]}"}},
    {"{" UNIQUE ", \"prefixItems\": [{\"type\": \"boolean\"}, {\"type\": \"boolean\"}], "
     "\"items\": {\"enum\": [true, 7]}, \"minItems\": 3}",
     {"[true, false, 7]", "[false, true, 7]"}, {"[true, true, 7]", "[false, true, true]"}},
    {"{" UNIQUE ", \"items\": {\"anyOf\": [{\"type\": \"string\"}, {\"enum\": [1, 2]}, "
     "{" UNIQUE ", \"items\": {\"type\": \"null\"}}]}, \"minItems\": 3}",
     {"[1, 2, \"1\", [], [null]]"}, {"[1, 2, \"1\", 1]", "[1, 2, [null, null]]"}},
    /* All of them are needed. */
    {"{" UNIQUE ", \"items\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 40}, "
     "\"minItems\": 40}", {""}, {"[1]"}},
};

static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        machine m;
        machine_make(&m, cases[i].schema);
        for (size_t k = 0; k < 4 && cases[i].good[k] && cases[i].good[k][0]; k++) {
            if (!checked_reaches(m.a, m.h, cases[i].good[k], strlen(cases[i].good[k]))) {
                fail_msg("%s refuses %s", cases[i].schema, cases[i].good[k]);
            }
        }
        for (size_t k = 0; k < 4 && cases[i].bad[k]; k++) {
            if (checked_accepts(m.a, cases[i].bad[k], strlen(cases[i].bad[k]))) {
                fail_msg("%s accepts %s", cases[i].schema, cases[i].bad[k]);
            }
        }
        machine_drop(&m);
    }
}

static void test_random(void **state) {
    const uint64_t n_walks = test_all() ? 2000 : is_sanitized() ? 10 : 60;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        machine m;
        size_t n_complete = 0;
        machine_make(&m, cases[i].schema);
        for (uint64_t seed = 0; seed < n_walks; seed++) {
            char text[1001];
            size_t n = 0;
            const walk_end end = checked_walk(m.a, m.h, seed, text, sizeof text - 1, &n);
            text[n] = '\0';
            if (end == WALK_STUCK || end == WALK_GAVE_UP) {
                fail_msg("%s: stuck after %s", cases[i].schema, text);
            }
            if (end == WALK_COMPLETE) {
                json_doc doc = {0};
                assert_int_equal(json_parse(&doc, text, n, NULL), LFM_OK);
                if (!all_differ(doc.root)) {
                    fail_msg("%s allows %s", cases[i].schema, text);
                }
                json_doc_free(&doc);
                n_complete++;
            }
        }
        assert_true(n_complete > n_walks / 2);
        machine_drop(&m);
    }
}

/* No byte that can still lead to the end is refused: all 1957 lists of up to six letters. */
static void test_complete(void **state) {
    machine m;
    size_t n_lists = 0;
    (void)state;
    machine_make(&m, "{" UNIQUE ", \"items\": {\"enum\": [\"a\", \"b\", \"c\", \"d\", \"e\", "
                     "\"f\"]}}");
    for (size_t i = 0; i < 7 * 7 * 7 * 7 * 7 * 7; i += is_sanitized() ? 7 * 43 + 1 : 1) {
        char text[64] = "[";
        unsigned seen = 0;
        bool twice = false;
        bool ended = false;
        bool valid = true;
        for (size_t k = 0, left = i; k < 6; k++, left /= 7) {
            const size_t letter = left % 7;
            valid = valid && (!ended || letter == 0);
            ended = ended || letter == 0;
            if (letter > 0 && valid) {
                twice = twice || seen >> letter & 1;
                seen |= 1u << letter;
                snprintf(text + strlen(text), 8, "%s\"%c\"", k > 0 ? ", " : "",
                         (char)('a' + letter - 1));
            }
        }
        strcat(text, "]");
        if (valid) {
            if (checked_reaches(m.a, m.h, text, strlen(text)) == twice) {
                fail_msg("%s is %s", text, twice ? "accepted" : "refused");
            }
            n_lists += !twice;
        }
    }
    assert_true(is_sanitized() || n_lists == 1957);
    machine_drop(&m);
}

/* What no list can satisfy is refused at its first byte, and the other branch remains. */
static void test_no_way(void **state) {
    machine m;
    char text[64];
    size_t n = 0;
    (void)state;
    machine_make(&m, "{\"anyOf\": [{" UNIQUE ", \"items\": {\"type\": \"boolean\"}, \"minItems\": "
                     "3}, {\"const\": 5}]}");
    for (uint64_t seed = 0; seed < 50; seed++) {
        assert_int_equal(checked_walk(m.a, m.h, seed, text, sizeof text, &n), WALK_COMPLETE);
        assert_int_equal(text[0], '5');
    }
    machine_drop(&m);
}

static void test_has_text(void **state) {
    static const struct {
        const char *schema;
        bool has;
    } all[] = {
        {"{" UNIQUE ", \"items\": {\"type\": \"boolean\"}, \"minItems\": 2}", true},
        {"{" UNIQUE ", \"items\": {\"type\": \"boolean\"}, \"minItems\": 3}", false},
        {"{" UNIQUE ", \"prefixItems\": [{\"const\": 1}, {\"const\": 1}], \"minItems\": 2}", false},
        {"{\"properties\": {\"a\": {" UNIQUE ", \"items\": {\"enum\": [1, 2]}, \"minItems\": 3}}}",
         true},
        {"{\"properties\": {\"a\": {" UNIQUE ", \"items\": {\"enum\": [1, 2]}, \"minItems\": 3}}, "
         "\"required\": [\"a\"]}", false},
        {"{" UNIQUE ", \"items\": " STRING ", \"minItems\": 100}", true},
        {"{" UNIQUE ", \"items\": " STRING ", \"minItems\": 100000}", true}, /* not known */
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        machine m;
        bool has = !all[i].has;
        machine_make(&m, all[i].schema);
        assert_int_equal(ahead_has_text(m.h, &has, NULL), LFM_OK);
        if (has != all[i].has) {
            fail_msg("%s has %s text", all[i].schema, has ? "a" : "no");
        }
        machine_drop(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_no_way),
        cmocka_unit_test(test_has_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
