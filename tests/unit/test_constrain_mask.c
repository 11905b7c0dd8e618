/*
 * test_constrain_mask.c - the tokens that may follow, against trying every token byte by byte.
 */
#include "constrain/engine/mask.h"

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

enum { MAX_VOCAB = 600 };

/* A vocabulary of texts over the letters of random grammars; some are long, some end inside a
 * character, some occur twice, some are empty. */
typedef struct {
    trie_text texts[MAX_VOCAB];
    char bytes[MAX_VOCAB][48];
    size_t n;
    mask_vocab vocab;
} vocabulary;

static void make_vocabulary(vocabulary *v, uint64_t seed, const char *letters) {
    const size_t n_letters = strlen(letters);
    uint64_t drawn = 0;
    v->n = 1 + rng_at(seed, drawn++) % MAX_VOCAB;
    for (size_t i = 0; i < v->n; i++) {
        const uint64_t kind = rng_at(seed, drawn++) % 16;
        const size_t len = kind == 0   ? 0
                           : kind == 1 ? 30 + rng_at(seed, drawn++) % 18
                                       : 1 + rng_at(seed, drawn++) % 6;
        for (size_t k = 0; k < len; k++) {
            v->bytes[i][k] = letters[rng_at(seed, drawn++) % n_letters];
        }
        v->texts[i] = (trie_text){v->bytes[i], len};
    }
    assert_int_equal(mask_vocab_init(&v->vocab, v->texts, v->n, NULL), LFM_OK);
}

static bool can_follow(automaton *a, uint32_t state, trie_text text) {
    automaton_pin pin = {0};
    automaton_hold(a, &pin, &state, 1);
    for (size_t i = 0; i < text.len; i++) {
        assert_int_equal(automaton_step(a, &state, (uint8_t)text.ptr[i], &state, NULL), LFM_OK);
    }
    automaton_release(a, &pin);
    return text.len > 0 && state != STATE_DEAD;
}

/* Compare every bit; returns how many are set. */
static size_t check_mask(mask *m, const vocabulary *v, const uint32_t *state, const char *what) {
    const uint64_t *bits = NULL;
    lfm_error err = {0};
    size_t n = 0;
    if (mask_get(m, state, &bits, &err) != LFM_OK) {
        fail_msg("%s: %s", what, err.text);
    }
    for (size_t i = 0; i < v->n; i++) {
        const bool got = bits[i / 64] >> i % 64 & 1;
        const bool want = can_follow(m->a, *state, v->texts[i]);
        if (got != want) {
            fail_msg("'%.*s' is %sallowed\n%s", (int)v->texts[i].len, v->texts[i].ptr,
                     got ? "" : "not ", what);
        }
        n += got;
    }
    return n;
}

/* Follow allowed tokens at random, and check every mask on the way. */
static size_t random_way(mask *m, const vocabulary *v, uint64_t seed, size_t n_steps,
                         const char *what) {
    uint32_t state = m->a->start;
    automaton_pin pin = {0};
    size_t n_checked = 0;
    automaton_hold(m->a, &pin, &state, 1);
    for (size_t k = 0; k < n_steps; k++) {
        const uint64_t *bits = NULL;
        const size_t n = check_mask(m, v, &state, what);
        n_checked++;
        if (n == 0) {
            break;
        }
        assert_int_equal(mask_get(m, &state, &bits, NULL), LFM_OK);
        size_t pick = rng_at(seed, k) % n;
        size_t token = 0;
        while (!(bits[token / 64] >> token % 64 & 1) || pick-- > 0) {
            token++;
        }
        for (size_t i = 0; i < v->texts[token].len; i++) {
            const uint8_t byte = (uint8_t)v->texts[token].ptr[i];
            assert_int_equal(automaton_step(m->a, &state, byte, &state, NULL), LFM_OK);
        }
    }
    automaton_release(m->a, &pin);
    return n_checked;
}

static void test_random_masks(void **state) {
    (void)state;
    static vocabulary v;
    static random_grammar rg;
    static char text[8000];
    size_t n_checked = 0;
    const uint64_t n_seeds = test_hurries() ? 500 : 1500;
    for (uint64_t seed = 1; seed <= n_seeds; seed++) {
        grammar g;
        automaton *a = NULL;
        mask m;
        rg_make(&rg, seed);
        if (gbnf_compile(&g, text, rg_print(&rg, text, sizeof text), NULL) != LFM_OK) {
            continue;
        }
        make_vocabulary(&v, seed, "aaabbc\xc3\xa9");
        assert_int_equal(automaton_new(&a, &g, NULL), LFM_OK);
        assert_int_equal(mask_init(&m, &v.vocab, a, NULL, NULL), LFM_OK);
        for (uint64_t k = 0; k < 8; k++) {
            n_checked += random_way(&m, &v, seed + 100 * k, 12, text);
        }
        mask_drop(&m);
        automaton_free(a);
        grammar_free(&g);
        mask_vocab_drop(&v.vocab);
    }
    print_message("%zu masks\n", n_checked);
    assert_true(n_checked > 7 * n_seeds);
}

/* Grammars as people write them, with tokens that cross the borders of rules, and strings whose
 * length is counted; memory so small that everything is forgotten again and again. */
