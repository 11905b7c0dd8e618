/*
 * shapes.c - hyper-parameters that cannot be (# 69 to 104), and tensors that do not fit them.
 */
#include "hostile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- The architecture ----------------------------------------------------------------------- */

static void arch_case(corpus *c, const char *name, const char *arch, size_t len, const char *says) {
    tiny_file *f = good();
    tiny_put_strn(f, "general.architecture", arch, len);
    refused(c, name, f, says);
}

static void architectures(corpus *c) {
    tiny_file *f = good();
    tiny_drop(f, "general.architecture");
    refused(c, "a69-arch-missing", f, "'general.architecture' is missing");
    f = good();
    tiny_put_u32(f, "general.architecture", 2);
    refused(c, "a69-arch-number", f, "should be text");
    arch_case(c, "a69-arch-empty", TEXT(""), "holds a '' model");
    arch_case(c, "a70-arch-llama", TEXT("llama"), "holds a 'llama' model; lfm runs only");
    arch_case(c, "a70-arch-qwen3moe", TEXT("qwen3moe"), "holds a 'qwen3moe' model");
    arch_case(c, "a70-arch-upper", TEXT("LFM2"), "holds a 'LFM2' model");
    arch_case(c, "a70-arch-prefix", TEXT("lfm2moe2"), "holds a 'lfm2moe2' model");
    arch_case(c, "a70-arch-nul", TEXT("lfm2moe\0"), "model; lfm runs only");
    arch_case(c, "a70-arch-escapes", TEXT("\x1b[2Jlfm2"), "model; lfm runs only");
    arch_case(c, "a70-arch-newline", TEXT("lfm2\nlfm2"), "model; lfm runs only");
    arch_case(c, "a70-arch-format", TEXT("%s%s%n%n"), "holds a '%s%s%n%n' model");
    arch_case(c, "a70-arch-bidi", TEXT("\xe2\x80\xae" "2mfl"), "model; lfm runs only");
    arch_case(c, "a70-arch-draft", TEXT("dflash"), "a draft model, which only guesses ahead");
    arch_case(c, "a70-arch-vectors", TEXT("lfm2-bidir"), "an embedding model, which turns texts");
    arch_case(c, "a70-arch-other-keys", TEXT("lfm2"), "key 'lfm2.block_count' is missing");
}

/* ---- Missing keys --------------------------------------------------------------------------- */

static void missing_keys(corpus *c) {
    static const char *const needed[] = {
        "~block_count", "~context_length", "~embedding_length", "~feed_forward_length",
        "~attention.head_count", "~attention.head_count_kv", "~attention.layer_norm_rms_epsilon",
        "~rope.freq_base", "~shortconv.l_cache", "~expert_count", "~expert_used_count",
        "~expert_feed_forward_length", "~expert_gating_func",
    };
    char name[64];
    char says[80];
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        tiny_file *f = good();
        tiny_drop(f, needed[i]);
        snprintf(name, sizeof name, "a71-no-%s", needed[i] + 1);
        snprintf(says, sizeof says, "key 'lfm2moe.%s' is missing", needed[i] + 1);
        refused(c, name, f, says);
    }
    tiny_file *f = good();
    tiny_drop(f, "~vocab_size"); /* the embedding tells it */
    accepted(c, "a71-no-vocab_size", f);
    f = good();
    tiny_drop(f, "~leading_dense_block_count"); /* no layer is dense */
    put_file(c, "a71-no-leading_dense_block_count", f, BAD_TENSORS, "blk.0.ffn_gate_inp.weight");
}

