/*
 * run_prompt.c - the prompt of `lfm run` as tokens, and whether it fits.
 */
#include "cli/prompt/prompt.h"
#include "cli/prompt/truncate.h"
#include "cli/run/run.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <stdlib.h>
#include <string.h>

/* The tokens of a session, then those of the prompt. */
static lfm_status put_past_first(run_state *r, lfm_error *err) {
    size_t n = 0;
    const int32_t *past = lfm_session_tokens(r->session, &n);
    int32_t *all = malloc((n + r->n_tokens + 1) * sizeof *all);
    if (!all) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", n + r->n_tokens);
    }
    memcpy(all, past, n * sizeof *all);
    if (r->n_tokens > 0) {
        memcpy(all + n, r->tokens, r->n_tokens * sizeof *all);
    }
    lfm_free(r->tokens);
    r->tokens = all;
    r->n_tokens += n;
    return LFM_OK;
}

static lfm_status tokenize_raw(run_state *r, const json_out *text, lfm_error *err) {
    const bool goes_on = r->o->session && lfm_session_pos(r->session) > 0;
    const int flags = (r->o->no_special ? 0 : LFM_TOKENIZE_SPECIAL) |
                      (goes_on ? 0 : LFM_TOKENIZE_BOS);
    json_out all = {0};
    json_write_raw(&all, text->ptr, text->len);
    json_write_text(&all, r->o->prefill ? r->o->prefill : "");
    lfm_status st = json_finish(&all, err);
    if (st == LFM_OK) {
        st = lfm_tokenize(r->model, all.ptr, all.len, flags, &r->tokens, &r->n_tokens, err);
    }
    if (st == LFM_OK && goes_on) st = put_past_first(r, err);
    r->rendered = all.ptr;
    r->rendered_len = all.len;
    return st;
}

static lfm_status tokenize_chat(run_state *r, const json_out *text, lfm_error *err) {
    if (!r->conversation.ptr) { /* with --session, only now are the earlier messages known */
        const lfm_status st = prompt_conversation(&r->conversation, r->o, r->past.messages,
                                                  &r->tools, text, err);
        if (st != LFM_OK) {
            return st;
        }
    }
    return lfm_chat_tokenize(r->model, r->conversation.ptr, r->conversation.len, r->o->prefill,
                             &r->tokens, &r->n_tokens, &r->rendered, &r->rendered_len, err);
}

static lfm_status tokenize(run_state *r, const json_out *text, lfm_error *err) {
    return r->o->raw ? tokenize_raw(r, text, err) : tokenize_chat(r, text, err);
}

/* Forget what `tokenize` made. */
static void drop_tokens(run_state *r) {
    lfm_free(r->tokens);
    lfm_free(r->rendered);
    json_out_free(&r->conversation);
    r->tokens = NULL;
    r->rendered = NULL;
    r->conversation = (json_out){0};
}

/* What truncate_to_fit needs of a run. */
typedef struct {
    run_state *r;
    const json_out *text;
} cut_run;

static lfm_status tokenize_again(void *ctx, size_t *n, lfm_error *err) {
    const cut_run *c = ctx;
    drop_tokens(c->r);
    const lfm_status st = tokenize(c->r, c->text, err);
    *n = c->r->n_tokens;
    return st;
}

static lfm_status truncate_prompt(run_state *r, json_out *text, lfm_error *err) {
    const opt_truncate how = (opt_truncate)r->o->truncate;
    const size_t n_all = r->n_tokens;
    const lfm_status st =
        truncate_to_fit(text, r->model, r->o, lfm_session_n_ctx(r->session), n_all, tokenize_again,
                        &(cut_run){r, text}, &r->n_truncated, err);
    if (st == LFM_OK && r->n_truncated > 0) { /* even with -q: a prompt is never cut silently */
        term_message("%s of the %s tokens of the prompt were cut out of its %s (--truncate %s)",
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
    const lfm_status st = tokenize(r, text, err);
    return st == LFM_OK && r->o->truncate ? truncate_prompt(r, text, err) : st;
}

lfm_status run_check_fit(const run_state *r, lfm_error *err) {
    const uint32_t n_ctx = lfm_session_n_ctx(r->session);
    if (r->n_tokens == 0) {
        return err_set(err, LFM_ERR_ARG, "the prompt is empty, and this model has no token that "
                       "begins a text");
    }
    if (r->n_tokens > n_ctx) {
        const uint32_t most = lfm_model_get_info(r->model)->n_ctx_max;
        return err_set(err, LFM_ERR_FULL, "the prompt has %s tokens; %s allows %s. %s",
                       cli_grouped(r->n_tokens).text, n_ctx < most ? "-c" : "the model",
                       cli_grouped(n_ctx).text,
                       n_ctx < most ? "Use -c 0, or --truncate head|tail|middle."
                                    : "Use a shorter prompt, or --truncate head|tail|middle.");
    }
    return LFM_OK;
}