static const char *const real[] = {
    "root ::= object\n"
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" ws ( string \":\" ws value (\",\" ws string \":\" ws value)* )? \"}\" ws\n"
    "array ::= \"[\" ws ( value (\",\" ws value)* )? \"]\" ws\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x7F\\x00-\\x1F] | \"\\\\\" ([\"\\\\bfnrt] | "
    "\"u\" [0-9a-f]{4}))* \"\\\"\" ws\n"
    "number ::= \"-\"? ([0-9] | [1-9] [0-9]{0,15}) (\".\" [0-9]+)? ws\n"
    "ws ::= | \" \" | \"\\n\" [ \\t]{0,20}\n",
    "root ::= \"[\" item (\",\" item){2,100} \"]\"\n"
    "item ::= \"\\\"\" char{3,70} \"\\\"\"\n"
    "char ::= [^\"\\\\\\n] | \"\\\\\" [\"n]\n",
    "root ::= line+\nline ::= [a-z]+ (\" \" [a-z]+)* \"\\n\"\n",
    ("root ::= expr\nexpr ::= term ([-+] term)*\n"
     "term ::= \"(\" expr \")\" | [0-9a]+ | \"\\\"\" [a-z]* \"\\\"\"\n"),
    /* Ambiguous: any of three readings of every letter. */
    "root ::= s\ns ::= \"a\" s s | \"a\" s | \"a\" | \"b\"\n",
};

static void test_real_masks(void **state) {
    (void)state;
    static vocabulary v;
    uint64_t n_forgotten = 0;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        for (uint64_t seed = 0; seed < 12; seed++) {
            grammar g;
            automaton *a = NULL;
            mask m;
            assert_int_equal(gbnf_compile(&g, real[i], strlen(real[i]), NULL), LFM_OK);
            make_vocabulary(&v, seed + 77, "\"\"\"{}[],,:: \n\\naa12-()");
            assert_int_equal(automaton_new(&a, &g, NULL), LFM_OK);
            assert_int_equal(mask_init(&m, &v.vocab, a, NULL, NULL), LFM_OK);
            if (seed % 3 == 0) {
                a->budget = 10000;
            }
            random_way(&m, &v, seed, 60, real[i]);
            n_forgotten += a->generation;
            mask_drop(&m);
            automaton_free(a);
            grammar_free(&g);
            mask_vocab_drop(&v.vocab);
        }
    }
    print_message("%d times forgotten\n", (int)n_forgotten);
    assert_true(n_forgotten > 50);
}

/* Tokens that the grammar names by themselves. */
/* Tokens from the multiple of 64 `first` on have texts or names. */
static void check_named(int32_t first) {
    static const char text[] = "root ::= <|go|> \"a\" !<[2]>+ \"b\"";
    trie_text texts[128 + 5] = {{0}};
    const trie_text last[] = {{"", 0}, {"a", 1}, {"c", 1}, {"ab", 2}, {"b", 1}};
    const int32_t ids[] = {first, first + 2}; /* <|go|>, and what [2] stands for */
    memcpy(texts + first, last, sizeof last);
    mask_vocab v;
    grammar g;
    automaton *a = NULL;
    mask m;
    const uint64_t *bits = NULL;
    assert_int_equal(mask_vocab_init(&v, texts, (size_t)first + 5, NULL), LFM_OK);
    assert_int_equal(gbnf_compile(&g, text, sizeof text - 1, NULL), LFM_OK);
    assert_int_equal(g.n_tokens, 2);
    assert_int_equal(g.tokens[1].id, 2);
    assert_true(g.tokens[1].negated);
    assert_memory_equal(g.names + g.tokens[0].name, "<|go|>", 6);
    assert_int_equal(automaton_new(&a, &g, NULL), LFM_OK);
    assert_int_equal(mask_init(&m, &v, a, ids, NULL), LFM_OK);
    uint32_t at = a->start;
    automaton_pin pin = {0};
    automaton_hold(a, &pin, &at, 1);
    assert_int_equal(mask_get(&m, &at, &bits, NULL), LFM_OK);
    assert_int_equal(bits[first / 64], 1);
    assert_true(first == 0 || bits[0] == 0);
    assert_int_equal(automaton_step_token(a, &at, (bool[]){true, false}, &at, NULL), LFM_OK);
    assert_int_equal(mask_get(&m, &at, &bits, NULL), LFM_OK);
    assert_int_equal(bits[first / 64], 1 << 1);
    assert_int_equal(automaton_step(a, &at, 'a', &at, NULL), LFM_OK);
    assert_int_equal(mask_get(&m, &at, &bits, NULL), LFM_OK);
    assert_int_equal(bits[first / 64], 1 << 1 | 1 << 3 | 1 << 4);
    assert_int_equal(automaton_step_token(a, &at, (bool[]){false, true}, &at, NULL), LFM_OK);
    assert_int_equal(automaton_step(a, &at, 'b', &at, NULL), LFM_OK);
    assert_true(automaton_bits(a, at) & STATE_ACCEPTS);
    automaton_release(a, &pin);
    mask_drop(&m);
    automaton_free(a);
    grammar_free(&g);
    mask_vocab_drop(&v);
}

static void test_named_tokens(void **state) {
    (void)state;
    check_named(0);
    check_named(64);
    check_named(128);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_masks),
        cmocka_unit_test(test_real_masks),
        cmocka_unit_test(test_named_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
