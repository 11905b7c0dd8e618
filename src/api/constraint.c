/*
 * constraint.c - constrained answers: which tokens can follow.
 *
 * An answer has phases.  It may begin with thoughts: <think>, unconstrained text, </think>, and
 * line breaks.  The text after them must match the grammar byte by byte.  base/thoughts.h separates
 * the two, here and wherever answers are shown.
 */
#include "api/constraint_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FORCED = 2048 }; /* most bytes of forced text at once */

struct lfm_constraint {
    constraint_shared *shared;
    thoughts thoughts;
    bool ended;     /* by a token that ends an answer */
    uint32_t state; /* pinned */
    automaton_pin pin;
    size_t n_breaks;
    keys_open keys; /* of the text, where they must be unique */
};

/* ---- Lifecycle ------------------------------------------------------------------------------ */

lfm_status lfm_constraint_new(lfm_constraint **out, const lfm_model *m, const lfm_grammar *g,
                              int flags, lfm_error *err) {
    err_clear(err);
    *out = NULL;
    lfm_constraint *c = calloc(1, sizeof *c);
    constraint_shared *w = calloc(1, sizeof *w);
    if (!c || !w) {
        free(c);
        free(w);
        return constraint_no_memory(err);
    }
    *w = (constraint_shared){.n_users = 1, .model = m, .open = -1, .close = -1};
    c->shared = w;
    const lfm_status st = constraint_shared_make(w, g, flags, err);
    if (st != LFM_OK) {
        lfm_constraint_free(c);
        return st;
    }
    c->state = w->automaton->start;
    automaton_hold(w->automaton, &c->pin, &c->state, 1);
    *out = c;
    return LFM_OK;
}

void lfm_constraint_free(lfm_constraint *c) {
    if (c) {
        if (c->shared->automaton) {
            automaton_release(c->shared->automaton, &c->pin);
        }
        constraint_shared_release(c->shared);
        keys_drop(&c->keys);
        free(c);
    }
}

lfm_status lfm_constraint_clone(lfm_constraint **out, lfm_constraint *c, lfm_error *err) {
    err_clear(err);
    keys_open keys;
    *out = NULL;
    if (keys_copy(&keys, &c->keys) != LFM_OK) return constraint_no_memory(err);
    lfm_constraint *copy = calloc(1, sizeof *copy);
    if (!copy) {
        keys_drop(&keys);
        return constraint_no_memory(err);
    }
    *copy = *c;
    copy->keys = keys;
    copy->shared->n_users++;
    automaton_hold(copy->shared->automaton, &copy->pin, &copy->state, 1);
    *out = copy;
    return LFM_OK;
}

void lfm_constraint_reset(lfm_constraint *c) {
    c->thoughts = (thoughts){0};
    c->ended = false;
    c->state = c->shared->automaton->start;
    c->n_breaks = 0;
    keys_reset(&c->keys);
}

bool lfm_constraint_has_begun(const lfm_constraint *c) {
    return c->thoughts.phase == THOUGHTS_TEXT || c->ended ||
           (c->thoughts.phase == THOUGHTS_BEGIN && c->shared->open < 0);
}

bool lfm_constraint_is_complete(const lfm_constraint *c) {
    return c->thoughts.phase != THOUGHTS_INSIDE &&
           automaton_bits(c->shared->automaton, c->state) & STATE_ACCEPTS;
}

bool lfm_constraint_is_final(const lfm_constraint *c) {
    return c->ended ||
           (lfm_constraint_is_complete(c) && c->shared->automaton->states[c->state].n == 0);
}

/* ---- Sets of tokens ------------------------------------------------------------------------- */

static bool has_bit(const uint64_t *bits, int32_t token) {
    return bits[token / 64] >> token % 64 & 1;
}

/* Set all logits but those of the tokens in `bits` to -infinity; false if there are none. */
static bool apply(const uint64_t *bits, float *logits, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t keep = bits[i / 64];
        const size_t end = i + 64 < n ? i + 64 : n;
        any |= keep != 0;
        if (keep == UINT64_MAX) continue;
        for (size_t k = i; k < end; k++, keep >>= 1) {
            logits[k] = keep & 1 ? logits[k] : -INFINITY;
        }
    }
    return any;
}

