/*
 * state.c - sizes first, memory second: one layout function, run once to count and once to place.
 */
#include "model/state.h"

#include "kernel/rope.h"

#include <assert.h>
#include <string.h>

/* The layouts that the model's matrices take. */
static unsigned layouts_needed(const model_weights *w) {
    unsigned mask = 1u << ACT_F32;
    for (size_t i = 0; i < w->n_steps; i++) {
        mask |= w->steps[i].layouts;
    }
    return mask;
}

static void place_rows(act_rows *a, arena *mem, size_t n_rows, size_t width, unsigned mask) {
    const size_t quant_width = (width + 255) / 256 * 256;
    a->n_rows = n_rows;
    a->stride[ACT_F32] = kern_pad64(width * sizeof(float));
    a->stride[ACT_Q32] = kern_act_bytes(quant_width, 32);
    a->stride[ACT_Q256] = kern_act_bytes(quant_width, 256);
    for (int layout = 0; layout < ACT_LAYOUTS; layout++) {
        if (mask >> layout & 1) {
            a->rows[layout] = arena_get(mem, n_rows, a->stride[layout]);
            a->at[layout] = arena_get(mem, n_rows, sizeof *a->at[layout]);
        }
    }
}

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* The layouts that the down matrices of experts take. */
static unsigned hidden_layouts(const model_shape *s, const model_weights *w) {
    unsigned mask = 0;
    for (uint32_t i = 0; i < s->n_layer; i++) {
        mask |= w->layers[i].is_moe ? act_layout_bit(&w->layers[i].moe.down) : 0;
    }
    return mask;
}

static void place_experts(model_state *st, arena *mem) {
    const model_shape *s = st->shape;
    const uint64_t slots = (uint64_t)st->n_batch * s->n_expert_used;
    st->scores = arena_get(mem, st->n_batch, s->n_expert * sizeof *st->scores);
    st->choice = arena_get(mem, slots, sizeof *st->choice);
    st->mixed = arena_get(mem, slots, s->n_embd * sizeof *st->mixed);
    place_rows(&st->hidden, mem, (size_t)slots, s->n_ff_expert, hidden_layouts(s, st->weights));
    for (int layout = 0; layout < ACT_LAYOUTS; layout++) {
        st->gather[layout] = arena_get(mem, slots, sizeof *st->gather[layout]);
    }
    st->mixed_at = arena_get(mem, slots, sizeof *st->mixed_at);
    st->gate_jobs = arena_get(mem, s->n_expert, sizeof *st->gate_jobs);
    st->up_jobs = arena_get(mem, s->n_expert, sizeof *st->up_jobs);
    st->down_jobs = arena_get(mem, s->n_expert, sizeof *st->down_jobs);
}

static void place_all(model_state *st, arena *mem, unsigned mask) {
    const model_shape *s = st->shape;
    const uint64_t n = st->n_batch;
    const uint64_t n_q = (uint64_t)s->n_head * s->head_dim;
    const uint64_t n_kv = (uint64_t)s->n_head_kv * s->head_dim;
    const uint64_t wide = max_u64(3 * (uint64_t)s->n_embd,
                                  max_u64(n_q + 2 * n_kv, 2 * (uint64_t)s->n_ff));
    const uint64_t few = n < STATE_SPLIT_TOKENS ? n : STATE_SPLIT_TOKENS;
    st->freq = arena_get(mem, s->head_dim / 2, sizeof *st->freq);
    st->parts = arena_get(mem, max_u64(2 * n, few * st->n_spans),
                          s->n_head * kern_part_floats(s->head_dim) * sizeof *st->parts);
    st->x = arena_get(mem, n, s->n_embd * sizeof *st->x);
    st->delta = arena_get(mem, n, s->n_embd * sizeof *st->delta);
    st->wide = arena_get(mem, n, wide * sizeof *st->wide);
    st->cosine = arena_get(mem, n, s->head_dim / 2 * sizeof *st->cosine);
    st->sine = arena_get(mem, n, s->head_dim / 2 * sizeof *st->sine);
    place_rows(&st->in, mem, (size_t)n, (size_t)max_u64(max_u64(s->n_embd, n_q), s->n_ff), mask);
    if (s->n_expert > 0) {
        place_experts(st, mem);
    }
}

