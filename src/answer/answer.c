/*
 * answer.c - beginning and ending an answer, and its state for callers.
 */
#include "answer/answer_internal.h"

#include "base/error.h"
#include "base/markers.h"
#include "base/versioned.h"

#include <stdlib.h>
#include <string.h>

const char *lfm_finish_name(lfm_finish finish) {
    static const char *const names[LFM_N_FINISHES] = {
        [LFM_FINISH_NONE] = "",
        [LFM_FINISH_STOP] = "stop",
        [LFM_FINISH_STOP_STRING] = "stop_string",
        [LFM_FINISH_LENGTH] = "length",
        [LFM_FINISH_GRAMMAR] = "grammar",
        [LFM_FINISH_TOOL_CALLS] = "tool_calls",
        [LFM_FINISH_LOOP] = "loop",
        [LFM_FINISH_INTERRUPTED] = "interrupted",
        [LFM_FINISH_ERROR] = "error",
    };
    return names[finish];
}

void lfm_answer_defaults(lfm_answer_options *out, size_t size) {
    const lfm_answer_options o = {.struct_size = size, .max_tokens = -1, .max_thoughts = -1};
    versioned_write(out, size, &o, sizeof o);
}

static size_t room_for(const lfm_answer *a, size_t n_prompt) {
    const size_t n_ctx = lfm_session_n_ctx(a->session);
    const size_t room = a->opt.shift_context ? SIZE_MAX : n_prompt > n_ctx ? 0 : n_ctx - n_prompt;
    const int64_t most = a->opt.max_tokens;
    return most >= 0 && (uint64_t)most < room ? (size_t)most : room;
}

static lfm_status begin(lfm_answer *a, const int32_t *prompt, size_t n, lfm_error *err) {
    const char *prefill = a->opt.prefill;
    const size_t n_vocab = lfm_model_get_info(a->model)->n_vocab;
    a->text.stops = a->opt.stops;
    a->text.n_stops = a->opt.n_stops;
    a->text.split = !a->opt.no_thoughts;
    a->logprobs.k = a->opt.n_top < n_vocab ? a->opt.n_top : n_vocab;
    a->n_room = room_for(a, n);
    const bool reads = a->opt.tool_calls == LFM_TOOL_CALLS_READ;
    lfm_status st = reads ? answer_calls_begin(&a->calls, a->opt.tools, err) : LFM_OK;
    if (st == LFM_OK && prefill) st = answer_text_prefill(&a->text, prefill, strlen(prefill), err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = lfm_sampler_accept(a->sampler, prompt[i], err);
    }
    if (a->constraint && lfm_constraint_is_final(a->constraint)) {
        a->finish = LFM_FINISH_GRAMMAR; /* the prefill is already the whole answer */
    } else if (a->opt.max_tokens == 0) {
        a->finish = LFM_FINISH_LENGTH;
    }
    return st;
}

lfm_status lfm_answer_new(lfm_answer **out, lfm_session *s, lfm_sampler *sampler,
                          lfm_constraint *constraint, const lfm_answer_options *opt,
                          const int32_t *prompt, size_t n, lfm_error *err) {
    err_clear(err);
    *out = NULL;
    lfm_answer *a = calloc(1, sizeof *a);
    if (!a) return err_no_memory(err, "the answer");
    lfm_answer_defaults(&a->opt, sizeof a->opt);
    a->model = lfm_session_model(s);
    a->session = s;
    a->sampler = sampler;
    a->constraint = constraint;
    lfm_status st = LFM_OK;
    if (opt) st = versioned_read(&a->opt, sizeof a->opt, opt, "lfm_answer_options", err);
    if (st == LFM_OK) st = begin(a, prompt, n, err);
    if (st != LFM_OK) {
        lfm_answer_free(a);
        return st;
    }
    answer_refresh(a);
    *out = a;
    return LFM_OK;
}

void lfm_answer_free(lfm_answer *a) {
    if (a) {
        answer_text_drop(&a->text);
        answer_calls_drop(&a->calls);
        logprobs_drop(&a->logprobs);
        free(a->pending);
        free(a->masked);
        free(a);
    }
}

/* ---- Tokens --------------------------------------------------------------------------------- */

static bool is_marker(const char *bytes, size_t n, const char *marker) {
    return n == strlen(marker) && memcmp(bytes, marker, n) == 0;
}

lfm_status answer_add_bytes(lfm_answer *a, int32_t token, lfm_error *err) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(a->model, token, &n);
    const bool reads = a->opt.tool_calls == LFM_TOOL_CALLS_READ;
    const bool is_start = is_marker(bytes, n, TOOL_CALL_START);
    const bool is_mark = is_start || is_marker(bytes, n, TOOL_CALL_END);
    if (reads && is_mark) return answer_calls_mark(&a->calls, &a->text, is_start, err);
    /* Some models have the <think> tags as control tokens. */
    const bool is_tag = a->text.split && a->text.at.phase != THOUGHTS_TEXT &&
                        (is_marker(bytes, n, THINK_OPEN) || is_marker(bytes, n, THINK_CLOSE));
    const bool is_text = is_tag || a->opt.show_control ||
                         (is_mark && a->opt.tool_calls == LFM_TOOL_CALLS_TEXT);
    if (lfm_token_is_control(a->model, token) && !is_text) return LFM_OK;
    const bool was_thinking = a->text.at.phase == THOUGHTS_INSIDE;
    const lfm_status st = reads ? answer_calls_add(&a->calls, &a->text, bytes, n, err)
                                : answer_text_feed(&a->text, bytes, n, err);
    a->n_reasoning += was_thinking || a->text.at.phase == THOUGHTS_INSIDE;
    return st;
}

/* ---- State for callers ---------------------------------------------------------------------- */

void answer_refresh(lfm_answer *a) {
    const answer_text *t = &a->text;
    const json_out *said = t->stopped ? &t->text : &t->raw;
    a->state = (lfm_answer_state){
        .finish = a->finish,
        .is_thinking = t->at.phase == THOUGHTS_INSIDE,
        .text = t->text.ptr ? t->text.ptr : "",
        .text_len = t->text.len,
        .text_settled = t->settled,
        .thoughts = t->thoughts.ptr ? t->thoughts.ptr : "",
        .thoughts_len = t->thoughts.len,
        .thoughts_settled = t->thoughts_settled,
        .said = said->ptr ? said->ptr : "",
        .said_len = said->len,
        .calls = a->calls.list.all,
        .n_calls = a->calls.list.n,
        .n_unread_calls = a->calls.n_unread,
        .logprobs = a->logprobs.chosen,
        .top = a->logprobs.top,
        .n_logprobs = a->logprobs.n_known,
        .n_top = a->logprobs.k,
        .n_generated = a->n_generated,
        .n_reasoning = a->n_reasoning,
        .n_room = a->n_room,
        .n_pending = a->n_pending,
        .n_lost_calls = a->calls.n_lost,
        .undefined_call = a->calls.undefined,
    };
}

const lfm_answer_state *lfm_answer_get(const lfm_answer *a) {
    return &a->state;
}

bool lfm_answer_is_cut(const lfm_answer *a) {
    return a->constraint && a->finish != LFM_FINISH_GRAMMAR && a->finish != LFM_FINISH_TOOL_CALLS;
}