/* ---- Numbers -------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    const char *key;
    uint32_t value;
    badness bad;
    const char *says;
} number_case;

static const number_case numbers[] = {
    {"a82-block_count-0", "~block_count", 0, BAD_FILE, "block_count' is 0"},
    {"a83-block_count-600", "~block_count", 600, BAD_FILE, "block_count' is 600"},
    {"a83-block_count-2-31", "~block_count", 1u << 31, BAD_FILE, "block_count' is 2147483648"},
    {"a83-block_count-max", "~block_count", UINT32_MAX, BAD_FILE, "block_count' is 4294967295"},
    {"a84-block_count-less", "~block_count", 2, BAD_FILE, "3 elements for 2 layers"},
    {"a84-block_count-more", "~block_count", 4, BAD_FILE, "3 elements for 4 layers"},
    {"a85-width-0", "~embedding_length", 0, BAD_FILE, "embedding_length' is 0"},
    {"a85-width-31", "~embedding_length", 31, BAD_FILE, ""},
    {"a85-width-64", "~embedding_length", 64, BAD_TENSORS, "expected [64, "},
    {"a85-width-2-31", "~embedding_length", 1u << 31, BAD_FILE, "embedding_length' is 2147483648"},
    {"a85-width-max", "~embedding_length", UINT32_MAX, BAD_FILE, "embedding_length' is"},
    {"a86-heads-0", "~attention.head_count", 0, BAD_FILE, "head_count' is 0"},
    {"a86-heads-3", "~attention.head_count", 3, BAD_TENSORS, "expected [32, 30"},
    {"a86-heads-33", "~attention.head_count", 33, BAD_FILE, "head of 0 values"},
    {"a86-heads-32", "~attention.head_count", 32, BAD_FILE, "head of 1 values"},
    {"a86-heads-2-31", "~attention.head_count", 1u << 31, BAD_FILE, "head_count' is 2147483648"},
    {"a86-heads-max", "~attention.head_count", UINT32_MAX, BAD_FILE, "head_count' is"},
    {"a86-head-16", "~attention.key_length", 16, GOOD, ""},
    {"a86-head-0", "~attention.key_length", 0, BAD_FILE, "key_length' is 0"},
    {"a86-head-17", "~attention.key_length", 17, BAD_FILE, "17"},
    {"a86-head-8", "~attention.key_length", 8, BAD_TENSORS, "expected [32, 16"},
    {"a86-head-max", "~attention.key_length", UINT32_MAX, BAD_FILE, "key_length' is"},
    {"a86-values-8", "~attention.value_length", 8, BAD_FILE, "all three must agree"},
    {"a86-rotated-8", "~rope.dimension_count", 8, BAD_FILE, "all three must agree"},
    {"a86-ff-0", "~feed_forward_length", 0, BAD_FILE, "feed_forward_length' is 0"},
    {"a86-ff-63", "~feed_forward_length", 63, GOOD, ""}, /* the tensors tell it */
    {"a86-ff-96", "~feed_forward_length", 96, GOOD, ""},
    {"a86-ff-2-20", "~feed_forward_length", 1u << 20, GOOD, ""},
    {"a86-ff-max", "~feed_forward_length", UINT32_MAX, BAD_FILE, "feed_forward_length' is"},
    {"a91-taps-0", "~shortconv.l_cache", 0, BAD_FILE, "l_cache' is 0"},
    {"a91-taps-1", "~shortconv.l_cache", 1, BAD_FILE, "l_cache' is 1"},
    {"a91-taps-4", "~shortconv.l_cache", 4, BAD_FILE, "l_cache' is 4"},
    {"a91-taps-2-31", "~shortconv.l_cache", 1u << 31, BAD_FILE, "l_cache' is 2147483648"},
    {"a92-experts-0", "~expert_count", 0, BAD_FILE, "expert_count' is 0"},
    {"a92-experts-3", "~expert_count", 3, BAD_TENSORS, "expected [32, 3"},
    {"a92-experts-2-31", "~expert_count", 1u << 31, BAD_FILE, "expert_count' is 2147483648"},
    {"a92-experts-max", "~expert_count", UINT32_MAX, BAD_FILE, "expert_count' is"},
    {"a93-used-0", "~expert_used_count", 0, BAD_FILE, "expert_used_count' is 0"},
    {"a93-used-1", "~expert_used_count", 1, GOOD, ""},
    {"a93-used-all", "~expert_used_count", 4, GOOD, ""},
    {"a93-used-5", "~expert_used_count", 5, BAD_FILE, "expert_used_count' is 5"},
    {"a93-used-2-31", "~expert_used_count", 1u << 31, BAD_FILE, "expert_used_count' is"},
    {"a93-expert-ff-0", "~expert_feed_forward_length", 0, BAD_FILE, "feed_forward_length' is 0"},
    {"a93-expert-ff-64", "~expert_feed_forward_length", 64, BAD_TENSORS, "expected [32, 64, 4"},
    {"a94-gating-0", "~expert_gating_func", 0, BAD_FILE, "gating_func' is 0; only 2"},
    {"a94-gating-1", "~expert_gating_func", 1, BAD_FILE, "gating_func' is 1; only 2"},
    {"a94-gating-99", "~expert_gating_func", 99, BAD_FILE, "gating_func' is 99; only 2"},
    {"a95-dense-0", "~leading_dense_block_count", 0, BAD_TENSORS, "blk.0.ffn_gate_inp.weight"},
    {"a95-dense-3", "~leading_dense_block_count", 3, BAD_TENSORS, "blk.1.ffn_gate.weight"},
    {"a95-dense-4", "~leading_dense_block_count", 4, BAD_FILE, "block_count' is 4"},
    {"a95-dense-max", "~leading_dense_block_count", UINT32_MAX, BAD_FILE, "block_count' is"},
    {"a98-context-0", "~context_length", 0, BAD_FILE, "context_length' is 0"},
    {"a98-context-8", "~context_length", 8, GOOD, ""},
    {"a98-context-max", "~context_length", UINT32_MAX, BAD_FILE, "context_length' is 4294967295"},
    {"a98-context-2-31", "~context_length", 1u << 31, BAD_FILE, "context_length' is 2147483648"},
    /* Keys of other mathematics: never ignored. */
    {"a99-sliding-window", "~attention.sliding_window", 128, BAD_FILE, "sliding_window' asks for"},
    {"a99-expert-groups", "~expert_group_count", 2, BAD_FILE, "expert_group_count' asks for"},
    {"a99-shared-experts", "~expert_shared_count", 1, BAD_FILE, "expert_shared_count' asks for"},
    {"a99-pooling", "~pooling_type", 1, BAD_FILE, "pooling_type' marks an embedding"},
    {"a99-interleaved", "~interleave_moe_layer_step", 2, BAD_FILE, "layer_step' asks for"},
    {"a99-unknown-key", "~moods", 2, GOOD, ""},
};

