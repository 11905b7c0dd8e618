/*
 * test_jinja_limits.c - templates that want too much end soon, with one line that says what.
 */
#include "../support/hurry.h"
#include "jinja/jinja.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static lfm_status render(const char *template, size_t len, lfm_error *err) {
    jinja_program *program = NULL;
    jinja_text out = {0};
    lfm_status st = jinja_parse(&program, template, len, err);
    if (st == LFM_OK) st = jinja_render(program, NULL, 0, NULL, 0, &out, err);
    jinja_text_free(&out);
    jinja_free(program);
    return st;
}

/* x is a text of 2^20 bytes, l a list of 2^16 items, n a namespace. */
#define BIG \
    "{% set n = namespace(x='abcdefgh' * 131072, y=none, l=range(65536) | list) %}" \
    "{% set x = n.x %}{% set l = n.l %}"
#define LOOP "{% for i in range(100000) %}{% for j in range(100000) %}"
#define END "{% endfor %}{% endfor %}"
#define STEPS "too m" /* many steps, much memory: whichever comes first */
#define MEMORY STEPS
#define OUTPUT "grows beyond 16 MiB"
#define DEEP "nested too deeply"

static void test_programs_that_want_too_much(void **state) {
    static const struct {
        const char *template, *error;
    } rows[] = {
        {LOOP END, STEPS},
        {BIG LOOP "{% if x == x ~ '' %}{% endif %}" END, MEMORY},
        {BIG "{% set z = x ~ '' ~ x %}" LOOP "{% if x[1:] == x[2:] %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x < x %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if 'abcdefgha' in x and 'z' in x %}{% endif %}" END, STEPS},
        {BIG "{% set a = 'a' * 1000000 %}{% set b = 'a' * 500000 ~ 'b' %}" LOOP
             "{% if b in a %}{% endif %}" END,
         STEPS},
        {BIG LOOP "{% if x.endswith('z' ~ x[9:]) %}{% endif %}" END, MEMORY},
        {BIG LOOP "{% if x | length %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x[-1] %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x.count('a') %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x.rfind('zz') %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x.split('zz') %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x.isalpha() %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x.islower() %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x is lower %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x | wordcount %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x | trim('abcdefgh') %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x | upper %}{% endif %}" END, MEMORY},
        {BIG LOOP "{% if x | replace('a', 'b') %}{% endif %}" END, MEMORY},
        {BIG LOOP "{% if x | replace('zz', 'b') %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x | list %}{% endif %}" END, MEMORY},
        {BIG LOOP "{% if 65536 in l %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if l == l[:] %}{% endif %}" END, "too m"},
        {BIG LOOP "{% if l | sort %}{% endif %}" END, "too m"},
        {BIG LOOP "{% if l | sum %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if l | max %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if l | unique | list %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if l | join(',') %}{% endif %}" END, "too m"},
        {BIG LOOP "{% if l | tojson %}{% endif %}" END, "too m"},
        {BIG LOOP "{% if l | map('string') | list %}{% endif %}" END, "too m"},
        {BIG LOOP "{% if l | select('odd') | list %}{% endif %}" END, "too m"},
        {BIG LOOP "{% if l.index(65535) %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if 'abcdefg' * 8 ~ 'a' in x %}{% endif %}" END, STEPS},
        {BIG "{% set x = 'a' * 999999 %}" LOOP "{% if x.count('a') %}{% endif %}" END, STEPS},
        {BIG "{% set x = 'aaab' * 99999 %}" LOOP "{% if x.split('aac') %}{% endif %}" END, STEPS},
        {BIG "{% set x = 'aaab' * 99999 %}" LOOP "{% if x.rfind('caa') %}{% endif %}" END, STEPS},
        {BIG "{% set x = '\u00e9' * 999999 %}" LOOP "{% if x | length %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x | title %}{% endif %}" END, STEPS},
        {BIG LOOP "{% if x | truncate(999999) %}{% endif %}" END, STEPS},
        {"{% set l = [1.1234567890123e-300] * 999 %}" LOOP "{% if l | string %}{% endif %}" END,
         STEPS},
        {LOOP "{% if '%.100f' % 1e308 %}{% endif %}" END, STEPS},
        {LOOP "{% if strftime_now('%c%c%c%c%c%c%c') %}{% endif %}" END, STEPS},
        {"{% set n = namespace(x=[1] * 9999) %}{% for i in range(99) %}{% set n.x = [n.x] %}"
         "{% endfor %}" LOOP "{% if n.x | tojson(indent=0) %}{% endif %}" END,
         STEPS},
        {"{% set n = namespace() %}{% set n.a = n %}{% set l = [n] * 9999 %}" LOOP
         "{% if l | map(attribute='a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a') | list %}{% endif "
         "%}" END,
         STEPS},
        {"{% set n = namespace(t=(1,)) %}{% for i in range(200) %}{% set n.t = (n.t, n.t) %}"
         "{% endfor %}{{ {n.t: 1} }}",
         STEPS},
        {"{% set t = (1,) * 9999 %}" LOOP "{% if {t: 1} %}{% endif %}" END, STEPS},
        {LOOP "{% if 1e300 | round(60) %}{% endif %}" END, STEPS},
        {"{{ '%99999999s' % 'a' }}", OUTPUT},
        {"{{ '{:>99999999}'.format('a') }}", OUTPUT},
        {LOOP "{% if '%999s' % 'a' %}{% endif %}" END, "too m"},
        {LOOP "{% if '{:>999}'.format('a') %}{% endif %}" END, "too m"},
        {LOOP "{% if range(100000) %}{% endif %}" END, "too m"},
        {LOOP "{% if 3 ** 9000 %}{% endif %}" END, "too m"},
        {LOOP "{% set d = dict(a=1, b=2) %}{% set d = dict(d, c=d) %}" END, "too m"},
        {BIG "{% set n.x = {} %}{% for i in l %}{% set n.x = dict(n.x.items() | list + [[i, i]]) %}"
             "{% endfor %}",
         "too m"},
        {"{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor "
         "%}",
         OUTPUT},
        {"{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor "
         "%}",
         MEMORY},
        {"{% for i in range(99999) %}{{ 'abcdefgh' * 9999 }}{% endfor %}", STEPS},
        {"{{ 'a' * 99999999999 }}", STEPS},
        {"{{ [1] * 99999999999 }}", MEMORY},
        {"{{ [1, [2]] | tojson(indent=99999999999) }}", "too m"},
        {"{{ 'a' | indent(99999999999) }}", "too m"},
        {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "too deeply"},
        {"{% macro m(n) %}{{ m(n) ~ m(n) }}{% endmacro %}{{ m(1) }}", "too deeply"},
        {"{% set n = namespace() %}{% set n.n = n %}{{ n }}", DEEP},
        {"{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}"
         "{{ n.x }}",
         DEEP},
        {"{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}"
         "{{ n.x | tojson }}",
         DEEP},
        {"{% set n = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}"
         "{% set n.y = [n.y] %}{% endfor %}{{ n.x == n.y }}",
         DEEP},
        {"{% set n = namespace(x=(), y=()) %}{% for i in range(9999) %}{% set n.x = (n.x,) %}"
         "{% set n.y = (n.y,) %}{% endfor %}{{ n.x < n.y }}",
         DEEP},
        {"{% set n = namespace(x=()) %}{% for i in range(9999) %}{% set n.x = (n.x,) %}{% endfor %}"
         "{{ {n.x: 1} }}",
         DEEP},
    };
    (void)state;
    const size_t step = test_hurries() ? 3 : 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i += step) {
        lfm_error err = {0};
        const double begin = seconds();
        render(rows[i].template, strlen(rows[i].template), &err);
        const double took = seconds() - begin;
        if (!strstr(err.text, rows[i].error)) {
            fail_msg("%s\n%s", rows[i].template, err.text);
        }
        if (took > 5) { /* sanitizers make it ten times as slow */
            fail_msg("%s\n%.1f s", rows[i].template, took);
        }
    }
}

