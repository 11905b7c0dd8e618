/*
 * test_model_loader.c - model files that say things in another way than Liquid's own: names of
 * tensors, widths, fused and scaled matrices, weights of a mixture, keys of other models.
 *
 * A file that means the same must give the same bits; one that means something else must give what
 * ref_forward computes from it, or be refused by name.
 *
 * Sources: the Ollama library's lfm2.5-thinking:1.2b (ollama37 issue 438), llama.cpp's converter
 * (NVFP4 scales, fused experts), llama.cpp issue 22537.
 */
#include "lfm.h"

#include "../support/golden.h"
#include "../support/memory_file.h"
#include "../support/put.h"
#include "../support/ref_forward.h"
#include "../support/rounding.h"
#include "../support/tiny.h"
#include "convert/write.h"
#include "gguf/gguf.h"
#include "kernel/choose.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_TOKENS = 24, EXPERTS = 4, EXPERT_FF = 32, WIDTH = 32, MAX_ISAS = 8 };

#define FLOAT_BAR 2e-5 /* as in test_model_forward.c */

static memory_file memory;

/* The bytes of a file in pieces, which is freed, under a path. */
static const char *path_of(tiny_file *f) {
    size_t n = 0;
    tiny_layout(f);
    uint8_t *bytes = tiny_bytes(f, &n);
    const char *path = memory_file_set(&memory, bytes, n);
    free(bytes);
    tiny_free(f);
    return path;
}

static void *make(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    assert_non_null(p);
    return p;
}

