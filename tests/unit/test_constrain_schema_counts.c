/*
 * test_constrain_schema_counts.c - minProperties and maxProperties, against counting.
 */
#include "../support/grammar_walk.h"
#include "../support/hurry.h"
#include "../support/large.h"
#include "base/json.h"
#include "base/rng.h"
#include "constrain/gbnf/compile.h"
#include "constrain/json/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_NAMED = 5, N_EXTRA = 4 };

typedef struct {
    size_t n, min, max;
    unsigned required; /* bits */
    bool open, has_max;
} shape;

static void write_schema(json_out *out, const shape *s) {
    char text[80];
    json_write_text(out, "{\"type\": \"object\", \"properties\": {");
    for (size_t i = 0; i < s->n; i++) {
        snprintf(text, sizeof text, "%s\"%c\": {\"type\": \"null\"}", i > 0 ? ", " : "",
                 (char)('a' + i));
        json_write_text(out, text);
    }
    json_write_text(out, "}, \"required\": [");
    bool first = true;
    for (size_t i = 0; i < s->n; i++) {
        if (s->required >> i & 1) {
            snprintf(text, sizeof text, "%s\"%c\"", first ? "" : ", ", (char)('a' + i));
            json_write_text(out, text);
            first = false;
        }
    }
    snprintf(text, sizeof text, "], \"additionalProperties\": %s, \"minProperties\": %zu",
             s->open ? "{\"type\": \"null\"}" : "false", s->min);
    json_write_text(out, text);
    snprintf(text, sizeof text, s->has_max ? ", \"maxProperties\": %zu}" : "}", s->max);
    json_write_text(out, text);
}

/* Every set of named members, and up to N_EXTRA others. */
static void check(const shape *s) {
    json_out schema = {0};
    char *gbnf = NULL;
    grammar g = {0};
    automaton *a = NULL;
    lfm_error err = {0};
    size_t n_good = 0;
    write_schema(&schema, s);
    lfm_status st = schema_to_gbnf(&gbnf, NULL, schema.ptr, schema.len, &err);
    if (st == LFM_OK) st = gbnf_compile(&g, gbnf, strlen(gbnf), &err);
    if (st == LFM_OK) st = automaton_new(&a, &g, &err);
    if (st != LFM_OK && !strstr(err.text, "no text satisfies")) {
        fail_msg("%s: %s", schema.ptr, err.text);
    }
    for (unsigned set = 0; set < 1u << s->n; set++) {
        for (size_t extra = 0; extra <= N_EXTRA; extra++) {
            char text[200] = "{";
            size_t n = 0;
            for (size_t i = 0; i < s->n + extra; i++) {
                if (i >= s->n || set >> i & 1) {
                    const size_t len = strlen(text);
                    snprintf(text + len, sizeof text - len, "%s\"%c\": null", n > 0 ? ", " : "",
                             (char)(i < s->n ? 'a' + i : 'p' + i - s->n));
                    n++;
                }
            }
            strcat(text, "}");
            const bool good = (set & s->required) == s->required && (s->open || extra == 0) &&
                              n >= s->min && (!s->has_max || n <= s->max);
            n_good += good;
            if (st == LFM_OK && grammar_accepts(a, text, strlen(text), NULL) != good) {
                fail_msg("%s %s %s", schema.ptr, good ? "refuses" : "accepts", text);
            }
        }
    }
    assert_true(st == LFM_OK || n_good == 0);
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
    json_out_free(&schema);
}

static void test_counts(void **state) {
    const size_t n_shapes = test_all() ? 20000 : is_sanitized() ? 100 : 1500;
    (void)state;
    for (size_t i = 0; i < n_shapes; i++) {
        const uint64_t dice = rng_at(5, i);
        shape s = {
            .n = dice % (N_NAMED + 1), .min = dice / 8 % 5, .max = dice / 64 % 7,
            .required = (unsigned)(dice / 512 & dice / 16384) & 31, .open = dice >> 40 & 1,
            .has_max = dice >> 41 & 1,
        };
        s.required &= (1u << s.n) - 1;
        check(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
