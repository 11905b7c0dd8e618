/*
 * lfm_constrain.c - the public interface of constrained answers: grammars meet vocabularies.
 *
 * An answer has phases.  A model that thinks may begin with <think>; what it thinks is free, and
 * </think> and the line breaks after it lead to the text, which the grammar rules byte by byte.
 * This follows the same rules by which the command line tells thoughts from text.
 */
#include "lfm_parts.h"

#include "base/json.h"
#include "constrain/choices.h"
#include "constrain/concise.h"
#include "constrain/mask.h"
#include "constrain/schema.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char open_tag[] = "<think>";
static const char close_tag[] = "</think>";
enum { CLOSE_LEN = sizeof close_tag - 1 };

enum {
    MAX_BREAKS = 8,     /* line breaks between thoughts and text; models write two */
    MAX_FORCED = 2048,  /* bytes that are appended at once */
};

struct lfm_grammar {
    grammar inner;
};

/* What the clones of a constraint share. */
typedef struct {
    size_t n_users;
    const lfm_model *model;
    automaton *automaton;
    mask_vocab vocab;
    mask mask;
    int32_t *named;      // [n_tokens] ids of the tokens that the grammar names
    bool *matches;       // [n_tokens]
    int32_t open, close; /* tokens of the tags; -1 = thoughts are not allowed */
    int32_t *risky;      // [n_risky] tokens with text behind a '>', which might end a thought
    size_t n_risky;
    int32_t *extras;     // [n_extras] tokens that may follow where the grammar does not say so
    float *kept;         // [n_extras] their logits
    size_t n_extras;
} workings;

typedef enum { PHASE_BEGIN, PHASE_THOUGHT, PHASE_BREAKS, PHASE_TEXT, PHASE_ENDED } phase;

struct lfm_constraint {
    workings *shared;
    phase phase;
    uint32_t state; /* pinned */
    automaton_pin pin;
    size_t matched; /* bytes of </think> that a thought ends in */
    size_t n_breaks;
};

/* ---- Grammars ------------------------------------------------------------------------------- */

lfm_status lfm_grammar_new(lfm_grammar **out, lfm_constraint_kind kind, const char *text,
                           size_t len, lfm_error *err) {
    err_clear(err);
    *out = NULL;
    char *gbnf = NULL;
    char *schema = NULL;
    lfm_status st = LFM_OK;
    switch (kind) {
    case LFM_CONSTRAINT_GBNF: break;
    case LFM_CONSTRAINT_CHOICES: st = choices_to_gbnf(&gbnf, text, len, err); break;
    case LFM_CONSTRAINT_JSON_SCHEMA: st = schema_to_gbnf(&gbnf, text, len, err); break;
    case LFM_CONSTRAINT_TOOLS:
    case LFM_CONSTRAINT_TOOL:
        st = schema_tools_to_gbnf(&gbnf, text, len, kind == LFM_CONSTRAINT_TOOL, err);
        break;
    case LFM_CONSTRAINT_CONCISE:
        st = concise_to_schema(&schema, text, len, err);
        st = st == LFM_OK ? schema_to_gbnf(&gbnf, schema, strlen(schema), err) : st;
        break;
    default:
        st = err_set(err, LFM_ERR_UNSUPPORTED, "there is no constraint of kind %d", (int)kind);
    }
    lfm_grammar *g = st == LFM_OK ? calloc(1, sizeof *g) : NULL;
    if (st == LFM_OK && !g) {
        st = err_set(err, LFM_ERR_MEMORY, "out of memory for a grammar");
    }
    if (st == LFM_OK) {
        st = grammar_parse(&g->inner, gbnf ? gbnf : text, gbnf ? strlen(gbnf) : len, err);
    }
    free(schema);
    free(gbnf);
    if (st != LFM_OK) {
        lfm_grammar_free(g);
        return st;
    }
    *out = g;
    return LFM_OK;
}

void lfm_grammar_free(lfm_grammar *g) {
    if (g) {
        grammar_free(&g->inner);
        free(g);
    }
}

/* ---- What clones share ---------------------------------------------------------------------- */

