/*
 * batch_begin.c - beginning the answer to a line of `lfm batch`: from its text to the first logits.
 *
 * The common prefix of the prompts is evaluated once and copied; a session continues where it was.
 */
#include "cli/batch/batch_internal.h"

#include "cli/prompt/answer_settings.h"
#include "cli/prompt/sampling.h"
#include "cli/prompt/truncate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_SHARED = 16 };

void batch_slot_drop(slot *s) {
    if (s->line.session && s->active) {
        s->line.session->busy = false;
    }
    batch_line_drop(&s->line);
    lfm_answer_free(s->answer);
    lfm_sampler_free(s->sampler);
    lfm_constraint_free(s->constraint);
    grammar_cache_give_back(s->cached);
    prompt_tokens_drop(&s->prompt);
    *s = (slot){0};
}

static lfm_status tokenize(batch_run *b, slot *s, lfm_error *err) {
    const batch_line *l = &s->line;
    return l->o.raw ? prompt_tokenize_raw(&s->prompt, b->model, &l->o, &l->text, true, err)
                    : prompt_tokenize_chat(&s->prompt, b->model, &l->o, &l->talk, err);
}

/* Make the shared session hold the common prefix of this prompt and the one before. */
static lfm_status share_prefix(batch_run *b, const slot *s, lfm_error *err) {
    size_t n_known = 0;
    size_t reused = 0;
    const int32_t *known = lfm_session_tokens(b->shared, &n_known);
    const size_t same = prompt_tokens_common(s->prompt.ids, s->prompt.n, b->last_tokens, b->n_last);
    lfm_status st = LFM_OK;
    if (prompt_tokens_common(s->prompt.ids, s->prompt.n, known, n_known) < n_known ||
        n_known == 0) {
        if (same >= MIN_SHARED) {
            st = lfm_session_sync(b->shared, s->prompt.ids, same, &reused, err);
        } else {
            lfm_session_reset(b->shared);
        }
    }
    int32_t *last = malloc((s->prompt.n + 1) * sizeof *last);
    if (!last) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", s->prompt.n);
    memcpy(last, s->prompt.ids, s->prompt.n * sizeof *last);
    free(b->last_tokens);
    b->last_tokens = last;
    b->n_last = s->prompt.n;
    return st;
}

/* Give slot i the session, among those of the free slots, that holds the longest prefix of this
 * prompt: a conversation then continues in any slot. */
static void take_best_session(batch_run *b, size_t i) {
    const slot *s = &b->slots[i];
    size_t best = i;
    size_t most = 0;
    for (size_t j = 0; j < b->n_slots; j++) {
        size_t n = 0;
        const int32_t *known = lfm_session_tokens(b->sessions[j], &n);
        const size_t same = b->slots[j].active
                                ? 0 : prompt_tokens_common(s->prompt.ids, s->prompt.n, known, n);
        best = same > most ? j : best;
        most = same > most ? same : most;
    }
    lfm_session *mine = b->sessions[i];
    b->sessions[i] = b->sessions[best];
    b->sessions[best] = mine;
}

static lfm_status read_prompt(batch_run *b, size_t i, lfm_error *err) {
    slot *s = &b->slots[i];
    lfm_status st = LFM_OK;
    if (s->line.session && s->line.session->talk.n > 0) {
        take_best_session(b, i);
    } else {
        st = share_prefix(b, s, err);
        if (st == LFM_OK) st = lfm_session_copy(b->sessions[i], b->shared, err);
    }
    if (st == LFM_OK) {
        st = lfm_session_sync(b->sessions[i], s->prompt.ids, s->prompt.n, &s->n_reused, err);
    }
    s->prompt_done = term_now();
    return st;
}

static lfm_status check_fit(const batch_run *b, const slot *s, lfm_error *err) {
    const uint32_t n_ctx = lfm_session_n_ctx(b->shared);
    if (s->prompt.n == 0) return err_set(err, LFM_ERR_ARG, "the prompt is empty");
    if (s->prompt.n > n_ctx) {
        return err_set(err, LFM_ERR_FULL,
                       "the prompt has %zu tokens; the context holds %" PRIu32 "%s", s->prompt.n,
                       n_ctx,
                       !b->o->truncate ? ". --truncate head|tail|middle would cut it"
                                       : ". --truncate does not cut \"messages\"");
    }
    return LFM_OK;
}

/* The context of tokenize_again. */
typedef struct {
    batch_run *b;
    slot *s;
} cut_line;

static lfm_status tokenize_again(void *ctx, size_t *n, lfm_error *err) {
    const cut_line *c = ctx;
    lfm_status st = batch_line_render(&c->s->line, err);
    if (st == LFM_OK) st = tokenize(c->b, c->s, err);
    *n = c->s->prompt.n;
    return st;
}

/* --truncate: cut the line's own text, not what --each puts around it. */
static lfm_status truncate_prompt(batch_run *b, slot *s, lfm_error *err) {
    batch_line *l = &s->line;
    if (!l->o.truncate || l->prompt.len == 0) return LFM_OK;
    const size_t n = s->prompt.n;
    const lfm_status st =
        truncate_to_fit(&l->prompt, b->model, &l->o, lfm_session_n_ctx(b->shared), n,
                        tokenize_again, &(cut_line){b, s}, &s->n_truncated, err);
    if (st == LFM_OK && s->n_truncated > 0) {
        b->n_cut++;
        if (l->format == LINE_PLAIN) { /* a line of plain text cannot report it */
            term_message("line %s: %zu of the %zu tokens of the prompt were cut", l->id.ptr,
                         s->n_truncated, n);
        }
    }
    return st;
}

/* Begin the constraint of the answer, from the grammar of the line or of the command line. */
static lfm_status begin_constraint(batch_run *b, slot *s, lfm_error *err) {
    const answer_grammar none = {0};
    const answer_grammar *grammar = s->line.no_grammar ? &none : &b->grammar;
    lfm_status st = LFM_OK;
    if (s->line.grammar.len > 0) {
        st = grammar_cache_get(&b->grammars, s->line.grammar_kind, &s->line.grammar, b->model, b->o,
                               &s->cached, err);
        grammar = st == LFM_OK ? grammar_cache_of(s->cached) : grammar;
    }
    return st == LFM_OK ? answer_grammar_begin(grammar, s->prompt.begins, &s->constraint, err)
                        : st;
}

lfm_status batch_begin(batch_run *b, size_t i, lfm_error *err) {
    slot *s = &b->slots[i];
    lfm_status st = tokenize(b, s, err);
    if (st == LFM_OK) st = truncate_prompt(b, s, err);
    if (st == LFM_OK) st = check_fit(b, s, err);
    if (st == LFM_OK) st = sampling_choose(&s->sampler, &s->sampling, b->model, &s->line.o, err);
    if (st == LFM_OK) st = begin_constraint(b, s, err);
    if (st == LFM_OK) st = read_prompt(b, i, err);
    if (st == LFM_OK) {
        const lfm_answer_options settings =
            answer_settings(&s->line.o, s->prompt.begins, &s->line.talk.tools);
        st = lfm_answer_new(&s->answer, b->sessions[i], s->sampler, s->constraint, &settings,
                            s->prompt.ids, s->prompt.n, err);
    }
    return st;
}
