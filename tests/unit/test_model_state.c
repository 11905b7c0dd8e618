/*
 * test_model_state.c - rows of activations: parts of a row are what the whole row would have been.
 */
#include "base/rng.h"
#include "kernel/choose.h"
#include "model/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 1792, ROWS = 3 };

/* Each layout's row, filled at once and in parts of several lengths. */
static void test_parts_make_the_row(void **state) {
    (void)state;
    static const size_t parts[] = {256, 512};
    kern_table kern;
    assert_int_equal(kern_choose(&kern, NULL, NULL), LFM_OK);
    static float x[WIDTH];
    for (size_t i = 0; i < WIDTH; i++) {
        x[i] = (float)rng_unit(rng_at(5, i)) - 0.5f;
    }
    x[700] = 1e30f;
    for (int layout = ACT_F32; layout < ACT_LAYOUTS; layout++) {
        static _Alignas(64) uint8_t memory[2][ROWS][WIDTH * sizeof(float)];
        const size_t bytes = layout == ACT_F32 ? sizeof x
                           : kern_act_sum_offset(WIDTH, layout == ACT_Q32 ? 32 : 256) +
                             WIDTH / KERN_GROUP * sizeof(int16_t);
        act_rows rows[2] = {{.n_rows = ROWS}, {.n_rows = ROWS}};
        for (int i = 0; i < 2; i++) {
            rows[i].rows[layout] = memory[i][0];
            rows[i].stride[layout] = sizeof memory[i][0];
        }
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            memset(memory, 0, sizeof memory);
            if (layout == ACT_F32) {
                memcpy(memory[0][1], x, sizeof x);
            } else {
                act_fill(&rows[0], &kern, 1, x, WIDTH, 1u << layout);
            }
            for (size_t at = 0; at < WIDTH; at += parts[p]) {
                const size_t n = WIDTH - at < parts[p] ? WIDTH - at : parts[p];
                act_fill_part(&rows[1], &kern, 1, WIDTH, at, x + at, n, (act_layout)layout);
            }
            assert_memory_equal(memory[0][1], memory[1][1], bytes);
            assert_memory_equal(memory[1][0], memory[1][2], sizeof memory[1][0]); /* untouched */
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_make_the_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
