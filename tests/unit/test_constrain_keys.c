/*
 * test_constrain_keys.c - keys that come twice, against the JSON reader, which refuses them.
 */
#include "constrain/engine/keys.h"

#include "../support/grammar_walk.h"
#include "base/json.h"
#include "base/rng.h"
#include "constrain/gbnf/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Add a text byte by byte; the byte (from 1) that repeats a key, or 0. */
static size_t add_bytes(keys_open *k, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool repeats = true;
        assert_int_equal(keys_add(k, text + i, 1, &repeats), LFM_OK);
        if (repeats) {
            return i + 1;
        }
    }
    return 0;
}

static bool would_repeat(keys_open *k, const char *text) {
    bool repeats = false;
    assert_int_equal(keys_would_repeat(k, text, strlen(text), &repeats), LFM_OK);
    return repeats;
}

static void add(keys_open *k, const char *text) {
    bool repeats = true;
    assert_int_equal(keys_add(k, text, strlen(text), &repeats), LFM_OK);
    assert_false(repeats);
}

static void test_texts(void **state) {
    static const struct {
        const char *text;
        size_t at; /* the quote that ends the key */
    } cases[] = {
        {"", 0},
        {"{\"a\": 1, \"a\": 2}", 12},
        {"{\"\": 1, \"\": 2}", 10},
        {"{\"a\": 1, \"aa\": 2, \"\": 3}", 0},
        {"{\"aa\": 1, \"a\": 2}", 0},
        {"{\"a\": \"a\", \"b\": \"a\"}", 0},
        {"{\"a\": {\"a\": {\"a\": 1}}}", 0},
        {"{\"a\": {\"b\": 1}, \"b\": {\"a\": 1}}", 0},
        {"{\"a\": {\"b\": 1}, \"a\": 1}", 19},
        {"{\"a\": {\"b\": 1, \"b\": 1}}", 18},
        {"[{\"a\": 1}, {\"a\": 1}, {\"a\": 1}]", 0},
        {"{\"a\": [1, \"a\", \"a\"], \"a\": 1}", 24},
        {"[\"a\", \"a\", {\"a\": [\"a\", \"a\"]}]", 0},
        {"{\"a\": [{\"a\": 1, \"b\": [{\"b\": 1}]}], \"b\": 2, \"a\": 3}", 46},
        {"{\"\\\"\": 1, \"\\\"\": 2}", 14},
        {"{\"\\\\\": 1, \"\\\"\": 2, \"\\\\\": 3}", 23},
        {"{\"a\": \"\\\\\", \"a\": 1}", 15},
        {"{\"a\": \"}, \\\", {\", \"a\": 1}", 21},
        {"{\"a\": \"{\\\"a\\\": 1, \\\"a\\\": 2}\"}", 0},
        {"{\"{\": 1, \",\": 1, \"}\": 1, \"[\": 1, \"]\": 1, \"\\\"\": 1, \"}\": 1}", 53},
        {"{\"\xc3\xa4\": 1, \"\xc3\xb6\": 1, \"\xc3\xa4\": 1}", 23},
        {"[f(a=\"x\", b={\"a\": 1, \"b\": 2}), f(a=\"x\", b={\"a\": 1, \"a\": 2})]", 54},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t n = strlen(cases[i].text);
        keys_open k = {0};
        keys_open whole = {0};
        bool repeats = false;
        const size_t got = add_bytes(&k, cases[i].text, n);
        if (got != cases[i].at) {
            fail_msg("%s: byte %zu, not %zu", cases[i].text, got, cases[i].at);
        }
        assert_int_equal(keys_add(&whole, cases[i].text, n, &repeats), LFM_OK);
        assert_int_equal(repeats, cases[i].at > 0);
        keys_drop(&k);
        keys_drop(&whole);
    }
}

/* What is tried is forgotten, whatever it opens and closes. */
static void test_trying(void **state) {
    static const struct {
        const char *text;
        bool repeats;
    } cases[] = {
        {"a\"", true},
        {"a\": 1, \"c\"", true},
        {"b\": 1, \"c\"", false},
        {"b\": 1, \"b\"", true},
        {"b\": 1}, {\"a\": 1, \"b\": 2}, {\"a\"", false},
        {"b\": 1}, {\"a\": 1, \"a\"", true},
        {"b\": 1}], \"q\"", false},
        {"b\": 1}], \"p\"", true},
        {"b\": 1}], \"q\": [{\"p\": 1, \"q\": 2}], \"p\"", true},
        {"b\": 1}], \"q\": [{\"p\": 1, \"q\": 2}], \"q\"", true},
        {"b\": 1}], \"q\": [{\"p\": 1, \"q\": 2}], \"r\": {\"r\"", false},
        {"b\": 1}]}", false},
        {"", false},
        {"\\", false},
        {"\\\"", false},
    };
    keys_open k = {0};
    (void)state;
    add(&k, "{\"p\": [{\"a\": 1, \"");
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            if (would_repeat(&k, cases[i].text) != cases[i].repeats) {
                fail_msg("round %zu: '%s' does %srepeat", round, cases[i].text,
                         cases[i].repeats ? "not " : "");
            }
        }
        if (round == 0) {
            add(&k, "c\": 7, \""); /* closes no level; 'b": 1, "c"' now repeats */
            assert_true(would_repeat(&k, "b\": 1, \"c\""));
            add(&k, "d\": 1}, {\"a\": 1, \"");
        }
    }
    keys_drop(&k);
}

