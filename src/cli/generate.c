/*
 * generate.c - choosing tokens until something ends the answer.
 */
#include "cli/generate.h"

#include "cli/keep.h"

#include <string.h>

lfm_status generation_begin(generation *g, const int32_t *prompt, size_t n, lfm_error *err) {
    const char *prefill = g->o->prefill;
    g->answer.stops = g->o->stops;
    g->answer.n_stops = g->o->n_stops;
    g->answer.split = !g->o->raw;
    lfm_status st = LFM_OK;
    if (prefill) {
        st = answer_prefill(&g->answer, prefill, strlen(prefill), err);
    }
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = lfm_sampler_accept(g->sampler, prompt[i], err);
    }
    if (g->o->n_predict.given && g->o->n_predict.value == 0) {
        g->finish = "length";
    }
    return st;
}

/* What a token adds to the answer.  The tags of a thought may be control tokens; others are shown
 * only if the user asked. */
static lfm_status add_token(generation *g, int32_t token, lfm_error *err) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(g->model, token, &n);
    const bool is_tag = g->answer.split && g->answer.state != ANSWER_TEXT &&
                        ((n == 7 && memcmp(bytes, "<think>", 7) == 0) ||
                         (n == 8 && memcmp(bytes, "</think>", 8) == 0));
    if (lfm_token_is_control(g->model, token) && !g->o->special && !is_tag) {
        return LFM_OK;
    }
    const bool was_thinking = g->answer.state == ANSWER_THINKING;
    const lfm_status st = answer_feed(&g->answer, bytes, n, err);
    g->n_reasoning += was_thinking || g->answer.state == ANSWER_THINKING;
    return st;
}

/* Is there a place for one more token? */
static lfm_status make_room(generation *g, lfm_error *err) {
    if (lfm_session_pos(g->session) < lfm_session_n_ctx(g->session)) {
        return LFM_OK;
    }
    if (g->o->on_overflow == OVERFLOW_SHIFT) {
        return keep_shift(g->session, g->model, g->o, err);
    }
    g->finish = "length";
    return LFM_OK;
}

lfm_status generation_take(generation *g, lfm_error *err) {
    const double limit = g->o->n_predict.given ? g->o->n_predict.value : -1;
    int32_t token = -1;
    lfm_status st = lfm_sampler_pick(g->sampler, lfm_logits(g->session), &token, err);
    if (st != LFM_OK) {
        return st;
    }
    g->n_generated++;
    if (lfm_token_is_end(g->model, token)) {
        g->finish = "stop";
        return LFM_OK;
    }
    st = add_token(g, token, err);
    if (st == LFM_OK) {
        st = lfm_sampler_accept(g->sampler, token, err);
    }
    g->last = token;
    g->last_waits = true;
    if (g->answer.stopped) {
        g->finish = "stop_string";
    } else if (limit >= 0 && (double)g->n_generated >= limit) {
        g->finish = "length";
    } else if (st == LFM_OK) {
        st = make_room(g, err);
    }
    return st;
}

lfm_status generation_step(generation *g, lfm_error *err) {
    const lfm_status st = lfm_eval(g->session, &g->last, 1, err);
    g->last_waits = st != LFM_OK;
    return st;
}

void generation_drop(generation *g) {
    answer_drop(&g->answer);
    lfm_sampler_free(g->sampler);
    *g = (generation){0};
}
