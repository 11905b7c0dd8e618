/*
 * test_constrain_schema.c - texts that schemas allow, and those that they do not.
 *
 * A table of our own, and the cases of the JSON-Schema-Test-Suite (in $LFM_SHARED).  There every
 * instance is written as our grammars write JSON; what is invalid must be refused, and what is
 * valid accepted, unless tests/golden/schema_narrowed.txt names the case: there generation narrows
 * the schema, for the reasons in constrain/json/schema.h, or a keyword is not supported.
 */
#include "constrain/json/schema.h"

#include "../support/checked.h"
#include "../support/hurry.h"
#include "../support/large.h"
#include "base/json.h"
#include "base/rng.h"
#include "constrain/engine/automaton.h"
#include "constrain/gbnf/compile.h"
#include "constrain/brief/concise.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    grammar g;
    automaton *a;
} machine;

static lfm_status machine_new(machine *m, const char *schema, size_t len, lfm_error *err) {
    char *gbnf = NULL;
    *m = (machine){0};
    lfm_status st = schema_to_gbnf(&gbnf, NULL, schema, len, err);
    if (st == LFM_OK) {
        st = gbnf_compile(&m->g, gbnf, strlen(gbnf), err);
        if (st != LFM_OK && getenv("SHOW_GBNF")) {
            puts(gbnf);
        }
    }
    if (st == LFM_OK) {
        st = automaton_new(&m->a, &m->g, err);
    }
    free(gbnf);
    return st;
}

static void machine_free(machine *m) {
    automaton_free(m->a);
    grammar_free(&m->g);
}

static bool accepts(machine *m, const char *text, size_t n) {
    return checked_accepts(m->a, text, n);
}

/* ---- Our own -------------------------------------------------------------------------------- */

typedef struct {
    const char *schema;
    const char *good[8], *bad[8];
} table_case;

static void check_texts(machine *m, const table_case *c) {
    for (size_t k = 0; k < 8 && c->good[k]; k++) {
        if (!accepts(m, c->good[k], strlen(c->good[k]))) {
            fail_msg("%s refuses %s", c->schema, c->good[k]);
        }
    }
    for (size_t k = 0; k < 8 && c->bad[k]; k++) {
        if (accepts(m, c->bad[k], strlen(c->bad[k]))) {
            fail_msg("%s accepts %s", c->schema, c->bad[k]);
        }
    }
}

static void check_table(const table_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        machine m;
        lfm_error err = {0};
        if (machine_new(&m, cases[i].schema, strlen(cases[i].schema), &err) != LFM_OK) {
            fail_msg("%s: %s", cases[i].schema, err.text);
        }
        check_texts(&m, &cases[i]);
        machine_free(&m);
    }
}

