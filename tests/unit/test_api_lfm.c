/*
 * test_api_lfm.c - the public interface: what it promises about errors, and which files it refuses.
 *
 * Wrong files are made by changing a few bytes of a good one that the model maker wrote.
 */
#include "lfm.h"

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

static char good_path[128];
static char bad_path[128];
static uint8_t *good;
static size_t good_size;

static int read_good(void **state) {
    (void)state;
    const char *maker = getenv("LFM_MKMODEL");
    char command[512];
    snprintf(good_path, sizeof good_path, "/tmp/lfm-api-%ld.gguf", (long)getpid());
    snprintf(bad_path, sizeof bad_path, "/tmp/lfm-api-%ld-bad.gguf", (long)getpid());
    snprintf(command, sizeof command, "'%s' nano-moe F32 -o %s --seed 3 >/dev/null",
             maker ? maker : "build/release/mkmodel", good_path);
    if (system(command) != 0) {
        return -1;
    }
    FILE *f = fopen(good_path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        return -1;
    }
    good_size = (size_t)ftell(f);
    good = malloc(good_size);
    rewind(f);
    const bool ok = good && fread(good, 1, good_size, f) == good_size;
    fclose(f);
    return ok ? 0 : -1;
}

static int drop_good(void **state) {
    (void)state;
    free(good);
    remove(good_path);
    remove(bad_path);
    return 0;
}

/* Where a length-prefixed name stands in the file; the offset behind it. */
static size_t behind(const char *name) {
    const uint64_t len = strlen(name);
    for (size_t at = 0; at + 8 + len < good_size; at++) {
        if (memcmp(good + at, &len, 8) == 0 && memcmp(good + at + 8, name, len) == 0) {
            return at + 8 + len;
        }
    }
    fail_msg("'%s' is not in the file", name);
    return 0;
}

/* Open a copy of the good file with n bytes at `at` changed. */
static void expect_refused(size_t at, const void *bytes, size_t n, lfm_status status,
                           const char *text) {
    uint8_t *copy = malloc(good_size);
    assert_non_null(copy);
    memcpy(copy, good, good_size);
    memcpy(copy + at, bytes, n);
    FILE *f = fopen(bad_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(copy, 1, good_size, f), good_size);
    assert_int_equal(fclose(f), 0);
    free(copy);
    lfm_model *m = NULL;
    lfm_error err = {0};
    const lfm_status st = lfm_model_open(&m, bad_path, NULL, &err);
    if (st != status || !strstr(err.text, text)) {
        print_message("got %d \"%s\", expected %d \"%s\"\n", st, err.text, status, text);
    }
    assert_int_equal(st, status);
    assert_null(m);
    assert_non_null(strstr(err.text, text));
    assert_non_null(strstr(err.text, bad_path));
}