/* ---- Thoughts ------------------------------------------------------------------------------- */

/* Would this token end the thought and also begin the text, which the grammar would not see? */
static bool overshoots(const lfm_constraint *c, int32_t token) {
    size_t n = 0;
    const char *text = tok_bytes(c->shared->model->tok, token, &n);
    thoughts t = c->thoughts;
    const size_t end = thoughts_take(&t, text, n);
    return end < n && !constraint_all_breaks(text + end, n - end);
}

/* Is this a token of line breaks between the thoughts and the text, and so part of neither? */
static bool is_break(const lfm_constraint *c, int32_t token) {
    size_t n = 0;
    const char *text = tok_bytes(c->shared->model->tok, token, &n);
    return c->thoughts.phase == THOUGHTS_BREAKS && n > 0 &&
           c->n_breaks + n <= CONSTRAINT_MAX_BREAKS &&
           !tok_is_control(c->shared->model->tok, token) && constraint_all_breaks(text, n);
}

/* Allow all but control tokens, ends of the answer, and tokens that overshoot the thought. */
static void mask_thought(const lfm_constraint *c, float *logits) {
    const constraint_shared *w = c->shared;
    const float end = logits[w->close];
    apply(w->vocab.has_text, logits, w->vocab.n_vocab);
    logits[w->close] = end;
    for (size_t i = 0; i < w->n_risky; i++) {
        if (overshoots(c, w->risky[i])) {
            logits[w->risky[i]] = -INFINITY;
        }
    }
}

/* ---- Masks ---------------------------------------------------------------------------------- */

/* Tokens allowed in addition to those of the grammar. */
static bool also_allowed(const lfm_constraint *c, int32_t token) {
    const constraint_shared *w = c->shared;
    return (c->thoughts.phase == THOUGHTS_BEGIN && token == w->open && w->open >= 0) ||
           is_break(c, token) ||
           (tok_is_end(w->model->tok, token) && lfm_constraint_is_complete(c));
}

/* Do the checks beside the grammar allow these bytes, which the grammar allows? */
static lfm_status check_text(lfm_constraint *c, const char *text, size_t n, bool *allowed,
                             lfm_error *err) {
    constraint_shared *w = c->shared;
    bool repeats = false;
    if (w->ahead) return ahead_allows(w->ahead, &c->keys, &c->state, text, n, allowed, err);
    if (keys_would_repeat(&c->keys, text, n, &repeats) != LFM_OK) return constraint_no_memory(err);
    *allowed = !repeats;
    return LFM_OK;
}

/* Within a marked bracket every token is checked, except in strings that may go on as they like. */
static lfm_status must_check_all(lfm_constraint *c, bool *all, lfm_error *err) {
    bool is_free = false;
    *all = c->keys.at.n_marked > 0;
    if (!*all) return LFM_OK;
    const lfm_status st = ahead_is_free(c->shared->ahead, &c->keys, &c->state, &is_free, err);
    *all = !is_free;
    return st;
}

/* The tokens that can continue the text: those that the grammar and the checks beside it allow. */
static lfm_status get_mask(lfm_constraint *c, const uint64_t **bits, lfm_error *err) {
    const constraint_shared *w = c->shared;
    const size_t n_words = mask_words(w->vocab.n_vocab);
    bool all = false;
    lfm_status st = mask_get(&c->shared->mask, &c->state, bits, err);
    if (st != LFM_OK || !w->unique_keys) return st;
    st = must_check_all(c, &all, err);
    memcpy(w->narrowed, *bits, n_words * sizeof *w->narrowed); /* the mask itself is cached */
    *bits = w->narrowed;
    for (size_t i = 0; i < n_words && st == LFM_OK; i++) {
        uint64_t left = w->narrowed[i] & (all ? UINT64_MAX : w->watched[i]);
        for (int32_t token = (int32_t)(64 * i); left && st == LFM_OK; token++, left >>= 1) {
            if (!(left & 1)) continue;
            bool allowed = true;
            size_t n = 0;
            const char *text = tok_bytes(w->model->tok, token, &n);
            st = has_bit(w->vocab.has_text, token) ? check_text(c, text, n, &allowed, err) : st;
            w->narrowed[i] &= ~((uint64_t)!allowed << token % 64);
        }
    }
    return st;
}

