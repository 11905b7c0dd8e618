/*
 * test_answer_tool_calls_forced.c - whatever the grammar of --tool-choice forces, the reader reads.
 *
 * Random lists of tools become grammars; random texts that these allow are read, and the arguments
 * must be the JSON that was written.  Found with the get-sum of a public MCP server: a number of 64
 * characters could not be read.
 */
#include "../support/calls.h"
#include "../support/grammar_walk.h"
#include "../support/hurry.h"
#include "../support/large.h"
#include "../support/random_tools.h"
#include "constrain/engine/automaton.h"
#include "constrain/engine/keys.h"
#include "constrain/gbnf/compile.h"
#include "constrain/json/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START "<|tool_call_start|>"
#define END "<|tool_call_end|>"

typedef struct {
    grammar g;
    automaton *a;
} machine;

/* The markers are tokens, which a walk over bytes cannot take: the rules do without them here. */
static void drop_marker(char *gbnf, const char *marker) {
    char *at = strstr(gbnf, marker);
    assert_non_null(at);
    memset(at, ' ', strlen(marker));
    memset(at, '"', 2);
}

static void machine_make(machine *m, const char *tools, bool only_one) {
    char *gbnf = NULL;
    lfm_error err = {0};
    *m = (machine){0};
    if (schema_tools_to_gbnf(&gbnf, NULL, tools, strlen(tools), only_one, &err) != LFM_OK) {
        fail_msg("%s: %s", tools, err.text);
    }
    drop_marker(gbnf, START);
    drop_marker(gbnf, END);
    assert_int_equal(gbnf_compile(&m->g, gbnf, strlen(gbnf), &err), LFM_OK);
    assert_int_equal(automaton_new(&m->a, &m->g, &err), LFM_OK);
    free(gbnf);
}

static void machine_drop(machine *m) {
    automaton_free(m->a);
    grammar_free(&m->g);
}

/* The end of a JSON value that a ',' or ')' follows. */
static const char *behind_value(const char *p) {
    int depth = 0;
    for (; depth > 0 || (*p != ',' && *p != ')'); p++) {
        if (*p == '"') {
            for (p++; *p != '"'; p++) {
                p += *p == '\\';
            }
        }
        depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
    }
    return p;
}

/* [f(a=1, b="x"), g()], as the grammar writes it, -> the JSON that calls_answer has.  Its values
 * are JSON, so this needs no reader of calls. */
static void write_wanted(json_out *out, const char *text) {
    json_out raw = {0};
    json_doc doc = {0};
    const char *p = text;
    assert_int_equal(*p, '[');
    json_write_text(&raw, "[");
    while (*p != ']') {
        const char *name = p + 1 + (*p == ',');
        p = strchr(name, '(');
        json_begin_object(&raw, NULL);
        json_put_string(&raw, "name", name, (size_t)(p - name));
        json_begin_object(&raw, "arguments");
        for (p++; *p != ')';) {
            const char *argument = p + (*p == ',' ? 2 : 0);
            p = strchr(argument, '=') + 1;
            const char *end = behind_value(p);
            json_put_string(&raw, NULL, argument, (size_t)(p - 1 - argument));
            json_write_text(&raw, ": ");
            json_write_raw(&raw, p, (size_t)(end - p));
            p = end;
        }
        json_end_object(&raw);
        json_end_object(&raw);
        p++;
    }
    json_write_text(&raw, "]");
    if (json_parse(&doc, raw.ptr, raw.len, NULL) != LFM_OK) {
        fail_msg("%s is not JSON: %s", text, raw.ptr);
    }
    json_write_value(out, doc.root);
    json_doc_free(&doc);
    json_out_free(&raw);
}