static lfm_status no_memory(lfm_error *err) {
    return err_set(err, LFM_ERR_MEMORY, "out of memory for a constraint");
}

static void release(workings *w) {
    if (!w || --w->n_users > 0) {
        return;
    }
    mask_drop(&w->mask);
    automaton_free(w->automaton);
    mask_vocab_drop(&w->vocab);
    free(w->named);
    free(w->matches);
    free(w->risky);
    free(w->extras);
    free(w->kept);
    free(w);
}

/* Control tokens and the tags have no text: a grammar means characters when it says so. */
static lfm_status read_vocab(workings *w, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    const size_t n = tok_n_vocab(tok);
    const int32_t tags[2] = {tok_find(tok, open_tag, sizeof open_tag - 1),
                             tok_find(tok, close_tag, CLOSE_LEN)};
    trie_text *texts = calloc(n + 1, sizeof *texts);
    if (!texts) {
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const int32_t id = (int32_t)i;
        if (!tok_is_control(tok, id) && !tok_is_end(tok, id) && id != tags[0] && id != tags[1]) {
            texts[i].ptr = tok_bytes(tok, id, &texts[i].len);
        }
    }
    const lfm_status st = mask_vocab_init(&w->vocab, texts, n, err);
    free(texts);
    return st;
}

static lfm_status find_named(workings *w, const grammar *g, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    w->named = calloc(g->n_tokens + 1, sizeof *w->named);
    w->matches = calloc(g->n_tokens + 1, sizeof *w->matches);
    if (!w->named || !w->matches) {
        return no_memory(err);
    }
    for (size_t i = 0; i < g->n_tokens; i++) {
        const grammar_token *t = &g->tokens[i];
        const char *name = g->names + t->name;
        w->named[i] = t->id >= 0 ? t->id : tok_find(tok, name, t->len);
        if (w->named[i] < 0 || (size_t)w->named[i] >= tok_n_vocab(tok)) {
            return err_set(err, LFM_ERR_ARG, "the grammar names the token %.*s, which the model "
                           "does not have", t->len > 60 ? 60 : (int)t->len, name);
        }
    }
    return LFM_OK;
}

static bool all_breaks(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n') {
            return false;
        }
    }
    return true;
}

/* Does the text go on behind a '>' with more than line breaks? */
static bool is_risky(const char *text, size_t n) {
    while (n > 0 && text[n - 1] == '\n') {
        n--;
    }
    return n > 1 && memchr(text, '>', n - 1) != NULL;
}

static lfm_status allow_thoughts(workings *w, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    const size_t n = tok_n_vocab(tok);
    w->open = tok_find(tok, open_tag, sizeof open_tag - 1);
    w->close = tok_find(tok, close_tag, CLOSE_LEN);
    if (w->open < 0 || w->close < 0) {
        w->open = w->close = -1;
        return LFM_OK;
    }
    w->risky = calloc(n + 1, sizeof *w->risky);
    if (!w->risky) {
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *text = tok_bytes(tok, (int32_t)i, &len);
        if (!tok_is_control(tok, (int32_t)i) && is_risky(text, len)) {
            w->risky[w->n_risky++] = (int32_t)i;
        }
    }
    return LFM_OK;
}

/* The ends of an answer, <think>, and line breaks after </think>. */
static lfm_status find_extras(workings *w, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    const size_t n = tok_n_vocab(tok);
    w->extras = calloc(n + 1, sizeof *w->extras);
    w->kept = calloc(n + 1, sizeof *w->kept);
    if (!w->extras || !w->kept) {
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const int32_t id = (int32_t)i;
        size_t len = 0;
        const char *text = tok_bytes(tok, id, &len);
        const bool breaks = w->open >= 0 && len > 0 && len <= MAX_BREAKS && all_breaks(text, len);
        if (tok_is_end(tok, id) || id == w->open || breaks) {
            w->extras[w->n_extras++] = id;
        }
    }
    return LFM_OK;
}

