/*
 * chat_turn.c - one turn of `lfm chat`: from the user's message to the answer.
 *
 * Every turn renders the whole conversation again, because a template may render old messages in
 * another way; lfm_session_sync finds how much of it the session already holds.  A template that
 * drops old thoughts costs only the answer that had them: the session can go back to its beginning.
 */
#include "cli/chat/chat_internal.h"

#include "cli/lineedit/tty.h"
#include "cli/prompt/answer_settings.h"
#include "cli/prompt/prompt_tokens.h"
#include "cli/prompt/sampling.h"
#include "cli/shared/common.h"
#include "cli/shared/stream.h"
#include "cli/shared/term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void chat_forget(chat *c) {
    conversation_clear(&c->talk);
    c->near_full_shown = false;
}

/* ---- Messages ------------------------------------------------------------------------------- */

void chat_say(const chat *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    term_say(c->color ? "\033[2m" : "", c->color ? "\033[0m" : "", format, args);
    va_end(args);
}

void chat_print_stats(const chat *c) {
    const chat_stats *s = &c->last;
    const uint32_t n_ctx = lfm_session_n_ctx(c->session);
    const size_t used = lfm_session_pos(c->session);
    chat_say(c, "%zu tok  %.1f tok/s   prompt %zu tok (%zu known) %.2f s   ctx %s of %s, %zu %%%s",
             s->n_generated, s->decode_s > 0 ? (double)s->n_generated / s->decode_s : 0.0,
             s->n_prompt, s->n_reused, s->prompt_s, cli_grouped(used).text, cli_grouped(n_ctx).text,
             100 * used / (n_ctx > 0 ? n_ctx : 1),
             s->finish == LFM_FINISH_INTERRUPTED ? "   stopped" : "");
}

/* ---- The prompt ----------------------------------------------------------------------------- */

/* Remove the oldest message and its answer. */
static void drop_oldest(chat *c) {
    const conversation *t = &c->talk;
    size_t n = 1;
    while (n + 1 < t->n && strcmp(t->messages[n].role, "user") != 0) {
        n++;
    }
    conversation_pop_first(&c->talk, n);
}

/* Tokenize the conversation, and leave room for an answer.  With --on-overflow shift, drop the
 * oldest turns: so many that the next turns fit too. */
static lfm_status make_prompt(chat *c, prompt_tokens *tokens, lfm_error *err) {
    const size_t n_ctx = lfm_session_n_ctx(c->session);
    size_t n_dropped = 0;
    lfm_status st = prompt_tokenize_chat(tokens, c->model, &c->o, &c->talk, err);
    const bool full = st == LFM_OK && tokens->n >= n_ctx;
    if (full && c->o.on_overflow != OVERFLOW_SHIFT) {
        return err_set(err, LFM_ERR_FULL,
                       "the conversation has %s tokens; the context holds %s. Use /undo or /clear, "
                       "or start with --on-overflow shift",
                       cli_grouped(tokens->n).text, cli_grouped(n_ctx).text);
    }
    while (full && st == LFM_OK && c->talk.n > 1 && tokens->n > n_ctx / 4 * 3) {
        drop_oldest(c);
        n_dropped++;
        st = prompt_tokenize_chat(tokens, c->model, &c->o, &c->talk, err);
    }
    if (n_dropped > 0) {
        chat_say(c, "the context is full: the oldest %zu turns were forgotten", n_dropped);
    }
    if (st == LFM_OK && tokens->n >= n_ctx) {
        return err_set(err, LFM_ERR_FULL, "the message has %s tokens; the context holds %s",
                       cli_grouped(tokens->n).text, cli_grouped(n_ctx).text);
    }
    return st;
}

static lfm_status read_prompt(chat *c, const prompt_tokens *tokens, lfm_error *err) {
    const double started = term_now();
    const lfm_status st = prompt_evaluate(
        c->session, tokens, "reading", c->o.quiet ? TERM_NEVER : TERM_AUTO, &c->last.n_reused, err);
    c->last.n_prompt = tokens->n;
    c->last.prompt_s = term_now() - started;
    return st;
}

/* ---- The answer ----------------------------------------------------------------------------- */

static lfm_status show_new(stream *s, const lfm_answer_state *a, lfm_error *err) {
    stream_thoughts(s, a);
    return stream_text(s, a, err);
}

