/*
 * loop.c - generating an answer: choosing tokens until something ends it.
 */
#include "answer/answer_internal.h"

#include "base/error.h"
#include "base/grow.h"
#include "base/markers.h"

#include <stdlib.h>
#include <string.h>

/* ---- One more token ------------------------------------------------------------------------- */

/* Append a token to those that are pending evaluation. */
static lfm_status push_pending(lfm_answer *a, int32_t token, lfm_error *err) {
    int32_t *grown = grow_array(a->pending, &a->pending_cap, a->n_pending + 1, sizeof *grown);
    if (!grown) return err_no_memory(err, "the answer");
    a->pending = grown;
    a->pending[a->n_pending++] = token;
    return LFM_OK;
}

/* Advance the constraint by a token; it may end the answer. */
static lfm_status follow_constraint(lfm_answer *a, int32_t token, lfm_error *err) {
    if (!a->constraint) return LFM_OK;
    const lfm_status st = lfm_constraint_accept(a->constraint, token, err);
    if (st == LFM_OK && lfm_constraint_has_begun(a->constraint)) {
        answer_text_begin(&a->text);
    }
    if (st == LFM_OK && lfm_constraint_is_final(a->constraint)) {
        a->finish = LFM_FINISH_GRAMMAR;
    }
    return st;
}

/* The current logits belong to the first token that still lacks its log-probability. */
static lfm_status learn_logprobs(lfm_answer *a, lfm_error *err) {
    return logprobs_learn(&a->logprobs, lfm_logits(a->session),
                          lfm_model_get_info(a->model)->n_vocab, err);
}

static lfm_status note_logprobs(lfm_answer *a, int32_t token, lfm_error *err) {
    const lfm_status st = logprobs_add(&a->logprobs, token, err);
    /* The logits of a forced token come from evaluating the token before it. */
    return st == LFM_OK && a->n_pending == 0 ? learn_logprobs(a, err) : st;
}

static lfm_status add_token(lfm_answer *a, int32_t token, lfm_error *err) {
    const int64_t most = a->opt.max_tokens;
    a->n_generated++;
    lfm_status st = follow_constraint(a, token, err);
    if (st == LFM_OK && a->opt.logprobs) st = note_logprobs(a, token, err);
    if (st == LFM_OK && lfm_token_is_end(a->model, token)) {
        a->finish = a->finish ? a->finish : LFM_FINISH_STOP;
        return LFM_OK;
    }
    if (st == LFM_OK) st = answer_add_bytes(a, token, err);
    if (st == LFM_OK) st = lfm_sampler_accept(a->sampler, token, err);
    if (st == LFM_OK) st = push_pending(a, token, err);
    if (a->text.stopped) {
        a->finish = LFM_FINISH_STOP_STRING;
    } else if (!a->finish && most >= 0 && a->n_generated >= (uint64_t)most) {
        a->finish = LFM_FINISH_LENGTH;
    }
    return st;
}

static size_t free_context(const lfm_answer *a) {
    return lfm_session_n_ctx(a->session) - lfm_session_pos(a->session);
}

/* Where the constraint leaves only one continuation, add its tokens without asking the model. */
static lfm_status add_forced(lfm_answer *a, lfm_error *err) {
    const size_t room = free_context(a);
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = LFM_OK;
    if (a->constraint && !a->finish) st = lfm_constraint_forced(a->constraint, &tokens, &n, err);
    for (size_t i = 0; i < n && st == LFM_OK && !a->finish && a->n_pending < room; i++) {
        st = add_token(a, tokens[i], err);
    }
    lfm_free(tokens);
    return st;
}

/* The session's logits; with a constraint, a copy where forbidden tokens are -inf. */
static lfm_status get_logits(lfm_answer *a, const float **logits, lfm_error *err) {
    const size_t n_vocab = lfm_model_get_info(a->model)->n_vocab;
    *logits = lfm_logits(a->session);
    if (!*logits) {
        return err_set(err, LFM_ERR_ARG, "the session has not evaluated the prompt of the answer");
    }
    if (!a->constraint) return LFM_OK;
    if (!a->masked) {
        a->masked = malloc(n_vocab * sizeof *a->masked);
    }
    if (!a->masked) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu logits", n_vocab);
    memcpy(a->masked, *logits, n_vocab * sizeof *a->masked);
    *logits = a->masked;
    return lfm_constraint_mask(a->constraint, a->masked, err);
}

/* ---- A full context ------------------------------------------------------------------------- */

/* Keep the first n_keep tokens (at least the beginning-of-text token) and the later half of the
 * others, and evaluate them again from the start.  Attention could drop old tokens, but the
 * convolution states still depend on them, so nothing cheaper is correct. */
