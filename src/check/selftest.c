/*
 * selftest.c - the kernels of this CPU against the scalar ones, on the user's own machine.
 *
 * A small version of tests/kernel: ordinary inputs only, but every type of weights and every slot.
 */
#include "base/bytes.h"
#include "base/rng.h"
#include "kernel/choose.h"
#include "lfm_tools.h"

#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 768,         /* of rows: three of the largest blocks */
    ROWS = 37,           /* not a multiple of any row group */
    TOKENS = 37,
    HEADS = 4,
    DIM = 64,            /* of a head */
    POSITIONS = 300,     /* two full chunks of the cache and a part */
    TOGETHER = 10,       /* tokens that read a chunk together */
    CHUNKS = (POSITIONS + KERN_ATTN_CHUNK - 1) / KERN_ATTN_CHUNK,
    MAX_ISAS = 8
};

typedef struct {
    kern_table right, tested;
    float x[TOKENS][WIDTH];
    float y[2][TOKENS][WIDTH];       /* results of `right`, and of `tested` */
    _Alignas(64) uint8_t act[2][TOKENS][WIDTH * 2];
    _Alignas(64) uint8_t w[ROWS * WIDTH * sizeof(float)];
    _Alignas(64) uint8_t kv[2][CHUNKS * KERN_ATTN_CHUNK * (DIM + 1) * sizeof(float)];
    size_t n_checks;
    uint64_t n_drawn;
} test;

static float draw(test *t) {
    return (float)(rng_unit(rng_at(1, t->n_drawn++)) * 2 - 1);
}

static void draw_floats(test *t, float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        x[i] = draw(t);
    }
}

/* Any bits whose weights are finite numbers. */
static void draw_weights(test *t, qtype type) {
    const size_t size = qtype_get(type)->block_bytes;
    const size_t n = (size_t)ROWS * WIDTH / qtype_get(type)->block_weights;
    for (size_t b = 0; b < n; b++) {
        uint8_t *block = t->w + b * size;
        do {
            const uint32_t f = f32_bits(draw(t));
            for (size_t i = 0; i < size; i++) {
                block[i] = (uint8_t)rng_at(2, t->n_drawn++);
            }
            if (type == QTYPE_F32) { /* any bits are too often huge */
                memcpy(block, &f, sizeof f);
            }
        } while (!kern_all_finite(type, block, size));
    }
}

/* NaNs count as equal whatever their bits. */
static bool same_floats(const float *a, const float *b, size_t n) {
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        same = same && (f32_bits(a[i]) == f32_bits(b[i]) || (a[i] != a[i] && b[i] != b[i]));
    }
    return same;
}

static lfm_status check(test *t, bool same, const char *what, lfm_error *err) {
    t->n_checks++;
    return same ? LFM_OK : err_set(err, LFM_ERR_NUMERIC,
                                   "the %s kernels give different bits from the scalar ones: %s; "
                                   "--isa chooses others", t->tested.name, what);
}

/* ---- Products ------------------------------------------------------------------------------- */

static void multiply(test *t, int which, qtype type, const void *const *x, size_t n) {
    const kern_table *kern = which ? &t->tested : &t->right;
    float *y[TOKENS];
    for (size_t i = 0; i < n; i++) {
        y[i] = t->y[which][i];
    }
    kern->mul[type](y, t->w, x, n, ROWS, WIDTH, NULL);
}

static lfm_status check_type(test *t, qtype type, lfm_error *err) {
    static const size_t batches[] = {1, 2, 3, 5, 8, 16, TOKENS};
    const qtype_info *info = qtype_get(type);
    const size_t block = kern_act_block(info->block_weights);
    const void *x[TOKENS];
    draw_weights(t, type);
    for (size_t i = 0; i < TOKENS; i++) {
        x[i] = t->x[i];
        if (block) {
            t->right.quantize(t->act[0][i], t->x[i], WIDTH, block);
            x[i] = t->act[0][i];
        }
    }
    lfm_status st = LFM_OK;
    for (size_t b = 0; b < sizeof batches / sizeof *batches && st == LFM_OK; b++) {
        bool same = true;
        multiply(t, 0, type, x, batches[b]);
        multiply(t, 1, type, x, batches[b]);
        for (size_t i = 0; i < batches[b]; i++) {
            same = same && same_floats(t->y[0][i], t->y[1][i], ROWS);
        }
        st = check(t, same, info->name, err);
    }
    return st;
}