/* `count` times `piece`, between `head` and `tail`. */
static char *repeat(const char *head, const char *piece, size_t count, const char *tail) {
    const size_t n = strlen(piece);
    char *text = malloc(strlen(head) + count * n + strlen(tail) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, piece);
    }
    strcpy(at, tail);
    return text;
}

static const struct {
    const char *head, *piece, *tail;
} nests[] = {
    {"{{ ", "(", ""},
    {"{{ ", "[", ""},
    {"{{ ", "{1:", ""},
    {"{{ ", "not ", "1 }}"},
    {"{{ ", "-", "1 }}"},
    {"{{ 1", " if 1 else 1", " }}"},
    {"{{ 1", "+1", " }}"},
    {"{{ 1", "~1", " }}"},
    {"{{ 1", "**1", " }}"},
    {"{{ 1", " and 1", " }}"},
    {"{{ 1", " < 2", " }}"},
    {"{{ x", ".a", " }}"},
    {"{{ x", "[0]", " }}"},
    {"{{ x", "()", " }}"},
    {"{{ 'a'", "|upper", " }}"},
    {"{% filter upper", "|upper", " %}a{% endfilter %}"},
    {"{% set x", "|upper", " %}a{% endset %}"},
    {"{{ 'a'", " is string", " }}"},
    {"", "{% if 1 %}", ""},
    {"", "{% for i in [1] %}", ""},
    {"{% if 1 %}", "{% elif 1 %}", "{% endif %}"},
    {"", "{% macro m() %}", ""},
    {"", "{% set x %}", ""},
    {"", "{% generation %}", ""},
    {"{% macro m(", "a,", "b) %}{% endmacro %}"},
    {"{{ m(", "1,", "1) }}"},
    {"", "{{ 1 }}", ""},
    {"{{ 'a'", " 'a'", " }}"},
};

