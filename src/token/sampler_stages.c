/*
 * sampler_stages.c - the stages of the sampler: from candidates to fewer, or other, candidates.
 *
 * A full sort of 128,000 candidates would take too long per token.  Top-k streams through the
 * logits with a heap of k; top-p and typical pop a heap only as far as needed.
 *
 * Sources: nucleus sampling, Holtzman et al. 2020; locally typical sampling, Meister et al. 2023;
 * repetition penalty, Keskar et al. 2019 (CTRL), with negative logits multiplied.
 */
#include "token/sampler_internal.h"

#include "kernel/kern_math.h"

#include <math.h>
#include <string.h>

/* A token that may be drawn. */
typedef sampler_candidate candidate;

/* ---- A heap of candidates ------------------------------------------------------------------- */

/* A strict total order, so that no result depends on the sorting algorithm. */
static bool better(candidate a, candidate b) {
    return a.rank > b.rank || (a.rank == b.rank && a.id < b.id);
}

/* Restore the heap below `i`; the root is the best candidate, or the worst. */
static void sift_down(candidate *c, size_t n, size_t i, bool best_first) {
    const candidate moving = c[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && better(c[child + 1], c[child]) == best_first) {
            child++;
        }
        if (better(c[child], moving) != best_first) break;
        c[i] = c[child];
        i = child;
    }
    c[i] = moving;
}

static void make_heap(candidate *c, size_t n, bool best_first) {
    for (size_t i = n / 2; i-- > 0;) {
        sift_down(c, n, i, best_first);
    }
}

/* Move the root behind the heap of `n`; the heap then has n - 1. */
static candidate pop_heap(candidate *c, size_t n, bool best_first) {
    const candidate root = c[0];
    c[0] = c[n - 1];
    c[n - 1] = root;
    sift_down(c, n - 1, 0, best_first);
    return root;
}

/* After `n_popped` calls of pop_heap on best-first candidates: keep those, best first. */
static void keep_popped(sampler *s, size_t n_popped) {
    candidate *tail = s->cand + s->n_cand - n_popped; /* the best is the last */
    for (size_t i = 0; i < n_popped / 2; i++) {
        const candidate swap = tail[i];
        tail[i] = tail[n_popped - 1 - i];
        tail[n_popped - 1 - i] = swap;
    }
    memmove(s->cand, tail, n_popped * sizeof *tail);
    s->n_cand = n_popped;
}

/* Put all candidates in descending order of logit. */
static void sort_by_logit(sampler *s) {
    for (size_t i = 0; i < s->n_cand; i++) {
        s->cand[i].rank = s->cand[i].logit;
    }
    make_heap(s->cand, s->n_cand, false);
    for (size_t n = s->n_cand; n > 1; n--) {
        pop_heap(s->cand, n, false); /* the worst goes to the end */
    }
    s->sorted = true;
}

/* ---- The stages ----------------------------------------------------------------------------- */

float sampler_penalise(const lfm_sampling *set, float logit, uint32_t count) {
    const float scaled =
        logit <= 0.0f ? logit * set->repeat_penalty : logit / set->repeat_penalty;
    return scaled - ((float)count * set->frequency_penalty + set->presence_penalty);
}

/* Top-k: the first k candidates make a heap with the worst on top, which every better one
 * replaces.  Equal logits keep the lower id, because it came first. */
void sampler_gather_top_k(sampler *s, size_t k) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_vocab; i++) {
        const float l = s->logits[i];
        if (n == k) {
            if (l > s->cand[0].rank) {
                s->cand[0] = (candidate){l, l, (int32_t)i};
                sift_down(s->cand, k, 0, false);
            }
        } else if (l > -INFINITY) {
            s->cand[n++] = (candidate){l, l, (int32_t)i};
            if (n == k) {
                make_heap(s->cand, k, false);
            }
        }
    }
    s->n_cand = n;
    sort_by_logit(s);
}

void sampler_gather_all(sampler *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_vocab; i++) {
        if (s->logits[i] > -INFINITY) {
            s->cand[n++] = (candidate){s->logits[i], s->logits[i], (int32_t)i};
        }
    }
    s->n_cand = n;
    s->sorted = false;
}

float sampler_max_logit(const sampler *s) {
    float max = s->cand[0].logit;
    for (size_t i = 1; i < s->n_cand && !s->sorted; i++) {
        max = s->cand[i].logit > max ? s->cand[i].logit : max;
    }
    return max;
}

/* Penalties after some other stage. */
static void penalties(sampler *s) {
    for (size_t i = 0; i < s->n_cand; i++) {
        candidate *c = &s->cand[i];
        if (s->count[c->id] > 0) {
            c->logit = sampler_penalise(&s->set, c->logit, s->count[c->id]);
        }
        c->rank = c->logit;
    }
    s->sorted = false;
}

