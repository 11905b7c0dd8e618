/*
 * test_kernel_isa.c - every instruction set that this machine has gives the scalar kernels' bits.
 *
 * Random and extreme inputs, odd sizes around every tile, odd alignments of the weights, and buffers that end where the
 * next page cannot be read.  A NaN counts as one value: its sign and payload may differ.
 */
#include "base/bytes.h"
#include "base/rng.h"
#include "kernel/choose.h"
#include "kernel/scalar.h"
#include "../support/blocks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t seed = 1;

static uint64_t next(void) {
    return rng_mix(seed++ * 0x9e3779b97f4a7c15u);
}

/* n bytes that end right before an unreadable page. */
typedef struct {
    uint8_t *map;
    size_t size;
    uint8_t *p;
} guarded;

static guarded guard_new(size_t n, size_t slack) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = (n + slack + page - 1) / page * page;
    uint8_t *map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + size, page, PROT_NONE), 0);
    return (guarded){map, size + page, map + size - n - slack};
}

static void guard_free(guarded g) {
    munmap(g.map, g.size);
}

static bool same(float a, float b) {
    return f32_bits(a) == f32_bits(b) || (a != a && b != b);
}

/* Floats of one kind: 0 ordinary, 1 zeros, 2 one huge among small, 3 alternating signs, 4 a NaN, 5 tiny. */
static void fill_floats(float *x, size_t n, int kind) {
    for (size_t i = 0; i < n; i++) {
        const float u = (float)(rng_unit(next()) * 2 - 1);
        x[i] = kind == 1 ? 0.0f : kind == 3 ? (i % 2 ? -1.0f : 1.0f) : kind == 5 ? u * 1e-40f : u;
    }
    if (n > 0 && (kind == 2 || kind == 4)) {
        x[next() % n] = kind == 2 ? 1e30f : NAN;
    }
}

/* ---- Products ---------------------------------------------------------------------------------- */

enum { MAX_N = 140 };

/* One product on both tables. */
static void compare_mul(const kern_table *t, const kern_table *scalar, qtype type, size_t rows,
                        size_t n, size_t k, int kind, size_t shift) {
    const qtype_info *info = qtype_get(type);
    const size_t row_bytes = qtype_row_bytes(type, k);
    const size_t block = kern_act_block(type, info->block_weights);
    const size_t act_bytes = block ? kern_act_bytes(k, block) : kern_pad64(k * sizeof(float));
    const guarded w = guard_new(rows * row_bytes, shift);
    float *x = calloc(k, sizeof *x);
    uint8_t *act = aligned_alloc(64, n * act_bytes);
    float *out[2] = {calloc(n * (rows + 1), sizeof(float)), calloc(n * (rows + 1), sizeof(float))};
    const void *xs[MAX_N];
    float *ys[2][MAX_N];
    static const blocks_kind weights[] = {BLOCKS_TAME, BLOCKS_TAME, BLOCKS_ZEROS, BLOCKS_ONES,
                                          BLOCKS_TAME, BLOCKS_TAME, BLOCKS_ANY};
    blocks_fill(w.p, rows * row_bytes, type, weights[kind], next());
    for (size_t i = 0; i < n; i++) {
        fill_floats(x, k, kind);
        if (block) {
            scalar->quantize(act + i * act_bytes, x, k, block);
        } else {
            memcpy(act + i * act_bytes, x, k * sizeof *x);
        }
        xs[i] = act + i * act_bytes;
        for (int j = 0; j < 2; j++) {
            ys[j][i] = out[j] + i * (rows + 1);
            ys[j][i][rows] = 12345.0f; /* must stay */
        }
    }
    scalar->mul[type](ys[0], w.p, xs, n, rows, k);
    t->mul[type](ys[1], w.p, xs, n, rows, k);
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r <= rows; r++) {
            if (!same(ys[0][i][r], ys[1][i][r])) {
                fail_msg("%s %s: rows %zu, n %zu, k %zu, kind %d: token %zu row %zu: %.9g, not %.9g",
                         t->name, info->name, rows, n, k, kind, i, r, (double)ys[1][i][r],
                         (double)ys[0][i][r]);
            }
        }
    }
    guard_free(w);
    free(x);
    free(act);
    free(out[0]);
    free(out[1]);
}

static void test_products(void **state) {
    static const size_t rows[] = {1, 4, 7, 8, 15, 16, 17, 33, 48};
    static const size_t tokens[] = {1, 2, 3, 5, 7, 8, 9, 16, 17, 33, 63, 65, 129};
    const kern_table *t = *state;
    kern_table scalar;
    kern_scalar(&scalar);
    size_t n_checks = 0;
    for (int type = 0; type < QTYPE_COUNT; type++) {
        if (t->mul[type] == scalar.mul[type]) {
            continue;
        }
        const size_t unit = qtype_get((qtype)type)->block_weights;
        for (size_t i = 0; i < 60; i++) {
            const size_t k = unit == 1 ? 1 + next() % 300 : unit * (1 + next() % (unit == 32 ? 9 : 3));
            compare_mul(t, &scalar, (qtype)type, rows[i % 9], tokens[(i * 5) % 13], k, (int)(i % 7),
                        i * 7 % 64);
            n_checks++;
        }
    }
    print_message("%s: %zu products\n", t->name, n_checks);
    assert_true(n_checks > 0);
}

/* ---- The other slots --------------------------------------------------------------------------- */