/* Between markers, and bare, which is read in the same way. */
static void check_text(const char *tools, const char *text, bool only_one) {
    static const char *const formats[][2] = {{START, END}, {"", ""}};
    json_out wanted = {0};
    write_wanted(&wanted, text);
    for (size_t i = 0; i < 2; i++) {
        json_out answer = {0};
        calls_answer a;
        json_write_text(&answer, formats[i][0]);
        json_write_text(&answer, text);
        json_write_text(&answer, formats[i][1]);
        calls_answer_make(&a, tools, answer.ptr, answer.len, SIZE_MAX, 0);
        if (strcmp(a.calls.ptr, wanted.ptr) != 0 || a.content.len > 0 || a.n_lost > 0 ||
            a.has_undefined || (only_one && a.n_calls != 1)) {
            fail_msg("%s\nis %s\nnot %s\nand '%s'", answer.ptr, a.calls.ptr, wanted.ptr,
                     a.content.ptr);
        }
        calls_answer_drop(&a);
        json_out_free(&answer);
    }
    json_out_free(&wanted);
}

/* May the text be beyond what readers of JSON take?  Grammars cannot tell. */
static bool is_beyond(const char *text, size_t n) {
    keys_open keys = {0};
    bool repeats = false;
    size_t n_opened = 0;
    assert_int_equal(keys_add(&keys, text, n, &repeats), LFM_OK);
    keys_drop(&keys);
    for (size_t i = 0; i < n; i++) {
        n_opened += text[i] == '[' || text[i] == '{';
    }
    return repeats || n_opened > 60;
}

static void test_random(void **state) {
    (void)state;
    const size_t n_lists = test_all() ? 5000 : is_sanitized() ? 60 : 400;
    size_t n_read = 0;
    for (size_t i = 0; i < n_lists; i++) {
        machine m;
        json_out tools = {0};
        char text[401];
        random_tools(&tools, i);
        machine_make(&m, tools.ptr, i % 2 == 0);
        for (uint64_t k = 0; k < 8; k++) {
            size_t n = 0;
            const walk_end end = grammar_walk(m.a, 8 * i + k, text, sizeof text - 1, &n);
            assert_int_not_equal(end, WALK_STUCK);
            text[n] = '\0';
            /* A string may name the marker, which it is not: only its token would be. */
            if (end == WALK_COMPLETE && !is_beyond(text, n) && !strstr(text, END)) {
                check_text(tools.ptr, text, i % 2 == 0);
                n_read++;
            }
        }
        machine_drop(&m);
        json_out_free(&tools);
    }
    assert_true(n_read > n_lists);
}

static const char sum[] = "[{\"name\": \"get-sum\", \"parameters\": {\"type\": \"object\", "
                          "\"properties\": {\"a\": {\"type\": \"number\"}, \"b\": {\"type\": "
                          "\"number\"}}, \"required\": [\"a\", \"b\"]}}]";

/* What a walk seldom meets: numbers of any length, and of any size.  All are read, and those that a
 * double does not hold are not forced. */
static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text[3];
        size_t most; /* repetitions that still make a number that a double holds */
    } parts[] = {
        {{"-", "1", ""}, 17}, {{"1", "0", ""}, 16}, {{"0.", "7", ""}, 17},
        {{"-12.", "25", "e-7"}, 7}, {{"1e", "9", ""}, 2}, {{"1E+", "09", ""}, 1},
        {{"3.5e-", "1", ""}, 3},
    };
    machine m;
    machine_make(&m, sum, true);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (size_t n = 1; n < 400; n += n < 80 ? 1 : 50) {
            json_out text = {0};
            size_t n_read = 0;
            json_write_text(&text, "[get-sum(a=");
            json_write_text(&text, parts[i].text[0]);
            repeat(&text, parts[i].text[1], n);
            json_write_text(&text, parts[i].text[2]);
            json_write_text(&text, ", b=-0)]");
            if (grammar_accepts(m.a, text.ptr, text.len, &n_read) != (n <= parts[i].most)) {
                fail_msg("%s: the grammar takes %zu bytes", text.ptr, n_read);
            }
            check_text(sum, text.ptr, true);
            json_out_free(&text);
        }
    }
    machine_drop(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
