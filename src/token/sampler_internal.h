/*
 * sampler_internal.h - what sampler.c and sampler_stages.c share.
 */
#ifndef TOKEN_SAMPLER_INTERNAL_H
#define TOKEN_SAMPLER_INTERNAL_H

#include "token/sampler.h"

typedef struct {
    float rank;  /* what the current heap orders by */
    float logit;
    int32_t id;
} sampler_candidate;

struct lfm_sampler {
    lfm_sampling set;      /* set.bias points to `bias` */
    lfm_logit_bias *bias;  // [set.n_bias]
    size_t n_vocab;
    uint64_t n_drawn;
    float *logits;         // [n_vocab] after bias and penalties
    sampler_candidate *cand;       // [n_vocab], the first n_cand of them are alive
    size_t n_cand;
    bool sorted;           /* cand is in descending order of logit; otherwise rank = logit */
    bool penalties_follow; /* on the temperature */
    uint8_t order[LFM_N_STAGES]; /* the stages that have an effect, up to LFM_STAGE_END */
    uint32_t *count;       // [n_vocab] how often a token is among the last repeat_last_n
    int32_t *window;       // [window_cap] those tokens, a ring that grows up to repeat_last_n
    size_t window_cap, window_len, window_first;
};

/* The logit of a token that occurred `count` times. */
float sampler_penalise(const lfm_sampling *set, float logit, uint32_t count);

/* Make the candidates from s->logits: the best k in order, or all possible ones in the order of
 * their ids. */
void sampler_gather_top_k(sampler *s, size_t k);
void sampler_gather_all(sampler *s);

/* Apply a stage to the candidates; there is at least one. */
void sampler_run_stage(sampler *s, uint8_t stage);

float sampler_max_logit(const sampler *s);

#endif