static void test_keys(void **state) {
    (void)state;
    static const struct {
        const char *key;
        uint32_t value;
        lfm_status status;
        const char *text;
    } numbers[] = {
        {"lfm2moe.block_count", 0, LFM_ERR_FORMAT, "block_count' is 0"},
        {"lfm2moe.block_count", 9, LFM_ERR_FORMAT, "elements for 9 layers"},
        {"lfm2moe.block_count", 100000, LFM_ERR_FORMAT, "outside 1 to 512"},
        {"lfm2moe.embedding_length", 0, LFM_ERR_FORMAT, "embedding_length' is 0"},
        {"lfm2moe.context_length", 0, LFM_ERR_FORMAT, "context_length' is 0"},
        {"lfm2moe.attention.head_count", 0, LFM_ERR_FORMAT, "head_count' is 0"},
        {"lfm2moe.expert_gating_func", 1, LFM_ERR_UNSUPPORTED, "only 2 (sigmoid)"},
        {"lfm2moe.expert_used_count", 33, LFM_ERR_FORMAT, "expert_used_count' is 33"},
        {"lfm2moe.expert_count", 0, LFM_ERR_FORMAT, "expert_count' is 0"},
        {"lfm2moe.shortconv.l_cache", 4, LFM_ERR_UNSUPPORTED, "only 3 is implemented"},
        {"lfm2moe.leading_dense_block_count", 99, LFM_ERR_FORMAT, "outside 0 to"},
        {"lfm2moe.rope.freq_base", 0, LFM_ERR_FORMAT, "must be above 1"},
        {"lfm2moe.rope.freq_base", 0x7fc00000, LFM_ERR_FORMAT, "not a finite number"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        expect_refused(behind(numbers[i].key) + 4, &numbers[i].value, 4, numbers[i].status,
                       numbers[i].text);
    }
    /* A key of another name is a missing key. */
    static const char *const needed[] = {
        "lfm2moe.block_count", "lfm2moe.embedding_length", "lfm2moe.feed_forward_length",
        "lfm2moe.attention.head_count", "lfm2moe.attention.head_count_kv",
        "lfm2moe.attention.layer_norm_rms_epsilon", "lfm2moe.rope.freq_base",
        "lfm2moe.expert_count", "lfm2moe.expert_used_count", "lfm2moe.expert_gating_func",
        "lfm2moe.expert_feed_forward_length", "lfm2moe.shortconv.l_cache",
        "lfm2moe.context_length", "tokenizer.ggml.tokens",
        "tokenizer.ggml.merges", "general.architecture",
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "'%s' is missing", needed[i]);
        expect_refused(behind(needed[i]) - 1, "~", 1, LFM_ERR_FORMAT, text);
    }
    /* This one may be missing, and then no layer is dense. */
    expect_refused(behind("lfm2moe.leading_dense_block_count") - 1, "~", 1, LFM_ERR_FORMAT,
                   "'blk.0.ffn_gate_inp.weight' is missing");
    expect_refused(behind("general.architecture") + 4 + 8, "llama3x", 7, LFM_ERR_UNSUPPORTED,
                   "holds a 'llama3x' model");
    /* A key that would change the mathematics, in the place of one of the same length and type. */
    static const char stranger[] = "lfm2moe.expert_shared_count";
    assert_int_equal(sizeof stranger, sizeof "tokenizer.ggml.bos_token_id");
    expect_refused(behind("tokenizer.ggml.bos_token_id") - (sizeof stranger - 1), stranger,
                   sizeof stranger - 1, LFM_ERR_UNSUPPORTED, "mathematics");
}

static void test_tensors(void **state) {
    (void)state;
    const uint64_t wrong = 64;
    const uint32_t f16 = 1;
    const size_t q = behind("blk.2.attn_q.weight");
    expect_refused(q + 4 + 8, &wrong, 8, LFM_ERR_FORMAT, "'blk.2.attn_q.weight' has the shape");
    expect_refused(behind("blk.2.attn_q.weight") - 1, "~", 1, LFM_ERR_FORMAT,
                   "'blk.2.attn_q.weight' is missing");
    const uint64_t rows = 511;
    expect_refused(behind("token_embd.weight") + 4 + 8, &rows, 8, LFM_ERR_FORMAT,
                   "the tokenizer has 512 tokens, but 'token_embd.weight' has 511 rows");
    const size_t norm = behind("blk.0.attn_norm.weight");
    expect_refused(norm + 4 + 8, &f16, 4, LFM_ERR_FORMAT, "has type F16; expected F32");
    const size_t router = behind("blk.3.ffn_gate_inp.weight");
    expect_refused(router + 4 + 16, &f16, 4, LFM_ERR_FORMAT, "has type F16; expected F32");
    /* Same length, and nothing that the architecture has. */
    expect_refused(behind("blk.4.exp_probs_b.bias") - 4, "bios", 4, LFM_ERR_FORMAT,
                   "'blk.4.exp_probs_b.bias' is missing");
}

static lfm_model *open_good(lfm_session **session, uint32_t n_ctx) {
    lfm_model *m = NULL;
    lfm_error err = {0};
    const lfm_session_options opt = {.n_ctx = n_ctx, .n_batch = 4, .n_threads = 2};
    assert_int_equal(lfm_model_open(&m, good_path, NULL, &err), LFM_OK);
    assert_int_equal(lfm_session_new(session, m, &opt, &err), LFM_OK);
    return m;
}

