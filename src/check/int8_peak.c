/*
 * int8_peak.c - how fast this machine multiplies int8, with the threads and instructions that a
 * session uses for prompts.
 */
#include "api/internal.h"

#include "base/system/clock.h"
#include "lfm_tools.h"

enum { LEAST_ROUNDS = 1 << 10, TIMES = 4 };

static const double least_seconds = 0.01; /* far more than waking the threads takes */

typedef struct {
    kern_peak_fn *peak;
    size_t rounds;
    _Atomic uint64_t done; /* operations */
} probe;

static void multiply(void *ctx, team *t) {
    probe *p = ctx;
    (void)t;
    p->done += p->peak(p->rounds);
}

double lfm_int8_peak(lfm_session *s) {
    session_shared *shared = s->shared;
    pool *threads = shared->batch_threads ? shared->batch_threads : shared->threads;
    probe p = {.peak = shared->model->kern.peak, .rounds = LEAST_ROUNDS};
    double best = 0.0;
    for (int i = 0; i < TIMES;) {
        p.done = 0;
        const double start = clock_seconds();
        pool_run(threads, multiply, &p);
        const double seconds = clock_seconds() - start;
        const double rate = (double)p.done / seconds;
        if (seconds < least_seconds) {
            p.rounds *= 2;
        } else {
            best = rate > best ? rate : best;
            i++;
        }
    }
    return best;
}

/* Products of a matrix with int8 activations. */
static uint64_t count(const weight *w) {
    return act_layout_of(w->type) == ACT_F32 ? 0 : (uint64_t)w->rows * w->cols;
}

uint64_t lfm_int8_ops(const lfm_model *m, bool with_head) {
    const model_weights *w = &m->weights;
    uint64_t macs = 0;
    for (size_t i = 0; i < w->n_steps - !with_head; i++) { /* the head is the last one */
        for (size_t j = 0; j < w->steps[i].n; j++) {
            macs += count(w->steps[i].w[j]);
        }
    }
    for (uint32_t i = m->shape.n_dense; i < m->shape.n_layer; i++) {
        const layer_weights *l = &w->layers[i];
        macs += m->shape.n_expert_used * (count(&l->moe.gate) + count(&l->moe.up) +
                                          count(&l->moe.down));
    }
    return 2 * macs;
}