static void number_cases(corpus *c) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        tiny_file *f = good();
        tiny_put_u32(f, numbers[i].key, numbers[i].value);
        put_file(c, numbers[i].name, f, numbers[i].bad, numbers[i].says);
    }
}

static void float_case(corpus *c, const char *name, const char *key, float value,
                       const char *says) {
    tiny_file *f = good();
    tiny_put_f32(f, key, value);
    refused(c, name, f, says);
}

static void floats(corpus *c) {
    static const char eps[] = "~attention.layer_norm_rms_epsilon";
    static const char base[] = "~rope.freq_base";
    float_case(c, "a96-eps-nan", eps, NAN, "is not a finite number");
    float_case(c, "a96-eps-inf", eps, INFINITY, "is not a finite number");
    float_case(c, "a96-eps-0", eps, 0.0f, "layer_norm_rms_epsilon");
    float_case(c, "a96-eps-minus-0", eps, -0.0f, "layer_norm_rms_epsilon");
    float_case(c, "a96-eps-negative", eps, -1e-5f, "layer_norm_rms_epsilon");
    float_case(c, "a96-eps-huge", eps, 1e30f, "layer_norm_rms_epsilon");
    float_case(c, "a97-base-0", base, 0.0f, "rope.freq_base");
    float_case(c, "a97-base-1", base, 1.0f, "rope.freq_base");
    float_case(c, "a97-base-negative", base, -1e6f, "rope.freq_base");
    float_case(c, "a97-base-nan", base, NAN, "is not a finite number");
    float_case(c, "a97-base-inf", base, INFINITY, "is not a finite number");
    float_case(c, "a99-rope-scaled", "~rope.scaling.factor", 8.0f, "asks for mathematics");
    float_case(c, "a99-logit-scale", "~logit_scale", 0.5f, "asks for mathematics");
    float_case(c, "a99-softcapping", "~final_logit_softcapping", 30.0f, "asks for mathematics");
    float_case(c, "a99-experts-scale-nan", "~expert_weights_scale", NAN, "not a finite number");
    tiny_file *f = good();
    tiny_put_str(f, "~rope.scaling.type", "yarn");
    refused(c, "a99-rope-yarn", f, "asks for mathematics");
    f = good();
    tiny_put(f, "~attention.causal", T_BOOL, "\0", 1);
    refused(c, "a99-not-causal", f, "attention.causal' marks an embedding model");
    f = good();
    tiny_put(f, "~expert_weights_norm", T_BOOL, "\0", 1);
    accepted(c, "a99-not-normalised", f);
    f = good();
    tiny_put_array(f, "~swiglu_clamp_exp", T_U64, 0, "", 0);
    accepted(c, "a99-clamped-by-nothing", f);
    f = good();
    tiny_put_array(f, "~logit_scale", T_ARRAY, 1, "\4\0\0\0\0\0\0\0\0\0\0\0", 12);
    refused(c, "a99-logit-scale-arrays", f, "logit_scale' asks for mathematics");
    const double wide = 1e6;
    f = good();
    tiny_put(f, base, T_F64, &wide, 8);
    accepted(c, "a99-base-f64", f);
    const double too_wide = 1e300; /* no float */
    f = good();
    tiny_put(f, base, T_F64, &too_wide, 8);
    refused(c, "a97-base-f64-too-large", f, "is not a finite number");
    f = good();
    tiny_put_u32(f, base, 1000000);
    refused(c, "a99-base-u32", f, "should be a float");
}

