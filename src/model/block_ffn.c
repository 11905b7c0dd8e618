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
#include <stdlib.h>

void block_dense(pass *b, const layer_weights *l) {
    model_state *st = b->st;
    const size_t n_ff = st->shape->n_ff;
    float *const targets[2] = {st->wide, st->wide + b->n * n_ff};
    pass_enter(b, l->norm_ffn);
    pass_multiply(b, targets); /* gate and up */
    size_t i = 0;
    while (team_take(b->t, b->n, &i)) {
        float *in = act_floats(&st->in, i);
        st->kern->silu_mul(in, targets[0] + i * n_ff, targets[1] + i * n_ff, n_ff);
        act_fill(&st->in, st->kern, i, in, n_ff, b->step->layouts);
    }
    team_sync(b->t);
    pass_multiply(b, &st->delta); /* down */
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
    const float total = !s->expert_norm ? 1.0f : sum < least ? least : sum;
    for (uint32_t r = 0; r < s->n_expert_used; r++) {
        choice[r].weight = choice[r].weight / total * s->expert_scale;
    }
}

/* Expert e of a stack of matrices against n tokens. */
static matmul_job expert_job(const kern_table *kern, const weight *w, size_t e, const void **x,
                             float **y, size_t n) {
    return (matmul_job){
        .mul = kern->mul[w->type],
        .w = w->data + e * w->matrix_bytes,
        .row_bytes = w->row_bytes,
        .rows = w->rows,
        .k = w->cols,
        .x = x,
        .y = y,
        .n = n,
        .scale = w->scale ? w->scale + e : NULL,
    };
}

/* Sort the slots by expert (counting sort, so slots of one expert stay in token order) and write
 * the jobs of both steps, gate and up, then down, for each expert that some token chose. */
static void group_by_expert(pass *b, const layer_weights *l) {
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
    const act_layout gate_layout = act_layout_of(l->moe.gate.type);
    const act_layout up_layout = act_layout_of(l->moe.up.type);
    const act_layout down_layout = act_layout_of(l->moe.down.type);
    for (size_t i = 0; i < n_slots; i++) {
        const uint32_t at = next[st->choice[i].expert]++;
        st->gather[gate_layout][at] = st->in.at[gate_layout][i / s->n_expert_used];
        st->gather[up_layout][at] = st->in.at[up_layout][i / s->n_expert_used];
        st->mixed_at[at] = st->mixed + i * s->n_embd;
    }
    size_t n_jobs = 0;
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const uint32_t at = start[e];
        const size_t n = start[e + 1] - at;
        if (n > 0) {
            const void **gate_x = st->gather[gate_layout] + at;
            const void **up_x = st->gather[up_layout] + at;
            const void **down_x = st->hidden.at[down_layout] + at;
            matmul_job *gate = &st->gate_jobs[n_jobs];
            *gate = expert_job(st->kern, &l->moe.gate, e, gate_x, NULL, n);
            gate->align = down_layout == ACT_Q256 ? 256 : 32; /* whole blocks of `hidden` */
            gate->most_rows = ACT_PART;
            st->up_jobs[n_jobs] = expert_job(st->kern, &l->moe.up, e, up_x, NULL, n);
            st->down_jobs[n_jobs] = expert_job(st->kern, &l->moe.down, e, down_x,
                                               st->mixed_at + at, n);
            n_jobs++;
        }
    }
    st->n_gate_up = jobs_plan(st->gate_jobs, n_jobs, b->t->n_workers);
    st->n_down = jobs_plan(st->down_jobs, n_jobs, b->t->n_workers);
}

typedef struct {
    model_state *st;
    act_layout layout; /* of `hidden` */
} hidden_work;

/* Multiply some rows of gate and of up, and store silu(gate) * up as a part of the rows of
 * `hidden`.  The products themselves never leave the cache. */
static void hidden_piece(void *ctx, const matmul_job *gate, size_t row, size_t rows,
                         const uint8_t *next) {
    const hidden_work *o = ctx;
    const model_state *st = o->st;
    const size_t job = (size_t)(gate - st->gate_jobs);
    const matmul_job *up = &st->up_jobs[job];
    const uint8_t *up_w = up->w + row * up->row_bytes;
    const size_t slot = (size_t)(st->down_jobs[job].x - st->hidden.at[o->layout]);
    float few[2 * ACT_PART];
    const size_t even = jobs_tile(gate->n);
    float *memory = even > 1 ? malloc(2 * even * rows * sizeof *memory) : NULL;
    const size_t tile = memory ? even : 1; /* without memory: slower, the same numbers */
    float *products = memory ? memory : few;
    for (size_t at = 0; at < gate->n; at += tile) {
        const size_t n = gate->n - at < tile ? gate->n - at : tile;
        float *y[2][JOB_TOKENS];
        for (size_t t = 0; t < n; t++) {
            y[0][t] = products + t * rows;
            y[1][t] = products + (tile + t) * rows;
        }
        gate->mul(y[0], gate->w + row * gate->row_bytes, gate->x + at, n, rows, gate->k, up_w);
        up->mul(y[1], up_w, up->x + at, n, rows, up->k, next);
        jobs_scale(gate, y[0], n, rows);
        jobs_scale(up, y[1], n, rows);
        for (size_t t = 0; t < n; t++) {
            st->kern->silu_mul(y[0][t], y[0][t], y[1][t], rows);
            act_fill_part(&st->hidden, st->kern, slot + at + t, gate->rows, row, y[0][t], rows,
                          o->layout);
        }
    }
    free(memory);
}

void block_moe(pass *b, const layer_weights *l) {
    model_state *st = b->st;
    const model_shape *s = st->shape;
    pass_enter(b, l->norm_ffn);
    pass_multiply(b, &st->scores); /* the router */
    if (b->t->worker == 0) {
        for (size_t i = 0; i < b->n; i++) {
            choose_experts(s, st->scores + i * s->n_expert, l->moe.bias,
                           st->choice + i * s->n_expert_used);
        }
        group_by_expert(b, l);
    }
    team_sync(b->t);
    hidden_work work = {st, act_layout_of(l->moe.down.type)};
    jobs_run_with(b->t, st->gate_jobs, st->n_gate_up,
                  jobs_start(b->t, st->down_jobs, st->n_down), hidden_piece, &work);
    team_sync(b->t);
    jobs_run(b->t, st->down_jobs, st->n_down, pass_advance(b));
    team_sync(b->t);
    b->waiting = PENDING_MIXTURE;
}
