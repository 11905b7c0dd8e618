/*
 * generate.c - choosing tokens until something ends the answer.
 */
#include "cli/prompt/generate.h"

#include "answer/tool_calls.h"
#include "cli/prompt/keep.h"

#include <stdlib.h>
#include <string.h>

lfm_status generation_begin(generation *g, const int32_t *prompt, size_t n, lfm_error *err) {
    const char *prefill = g->o->prefill;
    g->answer.stops = g->o->stops;
    g->answer.n_stops = g->o->n_stops;
    g->answer.split = !g->o->raw;
    const size_t n_ctx = lfm_session_n_ctx(g->session);
    g->n_room = g->o->on_overflow == OVERFLOW_SHIFT ? SIZE_MAX : n > n_ctx ? 0 : n_ctx - n;
    if (g->o->n_predict.given && g->o->n_predict.value >= 0 &&
        g->o->n_predict.value < (double)g->n_room) {
        g->n_room = (size_t)g->o->n_predict.value;
    }
    lfm_status st = LFM_OK;
    if (prefill) {
        st = answer_prefill(&g->answer, prefill, strlen(prefill), err);
    }
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = lfm_sampler_accept(g->sampler, prompt[i], err);
    }
    if (g->form && lfm_constraint_is_final(g->form)) {
        g->finish = "grammar"; /* --prefill says it all */
    } else if (g->o->n_predict.given && g->o->n_predict.value == 0) {
        g->finish = "length";
    }
    return st;
}

#define CALL_START "<|tool_call_start|>"
#define CALL_END "<|tool_call_end|>"

static bool is_marker(const char *bytes, size_t n, const char *marker) {
    return n == strlen(marker) && memcmp(bytes, marker, n) == 0;
}

/* The calls are complete, or the answer is.  What cannot be read is text, as it was said. */
static lfm_status end_calls(generation *g, bool marked, lfm_error *err) {
    const char *text = g->call_text.ptr ? g->call_text.ptr : "";
    lfm_status st = json_finish(&g->call_text, err);
    g->in_call = false;
    if (st == LFM_OK && !toolcall_read(&g->calls, &g->n_calls, text, g->call_text.len) &&
        !g->calls.failed) {
        g->n_bad_calls++;
        st = answer_feed(&g->answer, CALL_START, sizeof CALL_START - 1, err);
        if (st == LFM_OK) st = answer_feed(&g->answer, text, g->call_text.len, err);
        if (st == LFM_OK && marked) {
            st = answer_feed(&g->answer, CALL_END, sizeof CALL_END - 1, err);
        }
    }
    g->call_text.len = 0;
    return st == LFM_OK ? json_finish(&g->calls, err) : st;
}

/* Calls of tools are set aside; false when the token is none of theirs. */
static bool take_call(generation *g, const char *bytes, size_t n, bool is_control,
                      lfm_status *st, lfm_error *err) {
    if (!g->o->tools || g->o->tool_calls == TOOL_CALLS_RAW) {
        return false;
    }
    if (is_control && is_marker(bytes, n, CALL_START)) {
        g->in_call = true;
    } else if (g->in_call && is_control && is_marker(bytes, n, CALL_END)) {
        *st = end_calls(g, true, err);
    } else if (g->in_call && !is_control) {
        json_write_raw(&g->call_text, bytes, n);
    } else {
        return false;
    }
    return true;
}

/* What a token adds to the answer.  The tags of a thought may be control tokens; others are shown
 * only if the user asked. */
static lfm_status add_bytes(generation *g, int32_t token, lfm_error *err) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(g->model, token, &n);
    const bool is_tag = g->answer.split && g->answer.state != ANSWER_TEXT &&
                        ((n == 7 && memcmp(bytes, "<think>", 7) == 0) ||
                         (n == 8 && memcmp(bytes, "</think>", 8) == 0));
    const bool is_control = lfm_token_is_control(g->model, token);
    const bool is_call = g->o->tools && (is_marker(bytes, n, CALL_START) ||
                                         is_marker(bytes, n, CALL_END));
    lfm_status st = LFM_OK;
    if (take_call(g, bytes, n, is_control, &st, err)) {
        return st;
    }
    if (is_control && !g->o->special && !is_tag && !is_call) {
        return LFM_OK;
    }
    const bool was_thinking = g->answer.state == ANSWER_THINKING;
    st = answer_feed(&g->answer, bytes, n, err);
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

/* Put a token behind those that wait to be evaluated. */
static lfm_status push_waiting(generation *g, int32_t token, lfm_error *err) {
    if (g->n_waiting == g->waiting_cap) {
        const size_t cap = g->waiting_cap ? 2 * g->waiting_cap : 16;
        int32_t *grown = realloc(g->waiting, cap * sizeof *grown);
        if (!grown) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory for the answer");
        }
        g->waiting = grown;
        g->waiting_cap = cap;
    }
    g->waiting[g->n_waiting++] = token;
    return LFM_OK;
}

