/*
 * block_ffn.c - the feed-forward half of a layer: dense SwiGLU, or a mixture of experts.
 *
 * The mixture is computed expert by expert: the tokens that chose an expert are multiplied with its
 * matrices together, so each chosen expert's weights are read once per batch.  Outputs are kept per
 * (token, rank) and added in the order of the ranks, so a token's sum does not depend on its
 * neighbours.
 *
 * Source: MODEL.md, "Feed-forward" and "Router".
 */
#include "kernel/kern_math.h"
#include "model/block.h"

#include <assert.h>

void block_dense(batch *b, const layer_weights *l) {
    model_state *st = b->st;
    const size_t n_ff = st->shape->n_ff;
    const weight *const gate_up[2] = {&l->dense.gate, &l->dense.up};
    const weight *down = &l->dense.down;
    float *const targets[2] = {st->wide, st->wide + b->n * n_ff};
    batch_enter(b, l->norm_ffn, form_bit(gate_up[0]) | form_bit(gate_up[1]));
    batch_multiply(b, gate_up, targets, 2);
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        st->kern->silu_mul(act_floats(&st->in, i), targets[0] + i * n_ff, targets[1] + i * n_ff,
                           n_ff);
        act_fill(&st->in, st->kern, i, n_ff, form_bit(down));
    }
    team_sync(b->t);
    batch_multiply(b, &down, &st->delta, 1);
    b->waiting = PENDING_DELTA;
}

/* Choose experts for one token.  The bias steers the choice only; the mixing weights come from the
 * scores without it.  Ties go to the lower id, and a NaN is never larger, so the ids are always
 * valid. */
static void choose_experts(const model_shape *s, const float *logits, const float *bias,
                           expert_choice *choice) {
    float score[SHAPE_MAX_EXPERTS];
    float steered[SHAPE_MAX_EXPERTS];
    bool taken[SHAPE_MAX_EXPERTS] = {false};
    float sum = 0.0f;
    assert(s->n_expert_used <= s->n_expert);
    for (uint32_t e = 0; e < s->n_expert; e++) {
        score[e] = kern_sigmoid(logits[e]);
        steered[e] = score[e] + bias[e];
    }
    for (uint32_t r = 0; r < s->n_expert_used; r++) {
        uint32_t best = 0;
        while (taken[best]) {
            best++;
        }
        for (uint32_t e = best + 1; e < s->n_expert; e++) {
            if (!taken[e] && steered[e] > steered[best]) {
                best = e;
            }
        }
        taken[best] = true;
        choice[r] = (expert_choice){.expert = (int32_t)best, .weight = score[best]};
        sum += score[best];
    }
    /* The smallest normal half: where llama.cpp stops dividing too. */
    const float least = 0x1p-14f;
    const float total = sum < least ? least : sum;
    for (uint32_t r = 0; r < s->n_expert_used; r++) {
        choice[r].weight = choice[r].weight / total * s->expert_scale;
    }
}

/* Sort the slots by expert (counting sort, so slots of one expert stay in token order) and write
 * the jobs of the gate and up step: two per expert that anybody chose. */