lfm_status lfm_constraint_mask(lfm_constraint *c, float *logits, lfm_error *err) {
    err_clear(err);
    constraint_shared *w = c->shared;
    const uint64_t *bits = NULL;
    if (c->thoughts.phase == THOUGHTS_INSIDE) {
        mask_thought(c, logits);
        return LFM_OK;
    }
    if (c->ended) return err_set(err, LFM_ERR_ARG, "the answer has ended: no token can follow");
    const lfm_status st = get_mask(c, &bits, err);
    if (st != LFM_OK) return st;
    for (size_t i = 0; i < w->n_extras; i++) {
        w->kept[i] = logits[w->extras[i]];
    }
    bool any = apply(bits, logits, w->vocab.n_vocab);
    for (size_t i = 0; i < w->n_extras; i++) {
        if (also_allowed(c, w->extras[i])) {
            logits[w->extras[i]] = w->kept[i];
            any = true;
        }
    }
    return any ? LFM_OK
               : err_set(err, LFM_ERR_UNSUPPORTED,
                         "the vocabulary has no token that could continue a text of this grammar");
}

/* ---- Accepting tokens ----------------------------------------------------------------------- */

static lfm_status cannot_follow(const lfm_constraint *c, int32_t token, lfm_error *err) {
    size_t n = 0;
    const char *text = tok_bytes(c->shared->model->tok, token, &n);
    return err_set(err, LFM_ERR_ARG, "token %" PRId32 " ('%.*s') cannot follow", token,
                   n > 60 ? 60 : (int)n, text);
}

static lfm_status accept_thought(lfm_constraint *c, int32_t token, lfm_error *err) {
    const constraint_shared *w = c->shared;
    size_t n = 0;
    const char *text = tok_bytes(w->model->tok, token, &n);
    if (token == w->close) {
        c->thoughts = (thoughts){.phase = THOUGHTS_BREAKS};
        return LFM_OK;
    }
    if (!has_bit(w->vocab.has_text, token) || overshoots(c, token)) {
        return cannot_follow(c, token, err);
    }
    const size_t end = thoughts_take(&c->thoughts, text, n);
    c->n_breaks = n - end;
    return LFM_OK;
}

/* The text that a token adds; n = 0 for a token that has only a name. */
static const char *text_of(const lfm_constraint *c, int32_t token, size_t *n) {
    const char *text = tok_bytes(c->shared->model->tok, token, n);
    *n = has_bit(c->shared->vocab.has_text, token) ? *n : 0;
    return text;
}

/* Advance the automaton by a token that the grammar allows: by its bytes, its name, or both. */
static lfm_status advance(lfm_constraint *c, int32_t token, lfm_error *err) {
    constraint_shared *w = c->shared;
    automaton *a = w->automaton;
    size_t n = 0;
    const char *text = tok_bytes(w->model->tok, token, &n);
    uint32_t states[2] = {c->state, c->state}; /* by bytes, by name */
    automaton_pin pin = {0};
    lfm_status st = LFM_OK;
    automaton_hold(a, &pin, states, 2);
    for (size_t i = 0; i < n && has_bit(w->vocab.has_text, token) && st == LFM_OK; i++) {
        st = automaton_step(a, &states[0], (uint8_t)text[i], &states[0], err);
    }
    if (!has_bit(w->vocab.has_text, token)) {
        states[0] = STATE_DEAD;
    }
    for (size_t i = 0; i < a->g->n_tokens; i++) {
        w->matches[i] = a->g->tokens[i].negated
                            ? w->named[i] != token && has_bit(w->vocab.has_text, token)
                            : w->named[i] == token;
    }
    if (st == LFM_OK) st = automaton_step_token(a, &states[1], w->matches, &states[1], err);
    if (st == LFM_OK) st = automaton_join(a, states, &c->state, err);
    automaton_release(a, &pin);
    return st;
}

