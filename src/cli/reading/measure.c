/*
 * measure.c - how long prompts take to read on this machine.
 *
 * Two batches are timed at the beginning of a text, and one behind a text that the session only
 * pretends to have read: attention takes as long for any keys and values.
 */
#include "cli/reading/measure.h"

#include "base/rng.h"
#include "cli/shared/term.h"
#include "lfm_tools.h"

#include <math.h>
#include <stdio.h>

enum {
    FEW = 16,  /* tokens of the batch that is timed at two depths, in turns */
    TURNS = 3, /* of which the fastest counts: other programs come and go */
    DEPTH = 16384,
    MANY = 512 /* at most, of the batch that shows the cost of weights */
};

static const double many_seconds = 3; /* at the speed of few, which is half that of many */
static const double deep_seconds = 0.4;
static const double most_wrong = 2.5; /* times: beyond, what was expected is nearer to the truth */
static const double least_seconds = 0.1; /* of repeating a batch, the fastest of which counts */

reading_cost reading_expect(const lfm_model *m) {
    const lfm_model_info *i = lfm_model_get_info(m);
    const double attention = 4.0 * i->n_attn * i->n_head * i->head_dim;
    const double weights = (double)lfm_int8_ops(m, false);
    if (weights > 0) return reading_cost_of_ops(weights, attention);
    /* Weights of floats, each multiplied and added; of the experts, those of one token. */
    const double used = (double)i->token_bytes / (double)i->tensor_bytes;
    return (reading_cost){.token = 2 * (double)i->n_params * used, .position = attention};
}

typedef struct {
    lfm_session *session;
    int32_t tokens[MANY];
} bed;

/* The seconds of a batch of n tokens at a depth: of several batches that are short, the fastest. */
static lfm_status time_batch(double *seconds, const bed *b, uint32_t depth, size_t n,
                             lfm_error *err) {
    lfm_status st = LFM_OK;
    double all = 0;
    *seconds = HUGE_VAL;
    while (st == LFM_OK && all < least_seconds) {
        st = lfm_session_pretend(b->session, depth, err);
        const double start = term_now();
        if (st == LFM_OK) st = lfm_eval(b->session, b->tokens, n, err);
        const double spent = term_now() - start;
        *seconds = fmin(*seconds, spent);
        all += fmax(spent, least_seconds / 8); /* at most eight times, even where no time passes */
    }
    return st;
}

static lfm_status measure(reading_cost *c, const bed *b, uint32_t n, double ratio,
                          lfm_error *err) {
    const uint32_t few = n < FEW ? n : FEW;
    double warm, many_s;
    double first = HUGE_VAL;
    double deep = HUGE_VAL;
    lfm_status st = time_batch(&warm, b, 0, few, err); /* reads the file, if it has to */
    if (st == LFM_OK) st = time_batch(&warm, b, 0, few, err);
    if (st != LFM_OK) return st;
    const double token = warm / few;
    const uint32_t most = n < MANY ? n : MANY;
    const uint32_t many = (uint32_t)fmax(few, fmin(most, floor(many_seconds / token / FEW) * FEW));
    const uint32_t depth =
        (uint32_t)fmin(fmin(n - few, DEPTH), deep_seconds / (few * token * ratio));
    for (int turn = 0; turn < TURNS && st == LFM_OK && depth > 0; turn++) {
        double seconds;
        st = time_batch(&seconds, b, 0, few, err);
        first = fmin(first, seconds);
        if (st == LFM_OK) st = time_batch(&seconds, b, depth, few, err);
        deep = fmin(deep, seconds);
    }
    if (st == LFM_OK) st = time_batch(&many_s, b, 0, many, err);
    if (st != LFM_OK) return st;
    c->position = depth > 0 ? (deep - first) / ((double)few * depth) : 0;
    c->token = fmax(0, many_s / many - fmax(0, c->position) * many / 2);
    if (depth > 0) {
        const double expected = ratio * c->token;
        c->position = fmin(fmax(c->position, expected / most_wrong), expected * most_wrong);
    }
    return LFM_OK;
}

lfm_status reading_measure(reading_cost *c, lfm_session *s, uint32_t n, lfm_error *err) {
    const lfm_model *m = lfm_session_model(s);
    const reading_cost expected = reading_expect(m);
    bed b = {0};
    for (size_t i = 0; i < MANY; i++) { /* random, so that they use all experts */
        b.tokens[i] = (int32_t)(rng_at(1, i) % lfm_model_get_info(m)->n_vocab);
    }
    lfm_status st = lfm_session_fork(&b.session, s, err);
    if (st == LFM_OK) st = measure(c, &b, n, expected.position / expected.token, err);
    lfm_session_free(b.session);
    return st;
}

reading_text reading_about(double seconds) {
    static const char *const units[] = {"second", "minute", "hour"};
    reading_text t;
    const int unit = seconds < 90 ? 0 : seconds < 90 * 60 ? 1 : 2;
    const double exact = seconds / (unit == 0 ? 1 : unit == 1 ? 60 : 3600);
    const double step = exact < 5 ? 0.5 : exact < 20 ? 1 : 5;
    const double n = round(exact / step) * step;
    if (n < 1) {
        snprintf(t.text, sizeof t.text, "less than a second");
    } else {
        snprintf(t.text, sizeof t.text, "about %g %s%s", n, units[unit], n > 1 ? "s" : "");
    }
    return t;
}