static lfm_status make_workings(workings *w, const lfm_grammar *g, int flags, lfm_error *err) {
    lfm_status st = read_vocab(w, err);
    if (st == LFM_OK) {
        st = find_named(w, &g->inner, err);
    }
    if (st == LFM_OK) {
        st = automaton_new(&w->automaton, &g->inner, err);
    }
    if (st == LFM_OK) {
        st = mask_init(&w->mask, &w->vocab, w->automaton, w->named, err);
    }
    if (st == LFM_OK && flags & LFM_CONSTRAINT_THOUGHTS) {
        st = allow_thoughts(w, err);
    }
    if (st == LFM_OK) {
        st = find_extras(w, err);
    }
    return st;
}

/* ---- Life ----------------------------------------------------------------------------------- */

lfm_status lfm_constraint_new(lfm_constraint **out, const lfm_model *m, const lfm_grammar *g,
                              int flags, lfm_error *err) {
    err_clear(err);
    *out = NULL;
    lfm_constraint *c = calloc(1, sizeof *c);
    workings *w = calloc(1, sizeof *w);
    if (!c || !w) {
        free(c);
        free(w);
        return no_memory(err);
    }
    *w = (workings){.n_users = 1, .model = m, .open = -1, .close = -1};
    c->shared = w;
    const lfm_status st = make_workings(w, g, flags, err);
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
        release(c->shared);
        free(c);
    }
}

lfm_status lfm_constraint_clone(lfm_constraint **out, const lfm_constraint *c, lfm_error *err) {
    err_clear(err);
    lfm_constraint *copy = calloc(1, sizeof *copy);
    *out = copy;
    if (!copy) {
        return no_memory(err);
    }
    *copy = *c;
    copy->shared->n_users++;
    automaton_hold(copy->shared->automaton, &copy->pin, &copy->state, 1);
    return LFM_OK;
}

void lfm_constraint_reset(lfm_constraint *c) {
    c->phase = PHASE_BEGIN;
    c->state = c->shared->automaton->start;
    c->matched = 0;
    c->n_breaks = 0;
}

bool lfm_constraint_has_begun(const lfm_constraint *c) {
    return c->phase == PHASE_TEXT || c->phase == PHASE_ENDED ||
           (c->phase == PHASE_BEGIN && c->shared->open < 0);
}

bool lfm_constraint_is_complete(const lfm_constraint *c) {
    return c->phase != PHASE_THOUGHT &&
           automaton_bits(c->shared->automaton, c->state) & STATE_ACCEPTS;
}

bool lfm_constraint_is_final(const lfm_constraint *c) {
    return c->phase == PHASE_ENDED || (lfm_constraint_is_complete(c) &&
                                       c->shared->automaton->states[c->state].n == 0);
}

/* ---- Sets of tokens ------------------------------------------------------------------------- */

static bool has_bit(const uint64_t *bits, int32_t token) {
    return bits[token / 64] >> token % 64 & 1;
}

/* Leave the logits of the tokens in `bits`; true if there are any. */
static bool apply(const uint64_t *bits, float *logits, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t keep = bits[i / 64];
        const size_t end = i + 64 < n ? i + 64 : n;
        any |= keep != 0;
        if (keep == UINT64_MAX) {
            continue;
        }
        for (size_t k = i; k < end; k++, keep >>= 1) {
            logits[k] = keep & 1 ? logits[k] : -INFINITY;
        }
    }
    return any;
}

/* ---- Thoughts ------------------------------------------------------------------------------- */

/* How much of </think> the thought ends in after one more byte.  No beginning of it is also its
 * middle, so the longest match begins at this byte or goes on. */
static size_t match_close(size_t matched, char byte) {
    return byte == close_tag[matched] ? matched + 1 : byte == close_tag[0];
}

/* The bytes of a token that is thought; the place behind </think>, or n + 1 if it does not come. */
static size_t think(size_t *matched, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        *matched = match_close(*matched, text[i]);
        if (*matched == CLOSE_LEN) {
            return i + 1;
        }
    }
    return n + 1;
}

/* Would this token end the thought and begin the text at once, unseen by the grammar? */
static bool overshoots(const lfm_constraint *c, int32_t token) {
    size_t n = 0;
    const char *text = tok_bytes(c->shared->model->tok, token, &n);
    size_t matched = c->matched;
    const size_t end = think(&matched, text, n);
    return end < n && !all_breaks(text + end, n - end);
}