static void *try_nests(void *ctx) {
    (void)ctx;
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        for (size_t count = 10; count <= 100000; count *= 10) {
            char *text = repeat(nests[i].head, nests[i].piece, count, nests[i].tail);
            lfm_error err = {0};
            if (render(text, strlen(text), &err) != LFM_OK && !err.text[0]) return "no error";
            free(text);
        }
    }
    return NULL;
}

/* `n` times `before`, a number and `after`, between `head` and `tail`. */
static char *numbered(const char *head, const char *before, const char *after, size_t n,
                      const char *tail) {
    const size_t each = strlen(before) + strlen(after) + 20;
    char *text = malloc(strlen(head) + n * each + strlen(tail) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < n; i++) {
        at += snprintf(at, each, "%s%zu%s", before, i, after);
    }
    strcpy(at, tail);
    return text;
}

static void test_many_names(void **state) {
    static const struct {
        const char *head, *before, *after, *tail;
        size_t n;
        const char *error; /* "" = none */
    } rows[] = {
        {"{{ [", "a", ",", "] | length }}", 1000, ""},
        {"{{ [", "a", ",", "] | length }}", 99999, "more than 1000 variables"},
        {"{% macro m(", "a", ",", ") %}{% endmacro %}", 100, ""},
        {"{% macro m(", "a", ",", ") %}{% endmacro %}", 99999, "more than 100 parameters"},
        {"{{ dict(", "a", "=1,", ") }}", 100, ""},
        {"{{ dict(", "a", "=1,", ") }}", 99999, "more than 100 arguments"},
        {"{{ {", "'a", "': 1,", "} }}", 1000, ""},
        {"{{ {", "'a", "': 1,", "} }}", 65536, STEPS},
        {LOOP, "{% set a", "=1 %}", END, 990, STEPS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = numbered(rows[i].head, rows[i].before, rows[i].after, rows[i].n, rows[i].tail);
        lfm_error err = {0};
        const double begin = seconds();
        render(text, strlen(text), &err);
        assert_true(seconds() - begin < 5);
        if (rows[i].error[0] ? !strstr(err.text, rows[i].error) : err.text[0] != '\0') {
            fail_msg("%.40s..: %s", text, err.text);
        }
        free(text);
    }
}

/* map can call map, as deep as a list is. */
static void *try_map(void *ctx) {
    char *text = repeat("{% set n = namespace(x='a') %}{% for i in range(200) %}"
                        "{% set n.x = [n.x] %}{% endfor %}{{ n.x | map(",
                        "'map',", 99, "'list') | list }}");
    render(text, strlen(text), ctx);
    free(text);
    return NULL;
}

/* Sanitizers, and builds without optimisation, are slower and have larger frames. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || !defined __OPTIMIZE__
#define SLOW_BUILD 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SLOW_BUILD 1
#endif
#endif
#ifdef SLOW_BUILD
enum { STACK_BYTES = 8 * 1024 * 1024, SLOWER = 20 };
#else
enum { STACK_BYTES = 320 * 1024, SLOWER = 1 };
#endif

static void with_small_stack(void *(*work)(void *ctx), void *ctx) {
    pthread_attr_t attributes;
    pthread_t thread;
    void *wrong = NULL;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    assert_int_equal(pthread_create(&thread, &attributes, work, ctx), 0);
    pthread_join(thread, &wrong);
    pthread_attr_destroy(&attributes);
    assert_null(wrong);
}

/* Whatever is nested or chained: done, or refused, within a small stack. */
static void test_stack(void **state) {
    lfm_error err = {0};
    (void)state;
    with_small_stack(try_nests, NULL);
    with_small_stack(try_map, &err);
    assert_non_null(strstr(err.text, "generator"));
}

/* NULs are characters like others, and an error names the place where a tag begins. */
static void test_odd_sources(void **state) {
    static const struct {
        const char *template;
        size_t len;
        const char *error;
    } rows[] = {
        {"a{\0b", 4, ""},
        {"{{ 0\0a }}", 9, "chat template, line 1, column 5: unexpected character"},
        {"{{ 1 \0 }}", 9, "chat template, line 1, column 6: unexpected character"},
        {"a\n{{ b\n\n c", 10, "chat template, line 2, column 3: the tag before this is not closed"},
        {"{% for a, b.c in [(1, 2)] if a %}{% endfor %}", 45,
         "chat template, line 1, column 8: only {% set %} can assign to an attribute"},
        {"{% set n = namespace() %}{% with n.a = 1 %}{% endwith %}", 56,
         "chat template, line 1, column 34: only {% set %} can assign to an attribute"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lfm_error err = {0};
        render(rows[i].template, rows[i].len, &err);
        assert_string_equal(err.text, rows[i].error);
    }
}

/* The least time of five renderings of n messages of `len` bytes each. */
static double conversation_seconds(size_t n, size_t len) {
    static const char template[] =
        "{%- set ns = namespace(last=-1) -%}{%- for m in messages -%}{%- if m.role == 'assistant' "
        "-%}"
        "{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}"
        "{%- macro show(c) -%}{%- if c is string -%}{{ c }}{%- else -%}"
        "{%- for i in c -%}{{ i.text }}{%- endfor -%}{%- endif -%}{%- endmacro -%}"
        "{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\\n' -}}"
        "{%- set content = show(m.content) | trim -%}"
        "{%- if '</think>' in content and loop.index0 != ns.last -%}"
        "{%- set content = content.split('</think>')[-1] | trim -%}{%- endif -%}"
        "{{- content.replace('<|im_end|>', '') + '<|im_end|>\\n' -}}{%- endfor -%}";
    char *content = repeat("<think>", "so it is ", len / 9, "</think> yes");
    json_value *values = calloc(n, 3 * sizeof *values); /* message, role, content */
    assert_non_null(values);
    for (json_value *v = values; v < values + 3 * n; v += 3) {
        v[0] = (json_value){.kind = JSON_OBJECT, .first = v + 1, .n = 2, .next = v + 3};
        v[1] = (json_value){.kind = JSON_STRING,
                            .key = "role",
                            .key_len = 4,
                            .text = "assistant",
                            .len = 9,
                            .next = v + 2};
        v[2] = (json_value){.kind = JSON_STRING,
                            .key = "content",
                            .key_len = 7,
                            .text = content,
                            .len = strlen(content)};
    }
    values[3 * (n - 1)].next = NULL;
    const json_value list = {.kind = JSON_ARRAY, .first = values, .n = n};
    const jinja_global global = {.name = "messages", .value = &list};
    jinja_program *program = NULL;
    double least = 1e9;
    assert_int_equal(jinja_parse(&program, template, sizeof template - 1, NULL), LFM_OK);
    for (int i = 0; i < 5; i++) {
        jinja_text out = {0};
        const double begin = seconds();
        assert_int_equal(jinja_render(program, &global, 1, NULL, 0, &out, NULL), LFM_OK);
        const double took = seconds() - begin;
        least = took < least ? took : least;
        assert_true(out.len > strlen(content));
        jinja_text_free(&out);
    }
    jinja_free(program);
    free(values);
    free(content);
    return least;
}

/* 1 MB of messages takes less than 50 ms. */
static void test_long_conversations(void **state) {
    (void)state;
    const double many = conversation_seconds(1000, 1000);
    const double one = conversation_seconds(1, 1000 * 1000);
    print_message("1,000 messages: %.1f ms; one: %.1f ms\n", 1e3 * many, 1e3 * one);
    assert_true(many < 0.05 * SLOWER && one < 0.05 * SLOWER);
}

static void test_source(void **state) {
    (void)state;
    char *text = repeat("", "x", JINJA_MAX_SOURCE + 1, "");
    lfm_error err = {0};
    assert_int_equal(render(text, JINJA_MAX_SOURCE, &err), LFM_OK);
    assert_int_equal(render(text, JINJA_MAX_SOURCE + 1, &err), LFM_ERR_FORMAT);
    assert_string_equal(err.text, "the chat template is longer than 1048576 bytes");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_that_want_too_much),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_odd_sources),
        cmocka_unit_test(test_long_conversations),
        cmocka_unit_test(test_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