/* ---- Types of integers ---------------------------------------------------------------------- */

static void integer_case(corpus *c, const char *name, uint32_t type, const void *value, size_t n,
                         badness bad, const char *says) {
    tiny_file *f = good();
    tiny_put(f, "~block_count", type, value, n);
    put_file(c, name, f, bad, says);
}

static void integers(corpus *c) {
    const int64_t three = 3;
    const int64_t minus = -3;
    const uint64_t huge = 1ull << 32 | 3; /* 3 when cut to 32 bits */
    const uint64_t top = 1ull << 63 | 3;
    const float real = 3.0f;
    integer_case(c, "a99-blocks-u8", T_U8, &three, 1, GOOD, "");
    integer_case(c, "a99-blocks-i8", T_I8, &three, 1, GOOD, "");
    integer_case(c, "a99-blocks-u16", T_U16, &three, 2, GOOD, "");
    integer_case(c, "a99-blocks-i32", T_I32, &three, 4, GOOD, "");
    integer_case(c, "a99-blocks-i64", T_I64, &three, 8, GOOD, "");
    integer_case(c, "a99-blocks-u64", T_U64, &three, 8, GOOD, "");
    integer_case(c, "a99-blocks-i8-negative", T_I8, &minus, 1, BAD_FILE, "is -3");
    integer_case(c, "a99-blocks-i32-negative", T_I32, &minus, 4, BAD_FILE, "is -3");
    integer_case(c, "a99-blocks-i64-negative", T_I64, &minus, 8, BAD_FILE, "is -3");
    integer_case(c, "a99-blocks-u64-wraps", T_U64, &huge, 8, BAD_FILE, "is 4294967299");
    integer_case(c, "a99-blocks-u64-negative", T_U64, &top, 8, BAD_FILE, "block_count");
    integer_case(c, "a99-blocks-f32", T_F32, &real, 4, BAD_FILE, "should be an integer");
    integer_case(c, "a99-blocks-bool", T_BOOL, "\1", 1, BAD_FILE, "should be an integer");
    tiny_file *f = good();
    tiny_put_str(f, "~block_count", "3");
    refused(c, "a99-blocks-string", f, "should be an integer");
    f = good();
    tiny_put_array(f, "~block_count", T_U32, 1, &three, 4);
    refused(c, "a99-blocks-array", f, "should be an integer");
}

