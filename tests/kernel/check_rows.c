/*
 * check_rows.c - cases for the slots that are not products: norm, rope, attention and the like.
 */
#include "check.h"

#include "kernel/scalar.h"

#include <string.h>

enum { CASES = 18 * 20 }; /* every flavour of every input several times */

static size_t choose_n(kase *c) {
    return draw(c) % 8 ? 1 + draw_cycle(c, 70) : 1 + draw_below(c, 600);
}

/* n floats of a flavour of the case's choice as input i. */
static float *floats(kase *c, int i, size_t n) {
    float *x = place(c, i, n * sizeof *x, sizeof *x);
    say(c, ", '%s'", fill_floats(c, x, n, draw_cycle(c, N_FLAVOURS)));
    return x;
}

static float *in(const kase *c, int i) {
    return (float *)(void *)c->in[i];
}

/* Region i of the output as floats. */
static float *to(const kase *c, uint8_t *out, size_t i) {
    return (float *)(void *)(out + c->region[i].at);
}

/* The same after copying n floats of input `from` there, for slots that change a row. */
static float *to_copy(const kase *c, uint8_t *out, size_t i, int from, size_t n) {
    return memcpy(to(c, out, i), c->in[from], n * sizeof(float));
}

/* ---- norm, rope, silu_mul, axpy, conv -------------------------------------------------------- */

static void prepare_norm(kase *c) {
    c->n = choose_n(c);
    c->scalar = draw(c) & 1 ? 1e-5f : 1e-6f;
    c->in_place = draw(c) & 1;
    say(c, "n %zu, eps %g%s", c->n, (double)c->scalar, c->in_place ? ", in place" : "");
    floats(c, 0, c->n);
    floats(c, 1, c->n);
    add_region(c, c->n, sizeof(float), sizeof(float));
}

static void run_norm(const kase *c, const kern_table *t, uint8_t *out) {
    const float *x = c->in_place ? to_copy(c, out, 0, 0, c->n) : in(c, 0);
    t->norm(to(c, out, 0), x, in(c, 1), c->n, c->scalar);
}

static void prepare_rope(kase *c) {
    c->n = 2 * choose_n(c);
    say(c, "n %zu", c->n);
    floats(c, 0, c->n);
    floats(c, 1, c->n / 2);
    floats(c, 2, c->n / 2);
    add_region(c, c->n, sizeof(float), sizeof(float));
}

static void run_rope(const kase *c, const kern_table *t, uint8_t *out) {
    t->rope(to_copy(c, out, 0, 0, c->n), in(c, 1), in(c, 2), c->n);
}

static void prepare_silu(kase *c) {
    c->n = choose_n(c);
    c->in_place = draw(c) & 1;
    say(c, "n %zu%s", c->n, c->in_place ? ", in place" : "");
    floats(c, 0, c->n);
    floats(c, 1, c->n);
    add_region(c, c->n, sizeof(float), sizeof(float));
}

static void run_silu(const kase *c, const kern_table *t, uint8_t *out) {
    const float *gate = c->in_place ? to_copy(c, out, 0, 0, c->n) : in(c, 0);
    t->silu_mul(to(c, out, 0), gate, in(c, 1), c->n);
}

static void prepare_axpy(kase *c) {
    c->n = choose_n(c);
    fill_floats(c, &c->scalar, 1, draw_cycle(c, N_FLAVOURS));
    say(c, "n %zu, a %g", c->n, (double)c->scalar);
    floats(c, 0, c->n);
    floats(c, 1, c->n);
    add_region(c, c->n, sizeof(float), sizeof(float));
}

static void run_axpy(const kase *c, const kern_table *t, uint8_t *out) {
    t->axpy(to_copy(c, out, 0, 0, c->n), in(c, 1), c->scalar, c->n);
}

static void prepare_conv(kase *c) {
    c->n = choose_n(c);
    say(c, "n %zu", c->n);
    for (int i = 0; i < 6; i++) { /* b, c, v, old, last; taps */
        floats(c, i, i == 5 ? 3 * c->n : c->n);
    }
    for (int i = 0; i < 3; i++) { /* y, old, last */
        add_region(c, c->n, sizeof(float), sizeof(float));
    }
}

static void run_conv(const kase *c, const kern_table *t, uint8_t *out) {
    float *old = to_copy(c, out, 1, 3, c->n);
    float *last = to_copy(c, out, 2, 4, c->n);
    t->conv(to(c, out, 0), in(c, 0), in(c, 1), in(c, 2), in(c, 5), old, last, c->n);
}

/* ---- quantize -------------------------------------------------------------------------------- */