static lfm_status check_products(test *t, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (int type = 0; type < QTYPE_COUNT && st == LFM_OK; type++) {
        if (t->right.mul[type] && qtype_get((qtype)type)) st = check_type(t, (qtype)type, err);
    }
    return st;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static bool same_quantized(test *t, size_t block) {
    const size_t n = kern_act_sum_offset(WIDTH, block) + WIDTH / KERN_GROUP * sizeof(int16_t);
    memset(t->act, 0, sizeof t->act); /* the gaps between the parts of a row are never written */
    t->right.quantize(t->act[0][0], t->x[0], WIDTH, block);
    t->tested.quantize(t->act[1][0], t->x[0], WIDTH, block);
    return memcmp(t->act[0][0], t->act[1][0], n) == 0;
}

/* Run the slots that change floats on the same rows. */
static void run_rows(test *t, int which) {
    const kern_table *kern = which ? &t->tested : &t->right;
    float (*y)[WIDTH] = t->y[which];
    memcpy(y, t->x, 8 * sizeof *y);
    kern->norm(y[0], t->x[0], t->x[1], WIDTH, 1e-5f);
    kern->rope(y[1], t->x[2], t->x[3], WIDTH);
    kern->silu_mul(y[2], t->x[4], t->x[5], WIDTH);
    kern->axpy(y[3], t->x[6], 0.3f, WIDTH);
    kern->conv(y[4], t->x[7], t->x[8], t->x[9], t->x[10], y[5], y[6], WIDTH / 3);
}

static bool same_attention(test *t, kern_kv kind) {
    const size_t stride = kern_kv_chunk_bytes(DIM, kind);
    for (int which = 0; which < 2; which++) {
        const kern_table *kern = which ? &t->tested : &t->right;
        float *part = t->y[which][0];
        memset(t->kv[which], 0, sizeof t->kv[which]);
        for (size_t p = 0; p < POSITIONS; p++) {
            kern->kv_store(t->kv[which] + p / KERN_ATTN_CHUNK * stride, t->x[p % TOKENS] + p, DIM,
                           p % KERN_ATTN_CHUNK, kind);
        }
        kern_part_start(part, HEADS, DIM);
        kern->attend(part, t->x[1], t->kv[which], t->kv[which], HEADS, DIM, POSITIONS, stride,
                     0.125f, kind);
        kern_part_finish(t->y[which][1], part, HEADS, DIM);
        const kern_queries tokens = {
            .part = t->y[which][2],
            .part_step = HEADS * kern_part_floats(DIM),
            .q = t->x[2],
            .q_step = HEADS * DIM,
            .n = TOGETHER,
            .first = POSITIONS - TOGETHER,
            .most = POSITIONS,
        };
        kern_part_start(tokens.part, (size_t)TOGETHER * HEADS, DIM);
        kern->attend_many(&tokens, t->kv[which], t->kv[which], HEADS, DIM, stride, 0.125f, kind);
    }
    return memcmp(t->kv[0], t->kv[1], CHUNKS * stride) == 0 &&
           same_floats(t->y[0][1], t->y[1][1], (size_t)HEADS * DIM) &&
           same_floats(t->y[0][2], t->y[1][2], TOGETHER * HEADS * kern_part_floats(DIM));
}

static lfm_status check_rows(test *t, lfm_error *err) {
    static const char *const names[] = {"norm", "rope", "silu", "axpy", "conv"};
    lfm_status st = check(t, same_quantized(t, 32), "activations in blocks of 32", err);
    if (st == LFM_OK) st = check(t, same_quantized(t, 256), "activations in blocks of 256", err);
    run_rows(t, 0);
    run_rows(t, 1);
    for (size_t i = 0; i < 7 && st == LFM_OK; i++) { /* the last three belong to conv */
        st = check(t, same_floats(t->y[0][i], t->y[1][i], WIDTH), names[i < 4 ? i : 4], err);
    }
    static const kern_kv kinds[] = {KERN_KV_F16, KERN_KV_F32, KERN_KV_Q8};
    for (size_t i = 0; i < 3 && st == LFM_OK; i++) {
        st = check(t, same_attention(t, kinds[i]), "attention", err);
    }
    return st;
}

/* ---- The interface -------------------------------------------------------------------------- */

const char *lfm_isa_name(size_t i) {
    const char *names[MAX_ISAS];
    return i < kern_isa_names(names, MAX_ISAS) ? names[i] : NULL;
}

lfm_status lfm_selftest(const char *isa, size_t *n_checks, lfm_error *err) {
    test *t = aligned_alloc(64, (sizeof *t + 63) & ~(size_t)63);
    if (!t) return err_no_memory(err, "the self-test");
    memset(t, 0, sizeof *t);
    err_clear(err);
    draw_floats(t, t->x[0], (size_t)TOKENS * WIDTH);
    lfm_status st = kern_choose(&t->right, "scalar", err);
    if (st == LFM_OK) st = kern_choose(&t->tested, isa, err);
    if (st == LFM_OK) st = check_rows(t, err);
    if (st == LFM_OK) st = check_products(t, err);
    if (n_checks) {
        *n_checks = t->n_checks;
    }
    free(t);
    return st;
}
