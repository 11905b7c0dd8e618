/*
 * fuzz_gguf.c - any bytes as a model file: read, or refused in one line.
 *
 * What was accepted is walked to the last byte: every value as text, every span, every name found
 * again by the index.
 */
#include "fuzz.h"

#include "gguf/format.h"
#include "gguf/gguf.h"

#include <string.h>

static void walk_keys(const gguf_file *g) {
    for (size_t i = 0; i < g->n_keys; i++) {
        const gguf_key *key = &g->keys[i];
        char text[200];
        gguf_format_value(key, text, sizeof text);
        FUZZ_CHECK(memchr(text, '\0', sizeof text) != NULL);
        if (key->type == GGUF_ARRAY && key->element == GGUF_STRING) {
            const uint8_t *at = key->data;
            for (uint64_t k = 0; k < key->count; k++) {
                const gguf_str s = gguf_next_str(&at);
                FUZZ_CHECK((const uint8_t *)s.ptr + s.len <= key->data + key->n_bytes);
            }
        }
    }
}

/* Every tensor is found by its name, inside the file, and overlaps no other. */
static void walk_tensors(const gguf_file *g, const uint8_t *data, size_t size) {
    uint64_t sum = 0;
    for (size_t i = 0; i < g->n_tensors; i++) {
        const gguf_tensor *t = &g->tensors[i];
        char name[64];
        FUZZ_CHECK(t->name.len < sizeof name);
        memcpy(name, t->name.ptr, t->name.len);
        name[t->name.len] = '\0';
        FUZZ_CHECK(gguf_get_tensor(g, name) == t);
        FUZZ_CHECK(t->data >= data && t->n_bytes <= size);
        FUZZ_CHECK((size_t)(t->data - data) <= size - t->n_bytes);
        sum += t->n_bytes;
    }
    FUZZ_CHECK(sum <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gguf_file g;
    lfm_error err = {0};
    if (gguf_parse(&g, data, size, "x.gguf", &err) == LFM_OK) {
        walk_keys(&g);
        walk_tensors(&g, data, size);
    } else {
        FUZZ_CHECK_ERROR(err);
    }
    gguf_close(&g);
    return 0;
}
