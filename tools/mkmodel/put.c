/*
 * put.c - keys that only makers of models write: texts, truth values, parts of a split file.
 */
#include "put.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SPLIT = 65535 };

void gguf_put_f32(gguf_writer *w, const char *name, float value) {
    gguf_put_value(w, name, GGUF_F32, &value);
}

void gguf_put_bool(gguf_writer *w, const char *name, bool value) {
    const uint8_t byte = value;
    gguf_put_value(w, name, GGUF_BOOL, &byte);
}

/* Texts as a file holds them: each after its length, a u64. */
static void put_texts(gguf_writer *w, const char *name, gguf_type type, const gguf_str *texts,
                      size_t n) {
    gguf_memory encoded = {0};
    const byte_sink sink = gguf_memory_sink(&encoded);
    lfm_status st = w->error.status;
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        const uint64_t len = texts[i].len;
        st = sink.write(sink.ctx, &len, sizeof len, &w->error);
        if (st == LFM_OK) st = sink.write(sink.ctx, texts[i].ptr, texts[i].len, &w->error);
    }
    if (st == LFM_OK) {
        const gguf_key key = {
            .name = {name, strlen(name)}, .type = type, .element = GGUF_STRING, .count = n,
            .data = encoded.data, .n_bytes = encoded.size,
        };
        gguf_put_key(w, &key);
    }
    gguf_memory_drop(&encoded);
}

void gguf_put_view(gguf_writer *w, const char *name, gguf_str text) {
    put_texts(w, name, GGUF_STRING, &text, 1);
}

void gguf_put_str(gguf_writer *w, const char *name, const char *text) {
    gguf_put_view(w, name, (gguf_str){text, strlen(text)});
}

void gguf_put_strings(gguf_writer *w, const char *name, const gguf_str *texts, size_t n) {
    put_texts(w, name, GGUF_ARRAY, texts, n);
}

void gguf_put_split(gguf_writer *w, uint32_t no, uint32_t count, uint64_t n_tensors) {
    const uint16_t part = (uint16_t)no;
    const uint16_t parts = (uint16_t)count;
    const int32_t tensors = (int32_t)n_tensors;
    if (count == 0 || count > MAX_SPLIT || no >= count || n_tensors > INT32_MAX) {
        err_set(&w->error, LFM_ERR_ARG,
                "cannot write part %" PRIu32 " of %" PRIu32 " of %" PRIu64 " tensors", no, count,
                n_tensors);
        return;
    }
    gguf_put_value(w, "split.no", GGUF_U16, &part);
    gguf_put_value(w, "split.count", GGUF_U16, &parts);
    gguf_put_value(w, "split.tensors.count", GGUF_I32, &tensors);
}

char *gguf_split_path(const char *path, uint32_t no, uint32_t count) {
    static const char suffix[] = ".gguf";
    size_t stem = strlen(path);
    if (stem >= sizeof suffix && strcmp(path + stem - (sizeof suffix - 1), suffix) == 0) {
        stem -= sizeof suffix - 1;
    }
    const size_t cap = stem + sizeof "-4294967296-of-4294967295.gguf";
    char *out = malloc(cap);
    if (out) {
        memcpy(out, path, stem);
        snprintf(out + stem, cap - stem, "-%05" PRIu64 "-of-%05" PRIu32 "%s", (uint64_t)no + 1,
                 count, suffix);
    }
    return out;
}
