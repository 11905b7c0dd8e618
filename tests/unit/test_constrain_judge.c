/*
 * test_constrain_judge.c - values judged by schemas, numbers and values compared.
 *
 * A table of our own, and the cases of the JSON-Schema-Test-Suite (in $LFM_SHARED): a verdict may
 * be open, but what is known must be right.
 */
#include "constrain/judge/judge.h"

#include "base/json.h"
#include "constrain/judge/decimal.h"
#include "constrain/judge/same.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* References to definitions of the root, which `ctx` is. */
static const json_value *resolve(void *ctx, const json_value *ref) {
    static const char begin[] = "#/$defs/";
    const size_t n = sizeof begin - 1;
    if (json_is(ref, "#")) return ctx;
    if (ref->kind != JSON_STRING || ref->len <= n || memcmp(ref->text, begin, n) != 0) return NULL;
    return json_get_n(json_get(ctx, "$defs"), ref->text + n, ref->len - n);
}

static schema_verdict pattern(void *ctx, const char *text, size_t len, const char *bytes,
                              size_t n) {
    (void)ctx;
    (void)text;
    (void)len;
    (void)bytes;
    (void)n;
    return VERDICT_OPEN;
}

static schema_verdict format(void *ctx, const json_value *name, const json_value *v) {
    (void)ctx;
    (void)name;
    (void)v;
    return VERDICT_OPEN;
}

static schema_verdict judge(const json_value *schema, const char *only, const json_value *value) {
    union { /* hooks take no const */
        const void *from;
        void *to;
    } root = {schema};
    const schema_judge with = {root.to, resolve, pattern, format};
    return schema_judge_value(&with, schema, only, value);
}

