/*
 * test_cli_bench_bytes.c - memory that tests read, counted by hand.
 */
#include "cli/bench/bench_bytes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-6 * fabs(want))) {
        fail_msg("%.12g instead of %.12g", got, want);
    }
}

/* 1000 for everything but experts and head, 100 for the head, 4 experts of 32 with 10 each. */
static const bench_sizes moe = {.token = 1140, .experts = 320, .head = 100, .position = 2,
                                .n_expert = 32, .n_expert_used = 4};
static const bench_sizes dense = {.token = 1100, .head = 100, .position = 2};

static void test_decode(void **state) {
    (void)state;
    near(bench_bytes(&dense, 0, 0, 1, 512), 1100 + 2);
    near(bench_bytes(&moe, 0, 0, 1, 512), 1140 + 2);
    /* three tokens after 10: they read 11, 12 and 13 positions */
    near(bench_bytes(&moe, 10, 0, 3, 512), 3 * 1140 + 2 * (11 + 12 + 13));
}

static void test_prompts(void **state) {
    (void)state;
    /* one batch: everything once, the head once, the cache up to its end */
    near(bench_bytes(&dense, 0, 100, 0, 512), 1100 + 2 * 100);
    /* three batches: 40, 40, 20; the head for the last token alone */
    near(bench_bytes(&dense, 5, 100, 0, 40), 3 * 1000 + 100 + 2 * (45 + 85 + 105));
    near(bench_bytes(&dense, 0, 1, 0, 512), bench_bytes(&dense, 0, 0, 1, 512));
    near(bench_bytes(&moe, 0, 1, 0, 512), bench_bytes(&moe, 0, 0, 1, 512));
    /* two tokens choose 4 + 4 - 0.5 experts on average; very many choose all */
    near(bench_bytes(&moe, 0, 2, 0, 512), 1000 + 100 + 10 * 7.5 + 2 * 2);
    near(bench_bytes(&moe, 0, 512, 0, 512), 1000 + 100 + 320 + 2 * 512);
}

static void test_both(void **state) {
    (void)state;
    near(bench_bytes(&moe, 3, 20, 5, 16),
         bench_bytes(&moe, 3, 20, 0, 16) + bench_bytes(&moe, 23, 0, 5, 16));
}

/* The model in the box: sums of its tensors, as `lfm info` prints them. */
static void test_model(void **state) {
    (void)state;
    lfm_model *m = NULL;
    lfm_error err = {0};
    assert_int_equal(lfm_model_open(&m, "models/lfm-stories-Q4_0.gguf", NULL, &err), LFM_OK);
    const lfm_model_info *info = lfm_model_get_info(m);
    const bench_sizes f16 = bench_sizes_of(m, LFM_KV_F16);
    const bench_sizes q8 = bench_sizes_of(m, LFM_KV_Q8);
    const bench_sizes f32 = bench_sizes_of(m, LFM_KV_F32);
    const double n = 2.0 * info->n_attn * info->n_head_kv * info->head_dim; /* keys and values */
    near(f16.position, 2 * n);
    near(f32.position, 4 * n);
    near(q8.position, n + 4.0 * n / info->head_dim);
    near(f16.token, (double)info->token_bytes);
    assert_true(f16.head > 0 && f16.experts > 0 && f16.n_expert == info->n_expert);
    /* what a token leaves out is the experts that it does not choose, and unless the head is the
     * embedding, too, the embedding's other rows */
    const double idle = f16.experts * (1 - (double)info->n_expert_used / info->n_expert);
    const double left = (double)info->tensor_bytes - (double)info->token_bytes - idle;
    assert_true(left >= -1 && left <= f16.head * 1.01);
    lfm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