/* A token of line breaks only, between the thoughts and the text, that is not part of the text. */
static bool is_break(const lfm_constraint *c, int32_t token) {
    size_t n = 0;
    const char *text = tok_bytes(c->shared->model->tok, token, &n);
    return c->phase == PHASE_BREAKS && n > 0 && c->n_breaks + n <= MAX_BREAKS &&
           !tok_is_control(c->shared->model->tok, token) && all_breaks(text, n);
}

/* Everything but control tokens, ends, and what would end the thought unseen. */
static void mask_thought(const lfm_constraint *c, float *logits) {
    const workings *w = c->shared;
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

/* Tokens beside those that the grammar allows. */
static bool also_allowed(const lfm_constraint *c, int32_t token) {
    const workings *w = c->shared;
    return (c->phase == PHASE_BEGIN && token == w->open && w->open >= 0) || is_break(c, token) ||
           (tok_is_end(w->model->tok, token) && lfm_constraint_is_complete(c));
}

lfm_status lfm_constraint_mask(lfm_constraint *c, float *logits, lfm_error *err) {
    err_clear(err);
    workings *w = c->shared;
    const uint64_t *bits = NULL;
    if (c->phase == PHASE_THOUGHT) {
        mask_thought(c, logits);
        return LFM_OK;
    }
    if (c->phase == PHASE_ENDED) {
        return err_set(err, LFM_ERR_ARG, "the answer has ended: no token can follow");
    }
    const lfm_status st = mask_get(&w->mask, &c->state, &bits, err);
    if (st != LFM_OK) {
        return st;
    }
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
               : err_set(err, LFM_ERR_UNSUPPORTED, "the vocabulary has no token with which a text "
                         "of this grammar could go on");
}

/* ---- What follows --------------------------------------------------------------------------- */

static lfm_status cannot_follow(const lfm_constraint *c, int32_t token, lfm_error *err) {
    size_t n = 0;
    const char *text = tok_bytes(c->shared->model->tok, token, &n);
    return err_set(err, LFM_ERR_ARG, "token %" PRId32 " ('%.*s') cannot follow", token,
                   n > 60 ? 60 : (int)n, text);
}

static lfm_status accept_thought(lfm_constraint *c, int32_t token, lfm_error *err) {
    const workings *w = c->shared;
    size_t n = 0;
    const char *text = tok_bytes(w->model->tok, token, &n);
    if (token == w->close) {
        c->phase = PHASE_BREAKS;
        return LFM_OK;
    }
    if (tok_is_control(w->model->tok, token) || tok_is_end(w->model->tok, token) ||
        overshoots(c, token)) {
        return cannot_follow(c, token, err);
    }
    const size_t end = think(&c->matched, text, n);
    if (end <= n) {
        c->phase = PHASE_BREAKS;
        c->n_breaks = n - end;
    }
    return LFM_OK;
}

/* A token that the grammar allows moves it on: by its bytes, by its name, or both. */
static lfm_status advance(lfm_constraint *c, int32_t token, lfm_error *err) {
    workings *w = c->shared;
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
    if (st == LFM_OK) {
        st = automaton_step_token(a, &states[1], w->matches, &states[1], err);
    }
    if (st == LFM_OK) {
        st = automaton_join(a, states, &c->state, err);
    }
    automaton_release(a, &pin);
    return st;
}

lfm_status lfm_constraint_accept(lfm_constraint *c, int32_t token, lfm_error *err) {
    err_clear(err);
    const workings *w = c->shared;
    const uint64_t *bits = NULL;
    if (token < 0 || (size_t)token >= w->vocab.n_vocab) {
        return err_set(err, LFM_ERR_ARG, "there is no token %" PRId32, token);
    }
    if (c->phase == PHASE_THOUGHT) {
        return accept_thought(c, token, err);
    }
    if (c->phase == PHASE_ENDED) {
        return cannot_follow(c, token, err);
    }
    lfm_status st = mask_get(&c->shared->mask, &c->state, &bits, err);
    if (st != LFM_OK) {
        return st;
    }
    if (has_bit(bits, token)) {
        st = advance(c, token, err);
        c->phase = st == LFM_OK ? PHASE_TEXT : c->phase;
        return st;
    }
    if (!also_allowed(c, token)) {
        return cannot_follow(c, token, err);
    }
    if (is_break(c, token)) {
        size_t n = 0;
        tok_bytes(w->model->tok, token, &n);
        c->n_breaks += n;
    } else {
        c->phase = token == w->open ? PHASE_THOUGHT : PHASE_ENDED;
    }
    return LFM_OK;
}

/* ---- Text that is given --------------------------------------------------------------------- */

/* Bytes of `text` up to the end of a <think> that it begins with, white space before it included;
 * 0 = there is none. */
static size_t opening(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && memchr(" \t\r\n", text[i], 4)) {
        i++;
    }
    const size_t len = sizeof open_tag - 1;
    return n - i >= len && memcmp(text + i, open_tag, len) == 0 ? i + len : 0;
}