static void test_verdicts(void **state) {
    (void)state;
    static const struct {
        const char *schema, *only, *value;
        schema_verdict verdict;
    } cases[] = {
        {"{\"type\": \"integer\"}", NULL, "1.0", VERDICT_YES},
        {"{\"type\": \"integer\"}", NULL, "1.5", VERDICT_NO},
        {"{\"type\": \"string\", \"nullable\": true}", NULL, "null", VERDICT_YES},
        {"{\"type\": [\"string\", \"null\"]}", NULL, "1", VERDICT_NO},
        {"{\"minimum\": 1, \"exclusiveMinimum\": true}", NULL, "1", VERDICT_NO},
        {"{\"multipleOf\": 0.01}", NULL, "19.99", VERDICT_YES},
        {"{\"multipleOf\": 0.01}", NULL, "0.001", VERDICT_NO},
        {"{\"const\": {\"a\": 1, \"b\": [1.0]}}", NULL, "{\"b\": [1], \"a\": 1}", VERDICT_YES},
        {"{\"const\": [1, 2]}", NULL, "[1, 3]", VERDICT_NO},
        {"{\"oneOf\": [{}, {\"type\": \"null\"}]}", NULL, "null", VERDICT_NO},
        {"{\"oneOf\": [{\"pattern\": \"a\"}, {\"type\": \"null\"}]}", NULL, "\"a\"", VERDICT_OPEN},
        {"{\"anyOf\": [{\"pattern\": \"a\"}, {}]}", NULL, "\"a\"", VERDICT_YES},
        {"{\"not\": {\"format\": \"x\"}, \"minLength\": 2}", NULL, "\"a\"", VERDICT_NO},
        {"{\"if\": {\"minimum\": 3}, \"then\": {\"maximum\": 5}, \"else\": false}", NULL, "4",
         VERDICT_YES},
        {"{\"if\": {\"minimum\": 3}, \"then\": {\"maximum\": 5}, \"else\": false}", NULL, "2",
         VERDICT_NO},
        {"{\"propertyNames\": {\"maxLength\": 1}}", NULL, "{\"ab\": 1}", VERDICT_NO},
        {"{\"contains\": {\"const\": 1}, \"maxContains\": 1}", NULL, "[1, 1]", VERDICT_NO},
        {"{\"contains\": {\"const\": 1}, \"minContains\": 2}", NULL, "[1, 0, 1]", VERDICT_YES},
        {"{\"items\": [{\"const\": 1}], \"additionalItems\": false}", NULL, "[1, 2]", VERDICT_NO},
        {"{\"uniqueItems\": true}", NULL, "[1, {}, 1.0]", VERDICT_NO},
        {"{\"dependencies\": {\"a\": [\"b\"]}}", NULL, "{\"a\": 1}", VERDICT_NO},
        {"{\"items\": {\"$ref\": \"#\"}, \"type\": \"array\"}", NULL, "[[], [[]]]", VERDICT_YES},
        {"{\"items\": {\"$ref\": \"#\"}, \"type\": \"array\"}", NULL, "[[], [1]]", VERDICT_NO},
        {"{\"$ref\": \"#\"}", NULL, "1", VERDICT_OPEN}, /* endless */
        {"{\"unevaluatedProperties\": false}", NULL, "{\"a\": 1}", VERDICT_OPEN},
        {"{\"unevaluatedProperties\": false}", NULL, "{}", VERDICT_YES},
        {"{\"enum\": [1], \"minimum\": 0}", "", "2", VERDICT_YES},
        {"{\"anyOf\": [{\"minimum\": 5}], \"minimum\": 0}", "", "2", VERDICT_YES},
        {"{\"anyOf\": [{\"minimum\": 5}], \"minimum\": 3}", "anyOf", "2", VERDICT_NO},
        {"{\"anyOf\": [{\"minimum\": 1}], \"minimum\": 3}", "anyOf", "2", VERDICT_YES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_doc schema = {0};
        json_doc value = {0};
        lfm_error err = {0};
        assert_int_equal(json_parse(&schema, cases[i].schema, strlen(cases[i].schema), &err), 0);
        assert_int_equal(json_parse(&value, cases[i].value, strlen(cases[i].value), &err), 0);
        const schema_verdict v = judge(schema.root, cases[i].only, value.root);
        if (v != cases[i].verdict) {
            fail_msg("%s judges %s as %d", cases[i].schema, cases[i].value, (int)v);
        }
        json_doc_free(&schema);
        json_doc_free(&value);
    }
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
        bool divides; /* is a a multiple of b? */
    } cases[] = {
        {"1", "1.0", 0, true}, {"1e2", "100", 0, true}, {"-0", "0", 0, false},
        {"0.1", "0.09", 1, false}, {"-2", "1", -1, true}, {"10", "9", 1, false},
        {"12", "4", 1, true}, {"-1.5", "0.5", -1, true}, {"1", "0.3", 1, false},
        {"123456789012345678901234567890", "10", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const json_value x = {.kind = JSON_NUMBER, .text = cases[i].a, .len = strlen(cases[i].a)};
        const json_value y = {.kind = JSON_NUMBER, .text = cases[i].b, .len = strlen(cases[i].b)};
        schema_limit a;
        schema_limit b;
        bool known = true;
        assert_true(schema_read_limit(&a, &x, false) && schema_read_limit(&b, &y, false));
        const int order = schema_compare(&a, &b);
        assert_int_equal(order < 0 ? -1 : order > 0, cases[i].order);
        assert_int_equal(schema_compare(&b, &a) == 0, order == 0);
        assert_int_equal(schema_divides(&b, &a, &known), cases[i].divides);
        assert_int_equal(schema_same(&x, &y), order == 0);
    }
}

/* ---- The JSON-Schema-Test-Suite ------------------------------------------------------------- */

static char *slurp(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *n, f), *n);
    fclose(f);
    return text;
}

static void test_suite(void **state) {
    (void)state;
    const char *shared = getenv("LFM_SHARED");
    char folder[500];
    size_t n_known = 0;
    size_t n_open = 0;
    snprintf(folder, sizeof folder, "%s/golden/json-schema", shared && shared[0] ? shared
                                                                                 : "../shared");
    DIR *d = opendir(folder);
    if (!d) {
        skip();
    }
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[800];
        json_doc doc = {0};
        lfm_error err = {0};
        const size_t len = strlen(e->d_name);
        if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0) continue;
        size_t n = 0;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        char *text = slurp(path, &n);
        assert_int_equal(json_parse(&doc, text, n, &err), LFM_OK);
        for (const json_value *c = doc.root->first; c; c = c->next) {
            const json_value *schema = json_get(c, "schema");
            for (const json_value *v = json_get(c, "tests")->first; v; v = v->next) {
                const bool valid = json_get(v, "valid")->kind == JSON_TRUE;
                const schema_verdict verdict = judge(schema, NULL, json_get(v, "data"));
                n_known += verdict != VERDICT_OPEN;
                n_open += verdict == VERDICT_OPEN;
                if (verdict != VERDICT_OPEN && (verdict == VERDICT_YES) != valid) {
                    const json_value *what = json_get(v, "description");
                    fail_msg("%s: %.*s", e->d_name, (int)what->len, what->text);
                }
            }
        }
        json_doc_free(&doc);
        free(text);
    }
    closedir(d);
    print_message("%zu verdicts, %zu open\n", n_known, n_open);
    assert_true(n_known > 2 * n_open); /* formats and patterns are open here */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
