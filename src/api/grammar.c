/*
 * grammar.c - grammars, and what the clones of a constraint share.
 */
#include "api/constraint_internal.h"

#include "constrain/gbnf/compile.h"
#include "constrain/brief/choices.h"
#include "constrain/brief/concise.h"
#include "constrain/json/schema.h"

#include <stdlib.h>
#include <string.h>

struct lfm_grammar {
    grammar inner;
    char *notes;  /* lines; NULL = none */
    bool is_json; /* its texts are JSON, or tool calls that contain JSON */
};

/* Elements that must differ may be more than there are. */
static lfm_status check_marks(const grammar *g, lfm_error *err) {
    automaton *a = NULL;
    ahead *h = NULL;
    bool has_text = true;
    lfm_status st = automaton_new(&a, g, err);
    if (st == LFM_OK) st = ahead_new(&h, a, err);
    if (st == LFM_OK) st = ahead_has_text(h, &has_text, err);
    ahead_free(h);
    automaton_free(a);
    if (st != LFM_OK || has_text) return st;
    return err_set(err, LFM_ERR_ARG, "no text satisfies the schema: uniqueItems asks for more "
                                     "elements than there are different ones");
}

/* ---- Grammars ------------------------------------------------------------------------------- */

lfm_status lfm_grammar_new(lfm_grammar **out, lfm_constraint_kind kind, const char *text,
                           size_t len, lfm_error *err) {
    err_clear(err);
    *out = NULL;
    char *gbnf = NULL;
    char *schema = NULL;
    char *notes = NULL;
    lfm_status st = LFM_OK;
    switch (kind) {
    case LFM_CONSTRAINT_GBNF: break;
    case LFM_CONSTRAINT_CHOICES: st = choices_to_gbnf(&gbnf, text, len, err); break;
    case LFM_CONSTRAINT_JSON_SCHEMA: st = schema_to_gbnf(&gbnf, &notes, text, len, err); break;
    case LFM_CONSTRAINT_TOOLS:
    case LFM_CONSTRAINT_TOOL:
        st = schema_tools_to_gbnf(&gbnf, &notes, text, len, kind == LFM_CONSTRAINT_TOOL, err);
        break;
    case LFM_CONSTRAINT_CONCISE:
        st = concise_to_schema(&schema, text, len, err);
        st = st == LFM_OK ? schema_to_gbnf(&gbnf, &notes, schema, strlen(schema), err) : st;
        break;
    default:
        st = err_set(err, LFM_ERR_UNSUPPORTED, "there is no constraint of kind %d", (int)kind);
    }
    lfm_grammar *g = st == LFM_OK ? calloc(1, sizeof *g) : NULL;
    if (st == LFM_OK && !g) st = err_no_memory(err, "a grammar");
    if (st == LFM_OK) {
        g->is_json = kind != LFM_CONSTRAINT_GBNF && kind != LFM_CONSTRAINT_CHOICES;
        lfm_error why = {0};
        st = gbnf_compile(&g->inner, gbnf ? gbnf : text, gbnf ? strlen(gbnf) : len, &why);
        if (st != LFM_OK && g->is_json && strstr(why.text, "no text satisfies")) {
            const size_t n = notes ? strcspn(notes, "\n") : 0;
            err_set(err, st, "no value satisfies the schema, or none that a grammar can express%s"
                    "%.*s", n > 0 ? ": " : "", (int)n, n > 0 ? notes : "");
        } else if (st != LFM_OK) {
            err_set(err, st, "%s", why.text);
        }
    }
    if (st == LFM_OK && !g->is_json && g->inner.n_marks > 0) {
        st = err_set(err, LFM_ERR_ARG, "the grammar has an '@', which GBNF does not know");
    }
    if (st == LFM_OK && g->inner.n_marks > 0) st = check_marks(&g->inner, err);
    free(schema);
    free(gbnf);
    if (st != LFM_OK) {
        free(notes);
        lfm_grammar_free(g);
        return st;
    }
    g->notes = notes;
    *out = g;
    return LFM_OK;
}

void lfm_grammar_free(lfm_grammar *g) {
    if (g) {
        grammar_free(&g->inner);
        free(g->notes);
        free(g);
    }
}

const char *lfm_grammar_notes(const lfm_grammar *g) {
    return g->notes ? g->notes : "";
}

/* ---- A grammar and a model ------------------------------------------------------------------ */

lfm_status constraint_no_memory(lfm_error *err) {
    return err_no_memory(err, "a constraint");
}

bool constraint_all_breaks(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n') return false;
    }
    return true;
}

void constraint_shared_release(constraint_shared *w) {
    if (!w || --w->n_users > 0) return;
    mask_drop(&w->mask);
    ahead_free(w->ahead);
    automaton_free(w->automaton);
    mask_vocab_drop(&w->vocab);
    free(w->named);
    free(w->matches);
    free(w->risky);
    free(w->extras);
    free(w->kept);
    free(w->watched);
    free(w->narrowed);
    free(w);
}

