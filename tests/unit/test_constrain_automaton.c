/*
 * test_constrain_automaton.c - states, against a matcher that tries everything.
 */
#include "constrain/engine/automaton.h"
#include "constrain/engine/outline.h"

#include "../support/hurry.h"
#include "../support/random_grammar.h"
#include "base/rng.h"
#include "constrain/gbnf/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Tables --------------------------------------------------------------------------------- */

/* 0 dead, 1 alive, 2 accepted. */
static int run(const char *text, const char *input, size_t n) {
    grammar g;
    automaton *a = NULL;
    lfm_error err = {0};
    if (gbnf_compile(&g, text, strlen(text), &err) != LFM_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    assert_int_equal(automaton_new(&a, &g, &err), LFM_OK);
    uint32_t state = a->start;
    automaton_pin pin = {0};
    automaton_hold(a, &pin, &state, 1);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(automaton_step(a, &state, (uint8_t)input[i], &state, &err), LFM_OK);
    }
    const int result = automaton_bits(a, state) & STATE_ACCEPTS ? 2 : state != STATE_DEAD;
    automaton_release(a, &pin);
    automaton_free(a);
    grammar_free(&g);
    return result;
}

static void test_table(void **state) {
    (void)state;
    static const struct {
        const char *grammar, *text;
        int want;
    } cases[] = {
        {"root ::= \"ab\"", "", 1},
        {"root ::= \"ab\"", "a", 1},
        {"root ::= \"ab\"", "ab", 2},
        {"root ::= \"ab\"", "abc", 0},
        {"root ::= \"\"", "", 2},
        {"root ::= | \"x\"", "", 2},
        {"root ::= [a-c]+ \"!\"?", "abc", 2},
        {"root ::= [a-c]+ \"!\"?", "abd", 0},
        {"root ::= [^a-c\\n]", "\xe2\x82\xac", 2}, /* one character of three bytes */
        {"root ::= [^a-c\\n]", "\xe2\x82", 1},
        {"root ::= [^a-c\\n]", "\xed\xa0\x80", 0}, /* a surrogate */
        {"root ::= [^a-c\\n]", "\xc0\x80", 0},     /* overlong */
        {"root ::= .", "\n", 2},
        {"root ::= .{2}", "\xf0\x9f\x98\x80x", 2},
        {"root ::= \"\\u20ac\\x41\\U0001F600\"", "\xe2\x82\xac""A\xf0\x9f\x98\x80", 2},
        {"root ::= [\\u0430-\\u044f]{2}", "\xd0\xb6\xd1\x8f", 2},
        {"root ::= [\\u0430-\\u044f]{2}", "\xd0\xaf", 0},
        {"root ::= \"(\" root \")\" | \"x\"", "((x))", 2},
        {"root ::= \"(\" root \")\" | \"x\"", "((x)))", 0},
        {"root ::= a a\na ::= \"x\"? ", "x", 2},
        {"root ::= a a\na ::= \"x\"? ", "xxx", 0},
        {"root ::= (\"a\"{,2} \"b\"){2}", "abaab", 2},
        {"root ::= (\"a\"{,2} \"b\"){2}", "aaab", 0},
        {"root ::= ((\"\" | \"a\"*){5})*", "aaaa", 2},
        {"root ::= [ab]{70,80} [a]", "a", 1},
        {"root ::= # comment\n  (\n \"a\" # more\n | \"b\"\n)\n", "b", 2},
        {"root ::= \"a\" |\n \"b\"\r\nx ::= \"c\"", "b", 2},
        {"root ::= dead-end | \"ok\"\ndead-end ::= \"o\" dead-end", "oo", 0}, /* it never ends */
        {"root ::= dead-end | \"ok\"\ndead-end ::= \"o\" dead-end", "o", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int got = run(cases[i].grammar, cases[i].text, strlen(cases[i].text));
        if (got != cases[i].want) {
            fail_msg("%s on '%s': %d, not %d", cases[i].grammar, cases[i].text, got,
                     cases[i].want);
        }
    }
}

/* Counters at and around their ends. */
static void test_counts(void **state) {
    (void)state;
    static const struct {
        const char *grammar;
        size_t n;
        int want;
    } cases[] = {
        {"root ::= [ab]{70,80}", 69, 1},         {"root ::= [ab]{70,80}", 70, 2},
        {"root ::= [ab]{70,80}", 80, 2},         {"root ::= [ab]{70,80}", 81, 0},
        {"root ::= [ab]{1000}", 999, 1},         {"root ::= [ab]{1000}", 1000, 2},
        {"root ::= [ab]{1000}", 1001, 0},        {"root ::= [ab]{900,}", 899, 1},
        {"root ::= [ab]{900,}", 900, 2},         {"root ::= [ab]{900,}", 5000, 2},
        {"root ::= [ab]{,300}", 0, 2},           {"root ::= [ab]{,300}", 300, 2},
        {"root ::= [ab]{,300}", 301, 0},         {"root ::= ([ab]{10}){20,30}", 200, 2},
        {"root ::= ([ab]{10}){20,30}", 205, 1},  {"root ::= ([ab]{10}){20,30}", 300, 2},
        {"root ::= ([ab]{10}){20,30}", 301, 0},  {"root ::= (\"a\"?){100}", 0, 2},
        {"root ::= (\"a\"?){100}", 100, 2},      {"root ::= (\"a\"?){100}", 101, 0},
        {"root ::= (\"a\"{1,3}){100}", 99, 1},   {"root ::= (\"a\"{1,3}){100}", 100, 2},
        {"root ::= (\"a\"{1,3}){100}", 300, 2},  {"root ::= (\"a\"{1,3}){100}", 301, 0},
        {"root ::= (\"a\"{30,40}){3,4} ", 119, 2}, {"root ::= (\"a\"{30,40}){3,4} ", 89, 1},
        {"root ::= [ab]{1,1000000}", 3000, 2},
    };
    char *text = malloc(6000);
    assert_non_null(text);
    memset(text, 'a', 6000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int got = run(cases[i].grammar, text, cases[i].n);
        if (got != cases[i].want) {
            fail_msg("%s on %zu times a: %d, not %d", cases[i].grammar, cases[i].n, got,
                     cases[i].want);
        }
    }
    free(text);
}

/* ---- Joined and outlined -------------------------------------------------------------------- */

static void follow(automaton *a, uint32_t *state, const char *text) {
    for (; *text; text++) {
        assert_int_equal(automaton_step(a, state, (uint8_t)*text, state, NULL), LFM_OK);
    }
}

/* Both ways to read a text go on, in the order of the states or the other. */
static void test_join(void **state) {
    (void)state;
    static const char text[] =
        "root ::= \"a\" [xy] \"1\" | \"b\" ([yz] \"2\" | \"w\")? | \"c\" \"x\" \"3\"";
    static const char *const good[] = {"x1", "y1", "y2", "z2", "w", ""};
    static const char *const bad[] = {"x2", "z1", "x3", "v"};
    grammar g;
    automaton *a = NULL;
    assert_int_equal(gbnf_compile(&g, text, sizeof text - 1, NULL), LFM_OK);
    assert_int_equal(automaton_new(&a, &g, NULL), LFM_OK);
    for (int turned = 0; turned < 2; turned++) {
        uint32_t states[3] = {a->start, a->start, STATE_DEAD};
        automaton_pin pin = {0};
        automaton_hold(a, &pin, states, 3);
        follow(a, &states[turned], "a");
        follow(a, &states[!turned], "b");
        assert_int_equal(automaton_join(a, states, &states[2], NULL), LFM_OK);
        for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
            const bool is_good = i < sizeof good / sizeof *good;
            uint32_t at = states[2];
            follow(a, &at, is_good ? good[i] : bad[i - sizeof good / sizeof *good]);
            assert_int_equal(automaton_bits(a, at) & STATE_ACCEPTS, is_good ? STATE_ACCEPTS : 0);
        }
        states[0] = STATE_DEAD; /* one way only */
        assert_int_equal(automaton_join(a, states, &states[2], NULL), LFM_OK);
        assert_int_equal(states[2], states[1]);
        automaton_release(a, &pin);
    }
    automaton_free(a);
    grammar_free(&g);
}

