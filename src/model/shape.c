/*
 * shape.c - keys -> model_shape, or an error that names the key at fault.
 *
 * Source of names and meanings: llama.cpp's GGUF conversion of Lfm2ForCausalLM and
 * Lfm2MoeForCausalLM; see MODEL.md.
 */
#include "model/shape.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { GATING_SIGMOID = 2, CONV_TAPS = 3, MAX_HEADS = 65536 };

/* A key of this architecture: "lfm2moe.<name>". */
typedef struct {
    char text[96];
} full_key;

static full_key key_of(const model_shape *s, const char *name) {
    full_key k;
    snprintf(k.text, sizeof k.text, "%s.%s", s->is_moe_arch ? "lfm2moe" : "lfm2", name);
    return k;
}

static lfm_status need(const gguf_file *f, const model_shape *s, const char *name, uint32_t min,
                       uint32_t max, uint32_t *out, lfm_error *err) {
    return gguf_need_u32(f, key_of(s, name).text, min, max, out, err);
}

static lfm_status get(const gguf_file *f, const model_shape *s, const char *name, uint32_t min,
                      uint32_t max, uint32_t *out, lfm_error *err) {
    return gguf_get_u32(f, key_of(s, name).text, min, max, out, err);
}

static lfm_status read_arch(model_shape *s, const gguf_file *f, lfm_error *err) {
    gguf_str arch;
    const lfm_status st = gguf_need_str(f, "general.architecture", &arch, err);
    if (st != LFM_OK) return st;
    if (arch.len == 7 && memcmp(arch.ptr, "lfm2moe", 7) == 0) {
        s->is_moe_arch = true;
    } else if (arch.len != 4 || memcmp(arch.ptr, "lfm2", 4) != 0) {
        return shape_refuse_arch(f, arch, err);
    }
    return LFM_OK;
}

/* Element i of an integer array that is i32 or u32. */
static uint32_t element_u32(const gguf_key *key, uint64_t i) {
    return load_u32(key->data + 4 * i);
}

/* head_count_kv gives the kind of each layer: 0 is a convolution. */
static lfm_status read_layers(model_shape *s, const gguf_file *f, lfm_error *err) {
    const full_key name = key_of(s, "attention.head_count_kv");
    const gguf_key *key = NULL;
    const lfm_status st = gguf_need_array(f, name.text, GGUF_I32, GGUF_U32, &key, err);
    if (st != LFM_OK) return st;
    if (key->count != s->n_layer) {
        return err_set(err, LFM_ERR_FORMAT, "%s: key '%s' has %" PRIu64 " elements for %" PRIu32
                       " layers", f->path, name.text, key->count, s->n_layer);
    }
    for (uint32_t i = 0; i < s->n_layer; i++) {
        const uint32_t n = element_u32(key, i);
        if (n == 0) {
            s->kind[i] = LAYER_CONV;
            s->n_conv++;
            continue;
        }
        if (n > MAX_HEADS) {
            return err_set(err, LFM_ERR_FORMAT, "%s: key '%s' gives layer %" PRIu32 " %" PRId64
                           " heads, outside 0 to %d", f->path, name.text, i,
                           key->element == GGUF_I32 ? (int64_t)(int32_t)n : (int64_t)n, MAX_HEADS);
        }
        if (s->n_attn > 0 && n != s->n_head_kv) {
            return err_set(err, LFM_ERR_UNSUPPORTED, "%s: key '%s' gives layer %" PRIu32 " %" PRIu32
                           " heads and another layer %" PRIu32, f->path, name.text, i, n,
                           s->n_head_kv);
        }
        s->kind[i] = LAYER_ATTN;
        s->n_head_kv = n;
        s->n_attn++;
    }
    return LFM_OK;
}

static lfm_status read_heads(model_shape *s, const gguf_file *f, lfm_error *err) {
    lfm_status st = need(f, s, "attention.head_count", 1, MAX_HEADS, &s->n_head, err);
    if (st != LFM_OK) return st;
    s->head_dim = s->n_embd / s->n_head;
    uint32_t v_dim = 0;
    uint32_t rope_dim = 0;
    st = get(f, s, "attention.key_length", 2, SHAPE_MAX_HEAD_DIM, &s->head_dim, err);
    v_dim = rope_dim = s->head_dim;
    if (st == LFM_OK) st = get(f, s, "attention.value_length", 2, SHAPE_MAX_HEAD_DIM, &v_dim, err);
    if (st == LFM_OK) st = get(f, s, "rope.dimension_count", 0, UINT32_MAX, &rope_dim, err);
    if (st != LFM_OK) return st;
    if (s->n_attn > 0 && (s->n_head_kv > s->n_head || s->n_head % s->n_head_kv != 0)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: %" PRIu32 " query heads cannot share %" PRIu32
                       " key/value heads", f->path, s->n_head, s->n_head_kv);
    }
    if (s->head_dim < 2 || s->head_dim % 2 != 0 || s->head_dim > SHAPE_MAX_HEAD_DIM) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s: a head of %" PRIu32 " values is not "
                       "supported (even numbers up to %d are)", f->path, s->head_dim,
                       SHAPE_MAX_HEAD_DIM);
    }
    if (v_dim != s->head_dim || rope_dim != s->head_dim) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s: heads of %" PRIu32 " values with %" PRIu32
                       " rotated and values of %" PRIu32 " are not supported; all three must agree",
                       f->path, s->head_dim, rope_dim, v_dim);
    }
    return LFM_OK;
}