static void expect_same(const kern_table *t, const char *slot, const float *a, const float *b,
                        size_t n, size_t size) {
    for (size_t i = 0; i < n; i++) {
        if (!same(a[i], b[i])) {
            fail_msg("%s %s of %zu: element %zu is %.9g, not %.9g", t->name, slot, size, i,
                     (double)b[i], (double)a[i]);
        }
    }
}

static void test_rows(void **state) {
    const kern_table *t = *state;
    kern_table scalar;
    kern_scalar(&scalar);
    for (size_t size = 1; size < 90; size++) {
        for (int kind = 0; kind < 6; kind++) {
            float in[8][192];
            float out[2][4][192];
            for (int i = 0; i < 8; i++) {
                fill_floats(in[i], 192, i == 0 ? kind : 0);
            }
            for (int j = 0; j < 2; j++) {
                const kern_table *k = j ? t : &scalar;
                k->norm(out[j][0], in[0], in[1], size, 1e-5f);
                k->silu_mul(out[j][1], in[0], in[1], size);
                memcpy(out[j][2], in[2], sizeof in[2]);
                k->axpy(out[j][2], in[0], 0.37f, size);
                memcpy(out[j][3], in[0], sizeof in[0]);
                k->rope(out[j][3], in[3], in[4], 2 * size);
            }
            expect_same(t, "norm", out[0][0], out[1][0], size, size);
            expect_same(t, "silu_mul", out[0][1], out[1][1], size, size);
            expect_same(t, "axpy", out[0][2], out[1][2], 192, size);
            expect_same(t, "rope", out[0][3], out[1][3], 192, size);
            float taps[3 * 90];
            float old[2][96];
            float last[2][96];
            fill_floats(taps, 270, 0);
            for (int j = 0; j < 2; j++) {
                memcpy(old[j], in[5], sizeof old[j]);
                memcpy(last[j], in[6], sizeof last[j]);
                (j ? t : &scalar)->conv(out[j][0], in[0], in[1], in[2], taps, old[j], last[j], size);
            }
            expect_same(t, "conv", out[0][0], out[1][0], size, size);
            expect_same(t, "conv (old)", old[0], old[1], 96, size);
            expect_same(t, "conv (last)", last[0], last[1], 96, size);
            uint16_t half[2][192] = {{0}};
            scalar.kv_store(half[0], in[0], size, KERN_KV_F16);
            t->kv_store(half[1], in[0], size, KERN_KV_F16);
            for (size_t i = 0; i < 192; i++) {
                assert_true(same(f16_to_f32(half[0][i]), f16_to_f32(half[1][i])));
            }
        }
    }
}

static void test_quantize(void **state) {
    const kern_table *t = *state;
    kern_table scalar;
    kern_scalar(&scalar);
    for (int i = 0; i < 300; i++) {
        const size_t block = i % 2 ? 32 : 256;
        const size_t k = block * (1 + next() % 6);
        const size_t n = kern_act_bytes(k, block);
        float x[1536];
        uint8_t *a = aligned_alloc(64, n);
        uint8_t *b = aligned_alloc(64, n);
        memset(a, 0, n);
        memset(b, 0, n);
        fill_floats(x, k, i % 6);
        scalar.quantize(a, x, k, block);
        t->quantize(b, x, k, block);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
    }
}

static void test_attend(void **state) {
    static const size_t dims[] = {16, 64, 128, 24, 2};
    const kern_table *t = *state;
    kern_table scalar;
    kern_scalar(&scalar);
    for (int i = 0; i < 200; i++) {
        const size_t dim = dims[i % 5];
        const size_t n_q = 1 + next() % 9;
        const size_t n_pos = i < 40 ? (size_t)i + 1 : 1 + next() % 400;
        const kern_kv kind = i % 3 == 0 ? KERN_KV_F32 : KERN_KV_F16;
        const size_t stride = dim * (kind == KERN_KV_F16 ? 2 : 4);
        const guarded k = guard_new(n_pos * stride, 0);
        const guarded v = guard_new(n_pos * stride, 0);
        float row[128];
        float q[9 * 128];
        float out[2][9 * 128];
        for (size_t j = 0; j < n_pos; j++) {
            fill_floats(row, dim, 0);
            scalar.kv_store(k.p + j * stride, row, dim, kind);
            fill_floats(row, dim, 0);
            scalar.kv_store(v.p + j * stride, row, dim, kind);
        }
        fill_floats(q, n_q * dim, i % 10 == 9 ? 2 : 0);
        scalar.attend(out[0], q, k.p, v.p, n_q, dim, n_pos, stride, 0.125f, kind);
        t->attend(out[1], q, k.p, v.p, n_q, dim, n_pos, stride, 0.125f, kind);
        expect_same(t, "attend", out[0], out[1], n_q * dim, n_pos);
        guard_free(k);
        guard_free(v);
    }
}

int main(void) {
    const char *names[16];
    const size_t n = kern_isa_names(names, 16);
    int failed = 0;
    for (size_t i = 1; i < n; i++) { /* 0 is scalar itself */
        kern_table table;
        if (kern_choose(&table, names[i], NULL) != LFM_OK) {
            return 1;
        }
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_products, &table),
            cmocka_unit_test_prestate(test_rows, &table),
            cmocka_unit_test_prestate(test_quantize, &table),
            cmocka_unit_test_prestate(test_attend, &table),
        };
        failed += cmocka_run_group_tests_name(names[i], tests, NULL, NULL);
    }
    printf("instruction sets compared with scalar: %zu of those this program knows are here\n", n - 1);
    return failed;
}
