/*
 * sampler.c - logits -> the next token, stage by stage.
 *
 * The stages and their default order are those of llama.cpp's chain, so that settings found on
 * model cards mean the same here: each filter looks at the probabilities that its predecessors
 * left, and the temperature comes last and so does not move the filters.
 */
#include "token/sampler_internal.h"

#include "base/rng.h"
#include "kernel/kern_math.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Settings ------------------------------------------------------------------------------- */

static lfm_status check_number(const char *name, float value, float min, float max,
                               lfm_error *err) {
    if (!(value >= min && value <= max)) {
        return err_set(err, LFM_ERR_ARG, "%s is %g, but must be in %g..%g", name, (double)value,
                       (double)min, (double)max);
    }
    return LFM_OK;
}

/* Refuse everything that would make a stage divide by zero, or produce NaN from finite logits. */
static lfm_status check_settings(const lfm_sampling *set, size_t n_vocab, lfm_error *err) {
    const float big = 3.4e38f;
    const struct {
        const char *name;
        float value, min, max;
    } numbers[] = {
        {"temperature", set->temperature, -big, big},
        {"typical", set->typical_p, 0, big},
        {"top-p", set->top_p, 0, big},
        {"min-p", set->min_p, -big, 1},
        {"repeat penalty", set->repeat_penalty, 1e-6f, 1e6f},
        {"presence penalty", set->presence_penalty, -1e6f, 1e6f},
        {"frequency penalty", set->frequency_penalty, -1e6f, 1e6f},
        {"repeat-last-n", (float)set->repeat_last_n, -1, 0x1p31f},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const lfm_status st =
            check_number(numbers[i].name, numbers[i].value, numbers[i].min, numbers[i].max, err);
        if (st != LFM_OK) return st;
    }
    for (size_t i = 0; i < set->n_bias; i++) {
        if (set->bias[i].token < 0 || (size_t)set->bias[i].token >= n_vocab) {
            return err_set(err, LFM_ERR_ARG, "logit bias: there is no token %" PRId32
                           " (the vocabulary has %zu)", set->bias[i].token, n_vocab);
        }
        if (!(set->bias[i].bias < INFINITY)) { /* -infinity is allowed: it forbids a token */
            return err_set(err, LFM_ERR_ARG, "logit bias of token %" PRId32 " is %g",
                           set->bias[i].token, (double)set->bias[i].bias);
        }
    }
    return LFM_OK;
}

/* Every stage is known and occurs at most once. */
static lfm_status check_stages(const lfm_sampling *set, lfm_error *err) {
    bool seen[LFM_N_STAGES] = {false};
    for (size_t i = 0; i < LFM_N_STAGES && set->stages[i] != LFM_STAGE_END; i++) {
        const uint8_t stage = set->stages[i];
        if (stage >= LFM_N_STAGES || i + 1 == LFM_N_STAGES || seen[stage]) {
            return err_set(err, LFM_ERR_ARG, "stage %zu of the sampler is %s", i + 1,
                           stage < LFM_N_STAGES ? "there twice" : "unknown");
        }
        seen[stage] = true;
    }
    return LFM_OK;
}

static bool penalties_on(const lfm_sampling *set) {
    return set->repeat_last_n != 0 && (set->repeat_penalty != 1.0f ||
           set->presence_penalty != 0.0f || set->frequency_penalty != 0.0f);
}

/* Would this stage change anything? */
static bool stage_is_on(const lfm_sampling *set, uint8_t stage, size_t n_vocab) {
    switch (stage) {
    case LFM_STAGE_PENALTIES: return penalties_on(set);
    case LFM_STAGE_TOP_K: return set->top_k > 0 && (size_t)set->top_k < n_vocab;
    case LFM_STAGE_TYPICAL: return set->typical_p < 1.0f;
    case LFM_STAGE_TOP_P: return set->top_p < 1.0f;
    case LFM_STAGE_MIN_P: return set->min_p > 0.0f;
    default: return set->temperature != 1.0f;
    }
}