static lfm_status read_experts(model_shape *s, const gguf_file *f, lfm_error *err) {
    uint32_t gating = 0;
    s->n_dense = s->is_moe_arch ? 0 : s->n_layer;
    s->expert_scale = 1.0f;
    s->expert_norm = true;
    if (!s->is_moe_arch) return LFM_OK;
    lfm_status st = need(f, s, "expert_count", 1, SHAPE_MAX_EXPERTS, &s->n_expert, err);
    if (st == LFM_OK) {
        const uint32_t most = s->n_expert < SHAPE_MAX_USED ? s->n_expert : SHAPE_MAX_USED;
        st = need(f, s, "expert_used_count", 1, most, &s->n_expert_used, err);
    }
    if (st == LFM_OK) {
        st = need(f, s, "expert_feed_forward_length", 1, SHAPE_MAX_WIDTH, &s->n_ff_expert, err);
    }
    if (st == LFM_OK) st = get(f, s, "leading_dense_block_count", 0, s->n_layer, &s->n_dense, err);
    if (st == LFM_OK) st = need(f, s, "expert_gating_func", 0, UINT32_MAX, &gating, err);
    if (st == LFM_OK) {
        st = gguf_get_bool(f, key_of(s, "expert_weights_norm").text, &s->expert_norm, err);
    }
    if (st == LFM_OK) {
        float scale = 0.0f;
        st = gguf_get_f32(f, key_of(s, "expert_weights_scale").text, &scale, err);
        s->expert_scale = scale == 0.0f ? 1.0f : scale; /* 0 stands for "none" */
    }
    if (st == LFM_OK && gating != GATING_SIGMOID) {
        st = err_set(err, LFM_ERR_UNSUPPORTED, "%s: key '%s' is %" PRIu32 "; only %d (sigmoid) is "
                     "implemented", f->path, key_of(s, "expert_gating_func").text, gating,
                     GATING_SIGMOID);
    }
    return st;
}

lfm_status shape_read(model_shape *s, const gguf_file *f, lfm_error *err) {
    *s = (model_shape){0};
    uint32_t taps = 0;
    lfm_status st = read_arch(s, f, err);
    if (st == LFM_OK) st = need(f, s, "block_count", 1, SHAPE_MAX_LAYERS, &s->n_layer, err);
    if (st == LFM_OK) st = need(f, s, "embedding_length", 1, SHAPE_MAX_WIDTH, &s->n_embd, err);
    if (st == LFM_OK) st = need(f, s, "context_length", 1, 1u << 30, &s->n_ctx, err);
    if (st == LFM_OK) st = need(f, s, "feed_forward_length", 1, SHAPE_MAX_WIDTH, &s->n_ff, err);
    if (st == LFM_OK) st = need(f, s, "shortconv.l_cache", 1, 1u << 16, &taps, err);
    if (st == LFM_OK && taps != CONV_TAPS) {
        st = err_set(err, LFM_ERR_UNSUPPORTED, "%s: key '%s' is %" PRIu32 "; only %d is "
                     "implemented", f->path, key_of(s, "shortconv.l_cache").text, taps, CONV_TAPS);
    }
    if (st == LFM_OK) {
        st = gguf_need_f32(f, key_of(s, "attention.layer_norm_rms_epsilon").text, &s->eps, err);
    }
    if (st == LFM_OK) st = gguf_need_f32(f, key_of(s, "rope.freq_base").text, &s->rope_theta, err);
    if (st == LFM_OK && (!(s->rope_theta > 1.0f) || !(s->eps > 0.0f) || s->eps > 1.0f)) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: rope.freq_base (%g) must be above 1 and "
                     "layer_norm_rms_epsilon (%g) above 0 and at most 1", f->path,
                     (double)s->rope_theta, (double)s->eps);
    }
    if (st == LFM_OK) st = read_layers(s, f, err);
    if (st == LFM_OK) st = read_heads(s, f, err);
    if (st == LFM_OK) st = read_experts(s, f, err);
    if (st == LFM_OK) st = shape_check_keys(s, f, err);
    return st;
}
