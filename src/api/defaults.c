/*
 * defaults.c - the sampler settings that a model asks for: its card's, or those in its file.
 */
#include "api/defaults.h"

#include "gguf/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { ANY, LFM2, LFM25 } generation;

enum { LARGE_VOCABULARY = 100000 }; /* 128,000 tokens; those of the other models are 65,536 */

/* A model is the first row whose marks all fit; 0 and NULL fit any. */
static const struct {
    const char *card;
    const char *word; /* in its name */
    generation made;
    const char *arch;
    uint32_t n_layer, n_embd, least_vocab;
    float temperature;
    int32_t top_k; /* 0 = off */
    float top_p, min_p, repeat;
} cards[] = {
    /* For one task: most cards ask for greedy decoding. */
    {"LFM2-Extract", "extract", ANY, NULL, 0, 0, 0, 0.0f, 0, 1.0f, 0.0f, 1.0f},
    {"LFM2-RAG", "rag", LFM2, NULL, 0, 0, 0, 0.0f, 0, 1.0f, 0.0f, 1.0f},
    {"LFM2-Tool", "tool", LFM2, NULL, 0, 0, 0, 0.0f, 0, 1.0f, 0.0f, 1.0f},
    {"LFM2-350M-Math", "math", LFM2, NULL, 0, 0, 0, 0.6f, 0, 0.95f, 0.1f, 1.05f},
    {"LFM2.5-1.2B-JP", "jp", LFM25, "lfm2", 16, 2048, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},

    /* Of a large vocabulary.  The settings of the 24B are not published: those of its siblings. */
    {"LFM2.5-8B-A1B", NULL, ANY, "lfm2moe", 24, 2048, LARGE_VOCABULARY, 0.2f, 80, 1.0f, 0.0f,
     1.05f},
    {"LFM2.5-24B-A2B", NULL, ANY, "lfm2moe", 40, 2048, LARGE_VOCABULARY, 0.2f, 80, 1.0f, 0.0f,
     1.05f},
    {"LFM2.5-2.6B", NULL, ANY, "lfm2", 30, 2048, LARGE_VOCABULARY, 0.2f, 80, 1.0f, 0.0f, 1.05f},

    /* Of a shape that no other model has. */
    {"LFM2-24B-A2B", NULL, ANY, "lfm2moe", 40, 2048, 0, 0.1f, 50, 1.0f, 0.0f, 1.05f},
    {"LFM2-8B-A1B", NULL, ANY, "lfm2moe", 24, 2048, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},
    {"LFM2-2.6B", NULL, ANY, "lfm2", 30, 2048, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},
    {"LFM2-700M", NULL, ANY, "lfm2", 16, 1536, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},
    {"LFM2.5-230M", NULL, ANY, "lfm2", 14, 1024, 0, 0.1f, 50, 1.0f, 0.0f, 1.05f},

    /* Of one shape in both generations. */
    {"LFM2-1.2B", NULL, LFM2, "lfm2", 16, 2048, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},
    {"LFM2-350M", NULL, LFM2, "lfm2", 16, 1024, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},
    {"LFM2.5-1.2B", NULL, LFM25, "lfm2", 16, 2048, 0, 0.1f, 50, 1.0f, 0.0f, 1.05f},
    {"LFM2.5-350M", NULL, LFM25, "lfm2", 16, 1024, 0, 0.1f, 50, 1.0f, 0.0f, 1.05f},

    {"LFM2", NULL, LFM2, NULL, 0, 0, 0, 0.3f, 0, 1.0f, 0.15f, 1.05f},
    {"", NULL, ANY, NULL, 0, 0, 0, 0.1f, 50, 1.0f, 0.0f, 1.05f},
};

/* ---- What the file says --------------------------------------------------------------------- */

/* The value of a key as text; "" when it is absent. */
typedef struct {
    char text[512];
} key_text;

static key_text read_key(const gguf_file *f, const char *name) {
    const gguf_key *key = gguf_get(f, name);
    key_text t = {""};
    if (key) {
        gguf_format_value(key, t.text, sizeof t.text);
    }
    return t;
}