static void group_by_expert(batch *b, const layer_weights *l) {
    model_state *st = b->st;
    const model_shape *s = st->shape;
    const size_t n_slots = b->n * s->n_expert_used;
    uint32_t start[SHAPE_MAX_EXPERTS + 1] = {0};
    for (size_t i = 0; i < n_slots; i++) {
        start[st->choice[i].expert + 1]++;
    }
    for (uint32_t e = 0; e < s->n_expert; e++) {
        start[e + 1] += start[e];
    }
    uint32_t next[SHAPE_MAX_EXPERTS];
    for (uint32_t e = 0; e < s->n_expert; e++) {
        next[e] = start[e];
    }
    const act_form forms[2] = {state_form(l->moe.gate.type), state_form(l->moe.up.type)};
    const act_form down_form = state_form(l->moe.down.type);
    for (size_t i = 0; i < n_slots; i++) {
        const uint32_t at = next[st->choice[i].expert]++;
        st->order[at] = (uint32_t)i;
        st->gather[forms[0]][at] = st->in.at[forms[0]][i / s->n_expert_used];
        st->gather[forms[1]][at] = st->in.at[forms[1]][i / s->n_expert_used];
        st->gate_at[at] = st->gate + i * s->n_ff_expert;
        st->up_at[at] = st->up + i * s->n_ff_expert;
        st->hidden_at[at] = st->hidden.at[down_form][i];
        st->mixed_at[at] = st->mixed + i * s->n_embd;
    }
    st->n_jobs = 0;
    for (uint32_t e = 0; e < s->n_expert; e++) {
        if (start[e + 1] > start[e]) {
            const weight *const w[2] = {&l->moe.gate, &l->moe.up};
            float **const y[2] = {st->gate_at, st->up_at};
            for (int i = 0; i < 2; i++) {
                st->jobs[st->n_jobs++] = (matmul_job){
                    .mul = st->kern->mul[w[i]->type],
                    .w = w[i]->data + e * w[i]->matrix_bytes,
                    .row_bytes = w[i]->row_bytes,
                    .rows = w[i]->rows,
                    .k = w[i]->cols,
                    .x = st->gather[forms[i]] + start[e],
                    .y = y[i] + start[e],
                    .n = start[e + 1] - start[e],
                };
            }
        }
    }
    st->n_pieces = jobs_plan(st->jobs, st->n_jobs, b->t->n_workers);
}

/* Turn the gate and up jobs, two per expert, into the down jobs, one per expert. */
static void plan_down(batch *b, const layer_weights *l) {
    model_state *st = b->st;
    const weight *down = &l->moe.down;
    for (size_t i = 0; i < st->n_jobs / 2; i++) {
        const matmul_job gate = st->jobs[2 * i];
        const size_t first = (size_t)(gate.y - st->gate_at);
        const size_t expert = (size_t)(gate.w - l->moe.gate.data) / l->moe.gate.matrix_bytes;
        st->jobs[i] = (matmul_job){
            .mul = st->kern->mul[down->type],
            .w = down->data + expert * down->matrix_bytes,
            .row_bytes = down->row_bytes,
            .rows = down->rows,
            .k = down->cols,
            .x = st->hidden_at + first,
            .y = st->mixed_at + first,
            .n = gate.n,
        };
    }
    st->n_jobs /= 2;
    st->n_pieces = jobs_plan(st->jobs, st->n_jobs, b->t->n_workers);
}

void block_moe(batch *b, const layer_weights *l) {
    model_state *st = b->st;
    const model_shape *s = st->shape;
    const weight *router = &l->moe.router;
    batch_enter(b, l->norm_ffn, form_bit(&l->moe.gate) | form_bit(&l->moe.up));
    batch_multiply(b, &router, &st->scores, 1);
    if (b->t->worker == 0) {
        for (size_t i = 0; i < b->n; i++) {
            choose_experts(s, st->scores + i * s->n_expert, l->moe.bias,
                           st->choice + i * s->n_expert_used);
        }
        group_by_expert(b, l);
    }
    team_sync(b->t);
    jobs_run(b->t, st->jobs, st->n_jobs, st->n_pieces);
    team_sync(b->t);
    size_t slot = 0;
    while (team_take(b->t, b->n * s->n_expert_used, &slot)) {
        float *hidden = act_floats(&st->hidden, slot);
        st->kern->silu_mul(hidden, st->gate + slot * s->n_ff_expert, st->up + slot * s->n_ff_expert,
                           s->n_ff_expert);
        act_fill(&st->hidden, st->kern, slot, s->n_ff_expert, form_bit(&l->moe.down));
    }
    if (b->t->worker == 0) {
        plan_down(b, l);
    }
    team_sync(b->t);
    jobs_run(b->t, st->jobs, st->n_jobs, st->n_pieces);
    team_sync(b->t);
    b->waiting = PENDING_MIXTURE;
}
