/*
 * shape_keys.c - which keys of other models a file may have, and which architectures are refused.
 *
 * A list of what is allowed: a key under the architecture's prefix is one that shape.c reads, one
 * that changes nothing here, or one that asks for other mathematics unless its value is neutral.
 * What is in no list is ignored with a note.
 *
 * Source of the names: the keys that llama.cpp knows (its src/llama-arch.cpp, July 2026).
 */
#include "model/shape.h"

#include "base/bytes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void shape_note(model_shape *s, const char *format, ...) {
    const size_t at = strlen(s->note);
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(s->note + at, sizeof s->note - at, "%s%s", at > 0 ? "; " : "", text);
}

/* ---- Architectures -------------------------------------------------------------------------- */

#define EMBEDDING "turns texts into vectors and writes none: use an LFM2 model that writes, or " \
                  "llama.cpp's llama-embedding for the vectors"

lfm_status shape_refuse_arch(const gguf_file *f, gguf_str arch, lfm_error *err) {
    static const char draft[] = "a draft model, which only guesses ahead for another one: use the "
                                "file of the model that it drafts for";
    static const char embedding[] = "an embedding model, which " EMBEDDING;
    static const char encoder[] = "the encoder of images or sound (mmproj) of another model: use "
                                  "the file of the language model";
    static const struct {
        const char *name, *what;
    } known[] = {
        {"dflash", draft}, {"eagle3", draft}, {"lfm2-bidir", embedding}, {"clip", encoder},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (arch.len == strlen(known[i].name) && memcmp(arch.ptr, known[i].name, arch.len) == 0) {
            return err_set(err, LFM_ERR_UNSUPPORTED, "%s: this file holds a '%s' model: %s",
                           f->path, known[i].name, known[i].what);
        }
    }
    return err_set(err, LFM_ERR_UNSUPPORTED, "%s: this file holds a '%.*s' model; lfm runs only "
                   "'lfm2moe' and 'lfm2'", f->path, (int)(arch.len < 64 ? arch.len : 64),
                   arch.ptr);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* A name with a dot at the end stands for all names that begin so. */

/* Any value: shape.c reads them, or they change nothing without a key that is refused (a window,
 * scaled angles), or the model has no such norm. */
static const char *const any[] = {
    "block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size",
    "attention.head_count", "attention.head_count_kv", "attention.key_length",
    "attention.value_length", "attention.layer_norm_rms_epsilon", "shortconv.l_cache",
    "rope.dimension_count", "rope.freq_base", "expert_count", "expert_used_count",
    "expert_feed_forward_length", "leading_dense_block_count", "expert_gating_func",
    "expert_weights_norm", "expert_weights_scale",
    "attention.sliding_window_pattern", "attention.key_length_swa", "attention.value_length_swa",
    "rope.dimension_count_swa", "rope.freq_base_swa", "rope.scaling.original_context_length",
    "rope.scaling.finetuned", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    "attention.layer_norm_epsilon",
};

/* 0 or false. */
static const char *const zero[] = {
    "attention.sliding_window", "attention.shared_kv_layers", "attention.scale",
    "attention.clamp_kqv", "attention.max_alibi_bias", "attention.temperature_length",
    "attention.temperature_scale", "attention.relative_buckets_count",
    "attention.group_norm_epsilon", "attention.group_norm_groups", "attention.recurrent_layers",
    "attention.q_lora_rank", "attention.kv_lora_rank", "attention.decay_lora_rank",
    "attention.iclr_lora_rank", "attention.value_residual_mix_lora_rank",
    "attention.gate_lora_rank", "attention.output_lora_rank", "attention.output_group_count",
    "attention.key_length_mla", "attention.value_length_mla", "attention.compress_ratios",
    "attention.compress_rope_freq_base", "attention.indexer.",
    "attn_logit_softcapping", "router_logit_softcapping", "final_logit_softcapping",
    "rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_ext_factor", "rope.dimension_sections",
    "expert_shared_count", "expert_shared_feed_forward_length", "expert_chunk_feed_forward_length",
    "experts_per_group", "moe_latent_size", "swiglu_clamp_exp", "swiglu_clamp_shexp",
    "activation_sparsity_scale", "rescale_every_n_layers", "use_parallel_residual", "swin_norm",
    "nextn_predict_layers", "skip_loop_final_norm", "hash_layer_count", "n_deepstack_layers",
    "deepstack_mapping", "embedding_length_per_layer_input", "features_length",
    "decoder_block_count", "token_shift_count", "time_mix_extra_dim", "time_decay_extra_dim",
    "target_layers", "target_hidden_size", "block_size", "norm_before_residual", "norm_before_fc",
    "altup.", "convnext.", "hyper_connection.", "kda.", "posnet.", "ssm.", "wkv.", "xielu.",
};

/* 0 or 1: no factor, one group, every layer. */
static const char *const zero_or_one[] = {
    "logit_scale", "embedding_scale", "residual_scale", "attention.output_scale",
    "attention.value_scale", "rope.scaling.factor", "rope.scaling.attn_factor",
    "rope.scaling.alpha", "rope.scaling.yarn_attn_factor", "rope.scale_linear",
    "expert_group_count", "expert_group_used_count", "expert_group_scale", "moe_every_n_layers",
    "interleave_moe_layer_step", "full_attention_interval", "num_loops",
};

/* 0; something else marks a model of vectors.  So does attention that is not causal. */
static const char *const vectors[] = {
    "pooling_type", "classifier.", "dense_2_feat_in", "dense_2_feat_out", "dense_3_feat_in",
    "dense_3_feat_out",
};

/* One of these words. */
static const struct {
    const char *name, *word;
} words[] = {
    {"rope.scaling.type", "none"}, {"rope.scaling.type", "linear"}, /* by a factor: see above */
    {"hidden_activation", "silu"}, {"hidden_activation", "swish"},
    {"tensor_data_layout", "reference"},
};

/* Is the name in the list? */
#define IN(list, name) is_in(list, sizeof list / sizeof *list, name)

static bool is_name(const char *row, gguf_str name) {
    const size_t len = strlen(row);
    return (name.len == len || (name.len > len && row[len - 1] == '.')) &&
           memcmp(row, name.ptr, len) == 0;
}

static bool is_in(const char *const *list, size_t n, gguf_str name) {
    for (size_t i = 0; i < n; i++) {
        if (is_name(list[i], name)) return true;
    }
    return false;
}

/* NaN for what is no number. */
static double number_at(gguf_type type, const uint8_t *p) {
    double wide;
    switch (type) {
    case GGUF_U8:
    case GGUF_BOOL: return p[0];
    case GGUF_I8: return (int8_t)p[0];
    case GGUF_U16: return load_u16(p);
    case GGUF_I16: return (int16_t)load_u16(p);
    case GGUF_U32: return load_u32(p);
    case GGUF_I32: return (int32_t)load_u32(p);
    case GGUF_U64: return (double)load_u64(p);
    case GGUF_I64: return (double)(int64_t)load_u64(p);
    case GGUF_F32: return (double)f32_from_bits(load_u32(p));
    case GGUF_F64: memcpy(&wide, p, sizeof wide); return wide;
    default: return NAN;
    }
}

/* Is the value, or every element of an array, one of these numbers? */
static bool all_are(const gguf_key *key, double a, double b) {
    const gguf_type type = key->type == GGUF_ARRAY ? key->element : key->type;
    for (uint64_t i = 0; i < key->count; i++) {
        const double x = number_at(type, key->data + i * gguf_type_bytes(type));
        if (x != a && x != b) return false;
    }
    return true;
}

static bool is_word(const char *word, const gguf_key *key) {
    const size_t len = strlen(word);
    return key->type == GGUF_STRING && key->n_bytes == 8 + len &&
           memcmp(key->data + 8, word, len) == 0;
}

typedef enum { KEY_UNKNOWN, KEY_FINE, KEY_VECTORS, KEY_OTHER } verdict;

static verdict judge(const model_shape *s, const gguf_key *key, gguf_str name) {
    if (IN(any, name)) return KEY_FINE;
    if (IN(zero, name)) return all_are(key, 0, 0) ? KEY_FINE : KEY_OTHER;
    if (IN(zero_or_one, name)) return all_are(key, 0, 1) ? KEY_FINE : KEY_OTHER;
    if (IN(vectors, name)) return all_are(key, 0, 0) ? KEY_FINE : KEY_VECTORS;
    if (is_name("attention.causal", name)) return all_are(key, 1, 1) ? KEY_FINE : KEY_VECTORS;
    if (is_name("embedding_length_out", name)) {
        return all_are(key, 0, s->n_embd) ? KEY_FINE : KEY_VECTORS;
    }
    verdict found = KEY_UNKNOWN;
    for (size_t i = 0; i < sizeof words / sizeof *words && found != KEY_FINE; i++) {
        if (is_name(words[i].name, name)) {
            found = is_word(words[i].word, key) ? KEY_FINE : KEY_OTHER;
        }
    }
    return found;
}

lfm_status shape_check_keys(model_shape *s, const gguf_file *f, lfm_error *err) {
    const char *prefix = s->is_moe_arch ? "lfm2moe." : "lfm2.";
    const size_t skip = strlen(prefix);
    enum { MOST_NAMED = 3, MOST_SHOWN = 60 };
    size_t n_unknown = 0;
    for (size_t i = 0; i < f->n_keys; i++) {
        const gguf_key *key = &f->keys[i];
        if (!is_name(prefix, key->name)) continue;
        const int len = (int)(key->name.len < MOST_SHOWN ? key->name.len : MOST_SHOWN);
        switch (judge(s, key, (gguf_str){key->name.ptr + skip, key->name.len - skip})) {
        case KEY_FINE: break;
        case KEY_UNKNOWN:
            if (n_unknown++ < MOST_NAMED) {
                shape_note(s, "key '%.*s' is unknown and ignored", len, key->name.ptr);
            }
            break;
        case KEY_VECTORS:
            return err_set(err, LFM_ERR_UNSUPPORTED, "%s: key '%.*s' marks an embedding model, "
                           "which " EMBEDDING, f->path, len, key->name.ptr);
        case KEY_OTHER:
            return err_set(err, LFM_ERR_UNSUPPORTED, "%s: key '%.*s' asks for mathematics that "
                           "lfm does not implement", f->path, len, key->name.ptr);
        }
    }
    if (n_unknown > MOST_NAMED) {
        shape_note(s, "%zu more keys are unknown and ignored", n_unknown - MOST_NAMED);
    }
    return LFM_OK;
}