static lfm_model *open_model(const char *path, const char *isa) {
    lfm_model *m = NULL;
    lfm_error err = {0};
    if (lfm_model_open(&m, path, &(lfm_model_options){.isa = isa}, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return m;
}

static int32_t token(size_t i, size_t n_vocab) {
    return (int32_t)((i * 37 + 11) % n_vocab);
}

/* Logits [N_TOKENS][n_vocab] of a model file; to be freed. */
static float *logits_of(const char *path, const char *isa, const lfm_session_options *opt,
                        size_t *n) {
    lfm_model *m = open_model(path, isa);
    lfm_session *s = NULL;
    lfm_error err = {0};
    const size_t n_vocab = lfm_model_get_info(m)->n_vocab;
    int32_t tokens[N_TOKENS];
    for (size_t i = 0; i < N_TOKENS; i++) {
        tokens[i] = token(i, n_vocab);
    }
    *n = N_TOKENS * n_vocab;
    float *logits = make(*n, sizeof *logits);
    assert_int_equal(lfm_session_new(&s, m, opt, &err), LFM_OK);
    assert_int_equal(lfm_eval_all(s, tokens, N_TOKENS, logits, &err), LFM_OK);
    lfm_session_free(s);
    lfm_model_close(m);
    return logits;
}

static const lfm_session_options exact_cache = {.kv = LFM_KV_F32, .n_threads = 2, .n_batch = 10};

/* Fails unless both files give the same bits, and different ones when `different`. */
static void compare_bits(tiny_file *a, tiny_file *b, bool different) {
    size_t n = 0;
    size_t n_other = 0;
    float *want = logits_of(path_of(a), NULL, &exact_cache, &n);
    float *got = logits_of(path_of(b), NULL, &exact_cache, &n_other);
    assert_int_equal(n, n_other);
    assert_int_equal(memcmp(want, got, n * sizeof *want) != 0, different);
    free(want);
    free(got);
}

/* Fails unless a file with F32 weights gives what the mathematics of it gives. */
static void compare_reference(tiny_file *f) {
    size_t n = 0;
    const char *path = path_of(f);
    float *got = logits_of(path, NULL, &exact_cache, &n);
    ref_model *ref = ref_open_file(path);
    const size_t n_vocab = ref_get_shape(ref).n_vocab;
    int32_t tokens[N_TOKENS];
    for (size_t i = 0; i < N_TOKENS; i++) {
        tokens[i] = token(i, n_vocab);
    }
    double *exact = make(n, sizeof *exact);
    float *want = make(n, sizeof *want);
    ref_eval(ref, tokens, N_TOKENS, &(ref_run){.logits = exact});
    for (size_t i = 0; i < n; i++) {
        want[i] = (float)exact[i];
    }
    const golden_error e = golden_compare(got, want, n);
    print_message("largest difference %.2e\n", e.max);
    assert_true(e.max <= FLOAT_BAR);
    ref_free(ref);
    free(exact);
    free(want);
    free(got);
}

/* Fails unless the file is refused with these texts in one line. */
static void expect_refused(tiny_file *f, const char *one, const char *two) {
    lfm_model *m = NULL;
    lfm_error err = {0};
    const lfm_status st = lfm_model_open(&m, path_of(f), NULL, &err);
    if (st != LFM_ERR_UNSUPPORTED || !strstr(err.text, one) || !strstr(err.text, two)) {
        fail_msg("status %d, \"%s\"; expected \"%s\" and \"%s\"", st, err.text, one, two);
    }
    assert_null(m);
}

/* Fails unless the file is accepted with this warning. */
static void expect_warning(tiny_file *f, const char *want) {
    lfm_model *m = open_model(path_of(f), NULL);
    assert_string_equal(lfm_model_warning(m), want);
    lfm_model_close(m);
}

/* ---- The Ollama library's files ------------------------------------------------------------- */

static void rename_tensor(tiny_file *f, const char *old, const char *name) {
    tiny_rename_tensor(tiny_get_tensor(f, old), name, strlen(name));
}

static void test_output_norm(void **state) {
    (void)state;
    tiny_file *f = tiny_new(true, TINY_F32);
    rename_tensor(f, "token_embd_norm.weight", "output_norm.weight");
    compare_bits(tiny_new(true, TINY_F32), f, false);
    f = tiny_new(false, TINY_F32);
    tiny_add_tensor(f, "output_norm.weight", TINY_F32, WIDTH, 1, 1);
    expect_refused(f, "'output_norm.weight' and 'token_embd_norm.weight'", "the file has both");
}

static void test_width(void **state) {
    (void)state;
    for (int moe = 0; moe < 2; moe++) {
        tiny_file *f = tiny_new(moe == 1, TINY_F32);
        tiny_put_u32(f, "~feed_forward_length", 96);
        expect_warning(f, "the key feed_forward_length is 96, but the tensors are 64 wide, which "
                          "counts");
        f = tiny_new(moe == 1, TINY_F32);
        tiny_put_u32(f, "~feed_forward_length", 7); /* less memory than the tensors need */
        lfm_model *m = open_model(path_of(f), NULL);
        assert_int_equal(lfm_model_get_info(m)->n_ff, 64);
        lfm_model_close(m);
        f = tiny_new(moe == 1, TINY_F32);
        tiny_put_u32(f, "~feed_forward_length", 7);
        compare_bits(tiny_new(moe == 1, TINY_F32), f, false);
    }
    expect_warning(tiny_new(false, TINY_F32), "");
}

/* Tensors that disagree with each other stay an error, whichever the key agrees with. */
static void test_widths_differ(void **state) {
    (void)state;
    static const char *const names[] = {"blk.0.ffn_gate.weight", "blk.2.ffn_gate.weight",
                                        "blk.1.ffn_up.weight"};
    for (size_t i = 0; i < 3; i++) {
        lfm_model *m = NULL;
        lfm_error err = {0};
        tiny_file *f = tiny_new(false, TINY_F32);
        tiny_drop_tensor(f, names[i]);
        tiny_add_tensor(f, names[i], TINY_F32, WIDTH, 96, 1);
        assert_int_equal(lfm_model_open(&m, path_of(f), NULL, &err), LFM_ERR_FORMAT);
        assert_non_null(strstr(err.text, "has the shape"));
    }
}

/* ---- Mixtures ------------------------------------------------------------------------------- */

/* The gate and the up of every expert in one tensor. */
static tiny_file *fused(uint32_t type) {
    tiny_file *f = tiny_new(true, type);
    for (int layer = 1; layer < 3; layer++) {
        char names[3][64];
        snprintf(names[0], sizeof names[0], "blk.%d.ffn_gate_exps.weight", layer);
        snprintf(names[1], sizeof names[1], "blk.%d.ffn_up_exps.weight", layer);
        snprintf(names[2], sizeof names[2], "blk.%d.ffn_gate_up_exps.weight", layer);
        tiny_tensor *both = tiny_add_tensor(f, names[2], type, WIDTH, 2 * EXPERT_FF, EXPERTS);
        const tiny_tensor *gate = tiny_get_tensor(f, names[0]);
        const tiny_tensor *up = tiny_get_tensor(f, names[1]);
        const size_t n = gate->n_bytes / EXPERTS;
        for (size_t e = 0; e < EXPERTS; e++) {
            memcpy(both->data + 2 * e * n, gate->data + e * n, n);
            memcpy(both->data + (2 * e + 1) * n, up->data + e * n, n);
        }
        tiny_drop_tensor(f, names[0]);
        tiny_drop_tensor(f, names[1]);
    }
    return f;
}

static void test_fused(void **state) {
    (void)state;
    static const uint32_t types[] = {TINY_F32, TINY_F16, TINY_Q4_0, TINY_Q8_0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        compare_bits(tiny_new(true, types[i]), fused(types[i]), false);
    }
    compare_reference(fused(TINY_F32));
    lfm_model *m = open_model(path_of(tiny_new(true, TINY_Q8_0)), NULL);
    const uint64_t token_bytes = lfm_model_get_info(m)->token_bytes;
    lfm_model_close(m);
    m = open_model(path_of(fused(TINY_Q8_0)), NULL);
    assert_int_equal(lfm_model_get_info(m)->token_bytes, token_bytes);
    lfm_model_close(m);
    tiny_file *f = fused(TINY_F32); /* both ways: one of them would be ignored */
    tiny_add_tensor(f, "blk.1.ffn_up_exps.weight", TINY_F32, WIDTH, EXPERT_FF, EXPERTS);
    expect_refused(f, "tensors", "but its layers use");
}

static void test_expert_weights(void **state) {
    (void)state;
    static const float scales[] = {2.5f, 0.25f};
    for (int norm = 0; norm < 2; norm++) {
        const char value = (char)norm;
        for (size_t i = 0; i < 2; i++) {
            tiny_file *f = tiny_new(true, TINY_F32);
            tiny_put(f, "~expert_weights_norm", T_BOOL, &value, 1);
            tiny_put_f32(f, "~expert_weights_scale", scales[i]);
            compare_reference(f);
            f = tiny_new(true, TINY_F32);
            tiny_put_f32(f, "~expert_weights_scale", scales[i]);
            compare_bits(tiny_new(true, TINY_F32), f, true);
        }
        tiny_file *f = tiny_new(true, TINY_F32);
        tiny_put(f, "~expert_weights_norm", T_BOOL, &value, 1);
        compare_bits(tiny_new(true, TINY_F32), f, norm == 0);
        f = tiny_new(true, TINY_F32);
        tiny_put(f, "~expert_weights_norm", T_BOOL, &value, 1);
        compare_reference(f);
    }
}

/* Every layer is a mixture when no key counts dense ones. */
static void test_no_dense(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint64_t dim[3];
    } moe[] = {
        {"blk.0.ffn_gate_inp.weight", {WIDTH, EXPERTS, 1}},
        {"blk.0.exp_probs_b.bias", {EXPERTS, 1, 1}},
        {"blk.0.ffn_gate_exps.weight", {WIDTH, EXPERT_FF, EXPERTS}},
        {"blk.0.ffn_up_exps.weight", {WIDTH, EXPERT_FF, EXPERTS}},
        {"blk.0.ffn_down_exps.weight", {EXPERT_FF, WIDTH, EXPERTS}},
    };
    tiny_file *files[2];
    for (int i = 0; i < 2; i++) {
        files[i] = tiny_new(true, TINY_F32);
        tiny_drop_tensor(files[i], "blk.0.ffn_gate.weight");
        tiny_drop_tensor(files[i], "blk.0.ffn_up.weight");
        tiny_drop_tensor(files[i], "blk.0.ffn_down.weight");
        for (size_t j = 0; j < sizeof moe / sizeof *moe; j++) {
            tiny_add_tensor(files[i], moe[j].name, TINY_F32, moe[j].dim[0], moe[j].dim[1],
                            moe[j].dim[2]);
        }
    }
    tiny_put_u32(files[0], "~leading_dense_block_count", 0);
    tiny_drop(files[1], "~leading_dense_block_count");
    compare_bits(files[0], files[1], false);
}

/* ---- Scales of matrices --------------------------------------------------------------------- */

/* Other ones for each matrix. */
static void fill_scales(float *scales, size_t tensor, size_t n) {
    for (size_t e = 0; e < n; e++) {
        scales[e] = 0.55f + 0.01f * (float)((tensor * 7 + e * 13) % 90);
    }
}

/* A scale beside every matrix of at least two dimensions. */
static void add_scales(tiny_file *f) {
    const size_t n = f->n_tensors;
    float scales[EXPERTS];
    for (size_t i = 0; i < n; i++) {
        const tiny_tensor *t = &f->tensors[i];
        if (t->n_dims < 2 || strstr(t->name, "shortconv.conv")) {
            continue;
        }
        char name[80];
        const uint64_t n_mats = t->dim[2];
        snprintf(name, sizeof name, "%.*s.scale", (int)(t->name_len - 7), t->name);
        tiny_tensor *scale = tiny_add_tensor(f, name, TINY_F32, n_mats, 1, 1);
        fill_scales(scales, i, n_mats);
        memcpy(scale->data, scales, scale->n_bytes);
    }
}

static tiny_file *scaled(bool moe, uint32_t type) {
    tiny_file *f = tiny_new(moe, type);
    add_scales(f);
    return f;
}

static void test_scales(void **state) {
    (void)state;
    compare_reference(scaled(true, TINY_F32));
    compare_reference(scaled(false, TINY_F32));
    compare_reference(scaled(true, TINY_F16));
    tiny_file *f = fused(TINY_F32);
    add_scales(f);
    compare_reference(f);
    f = tiny_new(true, TINY_F32); /* a head of its own has its own scale */
    tiny_add_tensor(f, "output.weight", TINY_F32, WIDTH, 265, 1);
    add_scales(f);
    compare_reference(f);
    f = tiny_new(true, TINY_F32); /* of activations: serves other programs */
    tiny_add_tensor(f, "blk.1.ffn_up_exps.input_scale", TINY_F32, EXPERTS, 1, 1);
    tiny_add_tensor(f, "blk.0.ffn_up.input_scale", TINY_F32, 1, 1, 1);
    compare_bits(tiny_new(true, TINY_F32), f, false);
    f = tiny_new(true, TINY_F32);
    tiny_add_tensor(f, "blk.1.ffn_norm.scale", TINY_F32, 1, 1, 1);
    expect_refused(f, "tensor 'blk.1.ffn_norm.scale'", "is not part of this architecture");
    lfm_model *m = NULL;
    lfm_error err = {0};
    f = tiny_new(true, TINY_F32);
    tiny_add_tensor(f, "blk.1.ffn_up_exps.scale", TINY_F32, 1, 1, 1);
    assert_int_equal(lfm_model_open(&m, path_of(f), NULL, &err), LFM_ERR_FORMAT);
    assert_non_null(strstr(err.text, "'blk.1.ffn_up_exps.scale' has the shape [1, 1, 1, 1]; "
                                     "expected [4, 1, 1, 1]"));
}

/* Copy a file, with a scale behind every quantised matrix; to be dropped. */
static gguf_memory copy_scaled(const gguf_file *f) {
    gguf_writer w;
    gguf_memory out = {0};
    float scales[64];
    gguf_writer_init(&w, 3, GGUF_ALIGNMENT);
    for (size_t i = 0; i < f->n_keys; i++) {
        gguf_put_key(&w, &f->keys[i]);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_tensor *t = &f->tensors[i];
        char name[80];
        const int len =
            snprintf(name, sizeof name, "%.*s.scale", (int)t->name.len - 7, t->name.ptr);
        gguf_put_tensor(&w, t->name, t->type, t->n_dims, t->dim);
        if (qtype_get(t->type)->block_weights > 1) {
            gguf_put_tensor(&w, (gguf_str){name, (size_t)len}, QTYPE_F32, 1, &t->dim[2]);
        }
    }
    assert_int_equal(gguf_write_head(&w, gguf_memory_sink(&out), NULL), LFM_OK);
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_tensor *t = &f->tensors[i];
        assert_int_equal(gguf_write_data(&w, t->data, t->n_bytes, NULL), LFM_OK);
        if (qtype_get(t->type)->block_weights > 1) {
            assert_true(t->dim[2] <= 64);
            fill_scales(scales, i, t->dim[2]);
            assert_int_equal(gguf_write_data(&w, scales, t->dim[2] * 4, NULL), LFM_OK);
        }
    }
    assert_int_equal(gguf_write_end(&w, NULL), LFM_OK);
    gguf_writer_drop(&w);
    return out;
}