static void choose_order(sampler *s) {
    const bool given = s->set.stages[0] != LFM_STAGE_END;
    size_t n = 0;
    for (size_t i = 0; i + 1 < LFM_N_STAGES; i++) {
        const uint8_t stage = given ? s->set.stages[i] : (uint8_t)(i + 1);
        if (stage == LFM_STAGE_END) break;
        if (stage_is_on(&s->set, stage, s->n_vocab)) {
            s->penalties_follow |= stage == LFM_STAGE_PENALTIES &&
                                   memchr(s->order, LFM_STAGE_TEMPERATURE, n) != NULL;
            s->order[n++] = stage;
        }
    }
    s->order[n] = LFM_STAGE_END;
}

lfm_status sampler_new(sampler **out, const lfm_sampling *settings, size_t n_vocab,
                       lfm_error *err) {
    *out = NULL;
    if (n_vocab == 0 || n_vocab > INT32_MAX) {
        return err_set(err, LFM_ERR_ARG, "a vocabulary of %zu tokens", n_vocab);
    }
    lfm_status st = check_settings(settings, n_vocab, err);
    if (st == LFM_OK) st = check_stages(settings, err);
    if (st != LFM_OK) return st;
    sampler *s = calloc(1, sizeof *s);
    if (s) {
        s->set = *settings;
        s->n_vocab = n_vocab;
        s->logits = calloc(n_vocab, sizeof *s->logits);
        s->cand = calloc(n_vocab, sizeof *s->cand);
        s->count = calloc(n_vocab, sizeof *s->count);
        s->bias = calloc(settings->n_bias + 1, sizeof *s->bias);
    }
    if (!s || !s->logits || !s->cand || !s->count || !s->bias) {
        sampler_free(s);
        return err_set(err, LFM_ERR_MEMORY, "out of memory for a sampler of %zu tokens", n_vocab);
    }
    if (settings->n_bias) {
        memcpy(s->bias, settings->bias, settings->n_bias * sizeof *s->bias);
    }
    s->set.bias = s->bias;
    choose_order(s);
    *out = s;
    return LFM_OK;
}

void sampler_free(sampler *s) {
    if (s) {
        free(s->logits);
        free(s->cand);
        free(s->count);
        free(s->bias);
        free(s->window);
        free(s);
    }
}

/* ---- What has been said --------------------------------------------------------------------- */

/* Double the ring, and put its tokens in order from the start. */
static lfm_status grow_window(sampler *s, lfm_error *err) {
    const size_t limit = (size_t)s->set.repeat_last_n;
    const size_t want = s->window_cap ? 2 * s->window_cap : 64;
    const size_t cap = want < limit ? want : limit;
    int32_t *grown = calloc(cap, sizeof *grown);
    if (!grown) return err_set(err, LFM_ERR_MEMORY, "out of memory for the last %zu tokens", cap);
    for (size_t i = 0; i < s->window_len; i++) {
        grown[i] = s->window[(s->window_first + i) % s->window_cap];
    }
    free(s->window);
    s->window = grown;
    s->window_cap = cap;
    s->window_first = 0;
    return LFM_OK;
}

lfm_status sampler_accept(sampler *s, int32_t token, lfm_error *err) {
    if (token < 0 || (size_t)token >= s->n_vocab) {
        return err_set(err, LFM_ERR_ARG, "there is no token %" PRId32 " (the vocabulary has %zu)",
                       token, s->n_vocab);
    }
    if (!penalties_on(&s->set)) return LFM_OK;
    if (s->set.repeat_last_n > 0) { /* with -1 no token ever leaves the window: the counts
                                       suffice */
        const size_t limit = (size_t)s->set.repeat_last_n;
        if (s->window_len == s->window_cap && s->window_len < limit) {
            const lfm_status st = grow_window(s, err);
            if (st != LFM_OK) return st;
        }
        if (s->window_len == limit) {
            s->count[s->window[s->window_first]]--;
            s->window_first = (s->window_first + 1) % s->window_cap;
            s->window_len--;
        }
        s->window[(s->window_first + s->window_len) % s->window_cap] = token;
        s->window_len++;
    }
    s->count[token]++;
    return LFM_OK;
}

