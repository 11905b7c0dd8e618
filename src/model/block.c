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

/* Add the pending output to token i's residual; experts in the order of their ranks. */
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

void pass_enter(pass *b, const float *norm) {
    model_state *st = b->st;
    const size_t n_embd = st->shape->n_embd;
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        settle_token(b, i);
        float *in = act_floats(&st->in, i);
        st->kern->norm(in, st->x + i * n_embd, norm, n_embd, st->shape->eps);
        act_fill(&st->in, st->kern, i, in, n_embd, b->step->layouts);
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

void pass_fill(pass *b, size_t n) {
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        act_fill(&b->st->in, b->st->kern, i, act_floats(&b->st->in, i), n, b->step->layouts);
    }
    team_sync(b->t);
}

/* Make `s` the current step, and divide its products among the workers. */
static void plan(pass *b, const weights_step *s) {
    const model_state *st = b->st;
    const bool is_head = s + 1 == st->weights->steps + st->weights->n_steps;
    const size_t n = is_head ? b->n_head : b->n;
    for (size_t j = 0; j < s->n; j++) {
        b->jobs[j] = (matmul_job){
            .mul = st->kern->mul[s->w[j]->type],
            .w = s->w[j]->data,
            .row_bytes = s->w[j]->row_bytes,
            .rows = s->w[j]->rows,
            .k = s->w[j]->cols,
            .x = st->in.at[act_layout_of(s->w[j]->type)] + (b->n - n),
            .n = n,
            .scale = s->w[j]->scale,
        };
    }
    b->n_pieces = jobs_plan(b->jobs, s->n, b->t->n_workers);
    b->step = s;
}

void pass_begin(pass *b) {
    plan(b, b->st->weights->steps);
}

const uint8_t *pass_advance(pass *b) {
    const model_weights *w = b->st->weights;
    const weights_step *next = b->step + 1;
    plan(b, next < w->steps + w->n_steps ? next : w->steps);
    return jobs_start(b->t, b->jobs, b->n_pieces);
}

void pass_multiply(pass *b, float *const *out) {
    matmul_job jobs[STEP_MATRICES];
    const size_t n_pieces = b->n_pieces;
    for (size_t j = 0; j < b->step->n; j++) {
        jobs[j] = b->jobs[j];
        jobs[j].y0 = out[j];
    }
    jobs_run(b->t, jobs, n_pieces, pass_advance(b));
    team_sync(b->t);
}
