/*
 * bench_bytes.c - how much memory a test reads.
 */
#include "cli/bench/bench_bytes.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Does the tensor's name end in `name`? */
static bool ends_in(const lfm_tensor_info *t, const char *name) {
    const size_t n = strlen(name);
    return t->name_len >= n && memcmp(t->name + t->name_len - n, name, n) == 0;
}

bench_sizes bench_sizes_of(const lfm_model *m, lfm_kv_type kv) {
    const lfm_model_info *i = lfm_model_get_info(m);
    const double size = kv == LFM_KV_F16 ? 2.0 : kv == LFM_KV_F32 ? 4.0 : 1.0 + 4.0 / i->head_dim;
    double embedding = 0.0;
    lfm_tensor_info t;
    bench_sizes s = {.token = (double)i->token_bytes,
                     .position = 2.0 * i->n_attn * i->n_head_kv * i->head_dim * size,
                     .n_expert = i->n_expert, .n_expert_used = i->n_expert_used};
    for (size_t k = 0; lfm_model_tensor(m, k, &t); k++) {
        if (ends_in(&t, "_exps.weight")) {
            s.experts += (double)t.n_bytes;
        } else if (ends_in(&t, "token_embd.weight")) {
            embedding = (double)t.n_bytes;
        } else if (t.name_len == 13 && ends_in(&t, "output.weight")) {
            s.head = (double)t.n_bytes;
        }
    }
    s.head = s.head > 0 ? s.head : embedding; /* tied: one matrix is embedding and head */
    return s;
}

/* Weights that a batch of n tokens reads, without the head. */
static double batch_weights(const bench_sizes *s, double n) {
    if (s->n_expert == 0) return s->token - s->head;
    const double share = (double)s->n_expert_used / s->n_expert;
    const double hit = 1.0 - pow(1.0 - share, n); /* experts that some token chooses */
    return s->token - s->head + s->experts * (hit - share);
}

double bench_bytes(const bench_sizes *s, uint32_t n_depth, uint32_t n_prompt, uint32_t n_gen,
                   uint32_t n_batch) {
    double bytes = n_prompt > 0 ? s->head : 0.0;
    for (uint32_t done = 0; done < n_prompt;) {
        const uint32_t step = n_prompt - done < n_batch ? n_prompt - done : n_batch;
        done += step;
        bytes += batch_weights(s, step) + s->position * ((double)n_depth + done);
    }
    const double before = (double)n_depth + n_prompt;
    return bytes + n_gen * (s->token + s->position * (before + 0.5 * (n_gen + 1.0)));
}