/* Take the byte that led to *state as the next one of the text, unless it repeats something. */
static lfm_status note_byte(lfm_constraint *c, char byte, uint32_t state, bool *repeats,
                            lfm_error *err) {
    const bool marked = automaton_bits(c->shared->automaton, state) & STATE_MARKED;
    const keys_place held = keys_hold(&c->keys);
    keys_result result = keys_byte(&c->keys, byte, marked);
    keys_back(&c->keys, &held);
    if (result == KEYS_FINE) {
        result = keys_byte(&c->keys, byte, marked);
    }
    *repeats = result == KEYS_REPEATS;
    return result == KEYS_NO_MEMORY ? constraint_no_memory(err) : LFM_OK;
}

/* Take bytes that are allowed in *from, which is pinned and moves. */
static lfm_status note_text(lfm_constraint *c, uint32_t *from, const char *text, size_t n,
                            lfm_error *err) {
    lfm_status st = LFM_OK;
    bool repeats = false;
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        if (c->shared->ahead) {
            st = automaton_step(c->shared->automaton, from, (uint8_t)text[i], from, err);
        }
        if (st == LFM_OK) st = note_byte(c, text[i], *from, &repeats, err);
    }
    return st;
}

/* Add a token that the grammar allows to the text, if the checks beside it do, too. */
static lfm_status accept_token(lfm_constraint *c, int32_t token, lfm_error *err) {
    bool allowed = true;
    size_t n = 0;
    const char *text = text_of(c, token, &n);
    uint32_t from = c->state;
    automaton_pin pin = {0};
    n = c->shared->unique_keys ? n : 0;
    lfm_status st = n > 0 ? check_text(c, text, n, &allowed, err) : LFM_OK;
    if (st == LFM_OK && !allowed) st = cannot_follow(c, token, err);
    if (st != LFM_OK) return st;
    automaton_hold(c->shared->automaton, &pin, &from, 1);
    st = advance(c, token, err);
    if (st == LFM_OK) {
        c->thoughts.phase = THOUGHTS_TEXT;
        st = note_text(c, &from, text, n, err);
    }
    automaton_release(c->shared->automaton, &pin);
    return st;
}

lfm_status lfm_constraint_accept(lfm_constraint *c, int32_t token, lfm_error *err) {
    err_clear(err);
    const constraint_shared *w = c->shared;
    const uint64_t *bits = NULL;
    if (token < 0 || (size_t)token >= w->vocab.n_vocab) {
        return err_set(err, LFM_ERR_ARG, "there is no token %" PRId32, token);
    }
    if (c->thoughts.phase == THOUGHTS_INSIDE) return accept_thought(c, token, err);
    if (c->ended) return cannot_follow(c, token, err);
    const lfm_status st = mask_get(&c->shared->mask, &c->state, &bits, err);
    if (st != LFM_OK) return st;
    if (has_bit(bits, token)) return accept_token(c, token, err);
    if (!also_allowed(c, token)) return cannot_follow(c, token, err);
    if (is_break(c, token)) {
        size_t n = 0;
        tok_bytes(w->model->tok, token, &n);
        c->n_breaks += n;
    } else if (token == w->open) {
        c->thoughts.phase = THOUGHTS_INSIDE;
    } else {
        c->ended = true;
    }
    return LFM_OK;
}

/* ---- Given text ----------------------------------------------------------------------------- */

static lfm_status accept_byte(lfm_constraint *c, char byte, lfm_error *err) {
    if (c->thoughts.phase == THOUGHTS_INSIDE) {
        thoughts_take(&c->thoughts, &byte, 1);
        return LFM_OK;
    }
    if (c->thoughts.phase == THOUGHTS_BREAKS && byte == '\n') return LFM_OK;
    bool repeats = false;
    c->thoughts.phase = THOUGHTS_TEXT;
    lfm_status st =
        automaton_step(c->shared->automaton, &c->state, (uint8_t)byte, &c->state, err);
    if (st == LFM_OK && c->shared->unique_keys) {
        st = note_byte(c, byte, c->state, &repeats, err);
    }
    c->state = repeats ? STATE_DEAD : c->state;
    return st;
}

