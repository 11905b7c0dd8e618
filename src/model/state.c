/*
 * state.c - sizes first, memory second: one layout function, run once to count and once to place.
 */
#include "model/state.h"

#include "base/checked.h"
#include "kernel/rope.h"

#include <string.h>

act_form state_form(qtype type) {
    switch (kern_act_block(type, qtype_get(type)->block_weights)) {
    case 0: return FORM_F32;
    case 32: return FORM_Q32;
    default: return FORM_Q256;
    }
}

/* Which forms do the model's matrices ask for? */
static unsigned forms_needed(const model_shape *s, const model_weights *w) {
    unsigned mask = 1u << FORM_F32 | form_bit(&w->head);
    for (uint32_t i = 0; i < s->n_layer; i++) {
        const layer_weights *l = &w->layers[i];
        if (l->kind == LAYER_CONV) {
            mask |= form_bit(&l->conv.in) | form_bit(&l->conv.out);
        } else {
            mask |= form_bit(&l->attn.q) | form_bit(&l->attn.k) | form_bit(&l->attn.v) |
                    form_bit(&l->attn.out);
        }
        if (l->is_moe) {
            mask |= form_bit(&l->moe.gate) | form_bit(&l->moe.up) | form_bit(&l->moe.down);
        } else {
            mask |= form_bit(&l->dense.gate) | form_bit(&l->dense.up) | form_bit(&l->dense.down);
        }
    }
    return mask;
}

static void place_rows(act_rows *a, arena *mem, size_t n_rows, size_t width, unsigned mask) {
    const size_t quant_width = (width + 255) / 256 * 256;
    a->n_rows = n_rows;
    a->stride[FORM_F32] = kern_pad64(width * sizeof(float));
    a->stride[FORM_Q32] = kern_act_bytes(quant_width, 32);
    a->stride[FORM_Q256] = kern_act_bytes(quant_width, 256);
    for (int form = 0; form < FORM_COUNT; form++) {
        if (mask >> form & 1) {
            a->rows[form] = arena_get(mem, n_rows, a->stride[form]);
            a->at[form] = arena_get(mem, n_rows, sizeof *a->at[form]);
        }
    }
}

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void place_experts(model_state *st, arena *mem, unsigned mask) {
    const model_shape *s = st->shape;
    const uint64_t slots = (uint64_t)st->n_batch * s->n_expert_used;
    st->scores = arena_get(mem, st->n_batch, s->n_expert * sizeof *st->scores);
    st->choice = arena_get(mem, slots, sizeof *st->choice);
    st->order = arena_get(mem, slots, sizeof *st->order);
    st->gate = arena_get(mem, slots, s->n_ff_expert * sizeof *st->gate);
    st->up = arena_get(mem, slots, s->n_ff_expert * sizeof *st->up);
    st->mixed = arena_get(mem, slots, s->n_embd * sizeof *st->mixed);
    place_rows(&st->hidden, mem, (size_t)slots, s->n_ff_expert, mask);
    for (int form = 0; form < FORM_COUNT; form++) {
        st->gather[form] = arena_get(mem, slots, sizeof *st->gather[form]);
    }
    st->hidden_at = arena_get(mem, slots, sizeof *st->hidden_at);
    st->gate_at = arena_get(mem, slots, sizeof *st->gate_at);
    st->up_at = arena_get(mem, slots, sizeof *st->up_at);
    st->mixed_at = arena_get(mem, slots, sizeof *st->mixed_at);
    st->jobs = arena_get(mem, 2 * (uint64_t)s->n_expert, sizeof *st->jobs);
}

static void place_scratch(model_state *st, arena *mem, unsigned mask) {
    const model_shape *s = st->shape;
    const uint64_t n = st->n_batch;
    const uint64_t n_q = (uint64_t)s->n_head * s->head_dim;
    const uint64_t n_kv = (uint64_t)s->n_head_kv * s->head_dim;
    const uint64_t wide = max_u64(3 * (uint64_t)s->n_embd,
                                  max_u64(n_q + 2 * n_kv, 2 * (uint64_t)s->n_ff));
    st->x = arena_get(mem, n, s->n_embd * sizeof *st->x);
    st->delta = arena_get(mem, n, s->n_embd * sizeof *st->delta);
    st->wide = arena_get(mem, n, wide * sizeof *st->wide);
    st->cosine = arena_get(mem, n, s->head_dim / 2 * sizeof *st->cosine);
    st->sine = arena_get(mem, n, s->head_dim / 2 * sizeof *st->sine);
    place_rows(&st->in, mem, (size_t)n, (size_t)max_u64(max_u64(s->n_embd, n_q), s->n_ff), mask);
    if (s->n_expert > 0) {
        place_experts(st, mem, mask);
    }
}