static void prepare_quantize(kase *c) {
    c->block = draw(c) & 1 ? 32 : 256;
    c->k = c->block * (1 + draw_cycle(c, 9));
    say(c, "k %zu, blocks of %zu", c->k, c->block);
    floats(c, 0, c->k);
    /* The padding between the parts of a row is nobody's. */
    const size_t sum_at = kern_act_sum_offset(c->k, c->block);
    c->region[0] = (region){0, c->k, 1};
    c->region[1] = (region){kern_act_d_offset(c->k), c->k / c->block, sizeof(float)};
    c->region[2] = (region){sum_at, c->k / KERN_GROUP * sizeof(int16_t), 1};
    c->n_regions = 3;
    c->out_bytes = kern_act_bytes(c->k, c->block);
}

static void run_quantize(const kase *c, const kern_table *t, uint8_t *out) {
    t->quantize(out, in(c, 0), c->k, c->block);
}

/* ---- The cache and attention ----------------------------------------------------------------- */

static const char *kv_name(kern_kv kind) {
    return kind == KERN_KV_F16 ? "f16" : kind == KERN_KV_F32 ? "f32" : "q8";
}

static kern_kv choose_kv(kase *c) {
    static const kern_kv kinds[] = {KERN_KV_F16, KERN_KV_Q8, KERN_KV_F16, KERN_KV_Q8, KERN_KV_F32};
    return kinds[draw_cycle(c, 5)];
}

static void prepare_kv_store(kase *c) {
    c->dim = draw(c) % 4 ? 16 * (1 + draw_cycle(c, 16)) : 1 + draw_below(c, 256);
    c->n = draw_cycle(c, KERN_ATTN_CHUNK); /* the row */
    c->kv = choose_kv(c);
    say(c, "dim %zu, row %zu, %s", c->dim, c->n, kv_name(c->kv));
    float *x = floats(c, 0, c->dim);
    for (size_t i = 0; i < c->dim && draw(c) % 2; i++) { /* the whole range of halves, and ties */
        const uint64_t bits = draw(c);
        const uint32_t exponent = (uint32_t)(100 + (bits >> 32) % 46);
        const uint32_t f = (uint32_t)(bits & 0x807ff000u) | exponent << 23;
        memcpy(&x[i], &f, sizeof f);
    }
    /* The chunk begins at 0; its other rows and scales must stay as they are. */
    const size_t row = kern_kv_row_bytes(c->dim, c->kv);
    c->region[0] = (region){c->n * row, c->dim, row / c->dim};
    c->n_regions = 1;
    c->out_bytes = kern_kv_chunk_bytes(c->dim, c->kv);
    if (c->kv == KERN_KV_Q8) {
        const size_t at = kern_kv_scales_at(c->dim) + c->n * sizeof(float);
        c->region[c->n_regions++] = (region){at, 1, sizeof(float)};
    }
}

static void run_kv_store(const kase *c, const kern_table *t, uint8_t *out) {
    t->kv_store(out, in(c, 0), c->dim, c->n, c->kv);
}

/* Fill n positions of a cache; mostly ordinary values, for the sake of the sums. */
static void fill_cache(kase *c, int i, size_t flavour) {
    float row[256];
    const size_t whole = (c->n - 1) / KERN_ATTN_CHUNK;
    const size_t rest = c->kv == KERN_KV_Q8
                            ? kern_kv_chunk_bytes(c->dim, c->kv)
                            : (c->n - whole * KERN_ATTN_CHUNK) * kern_kv_row_bytes(c->dim, c->kv);
    uint8_t *chunks = place(c, i, whole * c->stride + rest, sizeof(float));
    const size_t special = draw_below(c, c->n);
    const char *name = "plain";
    for (size_t j = 0; j < c->n; j++) {
        const char *this = fill_floats(c, row, c->dim, j % 7 == special % 7 ? flavour : 0);
        name = j % 7 == special % 7 ? this : name;
        kern_kv_store_scalar(chunks + j / KERN_ATTN_CHUNK * c->stride, row, c->dim,
                             j % KERN_ATTN_CHUNK, c->kv);
    }
    say(c, ", '%s'", name);
}

static void prepare_attend(kase *c) {
    static const size_t dims[] = {16, 32, 64, 80, 128, 256, 2, 24};
    c->dim = dims[draw_cycle(c, sizeof dims / sizeof dims[0])];
    c->n = draw(c) & 1 ? 1 + draw_cycle(c, 40) : 1 + draw_below(c, 290); /* chunks are of 128 */
    c->n_q = 1 + draw_cycle(c, 9);
    c->kv = choose_kv(c);
    c->stride = kern_kv_chunk_bytes(c->dim, c->kv) + 4 * draw_below(c, 50);
    c->scalar = draw(c) % 8 ? 0.125f : 10.0f;
    c->in_place = draw(c) & 1; /* goes on from earlier positions */
    say(c, "dim %zu, positions %zu, heads %zu, %s, stride %zu, scale %g%s", c->dim, c->n, c->n_q,
        kv_name(c->kv), c->stride, (double)c->scalar, c->in_place ? ", going on" : "");
    floats(c, 0, c->n_q * c->dim);
    fill_cache(c, 1, draw_cycle(c, N_FLAVOURS));
    fill_cache(c, 2, draw_cycle(c, N_FLAVOURS));
    floats(c, 3, c->n_q * kern_part_floats(c->dim));
    add_region(c, c->n_q * kern_part_floats(c->dim), sizeof(float), sizeof(float));
}