/* The model maker's file with such scales, under a path. */
static const char *scaled_file(const char *preset, const char *type) {
    const char *maker = getenv("LFM_MKMODEL");
    char command[512];
    char path[64];
    gguf_file f = {0};
    snprintf(path, sizeof path, "/tmp/lfm-loader-%ld.gguf", (long)getpid());
    snprintf(command, sizeof command, "'%s' %s %s -o %s -f >/dev/null",
             maker ? maker : "build/release/mkmodel", preset, type, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(gguf_open(&f, path, NULL), LFM_OK);
    gguf_memory bytes = copy_scaled(&f);
    gguf_close(&f);
    remove(path);
    const char *kept = memory_file_set(&memory, bytes.data, bytes.size);
    gguf_memory_drop(&bytes);
    return kept;
}

/* Texts of one token, of which at least half must be the mathematics of rounded activations: see
 * test_model_forward.c. */
static void compare_rounded(const char *path) {
    lfm_model *m = open_model(path, NULL);
    lfm_session *s = NULL;
    lfm_error err = {0};
    ref_model *ref = ref_open_file(path);
    const size_t n_vocab = lfm_model_get_info(m)->n_vocab;
    double *exact = make(n_vocab, sizeof *exact);
    float *want = make(n_vocab, sizeof *want);
    size_t n_same = 0;
    assert_int_equal(lfm_session_new(&s, m, NULL, &err), LFM_OK);
    for (size_t i = 0; i < N_TOKENS; i++) {
        const int32_t id = token(i, n_vocab);
        lfm_session_reset(s);
        assert_int_equal(lfm_eval(s, &id, 1, &err), LFM_OK);
        ref_eval(ref, &id, 1,
                 &(ref_run){.round = rounding_lfm, .kv_f16 = true, .logits = exact});
        for (size_t j = 0; j < n_vocab; j++) {
            want[j] = (float)exact[j];
        }
        n_same += golden_compare(lfm_logits(s), want, n_vocab).nmse <= 1e-12;
    }
    print_message("%zu of %d positions repeated\n", n_same, N_TOKENS);
    assert_true(n_same >= N_TOKENS / 2);
    ref_free(ref);
    free(exact);
    free(want);
    lfm_session_free(s);
    lfm_model_close(m);
}

static void test_nvfp4(void **state) {
    (void)state;
    static const lfm_session_options ways[] = {
        {.n_threads = 1, .n_batch = 1}, {.n_threads = 3, .n_batch = 7}, {.n_threads = 2},
    };
    const char *names[MAX_ISAS];
    const size_t n_isas = kern_isa_names(names, MAX_ISAS);
    static const char *const presets[] = {"kq-moe", "nano-dense"};
    for (size_t p = 0; p < 2; p++) {
        const char *path = scaled_file(presets[p], "NVFP4");
        size_t n = 0;
        float *want = logits_of(path, "scalar", &ways[0], &n);
        for (size_t i = 0; i < n_isas; i++) {
            for (size_t j = 0; j < sizeof ways / sizeof *ways; j++) {
                float *got = logits_of(path, names[i], &ways[j], &n);
                assert_memory_equal(got, want, n * sizeof *want);
                free(got);
            }
        }
        free(want);
        compare_rounded(path);
    }
}

/* ---- Keys and architectures ----------------------------------------------------------------- */

typedef enum { AS_U32, AS_F32, AS_BOOL, AS_TEXT } value_type;

static void put_value(tiny_file *f, const char *key, value_type type, double v, const char *text) {
    const char flag = v != 0;
    char name[80];
    snprintf(name, sizeof name, "~%s", key);
    switch (type) {
    case AS_U32: tiny_put_u32(f, name, (uint32_t)v); break;
    case AS_F32: tiny_put_f32(f, name, (float)v); break;
    case AS_BOOL: tiny_put(f, name, T_BOOL, &flag, 1); break;
    case AS_TEXT: tiny_put_str(f, name, text); break;
    }
}

/* A key that asks for other mathematics is refused by its name; its neutral values pass without a
 * word. */
static void test_other_mathematics(void **state) {
    (void)state;
    static const struct {
        const char *key;
        value_type type;
        double other;
        double neutral[2];
    } cases[] = {
        {"interleave_moe_layer_step", AS_U32, 2, {0, 1}},
        {"moe_every_n_layers", AS_U32, 2, {0, 1}},
        {"router_logit_softcapping", AS_F32, 30, {0, 0}},
        {"attn_logit_softcapping", AS_F32, 50, {0, 0}},
        {"final_logit_softcapping", AS_F32, 30, {0, 0}},
        {"attention.scale", AS_F32, 0.1, {0, 0}},
        {"attention.output_scale", AS_F32, 2, {0, 1}},
        {"attention.value_scale", AS_F32, 2, {0, 1}},
        {"attention.temperature_scale", AS_F32, 0.1, {0, 0}},
        {"attention.temperature_length", AS_U32, 8192, {0, 0}},
        {"attention.sliding_window", AS_U32, 128, {0, 0}},
        {"attention.shared_kv_layers", AS_U32, 2, {0, 0}},
        {"attention.max_alibi_bias", AS_F32, 8, {0, 0}},
        {"attention.clamp_kqv", AS_F32, 8, {0, 0}},
        {"attention.kv_lora_rank", AS_U32, 64, {0, 0}},
        {"attention.indexer.top_k", AS_U32, 64, {0, 0}},
        {"residual_scale", AS_F32, 0.5, {0, 1}},
        {"embedding_scale", AS_F32, 12, {0, 1}},
        {"logit_scale", AS_F32, 0.0625, {0, 1}},
        {"rope.scaling.factor", AS_F32, 4, {0, 1}},
        {"rope.scaling.attn_factor", AS_F32, 1.5, {0, 1}},
        {"rope.scaling.alpha", AS_F32, 2, {0, 1}},
        {"rope.scaling.yarn_ext_factor", AS_F32, 1, {0, 0}},
        {"rope.scaling.yarn_log_multiplier", AS_F32, 0.1, {0, 0}},
        {"rope.scale_linear", AS_F32, 2, {0, 1}},
        {"expert_group_count", AS_U32, 4, {0, 1}},
        {"expert_group_used_count", AS_U32, 2, {0, 1}},
        {"expert_group_scale", AS_F32, 0.5, {0, 1}},
        {"expert_shared_count", AS_U32, 1, {0, 0}},
        {"expert_shared_feed_forward_length", AS_U32, 64, {0, 0}},
        {"experts_per_group", AS_U32, 2, {0, 0}},
        {"nextn_predict_layers", AS_U32, 1, {0, 0}},
        {"use_parallel_residual", AS_BOOL, 1, {0, 0}},
        {"swin_norm", AS_BOOL, 1, {0, 0}},
        {"num_loops", AS_U32, 2, {0, 1}},
        {"full_attention_interval", AS_U32, 4, {0, 1}},
        {"altup.num_inputs", AS_U32, 4, {0, 0}},
        {"ssm.conv_kernel", AS_U32, 4, {0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int moe = 0; moe < 2; moe++) {
            char whole[96];
            tiny_file *f = tiny_new(moe == 1, TINY_F32);
            snprintf(whole, sizeof whole, "key '%s.%s'", moe ? "lfm2moe" : "lfm2", cases[i].key);
            put_value(f, cases[i].key, cases[i].type, cases[i].other, NULL);
            expect_refused(f, whole, "asks for mathematics that lfm does not implement");
            for (int j = 0; j < 2; j++) {
                f = tiny_new(moe == 1, TINY_F32);
                put_value(f, cases[i].key, cases[i].type, cases[i].neutral[j], NULL);
                expect_warning(f, "");
            }
        }
    }
}

/* Words, arrays, and numbers of other types. */
static void test_values(void **state) {
    (void)state;
    static const struct {
        const char *key, *other, *neutral;
    } cases[] = {
        {"rope.scaling.type", "yarn", "none"}, {"rope.scaling.type", "longrope", "linear"},
        {"hidden_activation", "gelu", "silu"}, {"tensor_data_layout", "other", "reference"},
    };
    static const float zeros[3] = {0, 0, 0};
    static const float clamps[3] = {0, 0, 7};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny_file *f = tiny_new(true, TINY_F32);
        put_value(f, cases[i].key, AS_TEXT, 0, cases[i].other);
        expect_refused(f, cases[i].key, "asks for mathematics");
        f = tiny_new(true, TINY_F32);
        put_value(f, cases[i].key, AS_TEXT, 0, cases[i].neutral);
        expect_warning(f, "");
        f = tiny_new(true, TINY_F32);
        put_value(f, cases[i].key, AS_U32, 0, NULL); /* no word */
        expect_refused(f, cases[i].key, "asks for mathematics");
    }
    tiny_file *f = tiny_new(true, TINY_F32);
    tiny_put_array(f, "~swiglu_clamp_exp", T_F32, 3, zeros, sizeof zeros);
    expect_warning(f, "");
    f = tiny_new(true, TINY_F32);
    tiny_put_array(f, "~swiglu_clamp_exp", T_F32, 3, clamps, sizeof clamps);
    expect_refused(f, "'lfm2moe.swiglu_clamp_exp'", "asks for mathematics");
    f = tiny_new(true, TINY_F32);
    put_value(f, "logit_scale", AS_TEXT, 0, "1");
    expect_refused(f, "'lfm2moe.logit_scale'", "asks for mathematics");
    f = tiny_new(true, TINY_F32);
    put_value(f, "logit_scale", AS_F32, (double)NAN, NULL);
    expect_refused(f, "'lfm2moe.logit_scale'", "asks for mathematics");
    const int64_t minus = -1;
    f = tiny_new(true, TINY_F32);
    tiny_put(f, "~attention.sliding_window", T_I64, &minus, 8);
    expect_refused(f, "'lfm2moe.attention.sliding_window'", "asks for mathematics");
    f = tiny_new(true, TINY_F32);
    put_value(f, "expert_weights_norm", AS_U32, 1, NULL);
    lfm_model *m = NULL;
    lfm_error err = {0};
    assert_int_equal(lfm_model_open(&m, path_of(f), NULL, &err), LFM_ERR_FORMAT);
    assert_non_null(strstr(err.text, "expert_weights_norm' should be true or false"));
}

static void test_unknown_keys(void **state) {
    (void)state;
    tiny_file *f = tiny_new(false, TINY_F32);
    tiny_put_u32(f, "~moods", 7);
    tiny_put_u32(f, "lfm2moe.moods", 7); /* of another architecture */
    tiny_put_u32(f, "a.value", 7);
    expect_warning(f, "key 'lfm2.moods' is unknown and ignored");
    compare_bits(tiny_new(false, TINY_F32), tiny_new(false, TINY_F32), false);
    f = tiny_new(false, TINY_F32);
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "~x%d", i);
        tiny_put_u32(f, name, 1);
    }
    tiny_put_u32(f, "~feed_forward_length", 96);
    expect_warning(f, "key 'lfm2.x0' is unknown and ignored; key 'lfm2.x1' is unknown and ignored; "
                      "key 'lfm2.x2' is unknown and ignored; 2 more keys are unknown and ignored; "
                      "the key feed_forward_length is 96, but the tensors are 64 wide, which "
                      "counts");
    /* A name is long as a file wants; what lies near a known one is not that one. */
    char longest[1000];
    memset(longest, 'k', sizeof longest);
    memcpy(longest, "lfm2.", 5);
    f = tiny_new(false, TINY_F32);
    tiny_put_u32(f, "~x", 1);
    tiny_rename(tiny_get(f, "~x"), longest, sizeof longest);
    lfm_model *m = open_model(path_of(f), NULL);
    assert_non_null(strstr(lfm_model_warning(m), "kkk' is unknown"));
    lfm_model_close(m);
    f = tiny_new(false, TINY_F32);
    tiny_put_u32(f, "~logit_scales", 7);
    tiny_put_u32(f, "~ssm", 7);
    expect_warning(f, "key 'lfm2.logit_scales' is unknown and ignored; key 'lfm2.ssm' is unknown "
                      "and ignored");
}