/* The fields that the layout depends on. */
static model_state configured(const model_shape *s, const model_weights *w, state_options opt) {
    return (model_state){
        .shape = s, .weights = w, .n_batch = opt.n_batch,
        .n_spans = (opt.n_ctx + KERN_ATTN_SPAN - 1) / KERN_ATTN_SPAN,
    };
}

lfm_status state_bytes(const model_shape *s, const model_weights *w, state_options opt,
                       uint64_t *bytes, lfm_error *err) {
    model_state counting = configured(s, w, opt);
    arena memory = {0};
    place_all(&counting, &memory, layouts_needed(w));
    *bytes = memory.used;
    if (memory.overflow) {
        return err_set(err, LFM_ERR_MEMORY, "batches of %u tokens are too large for any memory",
                       opt.n_batch);
    }
    return LFM_OK;
}

lfm_status state_open(model_state *st, const model_shape *s, const model_weights *w,
                      const kern_table *kern, state_options opt, lfm_error *err) {
    *st = configured(s, w, opt);
    st->kern = kern;
    uint64_t bytes = 0;
    lfm_status status = state_bytes(s, w, opt, &bytes, err);
    if (status == LFM_OK) {
        status = arena_open(&st->memory, bytes, err);
    }
    if (status != LFM_OK) return status;
    place_all(st, &st->memory, layouts_needed(w));
    rope_frequencies(st->freq, (double)s->rope_theta, s->head_dim);
    act_rows *const both[2] = {&st->in, &st->hidden};
    for (int i = 0; i < 2; i++) {
        for (int layout = 0; layout < ACT_LAYOUTS; layout++) {
            for (size_t r = 0; both[i]->rows[layout] && r < both[i]->n_rows; r++) {
                both[i]->at[layout][r] = both[i]->rows[layout] + r * both[i]->stride[layout];
            }
        }
    }
    return LFM_OK;
}

void state_close(model_state *st) {
    arena_close(&st->memory);
    *st = (model_state){0};
}

void act_fill(const act_rows *a, const kern_table *kern, size_t i, const float *x, size_t n,
              unsigned mask) {
    if (mask >> ACT_Q32 & 1) {
        kern->quantize(a->rows[ACT_Q32] + i * a->stride[ACT_Q32], x, n, 32);
    }
    if (mask >> ACT_Q256 & 1) {
        kern->quantize(a->rows[ACT_Q256] + i * a->stride[ACT_Q256], x, n, 256);
    }
}

void act_fill_part(const act_rows *a, const kern_table *kern, size_t i, size_t width, size_t first,
                   const float *x, size_t n, act_layout layout) {
    uint8_t *row = a->rows[layout] + i * a->stride[layout];
    if (layout == ACT_F32) {
        memcpy(row + first * sizeof *x, x, n * sizeof *x);
        return;
    }
    const size_t block = layout == ACT_Q32 ? 32 : 256;
    _Alignas(64) uint8_t part[ACT_PART * 2];
    assert(n <= ACT_PART && first % block == 0 && kern_act_bytes(n, block) <= sizeof part);
    kern->quantize(part, x, n, block);
    memcpy(row + first, part, n);
    memcpy(row + kern_act_d_offset(width) + first / block * sizeof(float),
           part + kern_act_d_offset(n), n / block * sizeof(float));
    memcpy(row + kern_act_sum_offset(width, block) + first / KERN_GROUP * sizeof(int16_t),
           part + kern_act_sum_offset(n, block), n / KERN_GROUP * sizeof(int16_t));
}