/* ---- A token --------------------------------------------------------------------------------- */

/* Apply the bias, and the penalties when they come first; then check that no logit is NaN or
 * +infinity. */
static lfm_status adjust(sampler *s, const float *logits, lfm_error *err) {
    const lfm_sampling *set = &s->set;
    memcpy(s->logits, logits, s->n_vocab * sizeof *logits);
    for (size_t i = 0; i < set->n_bias; i++) {
        s->logits[set->bias[i].token] += set->bias[i].bias;
    }
    for (size_t i = 0; s->order[0] == LFM_STAGE_PENALTIES && i < s->n_vocab; i++) {
        if (s->count[i] > 0) {
            s->logits[i] = sampler_penalise(set, s->logits[i], s->count[i]);
        }
    }
    bool bad = false;
    for (size_t i = 0; i < s->n_vocab; i++) {
        bad |= !(s->logits[i] < INFINITY);
    }
    if (bad) {
        return err_set(err, LFM_ERR_NUMERIC, "the model produced NaN or infinity as a logit "
                       "(token %" PRIu64 " of the answer); the file may be damaged",
                       s->n_drawn + 1);
    }
    return LFM_OK;
}

/* Softmax, then draw the first token whose running sum passes a random point. */
static int32_t draw(sampler *s) {
    const float max = sampler_max_logit(s);
    double z = 0.0;
    for (size_t i = 0; i < s->n_cand; i++) {
        s->cand[i].rank = kern_exp(s->cand[i].logit - max);
        z += (double)s->cand[i].rank;
    }
    const double point = rng_unit(rng_at(s->set.seed, s->n_drawn)) * z;
    double sum = 0.0;
    int32_t last = s->cand[0].id;
    for (size_t i = 0; i < s->n_cand; i++) {
        if (s->cand[i].rank > 0.0f) {
            last = s->cand[i].id;
            sum += (double)s->cand[i].rank;
            if (sum > point) break;
        }
    }
    return last;
}

/* Is the best token the only one that can be drawn?  So it is when the temperature is 0 and no
 * earlier stage can remove it (top-k, top-p and min-p never do). */
static bool is_greedy(const sampler *s, size_t first) {
    for (size_t i = first; s->order[i] != LFM_STAGE_END; i++) {
        if (s->order[i] == LFM_STAGE_TEMPERATURE) return s->set.temperature <= 0.0f;
        if (s->order[i] == LFM_STAGE_TYPICAL || s->order[i] == LFM_STAGE_PENALTIES) return false;
    }
    return false;
}

lfm_status sampler_pick(sampler *s, const float *logits, int32_t *token, lfm_error *err) {
    size_t next = s->order[0] == LFM_STAGE_PENALTIES ? 1 : 0;
    const lfm_status st = adjust(s, logits, err);
    if (st != LFM_OK) return st;
    const bool greedy = is_greedy(s, next);
    if (greedy) {
        sampler_gather_top_k(s, 1);
    } else if (s->order[next] == LFM_STAGE_TOP_K) {
        sampler_gather_top_k(s, (size_t)s->set.top_k);
        next++;
    } else {
        sampler_gather_all(s);
    }
    if (s->n_cand == 0) {
        return err_set(err, LFM_ERR_NUMERIC,
                       "every token is impossible (all logits are -infinity)");
    }
    for (; !greedy && s->n_cand > 0 && s->order[next] != LFM_STAGE_END; next++) {
        sampler_run_stage(s, s->order[next]);
    }
    if (s->n_cand == 0) {
        return err_set(err, LFM_ERR_NUMERIC, "the penalties made every token impossible");
    }
    *token = draw(s);
    s->n_drawn++;
    return LFM_OK;
}
