/*
 * fuzz_tokenizer.c - any bytes become tokens and, decoded, the same bytes again.
 *
 * The first byte chooses whether names of control tokens are found in the text.
 */
#include "fuzz.h"

#include "../support/vocab.h"
#include "token/tokenizer.h"

#include <string.h>

/* A vocabulary with everything that can go wrong: nested merges, a token that is never reached,
 * names inside names, user-defined tokens. */
static const tokenizer *made(void) {
    static const char *const merges[] = {
        "a a", "aa aa", "aaaa aaaa", "t h", "th e", "\xc4\xa0 the", "\xc4\xa0 t",
        "\xc4\x8a \xc4\x8a", "\xc4\xa0 \xc4\xa0", "\xc4\xa0\xc4\xa0 \xc4\xa0\xc4\xa0",
        "1 2", "12 3", "\xc3\xa3 \xc4\xa3", "' s", "b a", "ba na", "n a",
    };
    static const vocab_token extra[] = {
        {"<s>", 3}, {"<|im_start|>", 3}, {"<|im_end|>", 3}, {"<|im_", 4}, {"<<", 4}, {"<<<", 4},
        {"[X]", 2}, {"unused", 5},
    };
    static const vocab_spec spec = {
        .extra = extra, .n_extra = sizeof extra / sizeof *extra,
        .merges = merges, .n_merges = sizeof merges / sizeof *merges,
    };
    static tokenizer *t;
    static gguf_file g;
    if (!t) {
        size_t n = 0;
        lfm_error err = {0};
        uint8_t *bytes = vocab_file(&spec, &n);
        if (gguf_parse(&g, bytes, n, "vocab", &err) != LFM_OK || tok_load(&t, &g, &err) != LFM_OK) {
            fprintf(stderr, "%s\n", err.text);
            abort();
        }
    }
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const tokenizer *t = made();
    if (size == 0) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    const size_t n = size - 1;
    const bool special = data[0] & 1;
    tok_list list = {0};
    lfm_error err = {0};
    FUZZ_CHECK(tok_encode(t, text, n, special, &list, &err) == LFM_OK);
    size_t at = 0;
    for (size_t i = 0; i < list.n; i++) {
        size_t len = 0;
        const char *bytes = tok_bytes(t, list.ids[i], &len);
        FUZZ_CHECK(len > 0 && len <= n - at && memcmp(bytes, text + at, len) == 0);
        FUZZ_CHECK(special || !tok_is_control(t, list.ids[i]));
        at += len;
    }
    FUZZ_CHECK(at == n);
    tok_list_free(&list);
    return 0;
}