static void test_table(void **state) {
    (void)state;
    static const table_case cases[] = {
        {"{}", {"1", "null", "{\"a\": [1, 2]}", "\"x\\n\"", "-0.5e+3"},
         {"", "{\"a\":1}", "[1,2]", "\"\n\"", "01", "nul", "\"\\u0041\"", "1 "}},
        {"{\"type\": [\"integer\", \"null\"]}", {"1", "0", "-7", "null", "12345678901234567"},
         {"1.0", "-0", "\"1\"", "true", "01", "+1", "123456789012345678"}},
        {"{\"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {}}, \"required\": [\"b\"]}",
         {"{\"a\": 1, \"b\": [2]}", "{\"b\": null}"},
         {"{\"b\": 1, \"a\": 1}", "{\"a\": 1}", "{}", "{\"b\": 1, \"c\": 2}",
          "{\"a\": 1.5, \"b\": 0}", "{, \"b\": 1}", "[]"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {}, \"ab\": {}}, "
         "\"additionalProperties\": {\"type\": \"null\"}}",
         {"{}", "{\"a\": 1}", "{\"ab\": 1, \"b\": null}", "{\"a\": 1, \"abc\": null, \"\": null}",
          "{\"a\\\"\": null}", "{\"\\n\": null, \"\xc3\xa9\": null}"},
         {"{\"b\": 1}", "{\"c\": null, \"a\": 1}", "{\"a\": 1, \"a\": null}",
          "{\"a\": 1, \"ab\": 2, \"ab\": null}", "{\"a\": 1 , \"b\": null}"}},
        {"{\"additionalProperties\": false, \"properties\": {\"x\\\"\\n\\u0001\": {\"const\": 1}}}",
         {"{}", "{\"x\\\"\\n\\u0001\": 1}"}, {"{\"x\": 1}", "{\"x\\\"\\n\\u0001\": 2}"}},
        {"{\"additionalProperties\": true, \"properties\": {\"x\\\"\\n\\u0001\": {\"const\": 1}}}",
         {"{}", "{\"x\\\"\\n\\u0001\": 1}", "{\"x\\\"\\n\\u0002\": 2}", "{\"x\\\"\": 2}",
          "{\"x\\\"\\n\\u0001y\": 2}", "{\"x\\\"\\t\": 2}"},
         {"{\"x\\\"\\n\\u0001\": 2}"}},
        {"{\"type\": \"array\", \"items\": {\"type\": \"boolean\"}, \"minItems\": 1, "
         "\"maxItems\": 3}",
         {"[true]", "[true, false, true]"}, {"[]", "[true, true, true, true]", "[1]", "[true,]"}},
        {"{\"prefixItems\": [{\"const\": 1}, {\"const\": 2}], \"items\": {\"const\": 3}}",
         {"[]", "[1]", "[1, 2]", "[1, 2, 3, 3]"}, {"[2]", "[1, 3]", "[1, 2, 3, 1]", "[, 1]"}},
        {"{\"prefixItems\": [{\"const\": 1}, {\"const\": 2}], \"items\": false, \"minItems\": 1}",
         {"[1]", "[1, 2]"}, {"[]", "[1, 2, 3]"}},
        {"{\"type\": \"array\", \"maxItems\": 0}", {"[]"}, {"[1]"}},
        {"{\"type\": \"array\", \"items\": false}", {"[]"}, {"[1]"}},
        {"{\"enum\": [\"a\", 1, null, {\"k\": [1, 2]}, \"\\\"\"]}",
         {"\"a\"", "1", "null", "{\"k\": [1, 2]}", "\"\\\"\""}, {"\"b\"", "2", "{\"k\": [1]}"}},
        {"{\"enum\": [1, 5, \"a\", \"abc\"], \"minimum\": 3, \"maxLength\": 2}", {"5", "\"a\""},
         {"1", "\"abc\""}},
        {"{\"type\": \"string\", \"enum\": [1, \"a\"]}", {"\"a\""}, {"1"}},
        {"{\"minLength\": 2, \"maxLength\": 3}", {"\"ab\"", "\"\xc3\xa9\\n\xf0\x9f\x98\x80\""},
         {"\"a\"", "\"abcd\"", "12"}},
        {"{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"string\"}], \"maxLength\": 1}",
         {"1", "\"a\""}, {"\"ab\"", "null"}},
        {"{\"type\": \"object\", \"properties\": {\"k\": {\"type\": \"string\"}}, "
         "\"oneOf\": [{\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]}, "
         "{\"properties\": {\"b\": {\"const\": 2}}, \"required\": [\"b\"]}]}",
         {"{\"k\": \"\", \"a\": 1}", "{\"b\": 2}"}, {"{\"k\": \"\"}", "{\"a\": 1, \"b\": 2}"}},
        {"{\"allOf\": [{\"properties\": {\"a\": {\"type\": \"integer\"}}, \"required\": [\"a\"]}, "
         "{\"properties\": {\"a\": {\"minimum\": 5}, \"b\": {}}}]}",
         {"{\"a\": 5}", "{\"a\": 17, \"b\": 0}"}, {"{\"a\": 4}", "{\"b\": 0}"}},
        {"{\"anyOf\": [{\"const\": 1}, {\"const\": 2}], \"oneOf\": [{\"enum\": [2, 3]}, "
         "{\"enum\": [1, 3, 4]}, {\"const\": 1}]}", {"2"}, {"1", "3", "4"}},
        {"{\"$defs\": {\"t\": {\"type\": \"object\", \"properties\": {\"v\": {\"type\": "
         "\"integer\"}, \"next\": {\"$ref\": \"#/$defs/t\"}}, \"required\": [\"v\"]}}, \"$ref\": "
         "\"#/$defs/t\"}",
         {"{\"v\": 1}", "{\"v\": 1, \"next\": {\"v\": 2, \"next\": {\"v\": 3}}}"},
         {"{}", "{\"v\": 1, \"next\": 2}"}},
        {"{\"allOf\": [{\"enum\": [\"a\", \"b\", 3, null]}, "
         "{\"enum\": [3.0, \"b\", \"c\", null]}]}",
         {"\"b\"", "3", "null"}, {"\"a\"", "\"c\""}},
        /* A choice says nothing about types by itself. */
        {"{\"minLength\": 1, \"oneOf\": [{\"maxLength\": 2}]}",
         {"\"a\""}, {"null", "\"abc\"", "1"}},
        {"{\"minLength\": 1, \"anyOf\": [{\"maxLength\": 2}]}",
         {"\"a\""}, {"null", "\"abc\"", "1"}},
        {"{\"minLength\": 1, \"allOf\": [{\"maxLength\": 2}]}",
         {"\"a\""}, {"null", "\"abc\"", "1"}},
        {"{\"minLength\": 1, \"$defs\": {\"d\": {\"maxLength\": 2}}, \"$ref\": \"#/$defs/d\"}",
         {"\"a\""}, {"null", "\"abc\"", "1"}},
        /* Keywords that ask for nothing here. */
        {"{\"$id\": \"x\", \"$anchor\": \"y\", \"uniqueItems\": false, \"minProperties\": 0, "
         "\"unevaluatedProperties\": true, \"type\": \"null\"}", {"null"}, {"1"}},
        {"{\"$ref\": \"#/definitions/a~1b%25\", \"definitions\": {\"a/b%\": {\"const\": 7}}}",
         {"7"}, {"8"}},
        {"{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}", {"[]", "[[], [[]]]"}, {"[1]"}},
        {"{\"format\": \"date\"}", {"\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\""},
         {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-04-31\"", "\"2024-13-01\"", "\"2024-1-1\""}},
        {"{\"format\": \"date-time\"}",
         {"\"2024-02-29T23:59:59.5+05:30\"", "\"2024-01-01T00:00:00Z\""},
         {"\"2024-01-01 00:00:00Z\"", "\"2024-01-01T24:00:00Z\"", "\"2024-01-01T00:00:00\""}},
        {"{\"format\": \"uuid\"}", {"\"2EB8AA08-aa98-11ea-b4aa-73b441d16380\""},
         {"\"2EB8AA08-aa98-11ea-b4aa-73b441d1638\"", "\"2EB8AA08aa98-11ea-b4aa-73b441d16380\""}},
        {"{\"pattern\": \"^[a-c]+\\\\d{2,3}$\"}", {"\"a12\"", "\"abc123\""},
         {"\"a1\"", "\"12\"", "\"a1234\"", "\"xa12\""}},
        {"{\"pattern\": \"b|^c\"}", {"\"abc\"", "\"c\"", "\"b\"", "\"cd\""}, {"\"ac\"", "\"\""}},
        {"{\"pattern\": \"^(?:a|(?<n>b\\\\.)*)x?[^\\\\s\\\"]\\\\\\\\$\"}",
         {"\"ax!\\\\\"", "\"b.b.z\\\\\""}, {"\"b.b.\\\"\\\\\"", "\"a\""}},
        {"{\"pattern\": \"^.\\\\n\\\\u00e9\\\\x41\\\\/$\"}", {"\"x\\n\xc3\xa9" "A/\""},
         {"\"\\n\\n\xc3\xa9" "A/\""}},
        {"{\"additionalProperties\": {\"type\": \"null\"}, \"minProperties\": 1, "
         "\"maxProperties\": 2}", {"{\"a\": null}", "{\"a\": null, \"b\": null}"},
         {"{}", "{\"a\": null, \"b\": null, \"c\": null}"}},
        {"{\"type\": \"object\", \"minProperties\": 3}",
         {"{\"a\": 1, \"b\": 1, \"c\": 1}",
          "{\"a\": 1, \"b\": 1, \"c\": 1, \"d\": 1, \"e\": 2}"},
         {"{}", "{\"a\": 1, \"b\": 1}"}},
        {"{\"properties\": {\"a\": {}, \"b\": {}, \"c\": {}}, \"required\": [\"b\"], "
         "\"minProperties\": 2}",
         {"{\"a\": 1, \"b\": 1}", "{\"b\": 1, \"c\": 1}", "{\"a\": 1, \"b\": 1, \"c\": 1}"},
         {"{\"b\": 1}", "{\"a\": 1, \"c\": 1}", "{}"}},
        {"{\"properties\": {\"a\": {}, \"b\": {}, \"c\": {}}, \"required\": [\"b\"], "
         "\"maxProperties\": 2}",
         {"{\"a\": 1, \"b\": 1}", "{\"b\": 1, \"c\": 1}", "{\"b\": 1}"},
         {"{\"a\": 1, \"b\": 1, \"c\": 1}", "{\"a\": 1, \"c\": 1}", "{}"}},
        {"{\"properties\": {\"a\": {}, \"b\": {}}, \"additionalProperties\": {\"type\": "
         "\"null\"}, \"minProperties\": 2, \"maxProperties\": 3}",
         {"{\"a\": 1, \"b\": 1}", "{\"b\": 1, \"c\": null}",
          "{\"c\": null, \"d\": null, \"e\": null}",
          "{\"a\": 1, \"b\": 1, \"c\": null}", "{\"a\": 1, \"x\": null, \"c\": null}"},
         {"{\"a\": 1}", "{\"c\": null}", "{\"a\": 1, \"b\": 1, \"c\": null, \"d\": null}",
          "{\"c\": null, \"d\": null, \"e\": null, \"f\": null}", "{}"}},
        {"{\"maxProperties\": 0}", {"{}"}, {"{\"a\": 1}"}},
        {"true", {"1"}, {"x"}},
    };
    check_table(cases, sizeof cases / sizeof *cases);
}

/* Choices, complements, references, values. */
static void test_logic(void **state) {
    (void)state;
    static const table_case cases[] = {
        {"{\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"number\"}]}",
         {"1.5", "-0.25"},
         {"1", "0", "-7", "1.0", "1.50"}},
        {"{\"oneOf\": [{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}"
         ", \"required\": [\"a\"]}, {\"type\": \"object\", \"properties\": {\"b\": {\"type\": "
         "\"integer\"}}, \"required\": [\"b\"]}]}",
         {"{\"a\": 1}", "{\"b\": 2}", "{\"b\": -3}"},
         {"{\"a\": 1, \"b\": 2}", "{}"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"ty"
         "pe\": \"integer\"}}, \"oneOf\": [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}], "
         "\"additionalProperties\": false}",
         {"{\"a\": 1}", "{\"b\": 1}"},
         {"{\"a\": 1, \"b\": 1}", "{}"}},
        {"{\"oneOf\": [{\"type\": \"object\", \"properties\": {\"kind\": {\"const\": \"cat\"},"
         " \"n\": {\"type\": \"integer\"}}, \"required\": [\"kind\"]}, {\"type\": \"object\", "
         "\"properties\": {\"kind\": {\"const\": \"dog\"}}, \"required\": [\"kind\"]}], \"disc"
         "riminator\": {\"propertyName\": \"kind\"}}",
         {"{\"kind\": \"cat\", \"n\": 1}", "{\"kind\": \"dog\"}"},
         {"{\"kind\": \"cow\"}", "{\"kind\": \"dog\", \"n\": 1}", "{}"}},
        {"{\"oneOf\": [{\"type\": \"string\"}, {\"type\": \"string\", \"maxLength\": 3}, "
         "{\"type\": \"integer\", \"minimum\": 5}, {\"type\": \"integer\", \"maximum\": 7}]}",
         {"\"abcd\"", "4", "8"},
         {"\"abc\"", "\"\"", "5", "6", "7"}},
        {"{\"oneOf\": [{\"enum\": [\"a\", \"b\"]}, {\"enum\": [\"b\", \"c\"]}]}",
         {"\"a\"", "\"c\""},
         {"\"b\""}},
        {"{\"oneOf\": [{\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"minItems\":"
         " 1}, {\"type\": \"array\", \"items\": {\"type\": \"number\"}, \"minItems\": 1}]}",
         {"[1.5]", "[1, 2.5]", "[2.5, 1]"},
         {"[1]", "[1, 2]", "[]"}},
        {"{\"oneOf\": [{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 2}]}, {\"const\": 3"
         "}]}",
         {"1", "2.5"},
         {"4", "2"}},
        {"{\"type\": \"string\", \"enum\": [\"a\", \"b\", \"c\"], \"not\": {\"const\": \"b\"}}",
         {"\"a\"", "\"c\""},
         {"\"b\""}},
        {"{\"type\": \"string\", \"not\": {\"enum\": [\"\", \"no\"]}}",
         {"\"a\"", "\"n\"", "\"nope\""},
         {"\"\"", "\"no\""}},
        {"{\"type\": \"string\", \"minLength\": 2, \"maxLength\": 5, \"not\": {\"enum\": "
         "[\"\", \"ab\", \"abcd\", \"abcdefg\"]}}",
         {"\"abc\"", "\"abcde\""},
         {"\"\"", "\"a\"", "\"ab\"", "\"abcd\"", "\"abcdef\""}},
        {"{\"type\": [\"string\", \"null\", \"boolean\"], \"not\": {\"enum\": [null, true]}}",
         {"\"a\"", "false"},
         {"null", "true"}},
        {"{\"type\": \"integer\", \"not\": {\"enum\": [0, 5, -3]}}",
         {"1", "4", "6", "-2", "-4", "55"},
         {"0", "5", "-3"}},
        {"{\"type\": \"integer\", \"not\": {\"minimum\": 3, \"maximum\": 5}}",
         {"2", "6"},
         {"3", "4", "5"}},
        {"{\"not\": {\"type\": [\"object\", \"array\", \"string\"]}}",
         {"1", "null", "true"},
         {"\"a\"", "[]", "{}"}},
        {"{\"type\": \"string\", \"not\": {\"not\": {\"maxLength\": 2}}}",
         {"\"ab\""},
         {"\"abc\""}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {}}, "
         "\"not\": {\"required\": [\"b\"]}}",
         {"{}", "{\"a\": 1}"},
         {"{\"b\": 1}", "{\"a\": 1, \"b\": 1}"}},
        {"{\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\"}, \"not\": {"
         "\"required\": [\"x\"]}}",
         {"{}", "{\"y\": 1}"},
         {"{\"x\": 1}", "{\"y\": 1, \"x\": 1}"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"enum\": [1, 2]}}, \"required\": ["
         "\"a\"], \"not\": {\"properties\": {\"a\": {\"const\": 1}}}}",
         {"{\"a\": 2}"},
         {"{\"a\": 1}"}},
        {"{\"type\": \"array\", \"items\": {\"enum\": [1, 2]}, \"not\": {\"items\": {\"const\""
         ": 1}}}",
         {"[2]", "[1, 2]", "[2, 1, 1]"},
         {"[]", "[1]", "[1, 1]"}},
        {"{\"type\": \"array\", \"items\": {\"enum\": [1, 2]}, \"maxItems\": 3, \"not\": {\"co"
         "ntains\": {\"const\": 1}}}",
         {"[]", "[2, 2]"},
         {"[1]", "[2, 1]"}},
        {"{\"type\": \"object\", \"properties\": {\"t\": {\"enum\": [\"x\", \"y\"]}, \"n\": {"
         "\"type\": \"integer\"}}, \"required\": [\"t\"], \"if\": {\"properties\": {\"t\": {\""
         "const\": \"x\"}}}, \"then\": {\"required\": [\"n\"]}, \"additionalProperties\": fals"
         "e}",
         {"{\"t\": \"x\", \"n\": 1}", "{\"t\": \"y\"}", "{\"t\": \"y\", \"n\": 2}"},
         {"{\"t\": \"x\"}", "{\"n\": 1}"}},
        {"{\"type\": [\"integer\", \"string\"], \"if\": {\"type\": \"integer\"}, \"then\": {\""
         "minimum\": 3}, \"else\": {\"maxLength\": 1}}",
         {"3", "\"a\""},
         {"2", "\"ab\""}},
        {"{\"type\": \"integer\", \"if\": {\"maximum\": 3}, \"else\": {\"minimum\": 7}}",
         {"2", "3", "7"},
         {"4", "6"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"ty"
         "pe\": \"integer\"}}, \"dependentRequired\": {\"a\": [\"b\"]}, \"additionalProperties"
         "\": false}",
         {"{\"b\": 1}", "{\"a\": 1, \"b\": 2}", "{}"},
         {"{\"a\": 1}"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"ty"
         "pe\": \"integer\"}}, \"dependentSchemas\": {\"a\": {\"properties\": {\"b\": {\"minim"
         "um\": 5}}}}}",
         {"{\"b\": 1}", "{\"a\": 1, \"b\": 5}", "{\"a\": 1}"},
         {"{\"a\": 1, \"b\": 2}"}},
        {"{\"type\": [\"object\", \"null\"], \"properties\": {\"a\": {}, \"b\": {}}, \"depende"
         "ncies\": {\"a\": [\"b\"], \"b\": {\"properties\": {\"a\": {\"const\": 1}}}}}",
         {"null", "{}", "{\"a\": 1, \"b\": 2}", "{\"b\": 1}"},
         {"{\"a\": 1}", "{\"a\": 2, \"b\": 1}"}},
        {"{\"allOf\": [{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}"
         ", \"required\": [\"a\"]}], \"properties\": {\"b\": {\"type\": \"integer\"}}, \"uneva"
         "luatedProperties\": false}",
         {"{\"a\": 1, \"b\": 2}", "{\"a\": 1}"},
         {"{\"a\": 1, \"c\": 2}"}},
        {"{\"allOf\": [{\"properties\": {\"a\": {\"type\": \"integer\"}}}, {\"unevaluatedPrope"
         "rties\": false}]}",
         {"{}"},
         {"{\"a\": 1}"}},
        {"{\"type\": \"object\", \"properties\": {\"k\": {\"type\": \"string\"}}, \"anyOf\": ["
         "{\"properties\": {\"a\": {\"const\": 1}}, \"required\": [\"a\"]}, {\"properties\": {"
         "\"b\": {\"const\": 2}}, \"required\": [\"b\"]}], \"unevaluatedProperties\": false}",
         {"{\"k\": \"\", \"a\": 1}", "{\"b\": 2}"},
         {"{\"k\": \"\"}", "{\"c\": 1}"}},
        {"{\"type\": \"object\", \"properties\": {\"k\": {\"type\": \"string\"}}, \"unevaluate"
         "dProperties\": {\"type\": \"null\"}}",
         {"{\"k\": \"\", \"x\": null}"},
         {"{\"k\": \"\", \"x\": 1}", "{\"k\": null}"}},
        {"{\"type\": \"array\", \"allOf\": [{\"prefixItems\": [{\"const\": 1}]}], \"unevaluate"
         "dItems\": false}",
         {"[]", "[1]"},
         {"[1, 2]", "[2]"}},
        {"{\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"contains\": {\"const\": "
         "7}, \"maxItems\": 4}",
         {"[1, 7]", "[7]", "[7, 7, 1, 2]", "[1, 2, 3, 7]"},
         {"[1, 2]", "[]", "[1, 2, 3, 4]", "[7, 1, 1, 1, 1]"}},
        {"{\"type\": \"array\", \"contains\": {\"enum\": [\"a\", \"b\"]}, \"minContains\": 2, "
         "\"maxContains\": 2, \"items\": {\"type\": \"string\"}}",
         {"[\"a\", \"b\"]", "[\"x\", \"a\", \"a\", \"y\"]"},
         {"[\"a\"]", "[\"a\", \"b\", \"a\"]", "[\"x\", \"y\"]"}},
        {"{\"type\": \"array\", \"contains\": {\"const\": 1}, \"minContains\": 0, \"maxItems\""
         ": 1}",
         {"[]", "[1]", "[null]"},
         {"[1, 1]"}},
        {"{\"type\": \"array\", \"items\": [{\"type\": \"string\"}, {\"type\": \"integer\"}], "
         "\"additionalItems\": false, \"minItems\": 2}",
         {"[\"a\", 1]"},
         {"[1, \"a\"]", "[\"a\", 1, 2]", "[\"a\"]"}},
        {"{\"items\": [{\"const\": 1}], \"additionalItems\": {\"const\": 2}}",
         {"[]", "[1]", "[1, 2, 2]"},
         {"[2]", "[1, 1]"}},
        {"{\"type\": \"string\", \"nullable\": true}",
         {"\"a\"", "null"},
         {"1"}},
        {"{\"type\": \"integer\", \"minimum\": 0, \"exclusiveMinimum\": true, \"maximum\": 3, "
         "\"exclusiveMaximum\": false}",
         {"1", "3"},
         {"0", "4"}},
        {"{\"type\": \"string\", \"example\": \"x\", \"examples\": [\"x\"], \"deprecated\": tr"
         "ue, \"readOnly\": true, \"markdownDescription\": \"m\", \"xml\": {\"name\": \"a\"}, "
         "\"externalDocs\": {\"url\": \"u\"}, \"x-order\": 1, \"propertyOrdering\": [\"a\"]}",
         {"\"a\""},
         {"1"}},
        {"{\"type\": \"string\", \"format\": \"starts_with\"}",
         {"\"a\""},
         {"1"}},
        {"{\"$defs\": {\"p\": {\"$anchor\": \"pt\", \"type\": \"integer\"}}, \"$ref\": \"#pt\""
         "}",
         {"1"},
         {"\"a\""}},
        {"{\"$id\": \"https://x.y/s.json\", \"$defs\": {\"p\": {\"type\": \"integer\"}}, \"ite"
         "ms\": {\"$ref\": \"https://x.y/s.json#/$defs/p\"}}",
         {"[1]"},
         {"[\"a\"]"}},
        {"{\"$id\": \"https://x.y/s.json\", \"$defs\": {\"p\": {\"$id\": \"p.json\", \"$defs\""
         ": {\"q\": {\"type\": \"null\"}}, \"items\": {\"$ref\": \"#/$defs/q\"}}, \"q\": {\"ty"
         "pe\": \"integer\"}}, \"$ref\": \"/p.json\"}",
         {"[null]"},
         {"[1]"}},
        {"{\"definitions\": {\"p\": {\"id\": \"#pt\", \"type\": \"integer\"}}, \"$ref\": \"#pt"
         "\"}",
         {"1"},
         {"\"a\""}},
        {"{\"$defs\": {\"n\": {\"$dynamicAnchor\": \"node\", \"type\": \"object\", \"propertie"
         "s\": {\"c\": {\"$dynamicRef\": \"#node\"}}, \"additionalProperties\": false}}, \"$re"
         "f\": \"#/$defs/n\"}",
         {"{}", "{\"c\": {\"c\": {}}}"},
         {"{\"c\": 1}"}},
        {"{\"enum\": [\"ab\", \"cd\", \"x1\"], \"pattern\": \"^[a-z]+$\"}",
         {"\"ab\"", "\"cd\""},
         {"\"x1\""}},
        {"{\"enum\": [{\"a\": 1}, {\"a\": 2}], \"properties\": {\"a\": {\"maximum\": 1}}}",
         {"{\"a\": 1}"},
         {"{\"a\": 2}"}},
        {"{\"enum\": [[1, 2], [1, 1], [3], \"x\", 7], \"maxItems\": 2, \"minItems\": 2, \"not"
         "\": {\"const\": [1, 2]}}",
         {"[1, 1]", "\"x\"", "7"},
         {"[3]", "[1, 2]"}},
        {"{\"enum\": [\"2024-01-01\", \"no\", \"x\"], \"format\": \"date\"}",
         {"\"2024-01-01\""},
         {"\"no\""}},
        {"{\"enum\": [1, 2, 3, 4, 5], \"oneOf\": [{\"minimum\": 2}, {\"maximum\": 3}]}",
         {"1", "4", "5"},
         {"2", "3"}},
        {"{\"enum\": [1.0, 2.5, \"a\"], \"type\": \"integer\"}",
         {"1.0"},
         {"2.5", "\"a\""}},
        {"{\"enum\": [{\"b\": 1, \"a\": 2}, {\"a\": 2}], \"const\": {\"a\": 2, \"b\": 1}}",
         {"{\"b\": 1, \"a\": 2}"},
         {"{\"a\": 2}"}},
        {"{\"required\": [\"a\"], \"properties\": {\"b\": {}}}",
         {"{\"a\": 1}", "{\"b\": 2, \"a\": []}"},
         {"{}", "{\"b\": 1}"}},
    };
    check_table(cases, sizeof cases / sizeof *cases);
}

/* Choices and complements of what numbers, counts and lists of different elements ask for. */
static void test_together(void **state) {
    (void)state;
    static const table_case cases[] = {
        {"{\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\"}, \"not\": "
         "{\"minProperties\": 2}}",
         {"{}", "{\"a\": 1}"},
         {"{\"a\": 1, \"b\": 2}"}},
        {"{\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\"}, \"not\": "
         "{\"maxProperties\": 1}}",
         {"{\"a\": 1, \"b\": 2}"},
         {"{}", "{\"a\": 1}"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": "
         "{\"type\": \"integer\"}, \"c\": {\"type\": \"integer\"}}, \"minProperties\": 2, "
         "\"maxProperties\": 2, \"not\": {\"required\": [\"b\"]}, \"additionalProperties\": false}",
         {"{\"a\": 1, \"c\": 2}"},
         {"{\"a\": 1, \"b\": 2}", "{\"a\": 1}", "{\"b\": 1, \"c\": 2}"}},
        {"{\"oneOf\": [{\"type\": \"object\", \"additionalProperties\": {\"type\": \"null\"}, "
         "\"minProperties\": 2}, {\"type\": \"object\", \"additionalProperties\": {\"type\": "
         "\"null\"}, \"maxProperties\": 3}]}",
         {"{}", "{\"a\": null}", "{\"a\": null, \"b\": null, \"c\": null, \"d\": null}"},
         {"{\"a\": null, \"b\": null}", "{\"a\": null, \"b\": null, \"c\": null}"}},
        {"{\"enum\": [{}, {\"a\": 1}, {\"a\": 1, \"b\": 2}], \"minProperties\": 1, "
         "\"maxProperties\": 1}",
         {"{\"a\": 1}"},
         {"{}", "{\"a\": 1, \"b\": 2}"}},
        {"{\"enum\": [[1, 1], [1, 2], [1.0, 1], 3], \"uniqueItems\": true}",
         {"[1, 2]", "3"},
         {"[1, 1]"}},
        {"{\"enum\": [1, 2, 3, 4, 2.5, \"a\"], \"multipleOf\": 2}",
         {"2", "4"},
         {"1", "3", "2.5"}},
        {"{\"enum\": [1, 2147483648, 1.5], \"format\": \"int32\"}",
         {"1"},
         {"2147483648", "1.5"}},
        {"{\"type\": \"array\", \"items\": {\"enum\": [1, 2, 3]}, \"uniqueItems\": true, "
         "\"contains\": {\"const\": 2}}",
         {"[2]", "[1, 2]", "[2, 3, 1]"},
         {"[1]", "[2, 2]", "[1, 1, 2]"}},
        {"{\"anyOf\": [{\"type\": \"array\", \"items\": {\"enum\": [1, 2]}, \"uniqueItems\": "
         "true}, {\"type\": \"array\", \"items\": {\"enum\": [1, 2]}, \"minItems\": 3}]}",
         {"[]", "[1, 2]"},
         {"[1, 1]", "[2, 2]"}},
        {"{\"oneOf\": [{\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"uniqueItems\": "
         "true}, {\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"minItems\": 2}]}",
         {"[]", "[1]"},
         {"[1, 2]"}},
        {"{\"type\": \"integer\", \"if\": {\"multipleOf\": 2}, \"then\": {\"minimum\": 10}, "
         "\"else\": {\"maximum\": 5}}",
         {"10", "12"},
         {"2", "4", "11", "7"}},
        {"{\"type\": \"integer\", \"multipleOf\": 5, \"minimum\": 0, \"maximum\": 20, \"not\": "
         "{\"enum\": [5, 20]}}",
         {"0", "10", "15"},
         {"5", "20", "1"}},
        {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": "
         "{\"type\": \"integer\"}}, \"dependentRequired\": {\"a\": [\"b\"]}, \"minProperties\": "
         "1, \"additionalProperties\": false}",
         {"{\"b\": 1}", "{\"a\": 1, \"b\": 2}"},
         {"{}", "{\"a\": 1}"}},
        {"{\"type\": \"object\", \"allOf\": [{\"properties\": {\"a\": {\"type\": \"integer\"}}}], "
         "\"properties\": {\"b\": {\"type\": \"integer\"}}, \"unevaluatedProperties\": false, "
         "\"maxProperties\": 1}",
         {"{}", "{\"a\": 1}", "{\"b\": 1}"},
         {"{\"a\": 1, \"b\": 1}"}},
        {"{\"type\": \"array\", \"items\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": "
         "9}, \"uniqueItems\": true, \"contains\": {\"minimum\": 5}, \"minContains\": 2, "
         "\"maxItems\": 4}",
         {"[5, 6]", "[1, 7, 9]"},
         {"[5, 5]", "[5]", "[1, 2]"}},
        {"{\"oneOf\": [{\"enum\": [2, 4, 6]}, {\"type\": \"integer\", \"multipleOf\": 4}]}",
         {"2", "6"},
         {"4"}},
        {"{\"oneOf\": [{\"type\": \"string\", \"format\": \"int64\"}, {\"type\": \"integer\", "
         "\"format\": \"int64\"}]}",
         {"12", "12"},
         {"1.5"}},
        {"{\"oneOf\": [{\"type\": \"integer\", \"multipleOf\": 4}, {\"enum\": [1, 4]}]}",
         {"1", "8"},
         {"4"}},
        {"{\"anyOf\": [{\"const\": [1, 1]}, {\"type\": \"array\", \"items\": {\"type\": "
         "\"integer\"}, \"uniqueItems\": true}]}",
         {"[1, 2]"},
         {"[2, 2]"}},
        {"{\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"number\", \"format\": \"double\"}]}",
         {"1.5"},
         {"1"}},
    };
    check_table(cases, sizeof cases / sizeof *cases);
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"[1", "line 1, column 3"},
        {"1", "#: a schema must be an object"},
        {"false", "no text satisfies"},
        {"{\"type\": \"str\"}", "#/type: a type must be"},
        {"{\"properties\": {\"a/b\": {\"items\": {\"extends\": {}}}}}",
         "#/properties/a~1b/items/extends: the keyword 'extends' is not supported"},
        {"{\"anyOf\": [{}, {\"maxLenght\": 3}]}",
         "#/anyOf/1/maxLenght: 'maxLenght' is not a keyword of JSON Schema"},
        {"{\"type\": \"integer\", \"multipleOf\": 0}", "#/multipleOf: multipleOf must be a number"},
        {"{\"type\": \"integer\", \"multipleOf\": 7000001}", "#: multipleOf needs too many rules"},
        {"{\"multipleOf\": 1.23456789012345678901}", "#/multipleOf: multipleOf has too many"},
        {"{\"$ref\": \"http://x/y\"}", "#/$ref: only references within the schema"},
        {"{\"$ref\": \"#/$defs/x\"}", "#/$ref: there is nothing at #/$defs/x"},
        {"{\"required\": [\"a\"], \"properties\": {\"a\": false}}", "no text satisfies"},
        {"{\"minimum\": 5, \"maximum\": 4}", "no text satisfies"},
        {"{\"type\": \"integer\", \"minimum\": 0.1, \"maximum\": 0.9}", "no text satisfies"},
        {"{\"allOf\": [{\"type\": \"integer\"}, {\"type\": \"string\"}]}", "no text satisfies"},
        {"{\"pattern\": \"(?<=a$)b\"}", "#/pattern: this is not supported inside a lookaround of "
                                        "the other direction, at character 6 of the pattern"},
        {"{\"pattern\": \"(?=a)*\"}", "#/pattern: there is nothing to repeat"},
        {"{\"pattern\": \"(?i)a\"}", "#/pattern: unknown kind of group"},
        {"{\"pattern\": \"a(\"}", "#/pattern: a '(' is never closed"},
        {"{\"pattern\": \"*\"}", "#/pattern: there is nothing to repeat"},
        {"{\"pattern\": \"(a)\\\\1\"}", "#/pattern: backreferences"},
        {"{\"pattern\": \"a^\"}", "no text satisfies"},
        {"{\"pattern\": \"a$b\"}", "no text satisfies"},
        {"{\"pattern\": \"^(ab){2}$\", \"maxLength\": 3}", "no text satisfies"},
        {"{\"pattern\": \"a.{4000}$\", \"minLength\": 2}",
         "#/pattern: this string needs more than"},
        {"{\"enum\": []}", "#/enum: enum must be a list"},
        {"{\"minLength\": -1}", "#/minLength: this must be a whole number"},
        {"{\"properties\": []}", "#/properties: properties must be an object"},
        {"{\"anyOf\": []}", "#/anyOf: this must be a list of schemas"},
        {"{\"minimum\": \"1\"}", "#/minimum: this must be a number"},
        {"{\"oneOf\": [{\"type\": \"integer\", \"multipleOf\": 2}, {\"type\": \"integer\", "
         "\"multipleOf\": 3}]}", "no text satisfies"},
        {"{\"type\": \"array\", \"not\": {\"uniqueItems\": true}}", "no text satisfies"},
        {"{\"type\": \"integer\", \"not\": {\"format\": \"int32\"}}", "no text satisfies"},
        {"{\"uniqueItems\": 1}", "#/uniqueItems: this must be true or false"},
        {"{\"minProperties\": -1}", "#/minProperties: this must be a whole number"},
        {"{\"maxProperties\": 0, \"required\": [\"a\"]}", "no text satisfies"},
        {"{\"properties\": {\"a\": {\"type\": \"string\", \"required\": true}}}",
         "#/properties/a/required: 'required' is a list of names"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        machine m;
        lfm_error err = {0};
        const lfm_status st = machine_new(&m, cases[i][0], strlen(cases[i][0]), &err);
        if (st == LFM_OK || !strstr(err.text, cases[i][1])) {
            fail_msg("%s says '%s', not '%s'", cases[i][0], err.text, cases[i][1]);
        }
        machine_free(&m);
    }
}

/* Limits of numbers against a plain comparison. */
static void test_limits(void **state) {
    (void)state;
    static const char *const limits[] = {
        "", "0", "1", "-1", "3", "9", "10", "17", "-17", "99", "100", "123", "2500", "-2500", "0.5",
        "-0.5", "1.25", "1.75", "-1.25", "17.125", "0.001", "-99.9", "1e2", "25e-1",
    };
    enum { N = sizeof limits / sizeof *limits };
    /* From -dense on, every number. */
    const int dense = test_all() ? 3000 : is_sanitized() ? 200 : 1000;
    size_t n_checked = 0;
    for (size_t i = 0; i < N * N * 8; i++) {
        const char *low = limits[i % N];
        const char *high = limits[i / N % N];
        const size_t kind = i / N / N;
        const bool whole = kind & 1;
        const bool low_open = kind & 2;
        const bool high_open = kind & 4;
        char schema[200];
        machine m;
        lfm_error err = {0};
        int n = snprintf(schema, sizeof schema, "{\"type\": \"%s\"", whole ? "integer" : "number");
        if (low[0]) {
            n += snprintf(schema + n, sizeof schema - (size_t)n, ", \"%s\": %s",
                          low_open ? "exclusiveMinimum" : "minimum", low);
        }
        if (high[0]) {
            n += snprintf(schema + n, sizeof schema - (size_t)n, ", \"%s\": %s",
                          high_open ? "exclusiveMaximum" : "maximum", high);
        }
        snprintf(schema + n, sizeof schema - (size_t)n, "}");
        const lfm_status st = machine_new(&m, schema, strlen(schema), &err);
        size_t n_good = 0;
        for (int k = -20000; st == LFM_OK && k <= 20000; k += k >= -dense && k < dense ? 1 : 997) {
            char text[32];
            double value = k;
            if (whole) {
                snprintf(text, sizeof text, "%d", k);
            } else { /* in eighths, in their shortest form */
                value = k / 8.0;
                snprintf(text, sizeof text, "%.9g", value);
            }
            if (strcmp(text, "-0") == 0) {
                continue;
            }
            const bool good = (!low[0] || value > atof(low) || (!low_open && value == atof(low))) &&
                              (!high[0] || value < atof(high) ||
                               (!high_open && value == atof(high)));
            n_good += good;
            n_checked++;
            if (accepts(&m, text, strlen(text)) != good) {
                fail_msg("%s %s %s", schema, good ? "refuses" : "accepts", text);
            }
        }
        if (st != LFM_OK && !strstr(err.text, "no text satisfies")) {
            fail_msg("%s: %s", schema, err.text);
        }
        assert_true(st == LFM_OK || n_good == 0);
        machine_free(&m);
    }
    print_message("%zu numbers checked\n", n_checked);
}

static void test_concise(void **state) {
    (void)state;
    static const struct {
        const char *text, *schema; /* or the error */
    } cases[] = {
        {"name, age int",
         "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}, \"age\": "
         "{\"type\": \"integer\"}}, \"required\": [\"name\", \"age\"], \"additionalProperties\": "
         "false}"},
        {"a?, b float?, c? bool",
         "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}, \"b\": {\"type\": "
         "\"number\"}, \"c\": {\"type\": \"boolean\"}}, \"required\": [], "
         "\"additionalProperties\": false}"},
        {"tags str[]: one word, each\nkind red | green\n\n",
         "{\"type\": \"object\", \"properties\": {\"tags\": {\"type\": \"array\", \"items\": "
         "{\"type\": \"string\"}, \"description\": \"one word, each\"}, \"kind\": {\"enum\": "
         "[\"red\", \"green\"]}}, \"required\": [\"tags\", \"kind\"], \"additionalProperties\": "
         "false}"},
        {"", "no fields"}, {"a,,b", "a field has no name"}, {"a, ", NULL},
        {"a integr", "'integr' is not a type"}, {"a x||y", "a choice is empty"},
        {"a x|", "a choice is empty"}, {": help", "a field has no name"},
        {"? int", "a field has no name: '? int'"}, {"?", "a field has no name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *schema = NULL;
        lfm_error err = {0};
        const lfm_status st =
            concise_to_schema(&schema, cases[i].text, strlen(cases[i].text), &err);
        const char *got = st == LFM_OK ? schema : err.text;
        if (cases[i].schema && strncmp(got, cases[i].schema, strlen(cases[i].schema)) != 0) {
            fail_msg("'%s' gives %s", cases[i].text, got);
        }
        if (st == LFM_OK) {
            machine m;
            assert_int_equal(machine_new(&m, schema, strlen(schema), &err), LFM_OK);
            machine_free(&m);
        }
        free(schema);
    }
}

/* The names of arguments are those of Python. */
static void test_arguments(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a", NULL}, {"_", NULL}, {"Az_09", NULL}, {"zZ", NULL},
        {"", "'' cannot be the name of an argument"}, {"0a", "'0a' cannot"}, {"9", "'9' cannot"},
        {"a b", "'a b' cannot"}, {"a-b", "'a-b' cannot"}, {"a@", "'a@' cannot"},
        {"a[", "'a[' cannot"}, {"a`", "'a`' cannot"}, {"a{", "'a{' cannot"}, {"a/", "'a/' cannot"},
        {"a:", "'a:' cannot"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *gbnf = NULL;
        char text[200];
        lfm_error err = {0};
        snprintf(text, sizeof text,
                 "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"%s\":{}}}}]", cases[i][0]);
        const lfm_status st = schema_tools_to_gbnf(&gbnf, NULL, text, strlen(text), true, &err);
        if (cases[i][1] ? st != LFM_ERR_ARG || !strstr(err.text, cases[i][1]) : st != LFM_OK) {
            fail_msg("%s says '%s'", text, err.text);
        }
        free(gbnf);
    }
}

/* Calls of tools, without the tags around them. */
static void test_calls(void **state) {
    (void)state;
    static const table_case cases[] = {
        {"[{\"name\": \"get\", \"parameters\": false}, {\"name\": \"now\"}]", {"now()"},
         {"get()", "get(never)"}},
        {"[{\"name\": \"f\", \"parameters\": true}]", {"f()"}, {"f(a=1)"}},
        {"[{\"name\": \"f\", \"parameters\": {\"type\": \"object\", \"properties\": {\"a\": "
         "{\"type\": \"integer\"}, \"b\": {\"type\": \"string\"}}, "
         "\"oneOf\": [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}]}}]",
         {"f(a=1)", "f(b=\"x\")"}, {"f()", "f(a=1, b=\"x\")", "f({\"a\": 1})"}},
        {"[{\"name\": \"f\", \"parameters\": {\"properties\": {\"t\": {\"enum\": [1, 2]}, "
         "\"n\": {}}, "
         "\"required\": [\"t\"], \"if\": {\"properties\": {\"t\": {\"const\": 1}}}, \"then\": "
         "{\"required\": [\"n\"]}, \"else\": {\"not\": {\"required\": [\"n\"]}}}}]",
         {"f(t=1, n=null)", "f(t=2)"}, {"f(t=1)", "f(t=2, n=1)", "f()"}},
        {"[{\"name\": \"f\", \"parameters\": {\"anyOf\": [{\"$ref\": \"#/0/x\"}, {\"properties\": "
         "{\"b\": {}}, \"required\": [\"b\"]}]}, \"x\": {\"properties\": {\"a\": {\"const\": 1}}, "
         "\"additionalProperties\": false}}]",
         {"f()", "f(a=1)", "f(b=[2])"}, {"f(a=2)", "f(a=1, b=1)"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *gbnf = NULL;
        lfm_error err = {0};
        json_out text = {0};
        machine m = {0};
        const char *schema = cases[i].schema;
        if (schema_tools_to_gbnf(&gbnf, NULL, schema, strlen(schema), true, &err) != LFM_OK) {
            fail_msg("%s: %s", schema, err.text);
        }
        json_write_text(&text, "root ::= call"); /* in place of the first line */
        json_write_text(&text, strchr(gbnf, '\n'));
        assert_int_equal(gbnf_compile(&m.g, text.ptr, text.len, &err), LFM_OK);
        assert_int_equal(automaton_new(&m.a, &m.g, &err), LFM_OK);
        check_texts(&m, &cases[i]);
        machine_free(&m);
        json_out_free(&text);
        free(gbnf);
    }
}

/* ---- Whatever is generated is JSON ---------------------------------------------------------- */

/* A random text that the grammar allows; false when it did not end in time. */
static bool generate(machine *m, uint64_t seed, char *text, size_t cap, size_t *n) {
    lfm_error err = {0};
    uint32_t at = m->a->start;
    for (*n = 0; *n < cap; ++*n) {
        automaton_pin pin = {0};
        uint32_t to = STATE_DEAD;
        automaton_hold(m->a, &pin, &at, 1);
        const bool may_end = automaton_bits(m->a, at) & STATE_ACCEPTS;
        const uint64_t draw = rng_at(seed, *n);
        static const char enders[] = "\"}]0123456789-truefalsn";
        for (size_t try = 0; try < 600 && to == STATE_DEAD; try++) {
            /* Sooner or later only what closes is tried, in the order that gets there. */
            const bool hurry = *n > 150 && try < sizeof enders - 1;
            const uint8_t byte = hurry ? (uint8_t)enders[try] : (uint8_t)(draw + 7 * try);
            assert_int_equal(automaton_step(m->a, &at, byte, &to, &err), LFM_OK);
            text[*n] = (char)byte;
        }
        automaton_release(m->a, &pin);
        if (may_end && (to == STATE_DEAD || *n > 150 || draw >> 62 == 0)) {
            return true;
        }
        if (to == STATE_DEAD) {
            fail_msg("a dead end after %.*s", (int)*n, text);
        }
        at = to;
    }
    return false;
}

static void test_generated(void **state) {
    (void)state;
    static const char *const schemas[] = {
        "{}", "{\"type\": \"object\"}",
        "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}, \"ab\": {}}, "
        "\"additionalProperties\": {\"type\": [\"number\", \"string\"]}}",
        "{\"type\": \"array\", \"items\": {\"type\": \"number\", \"minimum\": -2.5, "
        "\"maximum\": 1000.25}, \"maxItems\": 5}",
        "{\"type\": \"object\", \"properties\": {\"d\": {\"format\": \"date-time\"}, \"p\": "
        "{\"pattern\": \"^[^a-z]{2}\\\\W?(x|\\\\s)$\"}, \"s\": {\"maxLength\": 3}}}",
    };
    size_t n_ended = 0;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        machine m;
        lfm_error err = {0};
        assert_int_equal(machine_new(&m, schemas[i], strlen(schemas[i]), &err), LFM_OK);
        for (uint64_t seed = 0; seed < 300; seed++) {
            char text[1000];
            size_t n = 0;
            json_doc doc = {0};
            if (!generate(&m, seed, text, sizeof text, &n)) {
                continue;
            }
            n_ended++;
            if (json_parse(&doc, text, n, &err) != LFM_OK &&
                !strstr(err.text, "twice")) { /* any keys may be the same */
                fail_msg("%.*s: %s", (int)n, text, err.text);
            }
            json_doc_free(&doc);
        }
        machine_free(&m);
    }
    assert_true(n_ended > 1000);
}

/* ---- Large ones ----------------------------------------------------------------------------- */

/* Bounded time, and either a grammar or one line. */
static void test_large(void **state) {
    (void)state;
    enum { N_SLOW = 2 }; /* the last ones */
    static const struct {
        const char *before, *part, *middle, *end, *after;
        size_t n;
    } cases[] = {
        {"", "{\"items\": ", "{}", "}", "", 10000},
        {"", "{\"properties\": {\"a\": ", "true", "}}", "", 10000},
        {"", "{\"allOf\": [", "{}", "]}", "", 10000},
        {"", "{\"anyOf\": [{\"const\": 1}, ", "{}", "]}", "", 10000},
        {"{\"enum\": [", "\"abcdefgh\", ", "1", "", "]}", 100000},
        {"{\"required\": [", "\"a\", ", "\"b\"", "", "]}", 100000},
        {"{\"pattern\": \"", "(", "a", ")", "\"}", 200000},
        {"{\"pattern\": \"", "(a*)*", "", "", "\"}", 50000},
        {"{\"pattern\": \"", "a{2}", "", "", "\"}", 100000},
        {"{\"$ref\": \"#", "/a", "", "", "\"}", 300000},
        {"{\"anyOf\": [", "{\"const\": \"abc\"}, ", "{}", "", "]}", 40000},
        {"{\"allOf\": [", "{\"anyOf\": [{\"minimum\": 1}, {\"maximum\": 9}]}, ", "{}", "", "]}",
         40},
    };
    const size_t n_cases = sizeof cases / sizeof *cases - (test_hurries() ? N_SLOW : 0);
    for (size_t i = 0; i < n_cases; i++) {
        json_out text = {0};
        machine m;
        lfm_error err = {0};
        json_write_text(&text, cases[i].before);
        repeat(&text, cases[i].part, cases[i].n);
        json_write_text(&text, cases[i].middle);
        repeat(&text, cases[i].end, cases[i].n);
        json_write_text(&text, cases[i].after);
        assert_int_equal(json_finish(&text, &err), LFM_OK);
        const double begin = now_s();
        const lfm_status st = machine_new(&m, text.ptr, text.len, &err);
        const double s = now_s() - begin;
        if (getenv("LFM_VERBOSE")) {
            print_message("case %zu: %zu bytes, %.3f s: %s\n", i, text.len, s,
                          st == LFM_OK ? "good" : err.text);
        }
        if (s > (is_sanitized() ? 30 : 5)) {
            fail_msg("case %zu took %.1f s", i, s);
        }
        machine_free(&m);
        json_out_free(&text);
    }
}

/* ---- The JSON-Schema-Test-Suite ------------------------------------------------------------- */

static char *slurp(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *n, f), *n);
    text[*n] = '\0';
    fclose(f);
    return text;
}

typedef struct {
    char *narrowed; /* lines of names */
    size_t n_listed, n_met; /* lines, and those of them that were met */
    size_t n_accepted, n_refused, n_narrowed, n_widened, n_unsupported;
    json_out problems;
} tally;

/* Is there a line that says so? */
static bool is_listed(tally *t, const char *name) {
    const size_t n = strlen(name);
    for (const char *p = t->narrowed; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
        if (strncmp(p, name, n) == 0 && (p[n] == '\n' || p[n] == '\0')) {
            t->n_met++;
            return true;
        }
    }
    return false;
}

static void complain(tally *t, const char *what, const char *name) {
    json_write_text(&t->problems, what);
    json_write_text(&t->problems, name);
    json_write_text(&t->problems, "\n");
}

static void run_case(tally *t, const char *file, const json_value *c) {
    json_out schema = {0};
    char name[600];
    machine m;
    lfm_error err = {0};
    json_write_value(&schema, json_get(c, "schema"));
    const json_value *about = json_get(c, "description");
    const lfm_status st = machine_new(&m, schema.ptr, schema.len, &err);
    if (st != LFM_OK) {
        snprintf(name, sizeof name, "%s: %.*s: not supported", file, (int)about->len,
                 about->text);
        bool only_invalid = strstr(err.text, "no text satisfies");
        for (const json_value *v = json_get(c, "tests")->first; v; v = v->next) {
            only_invalid = only_invalid && json_get(v, "valid")->kind == JSON_FALSE;
        }
        t->n_unsupported++;
        if (!only_invalid && !is_listed(t, name)) {
            complain(t, "", name);
            complain(t, "    # ", err.text);
        }
    }
    for (const json_value *v = json_get(c, "tests")->first; st == LFM_OK && v; v = v->next) {
        const bool valid = json_get(v, "valid")->kind == JSON_TRUE;
        json_out text = {0};
        json_write_value(&text, json_get(v, "data"));
        const bool accepted = accepts(&m, text.ptr, text.len);
        const json_value *what = json_get(v, "description");
        snprintf(name, sizeof name, "%s: %.*s: %.*s", file, (int)about->len, about->text,
                 (int)what->len, what->text);
        t->n_accepted += accepted;
        t->n_refused += !accepted;
        if (accepted && !valid) {
            t->n_widened++;
            complain(t, "WRONG, accepted: ", name);
            complain(t, "    # ", text.ptr);
        } else if (!accepted && valid) {
            t->n_narrowed++;
            if (!is_listed(t, name)) {
                complain(t, "", name);
                complain(t, "    # ", text.ptr);
            }
        }
        json_out_free(&text);
    }
    json_out_free(&schema);
    machine_free(&m);
}

static void test_suite(void **state) {
    (void)state;
    const char *shared = getenv("LFM_SHARED");
    char folder[500];
    tally t = {0};
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/golden/json-schema", shared && shared[0] ? shared
                                                                                 : "../shared");
    DIR *d = opendir(folder);
    if (!d) {
        skip();
    }
    t.narrowed = slurp("tests/golden/schema_narrowed.txt", &n);
    assert_non_null(t.narrowed);
    for (const char *p = t.narrowed; p; p = strchr(p, '\n')) {
        p += *p == '\n';
        t.n_listed += *p != '#' && *p != '\0';
    }
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[800];
        json_doc doc = {0};
        lfm_error err = {0};
        const size_t len = strlen(e->d_name);
        if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        char *text = slurp(path, &n);
        assert_int_equal(json_parse(&doc, text, n, &err), LFM_OK);
        for (const json_value *c = doc.root->first; c; c = c->next) {
            run_case(&t, e->d_name, c);
        }
        json_doc_free(&doc);
        free(text);
    }
    closedir(d);
    print_message("accepted %zu (%zu of them widened), refused %zu (%zu of them narrowed); %zu "
                  "schemas not supported\n", t.n_accepted, t.n_widened, t.n_refused,
                  t.n_narrowed, t.n_unsupported);
    if (t.problems.len > 0) {
        fprintf(stderr, "%s", t.problems.ptr);
        fail_msg("cases that are neither right nor listed");
    }
    assert_int_equal(t.n_met, t.n_listed); /* names that nobody meets any more are to go */
    json_out_free(&t.problems);
    free(t.narrowed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_logic),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_concise),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_calls),
        cmocka_unit_test(test_suite),   cmocka_unit_test(test_generated),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
