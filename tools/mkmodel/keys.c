/*
 * keys.c - metadata as the family's files have it: names, types and order.
 */
#include "keys.h"

#include "put.h"

#include <inttypes.h>
#include <stdio.h>

/* Plain ChatML in Jinja.  The newlines inside the quotes are real ones, as in the vocabulary files
 * of the golden data. */
static const char chat_template[] =
    "{{- bos_token -}}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}";

enum { GATING_SIGMOID = 2, QUANTIZATION_VERSION = 2, MAX_LAYERS = 64, KEY_CAP = 80 };

/* "32x959M" or "1.2B": what one would call the model, with two digits at least. */
static void size_label(const plan *p, uint32_t n_expert, char *out, size_t cap) {
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "B"}, {1e6, "M"}, {1e3, "K"}};
    const uint64_t shared = p->n_weights - p->n_expert_weights;
    const double n = (double)shared + (double)p->n_expert_weights / (n_expert ? n_expert : 1);
    size_t i = 0;
    while (i < 2 && n < units[i].unit) {
        i++;
    }
    const double scaled = n / units[i].unit;
    char times[16] = "";
    if (n_expert != 0) {
        snprintf(times, sizeof times, "%" PRIu32 "x", n_expert);
    }
    snprintf(out, cap, "%s%.*f%s", times, scaled < 9.5 ? 1 : 0, scaled, units[i].name);
}

static void put_general(gguf_writer *w, const shape *s, const plan *p) {
    static const gguf_str tags[] = {{"synthetic", 9}, {"text-generation", 15}};
    static const gguf_str languages[] = {{"en", 2}};
    char text[KEY_CAP];
    gguf_put_str(w, "general.architecture", s->n_expert != 0 ? "lfm2moe" : "lfm2");
    gguf_put_str(w, "general.type", "model");
    snprintf(text, sizeof text, "synthetic %s", s->preset);
    gguf_put_str(w, "general.name", text);
    size_label(p, s->n_expert, text, sizeof text);
    gguf_put_str(w, "general.size_label", text);
    gguf_put_strings(w, "general.tags", tags, sizeof tags / sizeof tags[0]);
    gguf_put_strings(w, "general.languages", languages, sizeof languages / sizeof languages[0]);
}

/* Keys whose names begin with the architecture. */
static void put_u32(gguf_writer *w, const shape *s, const char *name, uint32_t value) {
    char key[KEY_CAP];
    snprintf(key, sizeof key, "%s.%s", s->n_expert != 0 ? "lfm2moe" : "lfm2", name);
    gguf_put_u32(w, key, value);
}

static void put_f32(gguf_writer *w, const shape *s, const char *name, float value) {
    char key[KEY_CAP];
    snprintf(key, sizeof key, "%s.%s", s->n_expert != 0 ? "lfm2moe" : "lfm2", name);
    gguf_put_f32(w, key, value);
}

/* KV heads per layer; 0 marks a convolution. */
static void put_kv_heads(gguf_writer *w, const shape *s) {
    char key[KEY_CAP];
    int32_t heads[MAX_LAYERS];
    for (uint32_t i = 0; i < s->n_layer; i++) {
        heads[i] = (s->attn >> i & 1) != 0 ? (int32_t)s->n_head_kv : 0;
    }
    snprintf(key, sizeof key, "%s.attention.head_count_kv", s->n_expert != 0 ? "lfm2moe" : "lfm2");
    gguf_put_array(w, key, GGUF_I32, heads, s->n_layer);
}

static void put_shape(gguf_writer *w, const shape *s) {
    put_u32(w, s, "block_count", s->n_layer);
    put_u32(w, s, "context_length", s->n_ctx);
    put_u32(w, s, "embedding_length", s->n_embd);
    put_u32(w, s, "feed_forward_length", s->n_ff);
    put_u32(w, s, "attention.head_count", s->n_head);
    put_kv_heads(w, s);
    put_f32(w, s, "rope.freq_base", s->rope_theta);
    put_f32(w, s, "attention.layer_norm_rms_epsilon", 1e-5f);
    if (s->head_keys) {
        put_u32(w, s, "attention.key_length", s->n_embd / s->n_head);
        put_u32(w, s, "attention.value_length", s->n_embd / s->n_head);
        put_u32(w, s, "rope.dimension_count", s->n_embd / s->n_head);
    }
    if (s->n_expert != 0) {
        put_u32(w, s, "expert_count", s->n_expert);
        put_u32(w, s, "expert_used_count", s->n_used);
        put_u32(w, s, "expert_feed_forward_length", s->n_ff_expert);
        put_u32(w, s, "leading_dense_block_count", s->n_dense);
        put_u32(w, s, "expert_gating_func", GATING_SIGMOID);
    }
    put_u32(w, s, "vocab_size", s->n_vocab);
    put_u32(w, s, "shortconv.l_cache", 3);
}

static void put_tokenizer(gguf_writer *w, const vocab *v) {
    gguf_put_str(w, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(w, "tokenizer.ggml.pre", "lfm2");
    gguf_put_strings(w, "tokenizer.ggml.tokens", v->tokens, v->n);
    gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, v->types, v->n);
    gguf_put_strings(w, "tokenizer.ggml.merges", v->merges, v->n_merges);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", v->bos);
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", v->eos);
    gguf_put_u32(w, "tokenizer.ggml.padding_token_id", v->pad);
    if (v->says_add_bos) {
        gguf_put_bool(w, "tokenizer.ggml.add_bos_token", true);
    }
    gguf_put_bool(w, "tokenizer.ggml.add_sep_token", false);
    gguf_put_bool(w, "tokenizer.ggml.add_eos_token", false);
    gguf_put_str(w, "tokenizer.chat_template", chat_template);
}

void keys_put(gguf_writer *w, const shape *s, const mix *m, const plan *p, const vocab *v) {
    put_general(w, s, p);
    put_shape(w, s);
    put_tokenizer(w, v);
    gguf_put_u32(w, "general.quantization_version", QUANTIZATION_VERSION);
    gguf_put_u32(w, "general.file_type", m->file_type);
}
