/*
 * test_constrain_strings.c - patterns, formats and lengths of strings, alone and together.
 */
#include "base/json.h"
#include "constrain/engine/automaton.h"
#include "constrain/gbnf/compile.h"
#include "constrain/regular/regular.h"
#include "constrain/regular/regex.h"
#include "constrain/json/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool accepts(automaton *a, const char *text) {
    lfm_error err = {0};
    uint32_t state = a->start;
    for (; *text; text++) {
        uint32_t to = 0;
        automaton_pin pin = {0};
        automaton_hold(a, &pin, &state, 1);
        assert_int_equal(automaton_step(a, &state, (uint8_t)*text, &to, &err), LFM_OK);
        automaton_release(a, &pin);
        state = to;
        if (state == STATE_DEAD) {
            return false;
        }
    }
    return automaton_bits(a, state) & STATE_ACCEPTS;
}

typedef struct {
    const char *schema;
    const char *good[8], *bad[8]; /* JSON texts */
} strings;

static void check(const strings *c) {
    lfm_error err = {0};
    char *gbnf = NULL;
    grammar g = {0};
    automaton *a = NULL;
    lfm_status st = schema_to_gbnf(&gbnf, NULL, c->schema, strlen(c->schema), &err);
    st = st == LFM_OK ? gbnf_compile(&g, gbnf, strlen(gbnf), &err) : st;
    st = st == LFM_OK ? automaton_new(&a, &g, &err) : st;
    if (st != LFM_OK) {
        fail_msg("%s: %s", c->schema, err.text);
    }
    for (size_t i = 0; i < 8 && c->good[i]; i++) {
        if (!accepts(a, c->good[i])) {
            fail_msg("%s refuses %s", c->schema, c->good[i]);
        }
    }
    for (size_t i = 0; i < 8 && c->bad[i]; i++) {
        if (accepts(a, c->bad[i])) {
            fail_msg("%s accepts %s", c->schema, c->bad[i]);
        }
    }
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
}

#define FORMAT(name) "{\"type\": \"string\", \"format\": \"" name "\"}"