/* ---- Heads of keys and values: which layers are of which kind ------------------------------- */

static void kv_case(corpus *c, const char *name, size_t n, int32_t a, int32_t b, int32_t last,
                    badness bad, const char *says) {
    const int32_t heads[4] = {a, b, last, last};
    tiny_file *f = good();
    tiny_put_array(f, "~attention.head_count_kv", T_I32, n, heads, 4 * n);
    put_file(c, name, f, bad, says);
}

static void kv_heads(corpus *c) {
    kv_case(c, "a87-kv-empty", 0, 0, 0, 0, BAD_FILE, "0 elements for 3 layers");
    kv_case(c, "a87-kv-short", 2, 0, 1, 0, BAD_FILE, "2 elements for 3 layers");
    kv_case(c, "a87-kv-long", 4, 0, 1, 0, BAD_FILE, "4 elements for 3 layers");
    kv_case(c, "a88-kv-negative", 3, 0, -1, 0, BAD_FILE, "head_count_kv' ");
    kv_case(c, "a88-kv-all-negative", 3, -1, -1, -1, BAD_FILE, "head_count_kv' ");
    kv_case(c, "a88-kv-3-of-2", 3, 0, 3, 0, BAD_FILE, "cannot share 3 key/value heads");
    kv_case(c, "a88-kv-2-31", 3, 0, INT32_MIN, 0, BAD_FILE, "head_count_kv' ");
    kv_case(c, "a88-kv-different", 3, 0, 1, 2, BAD_FILE, "heads and another layer");
    kv_case(c, "a88-kv-2", 3, 0, 2, 0, BAD_TENSORS, "blk.1.attn_k.weight");
    kv_case(c, "a90-all-convolution", 3, 0, 0, 0, BAD_TENSORS, "blk.1.shortconv");
    kv_case(c, "a90-all-attention", 3, 1, 1, 1, BAD_TENSORS, "blk.0.attn_q.weight");
    kv_case(c, "a90-another-layer", 3, 1, 0, 0, BAD_TENSORS, "blk.0.attn_q.weight");
    const float floats3[3] = {0, 1, 0};
    static const char *const texts[3] = {"0", "1", "0"};
    tiny_file *f = good();
    tiny_put_array(f, "~attention.head_count_kv", T_F32, 3, floats3, sizeof floats3);
    refused(c, "a89-kv-f32", f, "should be an array of i32");
    f = good();
    tiny_put_strings(f, "~attention.head_count_kv", texts, 3);
    refused(c, "a89-kv-strings", f, "should be an array of i32");
    f = good();
    tiny_put_array(f, "~attention.head_count_kv", T_U8, 3, "\0\1\0", 3);
    refused(c, "a89-kv-u8", f, "should be an array of i32");
    f = good();
    tiny_put_u32(f, "~attention.head_count_kv", 0);
    refused(c, "a87-kv-scalar", f, "should be an array of i32");
}

/* ---- Tensors -------------------------------------------------------------------------------- */