/* The form moves on by a token, and may end the answer. */
static lfm_status follow_form(generation *g, int32_t token, lfm_error *err) {
    const lfm_status st = g->form ? lfm_constraint_accept(g->form, token, err) : LFM_OK;
    if (g->form && st == LFM_OK && lfm_constraint_has_begun(g->form)) {
        answer_begin_text(&g->answer);
    }
    if (g->form && st == LFM_OK && lfm_constraint_is_final(g->form)) {
        g->finish = "grammar";
    }
    return st;
}

/* The session's logits are those that the next token without probabilities came from. */
static lfm_status learn_logprobs(generation *g, lfm_error *err) {
    return logprobs_learn(&g->logprobs, lfm_logits(g->session),
                          lfm_model_get_info(g->model)->n_vocab, err);
}

static lfm_status note_logprobs(generation *g, int32_t token, lfm_error *err) {
    const size_t n_vocab = lfm_model_get_info(g->model)->n_vocab;
    const size_t k = (size_t)g->o->logprobs.value;
    g->logprobs.k = k < n_vocab ? k : n_vocab;
    const lfm_status st = logprobs_add(&g->logprobs, token, err);
    /* what was forced to follow waits for the logits that come with evaluating it */
    return st == LFM_OK && g->n_waiting == 0 ? learn_logprobs(g, err) : st;
}

/* One more token of the answer. */
static lfm_status add_token(generation *g, int32_t token, lfm_error *err) {
    const double limit = g->o->n_predict.given ? g->o->n_predict.value : -1;
    g->n_generated++;
    lfm_status st = follow_form(g, token, err);
    if (st == LFM_OK && g->o->logprobs.given) st = note_logprobs(g, token, err);
    if (st == LFM_OK && lfm_token_is_end(g->model, token)) {
        g->finish = g->finish ? g->finish : "stop";
        return LFM_OK;
    }
    if (st == LFM_OK) st = add_bytes(g, token, err);
    if (st == LFM_OK) st = lfm_sampler_accept(g->sampler, token, err);
    if (st == LFM_OK) st = push_waiting(g, token, err);
    if (g->answer.stopped) {
        g->finish = "stop_string";
    } else if (!g->finish && limit >= 0 && (double)g->n_generated >= limit) {
        g->finish = "length";
    }
    return st;
}

/* Where the form leaves no choice, what must follow is added without asking the model. */
static lfm_status add_forced(generation *g, lfm_error *err) {
    const size_t room = lfm_session_n_ctx(g->session) - lfm_session_pos(g->session);
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = LFM_OK;
    if (g->form && !g->finish) {
        st = lfm_constraint_forced(g->form, &tokens, &n, err);
    }
    for (size_t i = 0; i < n && st == LFM_OK && !g->finish && g->n_waiting < room; i++) {
        st = add_token(g, tokens[i], err);
    }
    lfm_free(tokens);
    return st;
}

/* The session's logits, without the tokens that cannot follow. */
static lfm_status get_logits(generation *g, const float **logits, lfm_error *err) {
    const size_t n_vocab = lfm_model_get_info(g->model)->n_vocab;
    *logits = lfm_logits(g->session);
    if (!g->form) {
        return LFM_OK;
    }
    if (!g->logits) {
        g->logits = malloc(n_vocab * sizeof *g->logits);
    }
    if (!g->logits) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu logits", n_vocab);
    }
    memcpy(g->logits, *logits, n_vocab * sizeof *g->logits);
    *logits = g->logits;
    return lfm_constraint_mask(g->form, g->logits, err);
}

/* ---- Thoughts, and circles ------------------------------------------------------------------ */

enum { LONGEST_CIRCLE = 64, CIRCLES = 448, LOOK_EVERY = 32, LEAST_ANSWER = 64 };

/* How many tokens thoughts may take. */
static size_t thought_limit(const generation *g) {
    if (opt_thinking(g->o) == THINK_OFF) {
        return 0;
    }
    if (g->o->think_budget.given && g->o->think_budget.value >= 0) {
        return (size_t)g->o->think_budget.value;
    }
    const size_t left = g->n_room / 4 > LEAST_ANSWER ? g->n_room / 4 : LEAST_ANSWER;
    return g->n_room == SIZE_MAX ? SIZE_MAX : g->n_room > left ? g->n_room - left : 0;
}

/* Have the last tokens been the same few, over and over? */
static bool runs_in_circles(const generation *g) {
    size_t n = 0;
    const int32_t *tokens = lfm_session_tokens(g->session, &n);
    if (g->o->loop_guard || g->o->ignore_eos || g->form || g->n_generated % LOOK_EVERY != 0 ||
        g->n_generated < CIRCLES + LONGEST_CIRCLE || n < CIRCLES + LONGEST_CIRCLE) {
        return false;
    }
    for (size_t period = 1; period <= LONGEST_CIRCLE; period++) {
        size_t same = 0;
        while (same < CIRCLES && tokens[n - 1 - same] == tokens[n - 1 - same - period]) {
            same++;
        }
        if (same == CIRCLES) {
            return true;
        }
    }
    return false;
}