static lfm_status shift(lfm_answer *a, lfm_error *err) {
    size_t n = 0;
    size_t reused = 0;
    const int32_t *tokens = lfm_session_tokens(a->session, &n);
    size_t first = a->opt.n_keep;
    if (first == 0 && n > 0 && tokens[0] == lfm_token_bos(a->model)) {
        first = 1;
    }
    if (first + 2 > n) {
        return err_set(err, LFM_ERR_FULL, "keeping %zu tokens leaves no room in a context of %zu",
                       first, n);
    }
    const size_t drop = (n - first + 1) / 2;
    int32_t *kept = malloc((n - drop) * sizeof *kept);
    if (!kept) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", n - drop);
    memcpy(kept, tokens, first * sizeof *kept);
    memcpy(kept + first, tokens + first + drop, (n - first - drop) * sizeof *kept);
    const lfm_status st = lfm_session_sync(a->session, kept, n - drop, &reused, err);
    free(kept);
    return st;
}

/* Make sure that the context has room for one more token, or end the answer. */
static lfm_status make_room(lfm_answer *a, lfm_error *err) {
    if (free_context(a) > 0) return LFM_OK;
    if (a->opt.shift_context) return shift(a, err);
    a->finish = LFM_FINISH_LENGTH;
    return LFM_OK;
}

/* ---- Loops, and the limit of thoughts ------------------------------------------------------- */

/* In tokens.  A text whose last REPEATED tokens have a period of at most LONGEST_PERIOD is a loop:
 * 448 are seven of the longest periods.  The numbers were chosen, not measured.  MIN_ANSWER is what
 * thoughts always leave. */
enum { LONGEST_PERIOD = 64, REPEATED = 448, LOOK_EVERY = 32, MIN_ANSWER = 64 };

static bool is_looping(const lfm_answer *a) {
    size_t n = 0;
    const int32_t *tokens = lfm_session_tokens(a->session, &n);
    if (a->opt.allow_loops || a->constraint || a->n_generated % LOOK_EVERY != 0 ||
        a->n_generated < REPEATED + LONGEST_PERIOD || n < REPEATED + LONGEST_PERIOD) {
        return false;
    }
    for (size_t period = 1; period <= LONGEST_PERIOD; period++) {
        size_t same = 0;
        while (same < REPEATED && tokens[n - 1 - same] == tokens[n - 1 - same - period]) {
            same++;
        }
        if (same == REPEATED) return true;
    }
    return false;
}

/* Most tokens of thoughts: max_thoughts, else three quarters of the room. */
static size_t thought_limit(const lfm_answer *a) {
    if (a->opt.max_thoughts >= 0) return (size_t)a->opt.max_thoughts;
    const size_t left = a->n_room / 4 > MIN_ANSWER ? a->n_room / 4 : MIN_ANSWER;
    return a->n_room == SIZE_MAX ? SIZE_MAX : a->n_room > left ? a->n_room - left : 0;
}