/* Is a text accepted by a view: by its outline up to some cut, and then by what follows that? */
static bool view_accepts(automaton *a, const automaton_view *v, const char *text) {
    uint32_t at = v->states[0];
    bool accepts = false;
    for (; *text; text++) {
        assert_int_equal(automaton_step(a, &at, (uint8_t)*text, &at, NULL), LFM_OK);
        for (uint32_t cut = 1; cut <= v->n; cut++) {
            uint32_t below = v->states[cut];
            if (automaton_bits(a, at) >> cut & 1) {
                follow(a, &below, text + 1);
                accepts = accepts || automaton_bits(a, below) & STATE_ACCEPTS;
            }
        }
    }
    return accepts;
}

/* States that differ far below look the same to a short text. */
static void test_outline(void **state) {
    (void)state;
    static const char text[] =
        "root ::= list\nlist ::= \"[\" (item (\",\" item)*)? \"]\"\n"
        "item ::= list | \"(\" list \")\"";
    static const char *const texts[3][2] = {
        {"[[[[", "[[],([])]" "]]]]"},
        {"[[([[", "[[],([])]" "]])]]"},
        {"[[[[[[[", "[[],([])]" "]]]]]]]"},
    };
    grammar g;
    automaton *a = NULL;
    automaton_view views[3];
    automaton_pin pins[3] = {{0}};
    assert_int_equal(gbnf_compile(&g, text, sizeof text - 1, NULL), LFM_OK);
    assert_int_equal(automaton_new(&a, &g, NULL), LFM_OK);
    for (size_t i = 0; i < 3; i++) {
        uint32_t at = a->start;
        automaton_pin pin = {0};
        automaton_hold(a, &pin, &at, 1);
        follow(a, &at, texts[i][0]);
        assert_int_equal(automaton_outline(a, &at, 32, &views[i], NULL), LFM_OK);
        automaton_hold(a, &pins[i], views[i].states, OUTLINE_MAX + 1);
        assert_true(views[i].n >= 1 && views[i].states[0] != at);
        assert_int_equal(views[i].states[0], views[0].states[0]);
        automaton_release(a, &pin);
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(view_accepts(a, &views[i], texts[k][1]), i == k);
        }
        automaton_release(a, &pins[i]);
    }
    automaton_free(a);
    grammar_free(&g);
}

