/*
 * run_prompt.c - tokenizing the prompt of `lfm run`, and fitting it into the context.
 */
#include "cli/run/run_internal.h"

#include "base/utf8.h"
#include "cli/prompt/prompt.h"
#include "cli/prompt/truncate.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <stdlib.h>
#include <string.h>

/* Count the tokens of the session without those of a character that was cut at its end, which was
 * not shown.  *before: the bytes in front of it that its first token has as well. */
static size_t whole_past(const run_state *r, const char **before, size_t *n_before) {
    size_t n = 0;
    const int32_t *past = lfm_session_tokens(r->session, &n);
    char tail[3]; /* the most bytes that can lack others */
    size_t n_tail = 0;
    size_t len = 0;
    for (size_t i = n; i > 0 && n_tail < sizeof tail; i--) {
        const char *bytes = lfm_token_bytes(r->model, past[i - 1], &len);
        while (len > 0 && n_tail < sizeof tail) {
            tail[sizeof tail - ++n_tail] = bytes[--len];
        }
    }
    size_t n_cut = n_tail - utf8_complete(tail + sizeof tail - n_tail, n_tail);
    *n_before = 0;
    while (n_cut > 0) {
        *before = lfm_token_bytes(r->model, past[--n], &len);
        *n_before = len > n_cut ? len - n_cut : 0;
        n_cut -= len - *n_before;
    }
    return n;
}

/* Put the first `n` tokens of the session before those of the prompt. */
static lfm_status prepend_session_tokens(run_state *r, size_t n, lfm_error *err) {
    size_t n_all = 0;
    const int32_t *past = lfm_session_tokens(r->session, &n_all);
    int32_t *all = malloc((n + r->prompt.n + 1) * sizeof *all);
    if (!all) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", n + r->prompt.n);
    memcpy(all, past, n * sizeof *all);
    if (r->prompt.n > 0) {
        memcpy(all + n, r->prompt.ids, r->prompt.n * sizeof *all);
    }
    lfm_free(r->prompt.ids);
    r->prompt.ids = all;
    r->prompt.n += n;
    return LFM_OK;
}

static lfm_status tokenize(run_state *r, const json_out *text, lfm_error *err) {
    if (!r->o->raw) return prompt_tokenize_chat(&r->prompt, r->model, r->o, &r->talk, err);
    const bool continues = r->o->session && lfm_session_pos(r->session) > 0;
    const char *before = NULL;
    size_t n_before = 0;
    const size_t n_past = continues ? whole_past(r, &before, &n_before) : 0;
    json_out all = {0};
    json_write_raw(&all, before, n_before);
    json_write_raw(&all, text->ptr, text->len);
    lfm_status st = json_finish(&all, err);
    if (st == LFM_OK) st = prompt_tokenize_raw(&r->prompt, r->model, r->o, &all, !continues, err);
    json_out_free(&all);
    return st == LFM_OK && continues ? prepend_session_tokens(r, n_past, err) : st;
}

/* The context of tokenize_again. */
typedef struct {
    run_state *r;
    const json_out *text;
} cut_run;

static lfm_status tokenize_again(void *ctx, size_t *n, lfm_error *err) {
    const cut_run *c = ctx;
    lfm_status st = LFM_OK;
    if (!c->r->o->raw) {
        conversation_pop(&c->r->talk);
        st = conversation_add(&c->r->talk, "user", c->text->ptr, c->text->len, err);
    }
    if (st == LFM_OK) st = tokenize(c->r, c->text, err);
    *n = c->r->prompt.n;
    return st;
}

static lfm_status truncate_prompt(run_state *r, json_out *text, lfm_error *err) {
    const opt_truncate how = (opt_truncate)r->o->truncate;
    const size_t n_all = r->prompt.n;
    const lfm_status st =
        truncate_to_fit(text, r->model, r->o, lfm_session_n_ctx(r->session), n_all, tokenize_again,
                        &(cut_run){r, text}, &r->n_truncated, err);
    if (st == LFM_OK && r->n_truncated > 0) { /* even with -q: never cut a prompt silently */
        term_message("%s of the %s tokens of the prompt were cut from its %s (--truncate %s)",
                     cli_grouped(r->n_truncated).text, cli_grouped(n_all).text,
                     truncate_place(how), how == TRUNCATE_HEAD   ? "head"
                                          : how == TRUNCATE_TAIL ? "tail"
                                                                 : "middle");
    }
    return st;
}

lfm_status run_read_tokens(run_state *r, json_out *text, lfm_error *err) {
    const char *warning = r->o->raw ? "" : lfm_chat_warning(r->model);
    if (warning[0] && !r->o->quiet) {
        term_message("%s", warning);
    }
    lfm_status st = LFM_OK;
    if (!r->o->raw && r->o->session) { /* the earlier messages are known only now */
        st = prompt_conversation(&r->talk, r->o, r->continues, &r->tools, text, err);
    }
    if (st == LFM_OK) st = tokenize(r, text, err);
    return st == LFM_OK && r->o->truncate ? truncate_prompt(r, text, err) : st;
}

lfm_status run_check_fit(const run_state *r, lfm_error *err) {
    const uint32_t n_ctx = lfm_session_n_ctx(r->session);
    if (r->prompt.n == 0) {
        return err_set(err, LFM_ERR_ARG, "the prompt is empty, and this model has no token that "
                       "begins a text");
    }
    if (r->prompt.n > n_ctx) {
        const uint32_t most = lfm_model_get_info(r->model)->n_ctx_max;
        return err_set(err, LFM_ERR_FULL, "the prompt has %s tokens; %s allows %s. %s",
                       cli_grouped(r->prompt.n).text, n_ctx < most ? "-c" : "the model",
                       cli_grouped(n_ctx).text,
                       n_ctx < most ? "Use -c 0, or --truncate head|tail|middle."
                                    : "Use a shorter prompt, or --truncate head|tail|middle.");
    }
    return LFM_OK;
}