/* A text that repeats a key is not added in part. */
static void test_all_or_nothing(void **state) {
    keys_open k = {0};
    bool repeats = false;
    (void)state;
    add(&k, "{\"a\": 1, ");
    assert_int_equal(keys_add(&k, "\"b\": 2, \"a\"", 11, &repeats), LFM_OK);
    assert_true(repeats);
    add(&k, "\"b\": 2, \"c\": 3}");
    keys_drop(&k);
}

static void test_reset_and_copy(void **state) {
    keys_open k = {0};
    keys_open copy;
    (void)state;
    assert_int_equal(keys_copy(&copy, &k), LFM_OK); /* of nothing */
    add(&copy, "{\"a\": 1}");
    keys_drop(&copy);
    add(&k, "{\"a\": {\"b\": 1, \"c");
    assert_int_equal(keys_copy(&copy, &k), LFM_OK);
    add(&k, "d\": 1}, \"b\": 1, \"");
    assert_true(would_repeat(&copy, "\": 1, \"b\""));
    add(&copy, "\": 1, \"cd\": 2}, \"c\": 3, \"");
    assert_true(would_repeat(&copy, "c\""));
    assert_false(would_repeat(&k, "c\""));
    assert_true(would_repeat(&k, "b\""));
    assert_false(would_repeat(&copy, "b\""));
    keys_reset(&k);
    add(&k, "{\"a\": {\"a\": 1, \"b\": 1}, \"b\": 1");
    keys_drop(&k);
    assert_true(would_repeat(&copy, "a\""));
    keys_drop(&copy);
    keys_drop(&copy);
}

/* Objects that are closed cost nothing. */
static void test_memory(void **state) {
    keys_open k = {0};
    (void)state;
    add(&k, "{\"list\": [");
    for (size_t i = 0; i < 20000; i++) {
        char text[80];
        snprintf(text, sizeof text, "{\"n%zu\": {\"x\": [1]}, \"m\": 2}, ", i);
        add(&k, text);
    }
    assert_true(k.keys_cap <= 16 && k.levels_cap <= 16 && k.bytes_cap <= 32 && k.n_slots <= 64);
    add(&k, "0], \"rest\": {");
    for (size_t i = 0; i < 20000; i++) {
        char text[80];
        snprintf(text, sizeof text, "\"%zu\": 1, ", i);
        add(&k, text);
    }
    for (size_t i = 0; i < 20010; i++) {
        char text[80];
        snprintf(text, sizeof text, "\"%zu\"", i);
        assert_int_equal(would_repeat(&k, text), i < 20000);
    }
    assert_true(would_repeat(&k, "\"x\": 0}, \"list\""));
    keys_drop(&k);
}

/* Random JSON with few keys, cut at random: the reader of JSON agrees. */
static void test_random(void **state) {
    static const char gbnf[] =
        "root ::= object\n"
        "object ::= \"{\" (member (\", \" member)+)? \"}\"\n"
        "member ::= key \": \" value\n"
        "key ::= \"\\\"\" (\"a\" | \"\\\\\\\"\" | \"\\\\\\\\\" | \"{\")? \"\\\"\"\n"
        "value ::= object | \"[\" (value (\", \" value)*)? \"]\" | key | \"1\"\n";
    enum { N_TEXTS = 4000, MAX_TEXT = 300 };
    grammar g = {0};
    automaton *a = NULL;
    char text[MAX_TEXT];
    size_t n_repeats = 0;
    size_t n_fine = 0;
    (void)state;
    assert_int_equal(gbnf_compile(&g, gbnf, sizeof gbnf - 1, NULL), LFM_OK);
    assert_int_equal(automaton_new(&a, &g, NULL), LFM_OK);
    for (uint64_t seed = 0; seed < N_TEXTS; seed++) {
        keys_open k = {0};
        json_doc doc = {0};
        lfm_error err = {0};
        bool repeats = false;
        size_t n = 0;
        if (grammar_walk(a, seed, text, 16 + seed % (MAX_TEXT - 16), &n) != WALK_COMPLETE) {
            continue;
        }
        const bool fine = json_parse(&doc, text, n, &err) == LFM_OK;
        assert_true(fine || strstr(err.text, "already in the object"));
        for (size_t at = 0, len; at < n && !repeats; at += len) {
            const uint64_t dice = rng_at(seed ^ 77, at);
            len = 1 + dice % (dice >> 32 & 1 ? 40 : 3);
            len = len < n - at ? len : n - at;
            bool tried = false;
            assert_int_equal(keys_would_repeat(&k, text + at, n - at, &tried), LFM_OK);
            assert_int_equal(tried, !fine);
            assert_int_equal(keys_add(&k, text + at, len, &repeats), LFM_OK);
        }
        if (repeats == fine) {
            fail_msg("%.*s", (int)n, text);
        }
        n_repeats += repeats;
        n_fine += fine;
        keys_drop(&k);
        json_doc_free(&doc);
    }
    print_message("%zu texts with a key twice, %zu without\n", n_repeats, n_fine);
    assert_true(n_repeats > 300 && n_fine > 3000);
    automaton_free(a);
    grammar_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_trying),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_reset_and_copy),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