static lfm_status accept_byte(lfm_constraint *c, char byte, lfm_error *err) {
    if (c->phase == PHASE_THOUGHT) {
        c->matched = match_close(c->matched, byte);
        c->phase = c->matched == CLOSE_LEN ? PHASE_BREAKS : PHASE_THOUGHT;
        return LFM_OK;
    }
    if (c->phase == PHASE_BREAKS && byte == '\n') {
        return LFM_OK;
    }
    c->phase = PHASE_TEXT;
    return automaton_step(c->shared->automaton, &c->state, (uint8_t)byte, &c->state, err);
}

lfm_status lfm_constraint_accept_text(lfm_constraint *c, const char *text, size_t n,
                                      lfm_error *err) {
    err_clear(err);
    lfm_constraint *before = NULL; /* to go back to */
    lfm_status st = lfm_constraint_clone(&before, c, err);
    size_t i = 0;
    if (st == LFM_OK && c->phase == PHASE_BEGIN && c->shared->open >= 0) {
        i = opening(text, n);
        c->phase = i > 0 ? PHASE_THOUGHT : PHASE_BEGIN;
    }
    for (; i < n && st == LFM_OK; i++) {
        st = c->phase == PHASE_ENDED ? LFM_OK : accept_byte(c, text[i], err);
        if (st == LFM_OK && (c->state == STATE_DEAD || c->phase == PHASE_ENDED)) {
            const size_t shown = n - i < 40 ? n - i : 40;
            st = err_set(err, LFM_ERR_ARG, "byte %zu, '%.*s', cannot follow", i + 1, (int)shown,
                         text + i);
        }
    }
    if (st != LFM_OK && before) {
        c->phase = before->phase;
        c->state = before->state;
        c->matched = before->matched;
    }
    lfm_constraint_free(before);
    return st;
}

/* ---- Text that is forced -------------------------------------------------------------------- */

/* Might the model want a longer token in place of the last one, which ends at byte `n` of the
 * forced text? */
static lfm_status may_grow(lfm_constraint *c, const char *text, size_t n, int32_t last, bool *grows,
                           lfm_error *err) {
    workings *w = c->shared;
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
    if (st == LFM_OK) {
        st = mask_get(&w->mask, &at, &bits, err);
    }
    *grows = st == LFM_OK && (trie_has_longer(&w->vocab.brief, bytes, len, bits) ||
                              trie_has_longer(&w->vocab.lengthy, bytes, len, bits));
    automaton_release(w->automaton, &pin);
    return st;
}

/* The forced bytes as the tokens that the tokenizer makes of them. */
static lfm_status encode_forced(lfm_constraint *c, const char *text, size_t n, bool final,
                                tok_list *list, lfm_error *err) {
    const workings *w = c->shared;
    bool grows = false;
    lfm_status st = tok_encode(w->model->tok, text, n, false, list, err);
    for (size_t i = 0; i < list->n && st == LFM_OK; i++) {
        if (!has_bit(w->vocab.has_text, list->ids[i])) {
            list->n = 0; /* the text of a special token: leave it to the sampler to spell it */
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
    if (!lfm_constraint_has_begun(c) || c->phase == PHASE_ENDED) {
        return LFM_OK;
    }
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