/* Leave control tokens and the tags without text: the characters of a grammar never match them. */
static lfm_status read_vocab(constraint_shared *w, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    const size_t n = tok_n_vocab(tok);
    const int32_t tags[2] = {tok_find(tok, THINK_OPEN, sizeof THINK_OPEN - 1),
                             tok_find(tok, THINK_CLOSE, sizeof THINK_CLOSE - 1)};
    trie_text *texts = calloc(n + 1, sizeof *texts);
    if (!texts) return constraint_no_memory(err);
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

static lfm_status find_named(constraint_shared *w, const grammar *g, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    w->named = calloc(g->n_tokens + 1, sizeof *w->named);
    w->matches = calloc(g->n_tokens + 1, sizeof *w->matches);
    if (!w->named || !w->matches) return constraint_no_memory(err);
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

/* Is there more than line breaks after a '>' in the text? */
static bool is_risky(const char *text, size_t n) {
    while (n > 0 && text[n - 1] == '\n') {
        n--;
    }
    return n > 1 && memchr(text, '>', n - 1) != NULL;
}

static lfm_status allow_thoughts(constraint_shared *w, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    const size_t n = tok_n_vocab(tok);
    w->open = tok_find(tok, THINK_OPEN, sizeof THINK_OPEN - 1);
    w->close = tok_find(tok, THINK_CLOSE, sizeof THINK_CLOSE - 1);
    if (w->open < 0 || w->close < 0) {
        w->open = w->close = -1;
        return LFM_OK;
    }
    w->risky = calloc(n + 1, sizeof *w->risky);
    if (!w->risky) return constraint_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *text = tok_bytes(tok, (int32_t)i, &len);
        if (!tok_is_control(tok, (int32_t)i) && is_risky(text, len)) {
            w->risky[w->n_risky++] = (int32_t)i;
        }
    }
    return LFM_OK;
}

/* Tokens that end an answer, <think>, and line breaks that may follow </think>. */
static lfm_status find_extras(constraint_shared *w, lfm_error *err) {
    const tokenizer *tok = w->model->tok;
    const size_t n = tok_n_vocab(tok);
    w->extras = calloc(n + 1, sizeof *w->extras);
    w->kept = calloc(n + 1, sizeof *w->kept);
    if (!w->extras || !w->kept) return constraint_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const int32_t id = (int32_t)i;
        size_t len = 0;
        const char *text = tok_bytes(tok, id, &len);
        const bool breaks = w->open >= 0 && len > 0 && len <= CONSTRAINT_MAX_BREAKS &&
                            constraint_all_breaks(text, len);
        if (tok_is_end(tok, id) || id == w->open || breaks) {
            w->extras[w->n_extras++] = id;
        }
    }
    return LFM_OK;
}

/* Tokens that the checks beside the grammar look at even where no marked bracket is open. */
static lfm_status find_watched(constraint_shared *w, const grammar *g, lfm_error *err) {
    const size_t n = w->vocab.n_vocab;
    w->watched = calloc(mask_words(n) + 1, sizeof *w->watched);
    w->narrowed = calloc(mask_words(n) + 1, sizeof *w->narrowed);
    if (!w->watched || !w->narrowed) return constraint_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *text = tok_bytes(w->model->tok, (int32_t)i, &len);
        const bool quoted = len > 0 && memchr(text, '"', len);
        const bool opens = g->n_marks > 0 && len > 0 &&
                           (memchr(text, '[', len) || memchr(text, '{', len));
        const bool is_long = g->n_marks > 0 && len > AHEAD_FREE_BYTES;
        w->watched[i / 64] |= (uint64_t)(quoted || opens || is_long) << i % 64;
    }
    return g->n_marks > 0 ? ahead_new(&w->ahead, w->automaton, err) : LFM_OK;
}

lfm_status constraint_shared_make(constraint_shared *w, const lfm_grammar *g, int flags,
                                  lfm_error *err) {
    lfm_status st = read_vocab(w, err);
    if (st == LFM_OK) st = find_named(w, &g->inner, err);
    if (st == LFM_OK) st = automaton_new(&w->automaton, &g->inner, err);
    if (st == LFM_OK) st = mask_init(&w->mask, &w->vocab, w->automaton, w->named, err);
    if (st == LFM_OK && flags & LFM_CONSTRAINT_THOUGHTS) st = allow_thoughts(w, err);
    if (st == LFM_OK) st = find_extras(w, err);
    w->unique_keys = g->is_json;
    if (st == LFM_OK && w->unique_keys) st = find_watched(w, &g->inner, err);
    return st;
}