/* ---- Random grammars ------------------------------------------------------------------------ */

typedef struct {
    random_grammar rg;
    char text[8000];
    grammar g;
    automaton *a;
} subject;

/* False for grammars that are refused with good reason. */
static bool make_subject(subject *s, uint64_t seed) {
    lfm_error err = {0};
    rg_make(&s->rg, seed);
    const size_t len = rg_print(&s->rg, s->text, sizeof s->text);
    assert_true(len < sizeof s->text);
    if (gbnf_compile(&s->g, s->text, len, &err) != LFM_OK) {
        if (!strstr(err.text, "begins with itself") && !strstr(err.text, "no text satisfies")) {
            fail_msg("seed %d: %s\n%s", (int)seed, err.text, s->text);
        }
        return false;
    }
    assert_int_equal(automaton_new(&s->a, &s->g, &err), LFM_OK);
    return true;
}

static void drop_subject(subject *s) {
    automaton_free(s->a);
    grammar_free(&s->g);
}

/* Some text must lead from every living state to the end. */
static void check_way_out(subject *s, uint32_t from, uint64_t seed) {
    enum { MANY = 400 };
    static const uint8_t bytes[] = {'a', 'b', 'c', 0xc3, 0xa9, 'x', 0xf0, 0x90, 0x80};
    uint32_t queue[MANY];
    automaton_pin pin = {0};
    size_t n = 1;
    queue[0] = from;
    memset(queue + 1, 0, sizeof queue - sizeof *queue);
    automaton_hold(s->a, &pin, queue, MANY);
    bool found = false;
    for (size_t i = 0; i < n && n < MANY - sizeof bytes && !found; i++) {
        found = automaton_bits(s->a, queue[i]) & STATE_ACCEPTS;
        for (size_t b = 0; b < sizeof bytes && !found; b++) {
            assert_int_equal(automaton_step(s->a, &queue[i], bytes[b], &queue[n], NULL), LFM_OK);
            bool known = queue[n] == STATE_DEAD;
            for (size_t k = 0; k < n; k++) {
                known |= queue[k] == queue[n];
            }
            n += !known;
        }
        if (i + 1 == n && !found) {
            fail_msg("seed %d: a state without a way out\n%s", (int)seed, s->text);
        }
    }
    automaton_release(s->a, &pin);
}

