/*
 * sampling.c - command-line options -> a sampler: presets, settings, the seed.
 */
#include "cli/prompt/sampling.h"

#include "base/markers.h"
#include "cli/shared/term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A random seed, of 32 bits so that people can retype it. */
static uint64_t new_seed(void) {
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        seed = (uint32_t)(term_now() * 1e9);
    }
    return seed;
}

static lfm_sampling preset_sampling(const lfm_model *m, int preset) {
    lfm_sampling plain = {
        .typical_p = 1.0f, .top_p = 1.0f, .repeat_penalty = 1.0f, .repeat_last_n = 64,
    };
    switch (preset) {
    case PRESET_LLAMA_CPP: /* the defaults of its tools */
        plain.temperature = 0.8f;
        plain.top_k = 40;
        plain.top_p = 0.95f;
        plain.min_p = 0.05f;
        return plain;
    case PRESET_GREEDY:
        return plain;
    default:
        lfm_sampling_default(m, &plain, sizeof plain);
        return plain;
    }
}

static void set_float(float *field, opt_number n) {
    *field = n.given ? (float)n.value : *field;
}

static void set_int(int32_t *field, opt_number n) {
    *field = n.given ? (int32_t)n.value : *field;
}

/* The biases of -l; --tool-choice none forbids the token that begins a call, --ignore-eos every
 * token that ends an answer.  Allocated; NULL = out of memory. */
static lfm_logit_bias *all_bias(const lfm_model *m, const cli_options *o, size_t *n) {
    const uint32_t n_vocab = lfm_model_get_info(m)->n_vocab;
    size_t n_end = 0;
    for (uint32_t id = 0; o->ignore_eos && id < n_vocab; id++) {
        n_end += lfm_token_is_end(m, (int32_t)id);
    }
    lfm_logit_bias *bias = calloc(o->n_bias + n_end + 2, sizeof *bias);
    *n = 0;
    const int32_t call = o->tool_choice && strcmp(o->tool_choice, "none") == 0
                             ? lfm_token_find(m, TOOL_CALL_START) : -1;
    if (bias && call >= 0) {
        bias[(*n)++] = (lfm_logit_bias){call, -HUGE_VALF};
    }
    for (size_t i = 0; bias && i < o->n_bias; i++) {
        bias[(*n)++] = o->bias[i];
    }
    for (uint32_t id = 0; bias && o->ignore_eos && id < n_vocab; id++) {
        if (lfm_token_is_end(m, (int32_t)id)) {
            bias[(*n)++] = (lfm_logit_bias){(int32_t)id, -HUGE_VALF};
        }
    }
    return bias;
}

lfm_status sampling_choose(lfm_sampler **out, lfm_sampling *settings, const lfm_model *m,
                           const cli_options *o, lfm_error *err) {
    lfm_sampling *s = settings;
    *s = preset_sampling(m, o->preset);
    set_float(&s->temperature, o->temp);
    set_int(&s->top_k, o->top_k);
    set_float(&s->top_p, o->top_p);
    set_float(&s->min_p, o->min_p);
    set_float(&s->typical_p, o->typical);
    set_float(&s->repeat_penalty, o->repeat_penalty);
    set_int(&s->repeat_last_n, o->repeat_last_n);
    set_float(&s->presence_penalty, o->presence_penalty);
    set_float(&s->frequency_penalty, o->frequency_penalty);
    memcpy(s->stages, o->stages, sizeof s->stages);
    s->seed = o->seed.given && o->seed.value >= 0 ? (uint64_t)o->seed.value : new_seed();
    lfm_logit_bias *bias = all_bias(m, o, &s->n_bias);
    if (!bias) return err_no_memory(err, "the sampler");
    s->bias = bias;
    const lfm_status st = lfm_sampler_new(out, m, s, err);
    s->bias = NULL;
    s->n_bias = 0;
    free(bias);
    return st;
}
