/*
 * timeline.c - memory of the tokens read so far.
 */
#include "model/timeline.h"

#include "base/checked.h"

#include <inttypes.h>
#include <string.h>

static void place(timeline *t, arena *memory, uint32_t n_tokens) {
    const model_shape *s = t->shape;
    const uint64_t history = timeline_history(s) * sizeof *t->history;
    t->history = arena_get(memory, 1, history);
    t->marked = arena_get(memory, TIMELINE_MARKS, history);
    t->tokens = arena_get(memory, n_tokens, sizeof *t->tokens);
    t->grid = arena_get(memory, n_tokens / TIMELINE_GRID, history);
    t->cache = arena_get(memory, timeline_chunks(n_tokens), timeline_stride(t));
}

lfm_status timeline_bytes(const model_shape *s, timeline_options opt, uint32_t n_tokens,
                          uint64_t *bytes, lfm_error *err) {
    timeline counting = {.shape = s, .opt = opt};
    arena memory = {0};
    place(&counting, &memory, n_tokens);
    *bytes = memory.used;
    if (memory.overflow) {
        return err_set(err, LFM_ERR_MEMORY,
                       "a context of %" PRIu32 " tokens is too large for any memory", n_tokens);
    }
    return LFM_OK;
}

lfm_status timeline_open(timeline *t, const model_shape *s, timeline_options opt, lfm_error *err) {
    uint64_t bytes = 0;
    *t = (timeline){.shape = s, .opt = opt};
    lfm_status st = timeline_bytes(s, opt, opt.n_ctx, &bytes, err);
    if (st == LFM_OK) st = arena_open(&t->memory, bytes, err);
    if (st == LFM_OK) {
        place(t, &t->memory, opt.n_ctx);
        arena_use_large_pages(t->cache, timeline_chunks(opt.n_ctx) * timeline_stride(t));
    }
    return st;
}

void timeline_close(timeline *t) {
    arena_close(&t->memory);
    *t = (timeline){0};
}

void timeline_reset(timeline *t) {
    t->pos = 0;
    t->n_marks = 0;
    memset(t->history, 0, timeline_history(t->shape) * sizeof *t->history);
}

/* ---- Copies of the history ------------------------------------------------------------------ */

static float *grid_copy(const timeline *t, uint32_t pos) {
    return t->grid + (size_t)(pos / TIMELINE_GRID - 1) * timeline_history(t->shape);
}

static float *mark_copy(const timeline *t, uint32_t i) {
    return t->marked + (size_t)i * timeline_history(t->shape);
}

float *timeline_copy_at(const timeline *t, uint32_t pos) {
    if (pos % TIMELINE_GRID == 0) return grid_copy(t, pos);
    for (uint32_t i = 0; i < t->n_marks; i++) {
        if (t->mark[i] == pos) return mark_copy(t, i);
    }
    return NULL;
}

void timeline_mark(timeline *t, uint32_t pos) {
    if (pos <= t->pos || pos > t->opt.n_ctx || timeline_copy_at(t, pos)) return;
    uint32_t slot = t->n_marks;
    if (slot == TIMELINE_MARKS) {
        slot = 0;
        for (uint32_t i = 1; i < TIMELINE_MARKS; i++) {
            slot = t->mark[i] < t->mark[slot] ? i : slot;
        }
    } else {
        t->n_marks++;
    }
    t->mark[slot] = pos;
}

/* Drop the marks after `pos`: their tokens were rewound, or have not been read yet. */
static void drop_marks(timeline *t, uint32_t pos) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_marks; i++) {
        if (t->mark[i] > pos) continue;
        if (i != n) {
            memcpy(mark_copy(t, n), mark_copy(t, i), timeline_history(t->shape) * sizeof(float));
            t->mark[n] = t->mark[i];
        }
        n++;
    }
    t->n_marks = n;
}

uint32_t timeline_rewind(timeline *t, uint32_t n) {
    drop_marks(t, t->pos);
    if (n >= t->pos) return t->pos;
    uint32_t best = n / TIMELINE_GRID * TIMELINE_GRID;
    const float *copy = best > 0 ? grid_copy(t, best) : NULL;
    for (uint32_t i = 0; i < t->n_marks; i++) {
        if (t->mark[i] <= n && t->mark[i] > best) {
            best = t->mark[i];
            copy = mark_copy(t, i);
        }
    }
    if (!copy) {
        timeline_reset(t);
        return 0;
    }
    memcpy(t->history, copy, timeline_history(t->shape) * sizeof *copy);
    t->pos = best;
    drop_marks(t, best);
    return best;
}

void timeline_tidy(timeline *t) {
    const size_t row = kern_kv_row_bytes(t->shape->head_dim, t->opt.kv);
    const size_t used = t->pos % KERN_ATTN_CHUNK;
    const size_t n_heads = 2 * (size_t)t->shape->n_attn * t->shape->n_head_kv;
    drop_marks(t, t->pos);
    for (size_t h = 0; h < n_heads && used > 0; h++) {
        uint8_t *chunk = t->cache + t->pos / KERN_ATTN_CHUNK * timeline_stride(t) +
                         h * timeline_head_bytes(t);
        memset(chunk + used * row, 0, (KERN_ATTN_CHUNK - used) * row);
        if (t->opt.kv == KERN_KV_Q8) {
            memset(chunk + kern_kv_scales_at(t->shape->head_dim) + used * sizeof(float), 0,
                   (KERN_ATTN_CHUNK - used) * sizeof(float));
        }
    }
}

lfm_status timeline_copy(timeline *to, const timeline *from, lfm_error *err) {
    const size_t history = timeline_history(from->shape) * sizeof *from->history;
    if (from->pos > to->opt.n_ctx) {
        return err_set(err, LFM_ERR_FULL,
                       "%" PRIu32 " tokens do not fit into a context of %" PRIu32,
                       from->pos, to->opt.n_ctx);
    }
    to->pos = from->pos;
    to->n_marks = from->n_marks;
    memcpy(to->mark, from->mark, sizeof to->mark);
    memcpy(to->marked, from->marked, from->n_marks * history);
    memcpy(to->history, from->history, history);
    memcpy(to->grid, from->grid, from->pos / TIMELINE_GRID * history);
    memcpy(to->tokens, from->tokens, from->pos * sizeof *to->tokens);
    memcpy(to->cache, from->cache, timeline_chunks(from->pos) * timeline_stride(from));
    return LFM_OK;
}
