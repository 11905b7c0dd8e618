/*
 * tiny.c - complete models of a few KiB, and files that are almost one.
 */
#include "tiny.h"

#include "base/rng.h"
#include "put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 32, LAYERS = 3, HEADS = 2, KV_HEADS = 1, FF = 64, EXPERT_FF = 32, EXPERTS = 4 };

static void *copy_of(const void *bytes, size_t n) {
    uint8_t *copy = must(malloc(n + 1));
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    copy[n] = 0;
    return copy;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

typedef struct {
    char text[128];
} full_name;

static full_name full(const tiny_file *f, const char *name) {
    full_name n;
    const bool own = name[0] == '~';
    snprintf(n.text, sizeof n.text, "%s%s", own ? f->moe ? "lfm2moe." : "lfm2." : "",
             name + (own ? 1 : 0));
    return n;
}

tiny_key *tiny_get(tiny_file *f, const char *name) {
    const full_name n = full(f, name);
    for (size_t i = 0; i < f->n_keys; i++) {
        if (strcmp(f->keys[i].name, n.text) == 0) {
            return &f->keys[i];
        }
    }
    return NULL;
}

void tiny_rename(tiny_key *k, const char *name, size_t len) {
    free(k->name);
    k->name = copy_of(name, len);
    k->name_len = len;
}

void tiny_put(tiny_file *f, const char *name, uint32_t type, const void *value, size_t n) {
    const full_name full_text = full(f, name);
    tiny_key *k = tiny_get(f, name);
    if (!k) {
        if (f->n_keys == TINY_MAX_KEYS) {
            fputs("tiny.c: too many keys\n", stderr);
            exit(1);
        }
        k = &f->keys[f->n_keys++];
        tiny_rename(k, full_text.text, strlen(full_text.text));
    }
    uint8_t *copy = copy_of(value, n);
    free(k->value);
    k->type = type;
    k->value = copy;
    k->n_bytes = n;
}

void tiny_put_u32(tiny_file *f, const char *name, uint32_t v) {
    tiny_put(f, name, T_U32, &v, sizeof v);
}

void tiny_put_f32(tiny_file *f, const char *name, float v) {
    tiny_put(f, name, T_F32, &v, sizeof v);
}

void tiny_put_strn(tiny_file *f, const char *name, const char *text, size_t len) {
    buffer b = {0};
    put_str(&b, text, len);
    tiny_put(f, name, T_STRING, b.bytes, b.n);
    free(b.bytes);
}

void tiny_put_str(tiny_file *f, const char *name, const char *text) {
    tiny_put_strn(f, name, text, strlen(text));
}

void tiny_put_array(tiny_file *f, const char *name, uint32_t element, uint64_t n, const void *bytes,
                    size_t n_bytes) {
    buffer b = {0};
    put_u32(&b, element);
    put_u64(&b, n);
    put(&b, bytes, n_bytes);
    tiny_put(f, name, T_ARRAY, b.bytes, b.n);
    free(b.bytes);
}

void tiny_put_strings(tiny_file *f, const char *name, const char *const *texts, size_t n) {
    buffer b = {0};
    for (size_t i = 0; i < n; i++) {
        put_str(&b, texts[i], strlen(texts[i]));
    }
    tiny_put_array(f, name, T_STRING, n, b.bytes, b.n);
    free(b.bytes);
}

void tiny_edit_string(tiny_file *f, const char *name, size_t i, const char *text, size_t len) {
    const tiny_key *k = tiny_get(f, name);
    buffer b = {0};
    const uint8_t *at = k->value + 12;
    uint64_t n = 0;
    memcpy(&n, k->value + 4, sizeof n);
    for (uint64_t j = 0; j < n; j++) {
        uint64_t old = 0;
        memcpy(&old, at, sizeof old);
        put_str(&b, j == i ? text : (const char *)at + 8, j == i ? len : (size_t)old);
        at += 8 + old;
    }
    tiny_put_array(f, name, T_STRING, n, b.bytes, b.n);
    free(b.bytes);
}

void tiny_drop(tiny_file *f, const char *key) {
    tiny_key *k = tiny_get(f, key);
    if (k) {
        free(k->name);
        free(k->value);
        memmove(k, k + 1, (size_t)(f->keys + f->n_keys - (k + 1)) * sizeof *k);
        f->n_keys--;
    }
}

/* ---- Tensors -------------------------------------------------------------------------------- */

tiny_tensor *tiny_get_tensor(tiny_file *f, const char *name) {
    for (size_t i = 0; i < f->n_tensors; i++) {
        if (strcmp(f->tensors[i].name, name) == 0) {
            return &f->tensors[i];
        }
    }
    return NULL;
}

void tiny_rename_tensor(tiny_tensor *t, const char *name, size_t len) {
    free(t->name);
    t->name = copy_of(name, len);
    t->name_len = len;
}

void tiny_drop_tensor(tiny_file *f, const char *name) {
    tiny_tensor *t = tiny_get_tensor(f, name);
    if (t) {
        free(t->name);
        free(t->data);
        memmove(t, t + 1, (size_t)(f->tensors + f->n_tensors - (t + 1)) * sizeof *t);
        f->n_tensors--;
    }
}

/* Weights between -0.4 and 0.4, around 1 for norms. */
static void fill(tiny_tensor *t, uint64_t n) {
    const uint64_t seed = n * 131 + (uint64_t)t->name[0] + (uint64_t)t->name[t->name_len - 8];
    const bool norm = strstr(t->name, "norm") != NULL;
    const uint16_t scale = 0x1a00; /* of F16: 0.003 */
    uint64_t at = 0;
    if (t->type == TINY_F32) {
        for (uint64_t i = 0; i < n; i++) {
            const float v = (float)(rng_unit(rng_at(seed, i)) * 0.8 - 0.4) + (norm ? 1.0f : 0.0f);
            memcpy(t->data + 4 * i, &v, 4);
        }
        return;
    }
    for (size_t i = 0; i < t->n_bytes; i++) {
        t->data[i] = (uint8_t)rng_at(seed, at++);
    }
    const size_t block = t->type == TINY_Q8_0 ? 34 : t->type == TINY_Q4_0 ? 18 : 2;
    for (size_t i = 0; i < t->n_bytes; i += block) {
        const uint16_t v = block == 2 ? (uint16_t)(0x2c00 | (rng_at(seed, i) & 0x83ff))
                         : block == 18 ? (uint16_t)(scale + 0x1000) : scale;
        memcpy(t->data + i, &v, 2);
    }
}

tiny_tensor *tiny_add_tensor(tiny_file *f, const char *name, uint32_t type, uint64_t d0,
                             uint64_t d1, uint64_t d2) {
    if (f->n_tensors == TINY_MAX_TENSORS) {
        fputs("tiny.c: too many tensors\n", stderr);
        exit(1);
    }
    tiny_tensor *t = &f->tensors[f->n_tensors++];
    const uint64_t n = d0 * d1 * d2;
    *t = (tiny_tensor){.type = type, .dim = {d0, d1, d2, 1}};
    t->n_dims = d2 > 1 ? 3 : d1 > 1 ? 2 : 1;
    t->n_bytes = (size_t)(type == TINY_F32 ? 4 * n : type == TINY_F16 ? 2 * n
                        : type == TINY_Q8_0 ? n / 32 * 34 : n / 32 * 18);
    t->data = must(malloc(t->n_bytes + 1));
    tiny_rename_tensor(t, name, strlen(name));
    fill(t, n);
    return t;
}

static void add_in_layer(tiny_file *f, int layer, const char *name, uint32_t type, uint64_t d0,
                         uint64_t d1, uint64_t d2) {
    char whole[64];
    snprintf(whole, sizeof whole, "blk.%d.%s", layer, name);
    tiny_add_tensor(f, whole, type, d0, d1, d2);
}

static void add_layer(tiny_file *f, int i, uint32_t type) {
    const uint64_t head = WIDTH / HEADS;
    add_in_layer(f, i, "attn_norm.weight", TINY_F32, WIDTH, 1, 1);
    add_in_layer(f, i, "ffn_norm.weight", TINY_F32, WIDTH, 1, 1);
    if (i == 1) {
        add_in_layer(f, i, "attn_q.weight", type, WIDTH, WIDTH, 1);
        add_in_layer(f, i, "attn_k.weight", type, WIDTH, head * KV_HEADS, 1);
        add_in_layer(f, i, "attn_v.weight", type, WIDTH, head * KV_HEADS, 1);
        add_in_layer(f, i, "attn_output.weight", type, WIDTH, WIDTH, 1);
        add_in_layer(f, i, "attn_q_norm.weight", TINY_F32, head, 1, 1);
        add_in_layer(f, i, "attn_k_norm.weight", TINY_F32, head, 1, 1);
    } else {
        add_in_layer(f, i, "shortconv.in_proj.weight", type, WIDTH, 3 * WIDTH, 1);
        add_in_layer(f, i, "shortconv.conv.weight", TINY_F32, 3, WIDTH, 1);
        add_in_layer(f, i, "shortconv.out_proj.weight", type, WIDTH, WIDTH, 1);
    }
    if (f->moe && i > 0) {
        add_in_layer(f, i, "ffn_gate_inp.weight", TINY_F32, WIDTH, EXPERTS, 1);
        add_in_layer(f, i, "exp_probs_b.bias", TINY_F32, EXPERTS, 1, 1);
        add_in_layer(f, i, "ffn_gate_exps.weight", type, WIDTH, EXPERT_FF, EXPERTS);
        add_in_layer(f, i, "ffn_up_exps.weight", type, WIDTH, EXPERT_FF, EXPERTS);
        add_in_layer(f, i, "ffn_down_exps.weight", type, EXPERT_FF, WIDTH, EXPERTS);
    } else {
        add_in_layer(f, i, "ffn_gate.weight", type, WIDTH, FF, 1);
        add_in_layer(f, i, "ffn_up.weight", type, WIDTH, FF, 1);
        add_in_layer(f, i, "ffn_down.weight", type, FF, WIDTH, 1);
    }
}

/* ---- The model ------------------------------------------------------------------------------ */

static const char *const names[] = {"<|startoftext|>", "<|endoftext|>", "<|im_start|>",
                                    "<|im_end|>"};
/* Plain ChatML. */
static const char chatml[] =
    "{{- bos_token -}}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}";

static const char *const words[] = {"th", "the", "\xc4\xa0the", "in", "er"};
static const char *const merges[] = {"t h", "th e", "\xc4\xa0 the", "i n", "e r"};

enum {
    N_NAMES = sizeof names / sizeof *names,
    N_WORDS = sizeof words / sizeof *words,
    N_VOCAB = 256 + N_NAMES + N_WORDS
};

static void put_vocab(tiny_file *f) {
    buffer tokens = {0};
    buffer types = {0};
    for (size_t i = 0; i < N_NAMES; i++) {
        put_str(&tokens, names[i], strlen(names[i]));
        put_u32(&types, 3);
    }
    for (int b = 0; b < 256; b++) {
        char letter[2];
        const size_t len = byte_letter(b, letter);
        put_str(&tokens, letter, len);
        put_u32(&types, 1);
    }
    for (size_t i = 0; i < N_WORDS; i++) {
        put_str(&tokens, words[i], strlen(words[i]));
        put_u32(&types, 1);
    }
    tiny_put_str(f, "tokenizer.ggml.model", "gpt2");
    tiny_put_str(f, "tokenizer.ggml.pre", "lfm2");
    tiny_put_array(f, "tokenizer.ggml.tokens", T_STRING, N_VOCAB, tokens.bytes, tokens.n);
    tiny_put_array(f, "tokenizer.ggml.token_type", T_I32, N_VOCAB, types.bytes, types.n);
    tiny_put_strings(f, "tokenizer.ggml.merges", merges, sizeof merges / sizeof *merges);
    tiny_put_u32(f, "tokenizer.ggml.bos_token_id", 0);
    tiny_put_u32(f, "tokenizer.ggml.eos_token_id", 3);
    tiny_put_u32(f, "tokenizer.ggml.padding_token_id", 1);
    tiny_put(f, "tokenizer.ggml.add_bos_token", T_BOOL, "\1", 1);
    tiny_put_str(f, "tokenizer.chat_template", chatml);
    free(tokens.bytes);
    free(types.bytes);
}

static void put_shape(tiny_file *f) {
    const int32_t kv_heads[LAYERS] = {0, KV_HEADS, 0};
    tiny_put_u32(f, "~block_count", LAYERS);
    tiny_put_u32(f, "~context_length", 512);
    tiny_put_u32(f, "~embedding_length", WIDTH);
    tiny_put_u32(f, "~feed_forward_length", FF);
    tiny_put_u32(f, "~attention.head_count", HEADS);
    tiny_put_array(f, "~attention.head_count_kv", T_I32, LAYERS, kv_heads, sizeof kv_heads);
    tiny_put_f32(f, "~attention.layer_norm_rms_epsilon", 1e-5f);
    tiny_put_f32(f, "~rope.freq_base", 1e6f);
    tiny_put_u32(f, "~shortconv.l_cache", 3);
    tiny_put_u32(f, "~vocab_size", N_VOCAB);
    if (f->moe) {
        tiny_put_u32(f, "~expert_count", EXPERTS);
        tiny_put_u32(f, "~expert_used_count", 2);
        tiny_put_u32(f, "~expert_feed_forward_length", EXPERT_FF);
        tiny_put_u32(f, "~leading_dense_block_count", 1);
        tiny_put_u32(f, "~expert_gating_func", 2);
    }
}

tiny_file *tiny_new(bool moe, uint32_t type) {
    tiny_file *f = must(calloc(1, sizeof *f));
    f->version = 3;
    f->alignment = 32;
    f->moe = moe;
    tiny_put_str(f, "general.architecture", moe ? "lfm2moe" : "lfm2");
    tiny_put_str(f, "general.name", "tiny");
    put_shape(f);
    put_vocab(f);
    tiny_add_tensor(f, "token_embd.weight", type, WIDTH, N_VOCAB, 1);
    tiny_add_tensor(f, "token_embd_norm.weight", TINY_F32, WIDTH, 1, 1);
    for (int i = 0; i < LAYERS; i++) {
        add_layer(f, i, type);
    }
    tiny_layout(f);
    return f;
}

void tiny_free(tiny_file *f) {
    for (size_t i = 0; f && i < f->n_keys; i++) {
        free(f->keys[i].name);
        free(f->keys[i].value);
    }
    for (size_t i = 0; f && i < f->n_tensors; i++) {
        free(f->tensors[i].name);
        free(f->tensors[i].data);
    }
    free(f);
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

void tiny_layout(tiny_file *f) {
    uint64_t at = 0;
    for (size_t i = 0; i < f->n_tensors; i++) {
        tiny_tensor *t = &f->tensors[i];
        t->offset = t->place = at;
        at += (t->n_bytes + f->alignment - 1) / f->alignment * f->alignment;
    }
}

static void pad_to(buffer *b, uint64_t n) {
    while (b->n < n) {
        put(b, "", 1);
    }
}

uint8_t *tiny_bytes(tiny_file *f, size_t *n) {
    buffer b = {0};
    put(&b, "GGUF", 4);
    put_u32(&b, f->version);
    put_u64(&b, f->n_tensors + f->n_tensors_said);
    put_u64(&b, f->n_keys + f->n_keys_said);
    for (size_t i = 0; i < f->n_keys; i++) {
        put_str(&b, f->keys[i].name, f->keys[i].name_len);
        put_u32(&b, f->keys[i].type);
        put(&b, f->keys[i].value, f->keys[i].n_bytes);
    }
    f->keys_end = b.n;
    for (size_t i = 0; i < f->n_tensors; i++) {
        const tiny_tensor *t = &f->tensors[i];
        put_str(&b, t->name, t->name_len);
        put_u32(&b, t->n_dims);
        for (uint32_t d = 0; d < t->n_dims && d < 8; d++) {
            put_u64(&b, t->dim[d]);
        }
        put_u32(&b, t->type);
        put_u64(&b, t->offset);
    }
    pad_to(&b, (b.n + f->alignment - 1) / f->alignment * f->alignment);
    f->head_bytes = b.n;
    for (size_t i = 0; i < f->n_tensors; i++) {
        pad_to(&b, f->head_bytes + f->tensors[i].place);
        put(&b, f->tensors[i].data, f->tensors[i].n_bytes);
    }
    *n = b.n;
    return b.bytes;
}

void tiny_save(const char *path, const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    const bool ok = file && fwrite(bytes, 1, n, file) == n;
    if (!file || fclose(file) != 0 || !ok) {
        fprintf(stderr, "tiny.c: %s cannot be written\n", path);
        exit(1);
    }
}