/* Does a text have this word, in any case?  "LFM2.5" is one word, so that it is not "LFM2". */
static bool has_word(const char *text, const char *word) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    const size_t n = strlen(word);
    for (const char *p = text; *p; p += strcspn(p, letters)) {
        const size_t len = strspn(p, letters);
        if (len == n && strncasecmp(p, word, n) == 0) return true;
        p += len;
    }
    return false;
}

static const char *const names[] = {
    "general.name", "general.basename", "general.finetune", /* the model's own */
    "general.tags", "general.base_model.0.name", "general.base_model.0.repo_url",
};

enum { N_NAMES = sizeof names / sizeof *names, N_OWN_NAMES = 3 };

static bool is_named(const gguf_file *f, const char *word) {
    bool found = false;
    for (size_t i = 0; i < N_OWN_NAMES; i++) {
        found = found || has_word(read_key(f, names[i]).text, word);
    }
    return found;
}

/* By the first name that says it; else by the chat template: that of LFM2 alone marks the list of
 * tools. */
static generation find_generation(const gguf_file *f) {
    static const char mark[] = "<|tool_list_start|>";
    gguf_str template = {"", 0};
    for (size_t i = 0; i < N_NAMES; i++) {
        const key_text t = read_key(f, names[i]);
        if (has_word(t.text, "lfm2.5")) return LFM25;
        if (has_word(t.text, "lfm2")) return LFM2;
    }
    gguf_get_str(f, "tokenizer.chat_template", &template, NULL);
    return memmem(template.ptr, template.len, mark, strlen(mark)) ? LFM2 : ANY;
}

static bool fits(size_t card, generation made, const gguf_file *f, const model_shape *s) {
    const char *arch = s->is_moe_arch ? "lfm2moe" : "lfm2";
    return (cards[card].made == ANY || cards[card].made == made) &&
           (!cards[card].arch || strcmp(cards[card].arch, arch) == 0) &&
           (cards[card].n_layer == 0 || cards[card].n_layer == s->n_layer) &&
           (cards[card].n_embd == 0 || cards[card].n_embd == s->n_embd) &&
           cards[card].least_vocab <= s->n_vocab &&
           (!cards[card].word || is_named(f, cards[card].word));
}

static size_t find_card(const gguf_file *f, const model_shape *s) {
    const generation made = find_generation(f);
    size_t i = 0;
    while (!fits(i, made, f, s)) {
        i++; /* the last row fits all */
    }
    return i;
}

/* ---- general.sampling.* --------------------------------------------------------------------- */

/* Read a number from `min` to `max`, of whatever type the file has it. */
static bool read_number(const gguf_file *f, const char *name, double min, double max, double *out) {
    const key_text t = read_key(f, name);
    char *end = NULL;
    const double value = strtod(t.text, &end);
    if (end == t.text || *end || !(value >= min && value <= max)) return false;
    *out = value;
    return true;
}

static uint32_t read_float(const gguf_file *f, const char *name, double min, double max,
                           float *out) {
    double value = 0.0;
    const bool given = read_number(f, name, min, max, &value);
    *out = given ? (float)value : *out;
    return given;
}

static uint32_t read_int(const gguf_file *f, const char *name, int32_t *out) {
    double value = 0.0;
    const bool given = read_number(f, name, -1, INT32_MAX, &value) && value == floor(value);
    *out = given ? (int32_t)value : *out;
    return given;
}

const char *defaults_sampling(lfm_sampling *out, uint32_t *n_keys, const gguf_file *f,
                              const model_shape *s) {
    const size_t i = find_card(f, s);
    *out = (lfm_sampling){
        .struct_size = sizeof *out,
        .temperature = cards[i].temperature,
        .top_k = cards[i].top_k,
        .typical_p = 1.0f,
        .top_p = cards[i].top_p,
        .min_p = cards[i].min_p,
        .repeat_penalty = cards[i].repeat,
        .repeat_last_n = 64,
    };
    *n_keys = read_float(f, "general.sampling.temp", 0, 1e6, &out->temperature) +
              read_int(f, "general.sampling.top_k", &out->top_k) +
              read_float(f, "general.sampling.top_p", 0, 1, &out->top_p) +
              read_float(f, "general.sampling.min_p", 0, 1, &out->min_p) +
              read_float(f, "general.sampling.penalty_repeat", 0.001, 1000, &out->repeat_penalty) +
              read_int(f, "general.sampling.penalty_last_n", &out->repeat_last_n);
    return cards[i].card;
}