static void test_session(void **state) {
    (void)state;
    lfm_session *s = NULL;
    lfm_model *m = open_good(&s, 10);
    const uint32_t n_vocab = lfm_model_get_info(m)->n_vocab;
    const int32_t tokens[11] = {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const int32_t outside[2] = {5, (int32_t)n_vocab};
    const int32_t negative[1] = {-1};
    lfm_error err = {0};
    assert_null(lfm_logits(s));
    assert_int_equal(lfm_eval(s, tokens, 0, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_eval_all(s, tokens, 0, NULL, &err), LFM_ERR_ARG);
    assert_null(lfm_logits(s));
    assert_int_equal(lfm_eval(s, tokens, 6, &err), LFM_OK);
    float *first = malloc(n_vocab * sizeof *first);
    memcpy(first, lfm_logits(s), n_vocab * sizeof *first);
    /* Refusals leave the session as it was. */
    assert_int_equal(lfm_eval(s, tokens, 0, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_eval(s, tokens, 5, &err), LFM_ERR_FULL);
    assert_non_null(strstr(err.text, "holds 10 and 6 are used"));
    assert_int_equal(lfm_eval(s, outside, 2, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "outside the vocabulary"));
    assert_int_equal(lfm_eval(s, negative, 1, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_session_pos(s), 6);
    assert_memory_equal(first, lfm_logits(s), n_vocab * sizeof *first);
    assert_int_equal(lfm_eval(s, tokens + 6, 4, &err), LFM_OK);
    assert_int_equal(lfm_eval(s, tokens, 1, &err), LFM_ERR_FULL);
    lfm_session_reset(s);
    assert_int_equal(lfm_session_pos(s), 0);
    assert_null(lfm_logits(s));
    assert_int_equal(lfm_eval(s, tokens, 6, &err), LFM_OK);
    assert_memory_equal(first, lfm_logits(s), n_vocab * sizeof *first);
    free(first);
    lfm_session_free(s);
    lfm_model_close(m);
}

/* A model that was read computes what a mapped one does, and needs its file no longer. */
static void test_read(void **state) {
    (void)state;
    const lfm_model_options opt = {.no_map = true};
    const int32_t tokens[] = {1, 2, 3, 40, 5};
    lfm_session *mapped = NULL;
    lfm_session *read = NULL;
    lfm_model *other = NULL;
    lfm_error err;
    lfm_model *m = open_good(&mapped, 16);
    FILE *f = fopen(bad_path, "wb");
    assert_true(f && fwrite(good, 1, good_size, f) == good_size && fclose(f) == 0);
    assert_int_equal(lfm_model_open(&other, bad_path, &opt, &err), LFM_OK);
    assert_int_equal(truncate(bad_path, 0), 0);
    assert_int_equal(lfm_session_new(&read, other, NULL, &err), LFM_OK);
    assert_int_equal(lfm_eval(mapped, tokens, 5, &err), LFM_OK);
    assert_int_equal(lfm_eval(read, tokens, 5, &err), LFM_OK);
    assert_memory_equal(lfm_logits(mapped), lfm_logits(read),
                        lfm_model_get_info(m)->n_vocab * sizeof(float));
    /* the system may refuse this, and then says how much it allows */
    const lfm_status locked = lfm_model_lock(m, &err);
    assert_true(locked == LFM_OK || (locked == LFM_ERR_MEMORY && strstr(err.text, "ulimit -l")));
    lfm_session_free(mapped);
    lfm_session_free(read);
    lfm_model_close(m);
    lfm_model_close(other);
}

/* Of every position, and of the most probable tokens of all. */
static void test_logprobs(void **state) {
    (void)state;
    const int32_t tokens[] = {1, 2, 3};
    lfm_session *s = NULL;
    lfm_error err;
    lfm_model *m = open_good(&s, 16);
    const size_t n = lfm_model_get_info(m)->n_vocab;
    lfm_logprob top[3];
    float chosen = 0;
    double sum = 0;
    assert_int_equal(lfm_eval(s, tokens, 3, &err), LFM_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(lfm_logprobs(lfm_logits(s), n, (int32_t)i, &chosen, top, 3, &err), LFM_OK);
        assert_true(chosen <= top[0].logprob);
        sum += exp((double)chosen);
    }
    assert_true(fabs(sum - 1) < 1e-4);
    assert_int_equal(lfm_logprobs(lfm_logits(s), n, (int32_t)n, &chosen, NULL, 0, &err),
                     LFM_ERR_ARG);
    lfm_session_free(s);
    lfm_model_close(m);
}

static bool stop_after_4(void *ctx, size_t done, size_t total) {
    (void)ctx;
    assert_true(done <= total);
    return done < 4;
}

static void test_progress(void **state) {
    (void)state;
    lfm_session *s = NULL;
    lfm_model *m = open_good(&s, 64);
    const int32_t tokens[12] = {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    lfm_error err = {0};
    lfm_session_on_progress(s, stop_after_4, NULL);
    assert_int_equal(lfm_eval(s, tokens, 12, &err), LFM_ERR_STOPPED);
    assert_non_null(strstr(err.text, "stopped after 4 of 12"));
    assert_int_equal(lfm_session_pos(s), 4);
    lfm_session_free(s);
    lfm_model_close(m);
}

static void test_options(void **state) {
    (void)state;
    lfm_model *m = NULL;
    lfm_session *s = NULL;
    lfm_error err = {0};
    lfm_model_options opt = {.isa = "mmx"};
    assert_int_equal(lfm_model_open(&m, good_path, &opt, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "'mmx' is unknown; this CPU can use: scalar"));
    opt = (lfm_model_options){.vocab_only = true, .isa = "scalar"};
    assert_int_equal(lfm_model_open(&m, good_path, &opt, &err), LFM_OK);
    assert_string_equal(lfm_model_get_info(m)->isa, "scalar");
    assert_int_equal(lfm_session_new(&s, m, NULL, &err), LFM_ERR_ARG);
    lfm_model_close(m);
    assert_int_equal(lfm_model_open(&m, good_path, NULL, &err), LFM_OK);
    const lfm_session_options too_long = {.n_ctx = 1u << 31};
    assert_int_equal(lfm_session_new(&s, m, &too_long, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "more than"));
    lfm_model_close(m);
    assert_int_equal(lfm_model_open(&m, "/nonexistent/x.gguf", NULL, &err), LFM_ERR_IO);
    assert_null(m);
    lfm_model_close(NULL);
    lfm_session_free(NULL);
    lfm_sampler_free(NULL);
}

/* NaN in a weight of layer 3 must be an error that names the layer, not a token. */
static void test_nan(void **state) {
    (void)state;
    lfm_model *m = NULL;
    lfm_session *s = NULL;
    lfm_error err = {0};
    /* The offset of a tensor's data: ask the library for its size and find its bytes by their
     * order. */
    uint8_t *copy = malloc(good_size);
    memcpy(copy, good, good_size);
    const size_t router = behind("blk.3.ffn_gate_inp.weight"); /* vectors are looked at before */
    uint64_t offset = 0;
    assert_true(router > 0);
    memcpy(&offset, good + router + 4 + 2 * 8 + 4, 8); /* behind dimensions and type */
    uint64_t data_bytes = 0; /* all tensors, padded, end the file */
    lfm_tensor_info t;
    assert_int_equal(lfm_model_open(&m, good_path, NULL, &err), LFM_OK);
    for (size_t i = 0; lfm_model_tensor(m, i, &t); i++) {
        data_bytes += (t.n_bytes + 31) / 32 * 32;
    }
    lfm_model_close(m);
    const float nan_value = NAN;
    memcpy(copy + good_size - data_bytes + offset, &nan_value, sizeof nan_value);
    FILE *f = fopen(bad_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(copy, 1, good_size, f), good_size);
    assert_int_equal(fclose(f), 0);
    free(copy);
    assert_int_equal(lfm_model_open(&m, bad_path, NULL, &err), LFM_OK);
    assert_int_equal(lfm_session_new(&s, m, NULL, &err), LFM_OK);
    const int32_t tokens[3] = {5, 6, 7};
    assert_int_equal(lfm_eval(s, tokens, 3, &err), LFM_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "layer 3 "));
    assert_int_equal(lfm_eval(s, tokens, 3, &err), LFM_ERR_NUMERIC); /* until reset */
    assert_non_null(strstr(err.text, "reset"));
    assert_int_equal(lfm_session_save(s, "no/folder", NULL, 0, &err), LFM_ERR_ARG);
    assert_string_equal(err.text, "a session with numbers that are not finite cannot be saved");
    lfm_session_free(s);
    lfm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_session),  cmocka_unit_test(test_progress),
        cmocka_unit_test(test_read),     cmocka_unit_test(test_logprobs),
        cmocka_unit_test(test_options),  cmocka_unit_test(test_nan),
    };
    return cmocka_run_group_tests(tests, read_good, drop_good);
}
