/*
 * test_check_machine.c - what this machine can do at most: slots that measure, and their sums.
 */
#include "kernel/choose.h"
#include "lfm_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 4096, MAX_ISAS = 8 };

/* Every way to read sees every word once, at any alignment. */
static void test_read(void **state) {
    (void)state;
    const char *names[MAX_ISAS];
    const size_t n_isas = kern_isa_names(names, MAX_ISAS);
    uint64_t words[WORDS];
    uint64_t want = 0;
    for (size_t i = 0; i < WORDS; i++) {
        words[i] = (i + 1) * 0x9e3779b97f4a7c15u;
        want ^= words[i];
    }
    uint8_t *bytes = malloc(sizeof words + 1);
    assert_non_null(bytes);
    for (size_t shift = 0; shift < 2; shift++) {
        memcpy(bytes + shift, words, sizeof words);
        for (size_t i = 0; i < n_isas; i++) {
            kern_table t;
            assert_int_equal(kern_choose(&t, names[i], NULL), LFM_OK);
            for (size_t way = 0; way < KERN_READ_WAYS; way++) {
                assert_true(t.read(bytes + shift, sizeof words, way) == want);
            }
        }
    }
    free(bytes);
}

/* Operations are counted for each round; every instruction set has a loop of its own. */
static void test_peak(void **state) {
    (void)state;
    const char *names[MAX_ISAS];
    const size_t n_isas = kern_isa_names(names, MAX_ISAS);
    kern_peak_fn *below = NULL;
    for (size_t i = 0; i < n_isas; i++) {
        kern_table t;
        assert_int_equal(kern_choose(&t, names[i], NULL), LFM_OK);
        assert_true(t.peak(1) > 0);
        assert_true(t.peak(7) == 7 * t.peak(1));
        assert_true(t.peak != below);
        below = t.peak;
    }
}

/* Two operations for each weight that a token meets: sums over tensors, as in `lfm info`. */
static void check_model(const char *path, bool is_float) {
    lfm_model *m = NULL;
    lfm_session *s = NULL;
    assert_int_equal(lfm_model_open(&m, path, NULL, NULL), LFM_OK);
    const lfm_model_info *info = lfm_model_get_info(m);
    uint64_t experts = 0;
    uint64_t others = 0;
    uint64_t head = 0;
    lfm_tensor_info t;
    for (size_t i = 0; lfm_model_tensor(m, i, &t); i++) {
        const uint64_t n = t.dim[0] * t.dim[1] * t.dim[2] * t.dim[3];
        const char *end = t.name + t.name_len;
        const bool is_moe = t.name_len > 12 && !memcmp(end - 12, "_exps.weight", 12);
        if (!strcmp(t.type, "F32") || !strcmp(t.type, "F16")) continue;
        if (!strncmp(t.name, "token_embd", 10)) {
            head = n; /* no output.weight: the embedding is the head */
        } else if (is_moe) {
            experts += n / info->n_expert * info->n_expert_used;
        } else {
            others += n;
        }
    }
    assert_true(is_float ? head == 0 : head > 0);
    assert_true(lfm_int8_ops(m, false) == 2 * (experts + others));
    assert_true(lfm_int8_ops(m, true) == 2 * (experts + others + head));
    assert_int_equal(lfm_session_new(&s, m, NULL, NULL), LFM_OK);
    assert_true(lfm_int8_peak(s) > 0);
    lfm_session_free(s);
    lfm_model_close(m);
}

static void test_model(void **state) {
    (void)state;
    check_model("models/lfm-stories-Q4_0.gguf", false);
    check_model("models/lfm-stories-F16.gguf", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_peak),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