static void missing_tensors(corpus *c) {
    char name[80];
    char says[80];
    for (size_t i = 0; tensor_names[i]; i++) {
        tiny_file *f = good();
        tiny_drop_tensor(f, tensor_names[i]);
        tiny_layout(f);
        snprintf(name, sizeof name, "a100-no-%s", tensor_names[i]);
        snprintf(says, sizeof says, "tensor '%s' is missing", tensor_names[i]);
        put_file(c, name, f, BAD_TENSORS, says);
    }
}

static void extra_case(corpus *c, const char *name, const char *tensor, uint64_t d0, uint64_t d1,
                       badness bad, const char *says) {
    tiny_file *f = good();
    tiny_add_tensor(f, tensor, TINY_Q8_0, d0, d1, 1);
    tiny_layout(f);
    put_file(c, name, f, bad, says);
}

static void other_tensors(corpus *c) {
    extra_case(c, "a103-unknown", "vision.weight", 32, 4, BAD_TENSORS, "is not part of this");
    extra_case(c, "a103-layer-3", "blk.3.ffn_up.weight", 32, 64, BAD_TENSORS, "is not part of");
    extra_case(c, "a103-layer-max", "blk.4294967295.ffn_up.weight", 32, 64, BAD_TENSORS,
               "is not part of");
    extra_case(c, "a103-layer-huge", "blk.99999999999999999999.ffn_up.weight", 32, 64, BAD_TENSORS,
               "is not part of");
    extra_case(c, "a103-layer-negative", "blk.-1.ffn_up.weight", 32, 64, BAD_TENSORS,
               "is not part of");
    extra_case(c, "a103-other-kind", "blk.0.attn_q.weight", 32, 32, BAD_TENSORS, "its layers use");
    extra_case(c, "a103-biased-router", "blk.1.ffn_gate_inp.bias", 32, 1, BAD_TENSORS,
               "is not part of");
    extra_case(c, "a103-two-norms", "output_norm.weight", 32, 1, BAD_TENSORS, "the file has both");
    extra_case(c, "a103-scale-of-q8", "blk.0.ffn_up.scale", 32, 1, BAD_TENSORS, "expected [1, 1");
    extra_case(c, "a103-scale-of-norm", "blk.0.ffn_norm.scale", 32, 1, BAD_TENSORS,
               "is not part of");
    extra_case(c, "a103-fused-too", "blk.1.ffn_gate_up_exps.weight", 32, 64, BAD_TENSORS,
               "expected [32, 64, 4, 1]");
    extra_case(c, "a104-head-of-its-own", "output.weight", 32, 265, GOOD, "");
    extra_case(c, "a104-head-too-short", "output.weight", 32, 264, BAD_TENSORS, "output.weight");
    extra_case(c, "a104-head-too-wide", "output.weight", 64, 265, BAD_TENSORS, "output.weight");
    tiny_file *f = good();
    tiny_drop_tensor(f, "blk.1.ffn_up_exps.weight");
    tiny_add_tensor(f, "blk.1.ffn_up_exps.weight", TINY_Q8_0, 32, 32, 1);
    tiny_layout(f);
    put_file(c, "a101-experts-of-two-dims", f, BAD_TENSORS, "expected [32, 32, 4, 1]");
    f = good();
    tiny_drop_tensor(f, "blk.0.ffn_gate.weight");
    tiny_add_tensor(f, "blk.0.ffn_gate.weight", TINY_Q8_0, 32, 32, 1);
    tiny_layout(f);
    put_file(c, "a101-narrow-gate", f, BAD_TENSORS, "'blk.0.ffn_up.weight' has the shape");
    f = good();
    while (f->n_tensors > 1) {
        tiny_drop_tensor(f, f->tensors[1].name);
    }
    put_file(c, "a100-only-the-embedding", f, BAD_TENSORS, "is missing");
}

void make_shape_cases(corpus *c) {
    architectures(c);
    missing_keys(c);
    number_cases(c);
    floats(c);
    integers(c);
    kv_heads(c);
    missing_tensors(c);
    other_tensors(c);
}
