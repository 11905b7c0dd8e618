/*
 * block.c - the steps that all blocks share.
 */
#include "model/block.h"

#include "base/bytes.h"

#include <string.h>

/* Does a row hold a NaN or an infinity?  (Their exponent bits are all ones.) */
static bool is_finite_row(const float *x, size_t n) {
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t exponent = f32_bits(x[i]) & 0x7f800000u;
        largest = exponent > largest ? exponent : largest;
    }
    return largest != 0x7f800000u;
}

/* Remember the earliest layer whose output was not finite. */
static void note_bad(pass *b) {
    int32_t seen = atomic_load(b->bad);
    while ((int32_t)b->layer < seen &&
           !atomic_compare_exchange_weak(b->bad, &seen, (int32_t)b->layer)) {
    }
}

/* Add what waits for token i, experts in the order of their ranks. */
static void settle_token(pass *b, size_t i) {
    model_state *st = b->st;
    const size_t n_embd = st->shape->n_embd;
    float *x = st->x + i * n_embd;
    float *delta = st->delta + i * n_embd;
    if (b->waiting == PENDING_MIXTURE) {
        const size_t used = st->shape->n_expert_used;
        memset(delta, 0, n_embd * sizeof *delta);
        for (size_t r = 0; r < used; r++) {
            const size_t slot = i * used + r;
            st->kern->axpy(delta, st->mixed + slot * n_embd, st->choice[slot].weight, n_embd);
        }
    }
    if (b->waiting != PENDING_NOTHING) {
        st->kern->axpy(x, delta, 1.0f, n_embd);
        if (!is_finite_row(x, n_embd)) {
            note_bad(b);
        }
    }
}

void pass_enter(pass *b, const float *norm, unsigned mask) {
    model_state *st = b->st;
    const size_t n_embd = st->shape->n_embd;
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        settle_token(b, i);
        float *in = act_floats(&st->in, i);
        st->kern->norm(in, st->x + i * n_embd, norm, n_embd, st->shape->eps);
        act_fill(&st->in, st->kern, i, in, n_embd, mask);
    }
    b->waiting = PENDING_NOTHING;
    team_sync(b->t);
}

void pass_settle(pass *b) {
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        settle_token(b, i);
    }
    b->waiting = PENDING_NOTHING;
    team_sync(b->t);
}

void pass_fill(pass *b, size_t n, unsigned mask) {
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        act_fill(&b->st->in, b->st->kern, i, act_floats(&b->st->in, i), n, mask);
    }
    team_sync(b->t);
}

unsigned pass_layouts(matrices m) {
    unsigned mask = 0;
    for (size_t j = 0; j < m.n; j++) {
        mask |= form_bit(m.w[j]);
    }
    return mask;
}

/* The jobs of a step, without outputs; the number of pieces. */
static size_t plan(const pass *b, matrices m, matmul_job jobs[3]) {
    for (size_t j = 0; j < m.n; j++) {
        jobs[j] = (matmul_job){
            .mul = b->st->kern->mul[m.w[j]->type],
            .w = m.w[j]->data,
            .row_bytes = m.w[j]->row_bytes,
            .rows = m.w[j]->rows,
            .k = m.w[j]->cols,
            .x = b->st->in.at[state_form(m.w[j]->type)],
            .n = b->n,
        };
    }
    return jobs_plan(jobs, m.n, b->t->n_workers);
}

const uint8_t *pass_start(const pass *b, matrices m) {
    matmul_job jobs[3];
    const size_t n_pieces = plan(b, m, jobs);
    return jobs_start(b->t, jobs, n_pieces);
}

void pass_multiply(pass *b, matrices m, float *const *out, matrices after) {
    matmul_job jobs[3];
    const size_t n_pieces = plan(b, m, jobs);
    for (size_t j = 0; j < m.n; j++) {
        jobs[j].y0 = out[j];
    }
    jobs_run(b->t, jobs, n_pieces, pass_start(b, after));
    team_sync(b->t);
}

matrices block_mixer_first(const layer_weights *l) {
    return l->kind == LAYER_CONV ? (matrices){{&l->conv.in}, 1}
                                 : (matrices){{&l->attn.q, &l->attn.k, &l->attn.v}, 3};
}

matrices block_ffn_first(const layer_weights *l) {
    return l->is_moe ? (matrices){{&l->moe.router}, 1}
                     : (matrices){{&l->dense.gate, &l->dense.up}, 2};
}
