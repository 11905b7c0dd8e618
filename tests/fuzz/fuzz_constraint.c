/*
 * fuzz_constraint.c - any text as the form of an answer, of every kind, with a vocabulary.
 *
 * The first byte chooses the kind, the second is the seed of what a model might want.  Every token
 * that the mask leaves can follow, tokens that must follow do, and a clone sees the same.  A
 * complete answer to a schema is JSON as strict readers take it: no key comes twice.
 */
#include "fuzz.h"

#include "../support/vocab.h"
#include "api/internal.h"
#include "base/json.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { MAX_STEPS = 40, N_KINDS = LFM_CONSTRAINT_TOOL + 1 };

static lfm_model whole; /* nothing but a vocabulary */
static const lfm_model *const model = &whole;
static float *logits;
static float *wanted;
static size_t n_vocab;

/* All bytes, some words, the tags of thoughts and the markers of calls. */
static void prepare(void) {
    static const char *const merges[] = {
        "t r", "tr u", "tru e", "\" :", "\": \xc4\xa0", "{ \"", ", \xc4\xa0", "> \xc4\x8a", "a b",
        "\xc3\xa3 \xc4\xa3",
    };
    static const vocab_token extra[] = {
        {"<s>", 3}, {"<|im_end|>", 3}, {"<|tool_call_start|>", 3}, {"<|tool_call_end|>", 3},
        {"<think>", 4}, {"</think>", 4}, {"[X]", 2},
    };
    static const char *const ids[] = {"eos", "1"};
    static const vocab_spec spec = {
        .extra = extra, .n_extra = sizeof extra / sizeof *extra, .ids = ids, .n_ids = 1,
        .merges = merges, .n_merges = sizeof merges / sizeof *merges,
    };
    static gguf_file file;
    size_t n = 0;
    lfm_error err = {0};
    uint8_t *bytes = vocab_file(&spec, &n);
    if (gguf_parse(&file, bytes, n, "vocab", &err) != LFM_OK ||
        tok_load(&whole.tok, &file, &err) != LFM_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    n_vocab = tok_n_vocab(whole.tok);
    logits = calloc(n_vocab, sizeof *logits);
    wanted = calloc(n_vocab, sizeof *wanted);
    FUZZ_CHECK(logits && wanted);
}

/* The token that the model wants most, and may have; -1 when there is none. */
static int32_t best_token(void) {
    int32_t best = -1;
    for (size_t i = 0; i < n_vocab; i++) {
        if (logits[i] > -INFINITY && (best < 0 || logits[i] > logits[best])) {
            best = (int32_t)i;
        }
    }
    return best;
}

/* Accept a token; its bytes go into `text`. */
static lfm_status accept(lfm_constraint *c, int32_t token, json_out *text) {
    lfm_error err = {0};
    size_t n = 0;
    const char *bytes = tok_bytes(whole.tok, token, &n);
    const lfm_status st = lfm_constraint_accept(c, token, &err);
    FUZZ_CHECK(st == LFM_OK || st == LFM_ERR_UNSUPPORTED);
    json_write_raw(text, bytes, st == LFM_OK && !lfm_token_is_end(model, token) ? n : 0);
    return st;
}

static bool accept_forced(lfm_constraint *c, json_out *text) {
    int32_t *forced = NULL;
    size_t n = 0;
    lfm_error err = {0};
    const bool good = lfm_constraint_forced(c, &forced, &n, &err) == LFM_OK;
    FUZZ_CHECK(good || err.status == LFM_ERR_UNSUPPORTED || err.status == LFM_ERR_MEMORY);
    for (size_t i = 0; i < n && good; i++) {
        accept(c, forced[i], text);
    }
    lfm_free(forced);
    return good;
}

/* The mask of a clone, bit for bit. */
static void check_clone(lfm_constraint *c) {
    lfm_constraint *clone = NULL;
    float *own = calloc(n_vocab, sizeof *own);
    FUZZ_CHECK(own && lfm_constraint_clone(&clone, c, NULL) == LFM_OK);
    memcpy(own, wanted, n_vocab * sizeof *own);
    if (lfm_constraint_mask(clone, own, NULL) == LFM_OK) {
        FUZZ_CHECK(memcmp(own, logits, n_vocab * sizeof *own) == 0);
    }
    lfm_constraint_free(clone);
    free(own);
}

/* A complete answer is JSON, no deeper than a reader goes. */
static void check_json(const json_out *text) {
    json_doc doc = {0};
    lfm_error err = {0};
    FUZZ_CHECK(json_parse(&doc, text->ptr ? text->ptr : "", text->len, &err) == LFM_OK ||
               strstr(err.text, "nested deeper"));
    json_doc_free(&doc);
}

static void answer(lfm_constraint *c, uint64_t seed, json_out *text) {
    lfm_error err = {0};
    for (uint64_t step = 0; step < MAX_STEPS; step++) {
        for (size_t i = 0; i < n_vocab; i++) {
            wanted[i] = (float)rng_unit(rng_at(seed, step * n_vocab + i));
        }
        memcpy(logits, wanted, n_vocab * sizeof *logits);
        if (lfm_constraint_mask(c, logits, &err) != LFM_OK) {
            FUZZ_CHECK_ERROR(err);
            FUZZ_CHECK(err.status == LFM_ERR_UNSUPPORTED || err.status == LFM_ERR_MEMORY);
            return;
        }
        const int32_t token = best_token();
        FUZZ_CHECK(token >= 0);
        if (step % 16 == 3) {
            check_clone(c);
        }
        const bool ends = lfm_token_is_end(model, token);
        FUZZ_CHECK(!ends || lfm_constraint_is_complete(c) || !lfm_constraint_has_begun(c));
        const lfm_status st = accept(c, token, text);
        if (st != LFM_OK || ends || !accept_forced(c, text)) {
            return;
        }
        FUZZ_CHECK(!lfm_constraint_is_final(c) || lfm_constraint_is_complete(c));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lfm_grammar *g = NULL;
    lfm_constraint *c = NULL;
    lfm_error err = {0};
    if (!whole.tok) {
        prepare();
    }
    if (size < 2) {
        return 0;
    }
    const lfm_constraint_kind kind = (lfm_constraint_kind)(data[0] % N_KINDS);
    const int flags = data[0] / N_KINDS % 2 ? LFM_CONSTRAINT_THOUGHTS : 0;
    lfm_status st = lfm_grammar_new(&g, kind, (const char *)data + 2, size - 2, &err);
    st = st == LFM_OK ? lfm_constraint_new(&c, model, g, flags, &err) : st;
    const bool is_json = kind == LFM_CONSTRAINT_JSON_SCHEMA || kind == LFM_CONSTRAINT_CONCISE;
    for (uint64_t round = 0; st == LFM_OK && round < 2; round++) {
        json_out text = {0};
        lfm_constraint_reset(c);
        FUZZ_CHECK(!lfm_constraint_is_final(c));
        answer(c, data[1] + 1000 * round, &text);
        if (is_json && flags == 0 && lfm_constraint_is_complete(c)) {
            check_json(&text);
        }
        json_out_free(&text);
    }
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
    }
    lfm_constraint_free(c);
    lfm_grammar_free(g);
    return 0;
}