lfm_status lfm_constraint_accept_text(lfm_constraint *c, const char *text, size_t n,
                                      lfm_error *err) {
    err_clear(err);
    lfm_constraint *before = NULL; /* to restore after an error */
    lfm_status st = lfm_constraint_clone(&before, c, err);
    bool undecided = false;
    size_t i = 0;
    if (st == LFM_OK && c->thoughts.phase == THOUGHTS_BEGIN && c->shared->open >= 0) {
        i = thoughts_opening(text, n, &undecided);
        c->thoughts.phase = i > 0 ? THOUGHTS_INSIDE : THOUGHTS_BEGIN;
    }
    for (; i < n && st == LFM_OK; i++) {
        st = c->ended ? LFM_OK : accept_byte(c, text[i], err);
        if (st == LFM_OK && (c->state == STATE_DEAD || c->ended)) {
            const size_t shown = n - i < 40 ? n - i : 40;
            st = err_set(err, LFM_ERR_ARG, "byte %zu, '%.*s', cannot follow", i + 1, (int)shown,
                         text + i);
        }
    }
    if (st != LFM_OK && before) {
        c->thoughts = before->thoughts;
        c->ended = before->ended;
        c->state = before->state;
        const keys_open keys = c->keys;
        c->keys = before->keys;
        before->keys = keys;
    }
    lfm_constraint_free(before);
    return st;
}

/* ---- Forced text ---------------------------------------------------------------------------- */

/* Could a longer token stand in the place of `last`, which ends at byte `n` of the forced text? */
static lfm_status may_grow(lfm_constraint *c, const char *text, size_t n, int32_t last, bool *grows,
                           lfm_error *err) {
    constraint_shared *w = c->shared;
    size_t len = 0;
    const char *bytes = tok_bytes(w->model->tok, last, &len);
    uint32_t at = c->state;
    automaton_pin pin = {0};
    const uint64_t *bits = NULL;
    lfm_status st = LFM_OK;
    automaton_hold(w->automaton, &pin, &at, 1);
    for (size_t i = 0; i + len < n && st == LFM_OK; i++) {
        st = automaton_step(w->automaton, &at, (uint8_t)text[i], &at, err);
    }
    if (st == LFM_OK) st = mask_get(&w->mask, &at, &bits, err);
    *grows = st == LFM_OK && (trie_has_longer(&w->vocab.brief, bytes, len, bits) ||
                              trie_has_longer(&w->vocab.lengthy, bytes, len, bits));
    automaton_release(w->automaton, &pin);
    return st;
}

/* Tokenize the forced bytes. */
static lfm_status encode_forced(lfm_constraint *c, const char *text, size_t n, bool final,
                                tok_list *list, lfm_error *err) {
    const constraint_shared *w = c->shared;
    bool grows = false;
    lfm_status st = tok_encode(w->model->tok, text, n, false, list, err);
    for (size_t i = 0; i < list->n && st == LFM_OK; i++) {
        if (!has_bit(w->vocab.has_text, list->ids[i])) {
            list->n = 0; /* the name of a special token: the sampler has to spell it */
        }
    }
    if (st == LFM_OK && list->n > 0 && !final) {
        st = may_grow(c, text, n, list->ids[list->n - 1], &grows, err);
        list->n -= grows;
    }
    return st;
}

lfm_status lfm_constraint_forced(lfm_constraint *c, int32_t **tokens, size_t *n, lfm_error *err) {
    err_clear(err);
    *tokens = NULL;
    *n = 0;
    if (!lfm_constraint_has_begun(c) || c->ended) return LFM_OK;
    automaton *a = c->shared->automaton;
    char text[MAX_FORCED];
    size_t n_bytes = 0;
    uint32_t at = c->state;
    automaton_pin pin = {0};
    tok_list list = {0};
    lfm_status st = LFM_OK;
    automaton_hold(a, &pin, &at, 1);
    for (int byte = automaton_only_byte(a, at); byte >= 0 && n_bytes < MAX_FORCED && st == LFM_OK;
         byte = automaton_only_byte(a, at)) {
        text[n_bytes++] = (char)byte;
        st = automaton_step(a, &at, (uint8_t)byte, &at, err);
    }
    if (st == LFM_OK && n_bytes > 0) {
        st = encode_forced(c, text, n_bytes, a->states[at].n == 0, &list, err);
    }
    automaton_release(a, &pin);
    if (st != LFM_OK || list.n == 0) {
        tok_list_free(&list);
        return st;
    }
    *tokens = list.ids;
    *n = list.n;
    return LFM_OK;
}