static void compare(subject *s, const char *text, size_t n, uint32_t state, uint64_t seed) {
    const bool got = automaton_bits(s->a, state) & STATE_ACCEPTS;
    const bool want = rg_matches(&s->rg, text, n);
    if (got != want) {
        fail_msg("seed %d: '%.*s' is %saccepted\n%s", (int)seed, (int)n, text,
                 got ? "" : "not ", s->text);
    }
}

/* All texts of up to 5 characters. */
static void check_short_texts(subject *s, uint64_t seed) {
    static const char *const letters[] = {"a", "b", "c", "\xc3\xa9"};
    for (int n = 0; n <= 5; n++) {
        for (int which = 0; which < 1 << 2 * n; which++) {
            char text[16];
            size_t len = 0;
            for (int i = 0; i < n; i++) {
                const char *letter = letters[which >> 2 * i & 3];
                memcpy(text + len, letter, strlen(letter));
                len += strlen(letter);
            }
            uint32_t state = s->a->start;
            for (size_t i = 0; i < len; i++) {
                assert_int_equal(automaton_step(s->a, &state, (uint8_t)text[i], &state, NULL),
                                 LFM_OK);
            }
            compare(s, text, len, state, seed);
            if (state != STATE_DEAD && n <= 2) {
                check_way_out(s, state, seed);
            }
        }
    }
}

/* Long texts that the automaton lets through, byte by byte. */
static void check_long_texts(subject *s, uint64_t seed) {
    static const uint8_t bytes[] = {'a', 'b', 'c', 0xc3, 0xa9};
    for (uint64_t k = 0; k < 30; k++) {
        char text[RG_MAX_TEXT];
        uint32_t state = s->a->start;
        for (size_t n = 0; n < RG_MAX_TEXT; n++) {
            uint32_t next = STATE_DEAD;
            for (uint64_t try = 0; try < 8 && next == STATE_DEAD; try++) {
                const uint64_t random = rng_at(seed + 1000 * k, 10 * n + try);
                text[n] = (char)bytes[random % sizeof bytes];
                assert_int_equal(automaton_step(s->a, &state, (uint8_t)text[n], &next, NULL),
                                 LFM_OK);
            }
            state = next;
            compare(s, text, n + 1, state, seed);
            if (state == STATE_DEAD) {
                break;
            }
        }
    }
}

static void test_random_grammars(void **state) {
    (void)state;
    static subject s;
    size_t n = 0;
    size_t n_counted = 0;
    const uint64_t n_seeds = test_all() ? 3000 : is_sanitized() ? 500 : 1500;
    for (uint64_t seed = 1; seed <= n_seeds; seed++) {
        if (make_subject(&s, seed)) {
            check_short_texts(&s, seed);
            check_long_texts(&s, seed);
            n++;
            n_counted += s.g.n_repeats > 0;
            drop_subject(&s);
        }
    }
    print_message("%zu grammars, %zu with counters\n", n, n_counted);
    assert_true(n > n_seeds / 3 && n_counted > n_seeds / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_outline),
        cmocka_unit_test(test_random_grammars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