static void test_strings(void **state) {
    (void)state;
    static const strings cases[] = {
        {"{\"type\": \"string\", \"pattern\": \"^[a-z]+$\", \"minLength\": 2, \"maxLength\": 4}",
         {"\"ab\"", "\"abcd\""}, {"\"a\"", "\"abcde\"", "\"a1\""}},
        {"{\"pattern\": \"^[a-z]{3,9000}$\"}", {"\"abc\""}, {"\"ab\""}},
        {"{\"pattern\": \"a\", \"allOf\": [{\"pattern\": \"b\"}, {\"pattern\": \"^..$\"}]}",
         {"\"ab\"", "\"ba\""}, {"\"aa\"", "\"abb\""}},
        {"{\"format\": \"email\", \"pattern\": \"^[a-z]+@[a-z]+\\\\.[a-z]{2,}$\"}",
         {"\"ab@cd.ef\""}, {"\"ab\"", "\"aB@cd.ef\"", "\"a.b@cd.ef\""}},
        {"{\"format\": \"uri\", \"minLength\": 1, \"maxLength\": 2083}",
         {"\"https://example.org/a\""}, {"\"\"", "\"no uri\""}},
        {"{\"format\": \"starts_with\", \"pattern\": \"^ab\"}", {"\"abc\""}, {"\"xab\""}},
        /* Lookarounds, boundaries, anchors. */
        {"{\"pattern\": \"^(?=.*\\\\d)[a-z\\\\d]{3}$\"}", {"\"ab1\"", "\"1ab\""}, {"\"abc\""}},
        {"{\"pattern\": \"^(?!ab)[a-c]+$\"}", {"\"ac\"", "\"cab\""}, {"\"ab\"", "\"abc\""}},
        {"{\"pattern\": \"^(?!ab$)[a-c]+$\"}", {"\"abc\""}, {"\"ab\""}},
        {"{\"pattern\": \"^[a-c]+(?<!c)$\"}", {"\"ab\"", "\"cb\""}, {"\"abc\"", "\"c\""}},
        {"{\"pattern\": \"(?<=\\\\$)\\\\d\"}", {"\"a$1\""}, {"\"$a1\"", "\"1\""}},
        {"{\"pattern\": \"^(a(?=b)|b(?=a)|b$)+$\"}", {"\"abab\""}, {"\"aab\"", "\"aba\""}},
        {"{\"pattern\": \"^(a|ab)(?=b)\"}", {"\"ab\"", "\"abb\""}, {"\"aab\"", "\"a\""}},
        {"{\"pattern\": \"^(?=.*(?!bb)[ab]{2}$)[ab]+$\"}", {"\"ab\"", "\"bba\""},
         {"\"bb\"", "\"abb\"", "\"b\""}},
        {"{\"pattern\": \"\\\\bcat\\\\b\"}", {"\"a cat.\"", "\"cat\""},
         {"\"concat\"", "\"cats\""}},
        {"{\"pattern\": \"^a\\\\Bb|x\\\\b-\"}", {"\"ab\"", "\"x-\""}, {"\"a-\""}},
        {"{\"pattern\": \"(^a|b$)\"}", {"\"ax\"", "\"xb\""}, {"\"xa\"", "\"bx\""}},
        {"{\"pattern\": \"a^b\", \"type\": [\"null\", \"string\"]}", {"null"}, {"\"ab\""}},
        /* Properties of characters. */
        {"{\"pattern\": \"^\\\\p{Lu}\\\\p{Ll}+$\"}", {"\"\xc3\x84rger\"", "\"Aa\""},
         {"\"\xc3\xa4rger\"", "\"AA\""}},
        {"{\"pattern\": \"^[\\\\p{Script=Greek}\\\\p{Nd}]+$\"}", {"\"\xce\xb1" "1\""}, {"\"a\""}},
        {"{\"pattern\": \"^\\\\P{L}$\"}", {"\"1\""}, {"\"a\"", "\"\xce\xb1\""}},
        /* Formats. */
        {FORMAT("email"), {"\"a.b@example.org\""}, {"\"a.b\"", "\"a@b\"", "\"a..b@c.d\""}},
        {FORMAT("idn-email"), {"\"\xc3\xa4@example.org\""}, {"\"\xc3\xa4\""}},
        {FORMAT("uri"), {"\"mailto:a@b.c\"", "\"http://a:80/b?c=%20#d\""}, {"\"a b\"", "\"a\""}},
        {FORMAT("uri-reference"), {"\"../x?q#f\"", "\"\""}, {"\"\\\\\"", "\"a b\"", "\"%2\""}},
        {FORMAT("iri"), {"\"http://\xc3\xa4.org/\""}, {"\"\xc3\xa4\""}},
        {FORMAT("ipv4"), {"\"192.0.2.1\""}, {"\"256.1.1.1\"", "\"01.1.1.1\"", "\"1.1.1\""}},
        {FORMAT("ipv6"), {"\"2001:db8::1\"", "\"::\"", "\"1:2:3:4:5:6:7:8\"", "\"::ffff:1.2.3.4\""},
         {"\"2001:::1\"", "\"1:2:3:4:5:6:7\"", "\"1::2::3\"", "\"12345::\""}},
        {FORMAT("hostname"), {"\"a-b.example\""}, {"\"-a.example\"", "\"a-\"", "\"\"", "\"a..b\""}},
        {FORMAT("duration"), {"\"P1DT2H\"", "\"P3W\"", "\"PT1M\""},
         {"\"P\"", "\"P1Y1D\"", "\"PT\""}},
        {FORMAT("byte"), {"\"aGk=\"", "\"\""}, {"\"a?\"", "\"aGk\"", "\"aGl=\""}},
        {FORMAT("base64url"), {"\"aGk\""}, {"\"a+\"", "\"a\""}},
        {FORMAT("json-pointer"), {"\"/a/0\"", "\"\"", "\"/~1\""}, {"\"a\"", "\"/~2\""}},
        {FORMAT("relative-json-pointer"), {"\"0#\"", "\"1/a\""}, {"\"/a\"", "\"01\""}},
        {FORMAT("regex"), {"\"^a+\\\\d$\""}, {"\"(\"", "\"a**\""}},
        {FORMAT("password"), {"\"x\"", "\"\""}, {NULL}},
        {FORMAT("date"), {"\"2024-02-29\"", "\"0001-01-31\""},
         {"\"2023-02-29\"", "\"0000-01-01\"", "\"2023-04-31\""}},
        {FORMAT("ulid"), {"\"01ARZ3NDEKTSV4RRFFQ69G5FAV\""}, {"\"01ARZ3\""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(&cases[i]);
    }
}

static void test_keys(void **state) {
    (void)state;
    static const strings cases[] = {
        {"{\"type\": \"object\", \"propertyNames\": {\"type\": \"string\"}, "
         "\"additionalProperties\": {\"type\": \"number\"}}",
         {"{\"x\": 1}", "{}"}, {"{\"x\": \"y\"}"}},
        {"{\"propertyNames\": {\"pattern\": \"^[a-z]{1,3}$\", \"minLength\": 2}, "
         "\"additionalProperties\": {\"type\": \"integer\"}}",
         {"{\"ab\": 1}"}, {"{\"A\": 1}", "{\"a\": 1}", "{\"abcd\": 1}"}},
        {"{\"propertyNames\": {\"enum\": [\"a\", \"b\"]}, \"properties\": {\"a\": {\"const\": 1}, "
         "\"c\": true}, \"additionalProperties\": {\"const\": 2}}",
         {"{\"a\": 1, \"b\": 2}", "{\"b\": 2}"}, {"{\"c\": 2}", "{\"b\": 1}", "{\"a\": 2}"}},
        {"{\"type\": \"object\", \"patternProperties\": {\"^x_\": {\"type\": \"integer\"}}, "
         "\"additionalProperties\": false}",
         {"{\"x_a\": 1}", "{}"}, {"{\"y\": 1}", "{\"x_a\": \"s\"}"}},
        {"{\"patternProperties\": {\"a\": {\"minimum\": 1}, \"b\": {\"maximum\": 3}}, "
         "\"additionalProperties\": {\"const\": 9}}",
         {"{\"a\": 5, \"b\": 0, \"ab\": 2, \"c\": 9}"},
         {"{\"ab\": 5}", "{\"ab\": 0}", "{\"c\": 1}", "{\"a\": 0}"}},
        {"{\"properties\": {\"ab\": {\"minimum\": 1}}, \"required\": [\"ab\", \"ac\"], "
         "\"patternProperties\": {\"^a\": {\"maximum\": 3}}, \"additionalProperties\": false}",
         {"{\"ab\": 2, \"ac\": 0}", "{\"ab\": 2, \"ac\": 0, \"a\": 1}"},
         {"{\"ab\": 0, \"ac\": 0}", "{\"ab\": 4, \"ac\": 0}", "{\"ab\": 2}"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(&cases[i]);
    }
}

/* Beside complements, values and unevaluatedProperties. */
static void test_logic(void **state) {
    (void)state;
    static const strings cases[] = {
        {"{\"pattern\": \"^[ab]c?$\", \"not\": {\"enum\": [\"a\", \"bc\"]}}",
         {"\"b\"", "\"ac\""}, {"\"a\"", "\"bc\""}},
        {"{\"enum\": [\"ab\", \"b\"], \"pattern\": \"^a\"}", {"\"ab\""}, {"\"b\""}},
        {"{\"enum\": [\"a1\", \"b\"], \"not\": {\"pattern\": \"\\\\d\"}}", {"\"b\""}, {"\"a1\""}},
        {"{\"enum\": [\"x y\", \"a:b\"], \"format\": \"uri\"}", {"\"a:b\""}, {"\"x y\""}},
        {"{\"enum\": [\"\xcd\xb8\", \"a\"], \"not\": {\"pattern\": \"\\\\P{L}\"}}",
         {"\"a\""}, {"\"\xcd\xb8\""}}, /* unassigned: a letter one day, or not */
        {"{\"patternProperties\": {\"^a\": {\"type\": \"integer\"}}, "
         "\"unevaluatedProperties\": false}",
         {"{\"ab\": 1}", "{}"}, {"{\"b\": 1}", "{\"ab\": null}"}},
        {"{\"allOf\": [{\"patternProperties\": {\"^a\": true}, \"additionalProperties\": false}, "
         "{\"patternProperties\": {\"b$\": {\"type\": \"null\"}}}]}",
         {"{\"ab\": null}", "{\"a\": 1}"}, {"{\"ab\": 1}", "{\"b\": null}"}},
        {"{\"allOf\": [{\"patternProperties\": {\"^a\": {\"type\": \"null\"}}}], "
         "\"properties\": {\"b\": {\"type\": \"null\"}}, \"unevaluatedProperties\": "
         "{\"type\": \"boolean\"}}",
         {"{\"b\": null, \"a\": null}", "{\"c\": true}"}, {"{\"c\": null}", "{\"a\": true}"}},
        {"{\"properties\": {\"a\": true}, \"patternProperties\": {\"^b\": {\"type\": \"null\"}}, "
         "\"not\": {\"required\": [\"a\"]}}", {"{\"b\": null}", "{}"}, {"{\"a\": 1}"}},
        {"{\"properties\": {\"a\": true, \"b\": true}, \"propertyNames\": {\"pattern\": \"^a\"}}",
         {"{\"a\": 1}"}, {"{\"b\": 1}"}},
        {"{\"oneOf\": [{\"type\": \"string\", \"pattern\": \"^a\"}, {\"type\": \"integer\"}]}",
         {"\"ab\"", "1"}, {"\"b\""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(&cases[i]);
    }
}

/* Expressions by themselves. */
static void test_regular(void **state) {
    (void)state;
    regular_store *s = regular_new();
    assert_non_null(s);
    regular_id vowels = REGULAR_NONE;
    char why[160];
    assert_true(regex_read(s, &vowels, "^[aeiou]*$", 10, why, sizeof why));
    const regular_id others = regular_and(s, REGULAR_TEXT, regular_not(s, vowels));
    assert_true(regular_matches(s, others, "abe", 3));
    assert_false(regular_matches(s, others, "aee", 3));
    assert_int_equal(regular_and(s, vowels, vowels), vowels);
    assert_int_equal(regular_not(s, regular_not(s, vowels)), vowels);
    assert_int_equal(regular_or(s, vowels, others), regular_or(s, others, vowels));
    const regular_id text = regular_text(s, "\xc3\xa4" "a", 3);
    assert_true(regular_matches(s, text, "\xc3\xa4" "a", 3));
    assert_false(regular_matches(s, text, "\xc3\xa4", 2));

    json_out rules = {0};
    const regular_id long_ones = regular_loop(s, REGULAR_ANY, 0, 100);
    assert_false(regular_write(s, long_ones, 50, "t", 1, &rules));
    assert_true(regular_write(s, long_ones, 102, "t", 1, &rules));
    assert_false(regular_failed(s));
    json_out_free(&rules);
    regular_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_logic),
        cmocka_unit_test(test_regular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
