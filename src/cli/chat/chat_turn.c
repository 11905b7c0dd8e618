/*
 * chat_turn.c - a message in, an answer out.
 *
 * The whole conversation is rendered again for every turn, as the template wants it now;
 * lfm_session_sync finds out how much of it the session has already read.  A template that drops
 * old thoughts costs only the answer that had them: the session can go back to where that began.
 */
#include "cli/chat/chat.h"

#include "cli/lineedit/tty.h"
#include "cli/prompt/generate.h"
#include "cli/prompt/sampling.h"
#include "cli/shared/common.h"
#include "cli/shared/show.h"
#include "cli/shared/term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Messages ------------------------------------------------------------------------------- */

lfm_status chat_add(chat *c, const char *role, const char *text, size_t n, lfm_error *err) {
    if (c->n == c->cap) {
        const size_t cap = c->cap ? 2 * c->cap : 16;
        chat_message *grown = realloc(c->messages, cap * sizeof *grown);
        if (!grown) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory for the conversation");
        }
        c->messages = grown;
        c->cap = cap;
    }
    char *copy = malloc(n + 1);
    if (!copy) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the conversation");
    }
    if (n > 0) {
        memcpy(copy, text, n);
    }
    copy[n] = '\0';
    c->messages[c->n++] = (chat_message){role, copy, n};
    return LFM_OK;
}

void chat_pop(chat *c) {
    if (c->n > 0) {
        free(c->messages[--c->n].text);
    }
}

void chat_forget(chat *c) {
    while (c->n > 0) {
        chat_pop(c);
    }
    c->near_full_said = false;
}

static void write_message(json_out *json, const char *role, const char *text, size_t n,
                          bool first) {
    json_write_text(json, first ? "{\"role\": \"" : ", {\"role\": \"");
    json_write_text(json, role);
    json_write_text(json, "\", \"content\": ");
    json_write_string(json, text, n);
    json_write_text(json, "}");
}

lfm_status chat_json(const chat *c, json_out *json, lfm_error *err) {
    json_write_text(json, "{\"messages\": [");
    if (c->system) {
        write_message(json, "system", c->system, strlen(c->system), true);
    }
    for (size_t i = 0; i < c->n; i++) {
        const chat_message *m = &c->messages[i];
        write_message(json, m->role, m->text, m->n, i == 0 && !c->system);
    }
    json_write_text(json, "]}");
    return json_finish(json, err);
}

/* ---- Telling -------------------------------------------------------------------------------- */

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
             s->n_prompt, s->n_reused, s->prompt_s, cli_grouped(used).text,
             cli_grouped(n_ctx).text, 100 * used / (n_ctx > 0 ? n_ctx : 1),
             s->finish && strcmp(s->finish, "interrupted") == 0 ? "   stopped" : "");
}

/* ---- The prompt ----------------------------------------------------------------------------- */

typedef struct {
    int32_t *ids; /* [n]; free with lfm_free */
    size_t n;
} token_list;

static lfm_status tokenize(const chat *c, token_list *tokens, lfm_error *err) {
    json_out json = {0};
    lfm_status st = chat_json(c, &json, err);
    lfm_free(tokens->ids);
    *tokens = (token_list){0};
    if (st == LFM_OK) {
        st = lfm_chat_tokenize(c->model, json.ptr, json.len, c->o.prefill, &tokens->ids, &tokens->n,
                               NULL, NULL, err);
    }
    json_out_free(&json);
    return st;
}

/* The oldest message and its answer. */
static void drop_oldest(chat *c) {
    size_t n = 1;
    while (n + 1 < c->n && strcmp(c->messages[n].role, "user") != 0) {
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        free(c->messages[i].text);
    }
    c->n -= n;
    memmove(c->messages, c->messages + n, c->n * sizeof *c->messages);
}

/* The conversation in tokens, with room for an answer.  With --on-overflow shift the oldest turns
 * go, and then so many that the next turns fit too. */
static lfm_status make_prompt(chat *c, token_list *tokens, lfm_error *err) {
    const size_t n_ctx = lfm_session_n_ctx(c->session);
    size_t n_dropped = 0;
    lfm_status st = tokenize(c, tokens, err);
    const bool full = st == LFM_OK && tokens->n >= n_ctx;
    if (full && c->o.on_overflow != OVERFLOW_SHIFT) {
        return err_set(err, LFM_ERR_FULL, "the conversation has %s tokens; the context has %s. "
                       "/undo or /clear, or begin with --on-overflow shift",
                       cli_grouped(tokens->n).text, cli_grouped(n_ctx).text);
    }
    while (full && st == LFM_OK && c->n > 1 && tokens->n > n_ctx / 4 * 3) {
        drop_oldest(c);
        n_dropped++;
        st = tokenize(c, tokens, err);
    }
    if (n_dropped > 0) {
        chat_say(c, "the context is full: the oldest %zu turns were forgotten", n_dropped);
    }
    if (st == LFM_OK && tokens->n >= n_ctx) {
        return err_set(err, LFM_ERR_FULL, "the message has %s tokens; the context has %s",
                       cli_grouped(tokens->n).text, cli_grouped(n_ctx).text);
    }
    return st;
}

