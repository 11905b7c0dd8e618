/*
 * vocab.c - makes small GGUF files that hold nothing but a tokenizer, for tests.
 */
#include "vocab.h"

#include "put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_key(buffer *b, const char *name, uint32_t type, uint64_t *n_keys) {
    char full[64];
    snprintf(full, sizeof full, "tokenizer.ggml.%s", name);
    put_str(b, full, strlen(full));
    put_u32(b, type);
    (*n_keys)++;
}

typedef struct {
    buffer texts; /* strings with their lengths, as in the file */
    buffer types;
    size_t n;
} token_list;

static bool has_token(const token_list *l, const char *s, size_t len) {
    for (size_t at = 0; at < l->texts.n;) {
        uint64_t have;
        memcpy(&have, l->texts.bytes + at, sizeof have);
        if (have == len && memcmp(l->texts.bytes + at + 8, s, len) == 0) {
            return true;
        }
        at += 8 + (size_t)have;
    }
    return false;
}

static void add_token(token_list *l, const char *s, size_t len, uint32_t type) {
    put_str(&l->texts, s, len);
    put_u32(&l->types, type);
    l->n++;
}

/* A vocabulary without merges is refused: this one has no part in any test. */
static const char *const usual_merges[] = {"~ ~"};

static void make_tokens(const vocab_spec *spec, token_list *l) {
    for (size_t i = 0; i < spec->n_extra; i++) {
        add_token(l, spec->extra[i].text, strlen(spec->extra[i].text), spec->extra[i].type);
    }
    for (int b = 0; b < 256; b++) {
        char letter[2];
        const size_t len = byte_letter(b, letter);
        if (b + 1 != spec->drop_byte) {
            add_token(l, letter, len, 1);
        }
    }
    for (size_t i = 0; i < spec->n_merges; i++) {
        const char *space = strchr(spec->merges[i], ' ');
        char joined[256];
        const int len = space ? snprintf(joined, sizeof joined, "%.*s%s",
                                         (int)(space - spec->merges[i]), spec->merges[i], space + 1)
                              : 0;
        if (len > 0 && len < (int)sizeof joined && !has_token(l, joined, (size_t)len)) {
            add_token(l, joined, (size_t)len, 1);
        }
    }
    if (spec->long_token > 0) {
        char *text = must(malloc(spec->long_token));
        memset(text, 'x', spec->long_token);
        add_token(l, text, spec->long_token, 1);
        free(text);
    }
}

static void put_types(buffer *b, const vocab_spec *spec, const token_list *l, uint64_t *n_keys) {
    put_key(b, "token_type", 9, n_keys);
    put_u32(b, spec->types_kind ? spec->types_kind : 5);
    const size_t count = (size_t)((long)l->n + spec->more_types);
    put_u64(b, count);
    const size_t width = spec->types_kind == 0 || spec->types_kind == 4 ? 4 : 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t type = 1;
        if (i < l->n) {
            memcpy(&type, l->types.bytes + 4 * i, sizeof type);
        }
        put(b, &type, width); /* little endian: the low bytes come first */
    }
}

static void put_merges(buffer *b, const vocab_spec *spec, uint64_t *n_keys) {
    put_key(b, "merges", 9, n_keys);
    put_u32(b, 8);
    put_u64(b, spec->n_merges);
    for (size_t i = 0; i < spec->n_merges; i++) {
        put_str(b, spec->merges[i], strlen(spec->merges[i]));
    }
}

static void put_text_key(buffer *b, const char *name, const char *value, const char *usual,
                         uint64_t *n_keys) {
    if (value && value[0] == '\0') {
        return;
    }
    put_key(b, name, 8, n_keys);
    put_str(b, value ? value : usual, strlen(value ? value : usual));
}

static void put_keys(buffer *b, const vocab_spec *spec, const token_list *l, uint64_t *n_keys) {
    put_text_key(b, "model", spec->model, "gpt2", n_keys);
    put_text_key(b, "pre", spec->pre, "lfm2", n_keys);
    put_key(b, "tokens", 9, n_keys);
    if (spec->tokens_kind == 0) {
        put_u32(b, 8);
        put_u64(b, l->n);
        put(b, l->texts.bytes, l->texts.n);
    } else { /* one number of one byte each */
        put_u32(b, spec->tokens_kind);
        put_u64(b, l->texts.n);
        put(b, l->texts.bytes, l->texts.n);
    }
    if (!spec->no_types) {
        put_types(b, spec, l, n_keys);
    }
    if (!spec->no_merges) {
        put_merges(b, spec, n_keys);
    }
    for (size_t i = 0; i < spec->n_ids; i++) {
        char name[48];
        snprintf(name, sizeof name, "%s_token_id", spec->ids[2 * i]);
        put_key(b, name, 4, n_keys);
        put_u32(b, (uint32_t)strtoul(spec->ids[2 * i + 1], NULL, 10));
    }
    if (spec->add_bos != 0) {
        const uint8_t value = spec->add_bos == 2;
        put_key(b, "add_bos_token", 7, n_keys);
        put(b, &value, 1);
    }
}

uint8_t *vocab_file(const vocab_spec *wanted, size_t *size) {
    vocab_spec completed = *wanted;
    const vocab_spec *spec = &completed;
    if (spec->n_merges == 0 && !spec->no_merges && !spec->empty_merges) {
        completed.merges = usual_merges;
        completed.n_merges = 1;
    }
    token_list list = {0};
    buffer keys = {0};
    uint64_t n_keys = 0;
    make_tokens(spec, &list);
    put_keys(&keys, spec, &list, &n_keys);

    buffer file = {0};
    const char tensor[] = "token_embd.weight"; /* one value: a file without tensors is refused */
    put(&file, "GGUF", 4);
    put_u32(&file, 3);
    put_u64(&file, 1);
    put_u64(&file, n_keys);
    put(&file, keys.bytes, keys.n);
    put_str(&file, tensor, strlen(tensor));
    put_u32(&file, 1);
    put_u64(&file, 1);
    put_u32(&file, 0);
    put_u64(&file, 0);
    const uint8_t zeros[64] = {0};
    put(&file, zeros, (32 - file.n % 32) % 32 + 4);
    free(list.texts.bytes);
    free(list.types.bytes);
    free(keys.bytes);
    *size = file.n;
    return file.bytes;
}