/* Append the tokens of a text to the list of n in *all, which is allocated. */
static lfm_status join_tokens(generation *g, const char *text, int flags, int32_t **all, size_t *n,
                              lfm_error *err) {
    int32_t *tokens = NULL;
    size_t n_more = 0;
    lfm_status st = lfm_tokenize(g->model, text, strlen(text), flags, &tokens, &n_more, err);
    if (st == LFM_OK && n_more > 0) {
        int32_t *grown = realloc(*all, (*n + n_more) * sizeof *grown);
        if (grown) {
            memcpy(grown + *n, tokens, n_more * sizeof *grown);
            *all = grown;
            *n += n_more;
        } else {
            st = err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", *n + n_more);
        }
    }
    lfm_free(tokens);
    return st;
}

/* The end of the thoughts, without asking the model: what --reasoning-budget-message says, if there
 * is room for it, and the tag. */
static lfm_status close_thoughts(generation *g, lfm_error *err) {
    const size_t room = lfm_session_n_ctx(g->session) - lfm_session_pos(g->session);
    int32_t *tokens = NULL;
    size_t n_message = 0;
    lfm_status st = LFM_OK;
    if (g->o->think_message) {
        st = join_tokens(g, g->o->think_message, 0, &tokens, &n_message, err);
    }
    size_t n = n_message;
    if (st == LFM_OK) st = join_tokens(g, "</think>", LFM_TOKENIZE_SPECIAL, &tokens, &n, err);
    for (size_t i = n > room ? n_message : 0; i < n && st == LFM_OK && !g->finish; i++) {
        st = add_token(g, tokens[i], err);
    }
    free(tokens);
    return st;
}

lfm_status generation_take(generation *g, lfm_error *err) {
    const float *logits = NULL;
    int32_t token = -1;
    g->n_waiting = 0;
    const bool circles = runs_in_circles(g);
    if (g->answer.state == ANSWER_THINKING && (circles || g->n_reasoning >= thought_limit(g))) {
        const lfm_status closed = close_thoughts(g, err);
        return closed == LFM_OK && !g->finish ? make_room(g, err) : closed;
    }
    if (circles) {
        g->finish = "loop";
        return LFM_OK;
    }
    lfm_status st = get_logits(g, &logits, err);
    if (st == LFM_OK) st = lfm_sampler_pick(g->sampler, logits, &token, err);
    if (st == LFM_OK) st = add_token(g, token, err);
    if (st == LFM_OK) st = add_forced(g, err);
    return st == LFM_OK && !g->finish ? make_room(g, err) : st;
}

static lfm_status evaluate_together(generation *g, size_t n, lfm_error *err) {
    const lfm_status st = n > 0 ? lfm_eval(g->session, g->waiting, n, err) : LFM_OK;
    if (st == LFM_OK && n > 0) {
        g->n_waiting -= n;
        memmove(g->waiting, g->waiting + n, g->n_waiting * sizeof *g->waiting);
    }
    return st;
}

/* Evaluate the first n of what waits: together, or one by one where each one's logits matter. */
static lfm_status evaluate(generation *g, size_t n, lfm_error *err) {
    if (!g->o->logprobs.given) {
        return evaluate_together(g, n, err);
    }
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = evaluate_together(g, 1, err);
        if (st == LFM_OK && g->logprobs.n_known < g->logprobs.n) st = learn_logprobs(g, err);
    }
    return st;
}

lfm_status generation_step(generation *g, lfm_error *err) {
    return evaluate(g, g->n_waiting, err);
}

lfm_status generation_step_to_last(generation *g, lfm_error *err) {
    return evaluate(g, g->n_waiting > 0 ? g->n_waiting - 1 : 0, err);
}

lfm_status generation_end(generation *g, lfm_error *err) {
    lfm_status st = g->in_call ? end_calls(g, false, err) : LFM_OK;
    if (st == LFM_OK) st = answer_end(&g->answer, err);
    while (st == LFM_OK && g->logprobs.n_known < g->logprobs.n && g->n_waiting > 0) {
        st = evaluate(g, 1, err); /* the last tokens were forced, and their logits never needed */
    }
    const bool ended = g->finish && (strcmp(g->finish, "stop") == 0 ||
                                     (strcmp(g->finish, "grammar") == 0 && g->o->tools));
    if (st == LFM_OK && ended && g->n_calls > 0) {
        g->finish = "tool_calls";
    }
    return st;
}

bool generation_is_cut(const generation *g) {
    return g->form && strcmp(g->finish, "grammar") != 0 && strcmp(g->finish, "tool_calls") != 0;
}

void generation_drop(generation *g) {
    answer_drop(&g->answer);
    lfm_sampler_free(g->sampler);
    lfm_constraint_free(g->form);
    json_out_free(&g->call_text);
    json_out_free(&g->calls);
    logprobs_drop(&g->logprobs);
    free(g->waiting);
    free(g->logits);
    *g = (generation){0};
}