/* Append the tokens of a text to *all, an allocated list of *n. */
static lfm_status join_tokens(const lfm_answer *a, const char *text, int flags, int32_t **all,
                              size_t *n, lfm_error *err) {
    int32_t *tokens = NULL;
    size_t n_more = 0;
    lfm_status st = lfm_tokenize(a->model, text, strlen(text), flags, &tokens, &n_more, err);
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

/* End the thoughts without asking the model: add thoughts_end, if there is room, and the tag. */
static lfm_status close_thoughts(lfm_answer *a, lfm_error *err) {
    const size_t room = free_context(a);
    int32_t *tokens = NULL;
    size_t n_message = 0;
    lfm_status st = LFM_OK;
    answer_text_drop_half(&a->text);
    if (a->opt.thoughts_end) st = join_tokens(a, a->opt.thoughts_end, 0, &tokens, &n_message, err);
    size_t n = n_message;
    if (st == LFM_OK) st = join_tokens(a, THINK_CLOSE, LFM_TOKENIZE_SPECIAL, &tokens, &n, err);
    for (size_t i = n > room ? n_message : 0; i < n && st == LFM_OK && !a->finish; i++) {
        st = add_token(a, tokens[i], err);
    }
    free(tokens);
    return st;
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static lfm_status choose(lfm_answer *a, lfm_error *err) {
    const float *logits = NULL;
    int32_t token = -1;
    lfm_status st = get_logits(a, &logits, err);
    if (st == LFM_OK) st = lfm_sampler_pick(a->sampler, logits, &token, err);
    if (st == LFM_OK) st = add_token(a, token, err);
    return st == LFM_OK ? add_forced(a, err) : st;
}

lfm_status lfm_answer_take(lfm_answer *a, lfm_error *err) {
    err_clear(err);
    lfm_status st = LFM_OK;
    a->n_pending = 0;
    const bool looping = is_looping(a);
    if (a->text.at.phase == THOUGHTS_INSIDE && (looping || a->n_reasoning >= thought_limit(a))) {
        st = close_thoughts(a, err);
    } else if (looping) {
        a->finish = LFM_FINISH_LOOP;
    } else {
        st = choose(a, err);
    }
    if (st == LFM_OK && !a->finish) st = make_room(a, err);
    answer_refresh(a);
    return st;
}

static lfm_status eval_together(lfm_answer *a, size_t n, lfm_error *err) {
    const lfm_status st = n > 0 ? lfm_eval(a->session, a->pending, n, err) : LFM_OK;
    if (st == LFM_OK && n > 0) {
        a->n_pending -= n;
        memmove(a->pending, a->pending + n, a->n_pending * sizeof *a->pending);
    }
    return st;
}

/* In one pass, or one by one where the log-probabilities need the logits of each. */
static lfm_status eval_pending(lfm_answer *a, size_t n, lfm_error *err) {
    lfm_status st = LFM_OK;
    if (!a->opt.logprobs) st = eval_together(a, n, err);
    for (size_t i = 0; a->opt.logprobs && i < n && st == LFM_OK; i++) {
        st = eval_together(a, 1, err);
        if (st == LFM_OK && a->logprobs.n_known < a->logprobs.n) st = learn_logprobs(a, err);
    }
    answer_refresh(a);
    return st;
}

/* Evaluate all but the last token of each answer, then the last tokens of all in one pass.  Answers
 * with nothing pending stay as they are. */
static lfm_status eval_each(lfm_answer *const *all, size_t n_all, lfm_error *err) {
    lfm_answer *answers[LFM_MAX_EACH] = {0};
    lfm_session *sessions[LFM_MAX_EACH] = {0};
    int32_t tokens[LFM_MAX_EACH] = {0};
    size_t n = 0;
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < n_all && st == LFM_OK; i++) {
        lfm_answer *a = all[i];
        if (a->n_pending > 0) {
            st = eval_pending(a, a->n_pending - 1, err);
            answers[n] = a;
            sessions[n] = a->session;
            tokens[n++] = a->pending[0];
        }
    }
    if (st == LFM_OK && n > 0) st = lfm_eval_each(sessions, tokens, n, err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        lfm_answer *a = answers[i];
        a->n_pending = 0;
        if (a->opt.logprobs && a->logprobs.n_known < a->logprobs.n) st = learn_logprobs(a, err);
        answer_refresh(a);
    }
    return st;
}

lfm_status lfm_answer_eval(lfm_answer *const *answers, size_t n, lfm_error *err) {
    err_clear(err);
    if (n > LFM_MAX_EACH) {
        return err_set(err, LFM_ERR_ARG, "%zu answers cannot be evaluated together; %d can", n,
                       (int)LFM_MAX_EACH);
    }
    return n == 0   ? LFM_OK
           : n == 1 ? eval_pending(answers[0], answers[0]->n_pending, err)
                    : eval_each(answers, n, err);
}

lfm_status lfm_answer_run(lfm_answer *a, lfm_answer_fn *on_token, void *ctx, lfm_error *err) {
    err_clear(err);
    lfm_status st = LFM_OK;
    while (st == LFM_OK && !a->finish) {
        bool stopped = false;
        st = lfm_answer_take(a, err);
        if (st == LFM_OK && on_token) {
            st = on_token(ctx, &a->state, err);
            stopped = st == LFM_ERR_STOPPED; /* no error, even if this token ends the answer */
            st = stopped ? LFM_OK : st;
        }
        if (st == LFM_OK && !a->finish) {
            st = eval_pending(a, a->n_pending, err);
            a->finish = stopped ? LFM_FINISH_INTERRUPTED : LFM_FINISH_NONE;
        }
    }
    answer_refresh(a);
    return st;
}

/* ---- The end -------------------------------------------------------------------------------- */

/* If the last tokens were forced, nothing has computed their logits yet: evaluate them. */
static lfm_status complete_logprobs(lfm_answer *a, lfm_error *err) {
    lfm_status st = LFM_OK;
    while (st == LFM_OK && a->logprobs.n_known < a->logprobs.n && a->n_pending > 0) {
        st = eval_pending(a, 1, err);
    }
    return st;
}

lfm_status lfm_answer_end(lfm_answer *a, lfm_finish why, lfm_error *err) {
    err_clear(err);
    a->finish = a->finish ? a->finish : why;
    lfm_status st = answer_calls_end(&a->calls, &a->text, err);
    if (st == LFM_OK) st = answer_text_end(&a->text, err);
    if (st == LFM_OK) st = complete_logprobs(a, err);
    const bool ended = a->finish == LFM_FINISH_STOP || (a->finish == LFM_FINISH_GRAMMAR &&
                                                        a->opt.tool_calls != LFM_TOOL_CALLS_HIDDEN);
    if (st == LFM_OK && ended && a->calls.list.n > 0) {
        a->finish = LFM_FINISH_TOOL_CALLS;
    }
    answer_refresh(a);
    return st;
}
