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
static void note_bad(batch *b) {
    int32_t seen = atomic_load(b->bad);
    while ((int32_t)b->layer < seen &&
           !atomic_compare_exchange_weak(b->bad, &seen, (int32_t)b->layer)) {
    }
}

/* Add what waits for token i, experts in the order of their ranks. */
static void settle_token(batch *b, size_t i) {
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

void batch_enter(batch *b, const float *norm, unsigned mask) {
    model_state *st = b->st;
    const size_t n_embd = st->shape->n_embd;
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        settle_token(b, i);
        st->kern->norm(act_floats(&st->in, i), st->x + i * n_embd, norm, n_embd, st->shape->eps);
        act_fill(&st->in, st->kern, i, n_embd, mask);
    }
    b->waiting = PENDING_NOTHING;
    team_sync(b->t);
}

void batch_settle(batch *b) {
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        settle_token(b, i);
    }
    b->waiting = PENDING_NOTHING;
    team_sync(b->t);
}

void batch_fill(batch *b, size_t n, unsigned mask) {
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        act_fill(&b->st->in, b->st->kern, i, n, mask);
    }
    team_sync(b->t);
}

void batch_multiply(batch *b, const weight *const *w, float *const *out, size_t n_weights) {
    model_state *st = b->st;
    matmul_job jobs[3];
    for (size_t j = 0; j < n_weights; j++) {
        jobs[j] = (matmul_job){
            .mul = st->kern->mul[w[j]->type],
            .w = w[j]->data,
            .row_bytes = w[j]->row_bytes,
            .rows = w[j]->rows,
            .k = w[j]->cols,
            .x = st->in.at[state_form(w[j]->type)],
            .y0 = out[j],
            .n = b->n,
        };
    }
    jobs_run(b->t, jobs, n_weights, jobs_plan(jobs, n_weights, b->t->n_workers));
    team_sync(b->t);
}