static void place_timeline(model_state *st, arena *mem) {
    const model_shape *s = st->shape;
    const uint64_t rows = (uint64_t)s->n_attn * s->n_head_kv;
    uint64_t cells = 0;
    if (!mul_u64(rows, st->n_ctx, &cells)) {
        mem->overflow = true;
    }
    st->freq = arena_get(mem, s->head_dim / 2, sizeof *st->freq);
    st->history = arena_get(mem, 2 * (uint64_t)s->n_conv, s->n_embd * sizeof *st->history);
    st->keys = arena_get(mem, cells, kv_row_bytes(st));
    st->values = arena_get(mem, cells, kv_row_bytes(st));
}

/* What fills the fields that layout depends on. */
static model_state configured(const model_shape *s, const model_weights *w, state_options opt) {
    return (model_state){
        .shape = s, .weights = w, .n_ctx = opt.n_ctx, .n_batch = opt.n_batch, .kv = opt.kv,
    };
}

lfm_status state_plan(const model_shape *s, const model_weights *w, state_options opt,
                      uint64_t *timeline_bytes, uint64_t *scratch_bytes, lfm_error *err) {
    model_state counting = configured(s, w, opt);
    arena timeline = {0};
    arena scratch = {0};
    place_timeline(&counting, &timeline);
    place_scratch(&counting, &scratch, forms_needed(s, w));
    if (timeline.overflow || scratch.overflow) {
        return err_set(err, LFM_ERR_MEMORY, "a context of %u tokens in batches of %u does not fit "
                       "any memory", opt.n_ctx, opt.n_batch);
    }
    *timeline_bytes = timeline.used;
    *scratch_bytes = scratch.used;
    return LFM_OK;
}

lfm_status state_open(model_state *st, const model_shape *s, const model_weights *w,
                      const kern_table *kern, state_options opt, lfm_error *err) {
    *st = configured(s, w, opt);
    st->kern = kern;
    uint64_t timeline_bytes = 0;
    uint64_t scratch_bytes = 0;
    lfm_status status = state_plan(s, w, opt, &timeline_bytes, &scratch_bytes, err);
    if (status == LFM_OK) {
        status = arena_open(&st->timeline, timeline_bytes, err);
    }
    if (status == LFM_OK) {
        status = arena_open(&st->scratch, scratch_bytes, err);
    }
    if (status != LFM_OK) {
        return status;
    }
    place_timeline(st, &st->timeline);
    place_scratch(st, &st->scratch, forms_needed(s, w));
    rope_frequencies(st->freq, (double)s->rope_theta, s->head_dim);
    act_rows *const both[2] = {&st->in, &st->hidden};
    for (int i = 0; i < 2; i++) {
        for (int form = 0; form < FORM_COUNT; form++) {
            for (size_t r = 0; both[i]->rows[form] && r < both[i]->n_rows; r++) {
                both[i]->at[form][r] = both[i]->rows[form] + r * both[i]->stride[form];
            }
        }
    }
    return LFM_OK;
}

void state_close(model_state *st) {
    arena_close(&st->timeline);
    arena_close(&st->scratch);
    *st = (model_state){0};
}

void state_reset(model_state *st) {
    st->pos = 0;
    memset(st->history, 0, 2 * (size_t)st->shape->n_conv * st->shape->n_embd * sizeof(float));
}

void act_fill(const act_rows *a, const kern_table *kern, size_t i, size_t n, unsigned mask) {
    const float *x = act_floats(a, i);
    if (mask >> FORM_Q32 & 1) {
        kern->quantize(a->rows[FORM_Q32] + i * a->stride[FORM_Q32], x, n, 32);
    }
    if (mask >> FORM_Q256 & 1) {
        kern->quantize(a->rows[FORM_Q256] + i * a->stride[FORM_Q256], x, n, 256);
    }
}