static void run_attend(const kase *c, const kern_table *t, uint8_t *out) {
    float *part = to_copy(c, out, 0, 3, c->n_q * kern_part_floats(c->dim));
    if (!c->in_place) {
        kern_part_start(part, c->n_q, c->dim);
    }
    t->attend(part, in(c, 0), c->in[1], c->in[2], c->n_q, c->dim, c->n, c->stride, c->scalar,
              c->kv);
}

static size_t part_step(const kase *c) {
    return (c->n_q + c->block) * kern_part_floats(c->dim);
}

/* Some tokens, and whole chunks. */
static void prepare_attend_many(kase *c) {
    static const size_t dims[] = {64, 16, 64, 80, 64, 128, 64, 256, 24};
    c->dim = dims[draw_cycle(c, sizeof dims / sizeof dims[0])];
    c->n_q = draw(c) % 8 ? 1 + draw_below(c, 4) : 1 + draw_below(c, 70);
    c->rows = 1 + draw_below(c, draw(c) & 1          ? 8
                                : 129 < 256 / c->n_q ? 129
                                                     : 256 / c->n_q); /* tokens */
    c->k = 1 + draw_below(c, KERN_ATTN_CHUNK + 20);                   /* positions of the first */
    c->kv = choose_kv(c);
    c->n = draw(c) & 1 ? KERN_ATTN_CHUNK : 3 * KERN_ATTN_CHUNK; /* most positions */
    c->stride = kern_kv_chunk_bytes(c->dim, c->kv) + 64 * draw_below(c, 3);
    c->scalar = draw(c) % 8 ? 0.125f : 10.0f;
    c->block = draw_below(c, 3); /* heads of others between those of two tokens */
    say(c, "dim %zu, tokens %zu, heads %zu of %zu, first %zu of %zu, %s, scale %g", c->dim, c->rows,
        c->n_q, c->n_q + c->block, c->k, c->n, kv_name(c->kv), (double)c->scalar);
    floats(c, 0, c->rows * (c->n_q + c->block) * c->dim);
    fill_cache(c, 1, draw_cycle(c, N_FLAVOURS));
    fill_cache(c, 2, draw_cycle(c, N_FLAVOURS));
    floats(c, 3, c->n_q * kern_part_floats(c->dim));
    for (size_t i = 0; i < c->rows; i++) { /* what lies between them belongs to other heads */
        c->region[i] = (region){i * part_step(c) * sizeof(float), c->n_q * kern_part_floats(c->dim),
                                sizeof(float)};
        c->out_bytes = c->region[i].at + c->region[i].n * c->region[i].size;
    }
    c->n_regions = c->rows;
}

static void run_attend_many(const kase *c, const kern_table *t, uint8_t *out) {
    const kern_queries tokens = {
        .part = to(c, out, 0),
        .part_step = part_step(c),
        .q = in(c, 0),
        .q_step = (c->n_q + c->block) * c->dim,
        .n = c->rows,
        .first = c->k,
    };
    for (size_t i = 0; i < c->rows; i++) {
        float *part = to_copy(c, out, i, 3, c->n_q * kern_part_floats(c->dim));
        if (i % 2 == 0) { /* the others go on from earlier positions */
            kern_part_start(part, c->n_q, c->dim);
        }
    }
    t->attend_many(&tokens, c->in[1], c->in[2], c->n_q, c->dim, c->stride, c->scalar, c->kv);
}

size_t slots_rows(slot *out) {
    static const slot slots[] = {
#define ROW_SLOT(id, prepare, run) {#id, QTYPE_F32, offsetof(kern_table, id), CASES, prepare, run}
        ROW_SLOT(quantize, prepare_quantize, run_quantize),
        ROW_SLOT(norm, prepare_norm, run_norm),
        ROW_SLOT(rope, prepare_rope, run_rope),
        ROW_SLOT(silu_mul, prepare_silu, run_silu),
        ROW_SLOT(axpy, prepare_axpy, run_axpy),
        ROW_SLOT(conv, prepare_conv, run_conv),
        ROW_SLOT(attend, prepare_attend, run_attend),
        ROW_SLOT(attend_many, prepare_attend_many, run_attend_many),
        ROW_SLOT(kv_store, prepare_kv_store, run_kv_store),
#undef ROW_SLOT
    };
    memcpy(out, slots, sizeof slots);
    return sizeof slots / sizeof slots[0];
}
