/*
 * fuzz_grammar.c - any text as a GBNF grammar: compiled, or refused in one line.
 *
 * The first byte is the seed of random texts.  What the grammar generates it accepts, also while
 * it forgets its states all the time; no way leads into a dead end; and the mask of a small
 * vocabulary is what trying every token gives.
 */
#include "fuzz.h"

#include "../support/grammar_walk.h"
#include "base/rng.h"
#include "constrain/engine/mask.h"
#include "constrain/gbnf/compile.h"

#include <string.h>

enum { MAX_TEXT = 200, SMALL_BUDGET = 8192, N_SHORT = 256, N_VOCAB = N_SHORT + 64 };

/* Every prefix must be accepted by the one exactly when it is by the other. */
static void check_forgetful(const grammar *g, const char *text, size_t n) {
    automaton *a = NULL;
    size_t bytes_read = 0;
    lfm_error err = {0};
    if (automaton_new(&a, g, &err) != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
        return;
    }
    a->budget = SMALL_BUDGET;
    const uint64_t work = a->work;
    const bool accepts = grammar_accepts(a, text, n, &bytes_read);
    FUZZ_CHECK(accepts || bytes_read < n); /* ended early only when memory was too small */
    if (bytes_read < n) {
        uint32_t state = a->start;
        automaton_pin pin = {0};
        lfm_status st = LFM_OK;
        automaton_hold(a, &pin, &state, 1);
        for (size_t i = 0; i < n && st == LFM_OK; i++) {
            st = automaton_step(a, &state, (uint8_t)text[i], &state, &err);
        }
        automaton_release(a, &pin);
        FUZZ_CHECK(st == LFM_ERR_UNSUPPORTED || st == LFM_ERR_MEMORY);
    }
    FUZZ_CHECK(a->work >= work);
    automaton_free(a);
}

/* All single bytes, and pieces of a text that the grammar allows. */
static void make_vocab(trie_text *texts, char *bytes, uint64_t seed, const char *text, size_t n) {
    for (size_t i = 0; i < N_SHORT; i++) {
        bytes[i] = (char)i;
        texts[i] = (trie_text){bytes + i, 1};
    }
    for (size_t i = N_SHORT; i < N_VOCAB; i++) {
        const size_t at = n ? (size_t)(rng_at(seed, 2 * i) % n) : 0;
        const size_t most = n - at < 40 ? n - at : 40;
        texts[i] = (trie_text){text + at, (size_t)(rng_at(seed, 2 * i + 1) % (most + 1))};
    }
}

static bool can_follow(automaton *a, uint32_t state, trie_text t, bool *known) {
    automaton_pin pin = {0};
    automaton_hold(a, &pin, &state, 1);
    for (size_t i = 0; i < t.len && *known; i++) {
        *known = automaton_step(a, &state, (uint8_t)t.ptr[i], &state, NULL) == LFM_OK;
    }
    automaton_release(a, &pin);
    return t.len > 0 && state != STATE_DEAD;
}

/* The masks at some places of the text. */
static void check_masks(automaton *a, uint64_t seed, const char *text, size_t n) {
    static trie_text texts[N_VOCAB];
    static char bytes[N_SHORT];
    mask_vocab vocab = {0};
    mask m = {0};
    uint32_t state = a->start;
    automaton_pin pin = {0};
    lfm_error err = {0};
    make_vocab(texts, bytes, seed, text, n);
    FUZZ_CHECK(mask_vocab_init(&vocab, texts, N_VOCAB, &err) == LFM_OK);
    FUZZ_CHECK(mask_init(&m, &vocab, a, NULL, &err) == LFM_OK);
    automaton_hold(a, &pin, &state, 1);
    bool good = true;
    for (size_t i = 0; i <= n && good; i++) {
        const uint64_t *bits = NULL;
        if (i % (n / 3 + 1) == 0) {
            good = mask_get(&m, &state, &bits, &err) == LFM_OK;
            for (size_t t = 0; t < N_VOCAB && good; t++) {
                const bool can = can_follow(a, state, texts[t], &good);
                FUZZ_CHECK(!good || can == (bits[t / 64] >> t % 64 & 1));
            }
        }
        good = good && (i == n || automaton_step(a, &state, (uint8_t)text[i], &state, &err) ==
                                      LFM_OK);
    }
    automaton_release(a, &pin);
    mask_drop(&m);
    mask_vocab_drop(&vocab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    grammar g = {0};
    automaton *a = NULL;
    lfm_error err = {0};
    char text[MAX_TEXT];
    size_t n = 0;
    if (size == 0) {
        return 0;
    }
    lfm_status st = gbnf_compile(&g, (const char *)data + 1, size - 1, &err);
    st = st == LFM_OK ? automaton_new(&a, &g, &err) : st;
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
        FUZZ_CHECK(st == LFM_ERR_ARG || st == LFM_ERR_UNSUPPORTED || st == LFM_ERR_MEMORY);
        grammar_free(&g);
        return 0;
    }
    for (uint64_t i = 0; i < 3; i++) {
        const walk_end end = grammar_walk(a, data[0] + 256 * i, text, sizeof text, &n);
        FUZZ_CHECK(end != WALK_STUCK);
        if (end == WALK_COMPLETE) {
            FUZZ_CHECK(grammar_accepts(a, text, n, NULL));
            check_forgetful(&g, text, n);
        }
        if (i == 0 && end != WALK_GAVE_UP && g.n_tokens == 0) {
            check_masks(a, data[0], text, n);
        }
    }
    automaton_free(a);
    grammar_free(&g);
    return 0;
}