static void test_other_models(void **state) {
    (void)state;
    static const struct {
        const char *arch, *what;
    } archs[] = {
        {"dflash", "a draft model, which only guesses ahead"},
        {"eagle3", "a draft model, which only guesses ahead"},
        {"lfm2-bidir", "an embedding model, which turns texts into vectors"},
        {"clip", "the encoder of images or sound (mmproj)"},
        {"llama", "lfm runs only 'lfm2moe' and 'lfm2'"},
    };
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        char holds[64];
        tiny_file *f = tiny_new(false, TINY_F32);
        tiny_put_str(f, "general.architecture", archs[i].arch);
        snprintf(holds, sizeof holds, "this file holds a '%s' model", archs[i].arch);
        expect_refused(f, holds, archs[i].what);
    }
    static const struct {
        const char *key;
        value_type type;
        double vectors, neutral;
    } keys[] = {
        {"attention.causal", AS_BOOL, 0, 1},       {"pooling_type", AS_U32, 1, 0},
        {"pooling_type", AS_U32, 3, 0},            {"embedding_length_out", AS_U32, 128, 32},
        {"dense_2_feat_out", AS_U32, 128, 0},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        tiny_file *f = tiny_new(false, TINY_F32);
        put_value(f, keys[i].key, keys[i].type, keys[i].vectors, NULL);
        expect_refused(f, keys[i].key, "marks an embedding model, which turns texts into vectors");
        f = tiny_new(false, TINY_F32);
        put_value(f, keys[i].key, keys[i].type, keys[i].neutral, NULL);
        expect_warning(f, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_norm),       cmocka_unit_test(test_width),
        cmocka_unit_test(test_widths_differ),     cmocka_unit_test(test_fused),
        cmocka_unit_test(test_expert_weights),    cmocka_unit_test(test_no_dense),
        cmocka_unit_test(test_scales),            cmocka_unit_test(test_nvfp4),
        cmocka_unit_test(test_other_mathematics), cmocka_unit_test(test_values),
        cmocka_unit_test(test_unknown_keys),      cmocka_unit_test(test_other_models),
    };
    return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