static bool on_progress(void *ctx, size_t done, size_t total) {
    term_progress_show(ctx, "reading", done, total);
    return !term_stopped();
}

static lfm_status read_prompt(chat *c, const token_list *tokens, lfm_error *err) {
    term_progress progress;
    const double started = term_now();
    term_progress_start(&progress, !c->o.quiet);
    lfm_session_on_progress(c->session, on_progress, &progress);
    const lfm_status st =
        lfm_session_sync(c->session, tokens->ids, tokens->n, &c->last.n_reused, err);
    lfm_session_on_progress(c->session, NULL, NULL);
    term_progress_end(&progress);
    c->last.n_prompt = tokens->n;
    c->last.prompt_s = term_now() - started;
    return st;
}

/* ---- The answer ----------------------------------------------------------------------------- */

static lfm_status show_new(show *s, const answer *a, lfm_error *err) {
    show_thoughts(s, a);
    return show_text(s, a, err);
}

static lfm_status generate(generation *g, show *s, lfm_error *err) {
    lfm_status st = LFM_OK;
    while (st == LFM_OK && !g->finish && !term_stopped()) {
        st = generation_take(g, err);
        if (st == LFM_OK) st = show_new(s, &g->answer, err);
        if (st == LFM_OK && !g->finish) st = generation_step(g, err);
    }
    return st;
}

/* What was said belongs to the conversation, also when it was broken off. */
static lfm_status keep_answer(chat *c, generation *g, show *s, lfm_error *err) {
    const answer *a = &g->answer;
    lfm_status st = generation_end(g, err);
    if (st == LFM_OK) st = show_new(s, a, err);
    if (st == LFM_OK && !s->ends_line && (s->shown > 0 || s->thoughts_shown > 0)) {
        st = show_bytes(s, "\n", 1, err);
    }
    const json_out *said = a->stopped ? &a->text : &a->raw;
    return st == LFM_OK ? chat_add(c, "assistant", said->ptr ? said->ptr : "", said->len, err) : st;
}

static void conclude(chat *c, const generation *g) {
    const size_t n_ctx = lfm_session_n_ctx(c->session);
    const size_t used = lfm_session_pos(c->session);
    c->last.n_generated = g->n_generated;
    c->last.finish = g->finish;
    if (g->answer.text.len == 0 && strcmp(g->finish, "interrupted") != 0) {
        chat_say(c, g->answer.state == ANSWER_THINKING
                        ? "(no answer: the model was still thinking; allow more with /set n)"
                        : "(the answer is empty)");
    }
    if (!c->o.quiet) {
        chat_print_stats(c);
    }
    if (used >= n_ctx) {
        chat_say(c, "the context is full: /undo, /clear or /system shorten the conversation");
    } else if (used > n_ctx / 10 * 9 && !c->near_full_said) {
        chat_say(c, "the context is nearly full (%zu %%)", 100 * used / n_ctx);
        c->near_full_said = true;
    }
}

static lfm_status answer_tokens(chat *c, const token_list *tokens, lfm_error *err) {
    generation g = {.o = &c->o, .model = c->model, .session = c->session};
    const opt_think think = opt_thinking(&c->o);
    show s = {.thoughts = think != THINK_HIDE && !c->o.quiet, .dim = c->color};
    lfm_sampling sampling;
    lfm_error late = {0};
    lfm_status st = output_open(&s.out, NULL, err);
    if (st == LFM_OK) st = sampling_choose(&g.sampler, &sampling, c->model, &c->o, err);
    if (st == LFM_OK) st = generation_begin(&g, tokens->ids, tokens->n, err);
    const bool began = st == LFM_OK;
    const double started = term_now();
    if (began) {
        st = generate(&g, &s, err);
        c->last.decode_s = term_now() - started;
    }
    if (term_stopped() && began && !g.finish) {
        g.finish = "interrupted";
        st = LFM_OK;
    }
    if (began) {
        g.finish = g.finish ? g.finish : "error";
        const lfm_status kept = keep_answer(c, &g, &s, &late);
        st = st == LFM_OK && kept != LFM_OK ? err_set(err, kept, "%s", late.text) : st;
    }
    if (st == LFM_OK) {
        conclude(c, &g);
    }
    generation_drop(&g);
    return st;
}

lfm_status chat_answer(chat *c, lfm_error *err) {
    token_list tokens = {0};
    const size_t n = c->n;
    c->last = (chat_stats){0};
    tty_set(TTY_WATCH);
    lfm_status st = make_prompt(c, &tokens, err);
    if (st == LFM_OK) st = read_prompt(c, &tokens, err);
    if (st == LFM_OK) st = answer_tokens(c, &tokens, err);
    lfm_free(tokens.ids);
    if (st != LFM_OK && c->n == n) { /* not answered at all: as if it had not been asked */
        chat_pop(c);
    }
    if (st != LFM_OK && term_stopped()) {
        chat_say(c, "stopped");
        st = LFM_OK;
    }
    return st;
}