static lfm_status on_token(void *ctx, const lfm_answer_state *a, lfm_error *err) {
    const lfm_status st = show_new(ctx, a, err);
    return st == LFM_OK && term_stopped() ? LFM_ERR_STOPPED : st;
}

/* End the answer, show the rest of it, and add it to the conversation, even if interrupted. */
static lfm_status keep_answer(chat *c, lfm_answer *answer, lfm_finish why, stream *s,
                              lfm_error *err) {
    const lfm_answer_state *a = lfm_answer_get(answer);
    const bool apart = lfm_model_get_info(c->model)->template_thoughts;
    lfm_status st = lfm_answer_end(answer, why, err);
    if (st == LFM_OK) st = show_new(s, a, err);
    if (st == LFM_OK && !s->ends_line && (s->shown > 0 || s->thoughts_shown > 0)) {
        st = stream_bytes(s, "\n", 1, err);
    }
    return st == LFM_OK ? conversation_add_answer(&c->talk, apart, a, err) : st;
}

static void conclude(chat *c, const lfm_answer_state *a) {
    const size_t n_ctx = lfm_session_n_ctx(c->session);
    const size_t used = lfm_session_pos(c->session);
    c->last.n_generated = a->n_generated;
    c->last.finish = a->finish;
    if (a->text_len == 0 && a->finish != LFM_FINISH_INTERRUPTED) {
        chat_say(c, a->is_thinking
                        ? "(no answer: the model was still thinking; allow more with /set n)"
                        : "(the answer is empty)");
    }
    if (!c->o.quiet) {
        chat_print_stats(c);
    }
    if (used >= n_ctx) {
        chat_say(c, "the context is full: /undo, /clear or /system shorten the conversation");
    } else if (used > n_ctx / 10 * 9 && !c->near_full_shown) {
        chat_say(c, "the context is nearly full (%zu %%)", 100 * used / n_ctx);
        c->near_full_shown = true;
    }
}

/* Generate, show and keep the answer. */
static lfm_status run_answer(chat *c, lfm_answer *answer, stream *s, lfm_error *err) {
    lfm_error late = {0};
    const double started = term_now();
    lfm_status st = term_stopped() ? LFM_OK : lfm_answer_run(answer, on_token, s, err);
    c->last.decode_s = term_now() - started;
    const lfm_finish why = st == LFM_OK ? LFM_FINISH_INTERRUPTED : LFM_FINISH_ERROR;
    const lfm_status kept = keep_answer(c, answer, why, s, &late);
    if (st == LFM_OK && kept != LFM_OK) st = err_set(err, kept, "%s", late.text);
    if (st == LFM_OK) {
        conclude(c, lfm_answer_get(answer));
    }
    return st;
}

static lfm_status answer_tokens(chat *c, const prompt_tokens *tokens, lfm_error *err) {
    const lfm_answer_options settings = answer_settings(&c->o, tokens->begins, &c->talk.tools);
    const opt_think think = opt_thinking(&c->o);
    stream s = {.thoughts = think != THINK_HIDE && !c->o.quiet, .dim = c->color};
    lfm_sampler *sampler = NULL;
    lfm_answer *answer = NULL;
    lfm_sampling sampling;
    lfm_status st = output_open(&s.out, NULL, err);
    if (st == LFM_OK) st = sampling_choose(&sampler, &sampling, c->model, &c->o, err);
    if (st == LFM_OK) {
        st = lfm_answer_new(&answer, c->session, sampler, NULL, &settings, tokens->ids, tokens->n,
                            err);
    }
    if (st == LFM_OK) st = run_answer(c, answer, &s, err);
    lfm_answer_free(answer);
    lfm_sampler_free(sampler);
    return st;
}

lfm_status chat_answer(chat *c, lfm_error *err) {
    prompt_tokens tokens = {0};
    const size_t n = c->talk.n;
    c->last = (chat_stats){0};
    tty_set(TTY_WATCH);
    lfm_status st = make_prompt(c, &tokens, err);
    if (st == LFM_OK) st = read_prompt(c, &tokens, err);
    if (st == LFM_OK) st = answer_tokens(c, &tokens, err);
    prompt_tokens_drop(&tokens);
    if (st != LFM_OK && c->talk.n == n) { /* no answer at all: remove the question */
        conversation_pop(&c->talk);
    }
    if (st != LFM_OK && term_stopped()) {
        chat_say(c, "stopped");
        st = LFM_OK;
    }
    return st;
}