/* Top-k after some other stage. */
static void top_k(sampler *s) {
    const size_t k = (size_t)s->set.top_k;
    if (k >= s->n_cand) return;
    if (!s->sorted) {
        make_heap(s->cand, s->n_cand, true);
        for (size_t i = 0; i < k; i++) {
            pop_heap(s->cand, s->n_cand - i, true);
        }
        keep_popped(s, k);
        s->sorted = true;
    }
    s->n_cand = k;
}

/* Locally typical: keep the tokens whose information -log p is nearest to the entropy, until
 * their probability passes typical_p.
 * With d = l - max and z = sum exp(d), -log p = log z - d and the entropy is log z - mean(d):
 * the logarithms cancel. */
static void typical(sampler *s) {
    const float max = sampler_max_logit(s);
    double z = 0.0;
    double weighted = 0.0; /* sum of exp(d) * d */
    for (size_t i = 0; i < s->n_cand; i++) {
        const float d = s->cand[i].logit - max;
        const float e = kern_exp(d);
        z += (double)e;
        weighted += e > 0.0f ? (double)e * (double)d : 0.0;
    }
    const float mean = (float)(weighted / z);
    for (size_t i = 0; i < s->n_cand; i++) {
        s->cand[i].rank = -fabsf(s->cand[i].logit - max - mean);
    }
    make_heap(s->cand, s->n_cand, true);
    double sum = 0.0;
    size_t n = 0;
    while (n < s->n_cand && sum <= (double)s->set.typical_p) {
        sum += (double)kern_exp(pop_heap(s->cand, s->n_cand - n, true).logit - max) / z;
        n++;
    }
    keep_popped(s, n);
    sort_by_logit(s);
}

/* Nucleus: the most probable tokens until their probability reaches top_p. */
static void top_p(sampler *s) {
    const float max = sampler_max_logit(s);
    double z = 0.0;
    for (size_t i = 0; i < s->n_cand; i++) {
        z += (double)kern_exp(s->cand[i].logit - max);
    }
    if (!s->sorted) {
        make_heap(s->cand, s->n_cand, true);
    }
    double sum = 0.0;
    size_t n = 0;
    do {
        const candidate c = s->sorted ? s->cand[n] : pop_heap(s->cand, s->n_cand - n, true);
        sum += (double)kern_exp(c.logit - max) / z;
        n++;
    } while (n < s->n_cand && sum < (double)s->set.top_p);
    if (s->sorted) {
        s->n_cand = n;
    } else {
        keep_popped(s, n);
        s->sorted = true;
    }
}

/* Tokens at least min_p times as probable as the best one. */
static void min_p(sampler *s) {
    const float least = sampler_max_logit(s) + kern_log(s->set.min_p);
    size_t n = 0;
    for (size_t i = 0; i < s->n_cand; i++) {
        if (s->cand[i].logit >= least) {
            s->cand[n++] = s->cand[i];
        }
    }
    s->n_cand = n; /* at least 1: the best one, for log(min_p) <= 0 */
}

static candidate best(const sampler *s) {
    candidate top = s->cand[0];
    for (size_t i = 1; i < s->n_cand; i++) {
        const candidate c = s->cand[i];
        if (c.logit > top.logit || (c.logit == top.logit && c.id < top.id)) {
            top = c;
        }
    }
    return top;
}

/* Divide the logits by the temperature; at 0 keep only the best token.  Subtract the largest first:
 * at a tiny temperature the quotient would be infinite otherwise.  Do not subtract when penalties
 * follow, because they depend on the logits themselves; quotients are capped instead, so that none
 * is infinite. */
static void temperature(sampler *s) {
    if (s->set.temperature <= 0.0f) {
        s->cand[0] = best(s);
        s->n_cand = 1;
        return;
    }
    const float max = s->penalties_follow ? 0.0f : sampler_max_logit(s);
    const float most = s->penalties_follow ? 0x1p100f : INFINITY;
    for (size_t i = 0; i < s->n_cand; i++) {
        s->cand[i].logit = fminf((s->cand[i].logit - max) / s->set.temperature, most);
        s->cand[i].rank = s->cand[i].logit;
    }
}

void sampler_run_stage(sampler *s, uint8_t stage) {
    switch (stage) {
    case LFM_STAGE_PENALTIES: penalties(s); break;
    case LFM_STAGE_TOP_K: top_k(s); break;
    case LFM_STAGE_TYPICAL: typical(s); break;
    case LFM_STAGE_TOP_P: top_p(s); break;
    case LFM_STAGE_MIN_P: min_p(s); break;
    default: temperature(s); break;
    }
}
