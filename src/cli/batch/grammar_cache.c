/*
 * grammar_cache.c - compiled grammars by their text, for the lines of `lfm batch`.
 *
 * Many lines have the same grammar, and compiling one costs more than a short answer.  At most
 * GRAMMARS_KEPT unused grammars are kept, so memory stays bounded whatever the lines contain.
 */
#include "cli/batch/grammar_cache.h"

#include <stdlib.h>
#include <string.h>

enum { N_PLACES = GRAMMARS_IN_USE + GRAMMARS_KEPT };

struct cached_grammar {
    lfm_constraint_kind kind;
    char *text;
    size_t len;
    answer_grammar grammar;
    size_t n_users;
    size_t last_request;
};

static void drop(cached_grammar *cached) {
    if (cached) {
        answer_grammar_drop(&cached->grammar);
        free(cached->text);
        free(cached);
    }
}

static cached_grammar *find(const grammar_cache *f, lfm_constraint_kind kind,
                            const json_out *text) {
    for (size_t i = 0; i < N_PLACES; i++) {
        cached_grammar *cached = f->all[i];
        if (cached && cached->kind == kind && cached->len == text->len &&
            memcmp(cached->text, text->ptr, text->len) == 0) {
            return cached;
        }
    }
    return NULL;
}

/* Find a place for a grammar: an empty one, or that of the least recently used idle grammar. */
static size_t make_place(grammar_cache *f) {
    size_t n_idle = 0;
    size_t empty = N_PLACES;
    size_t oldest = N_PLACES;
    for (size_t i = 0; i < N_PLACES; i++) {
        const cached_grammar *cached = f->all[i];
        if (!cached) {
            empty = i;
        } else if (cached->n_users == 0) {
            n_idle++;
            oldest = oldest == N_PLACES || cached->last_request < f->all[oldest]->last_request
                         ? i
                         : oldest;
        }
    }
    if (oldest < N_PLACES && (n_idle >= GRAMMARS_KEPT || empty == N_PLACES)) {
        drop(f->all[oldest]);
        f->all[oldest] = NULL;
        return oldest;
    }
    return empty;
}

static cached_grammar *new_cached(lfm_constraint_kind kind, const json_out *text) {
    cached_grammar *cached = calloc(1, sizeof *cached);
    char *copy = malloc(text->len + 1);
    if (!cached || !copy) {
        free(cached);
        free(copy);
        return NULL;
    }
    memcpy(copy, text->ptr, text->len + 1);
    cached->kind = kind;
    cached->text = copy;
    cached->len = text->len;
    return cached;
}

lfm_status grammar_cache_get(grammar_cache *f, lfm_constraint_kind kind, const json_out *text,
                             const lfm_model *m, const cli_options *o, cached_grammar **out,
                             lfm_error *err) {
    cached_grammar *cached = find(f, kind, text);
    *out = NULL;
    if (!cached) {
        const size_t place = make_place(f);
        cached = place < N_PLACES ? new_cached(kind, text) : NULL;
        if (!cached) return err_no_memory(err, "the grammar of the answer");
        lfm_status st =
            lfm_grammar_new(&cached->grammar.grammar, kind, cached->text, cached->len, err);
        if (st == LFM_OK) st = answer_grammar_bind(&cached->grammar, m, o, err);
        if (st != LFM_OK) {
            drop(cached);
            return st == LFM_ERR_MEMORY ? st : LFM_ERR_ARG;
        }
        f->all[place] = cached;
        f->told = f->told || answer_grammar_tell(&cached->grammar, o);
    }
    cached->n_users++;
    cached->last_request = ++f->n_requests;
    *out = cached;
    return LFM_OK;
}

void grammar_cache_give_back(cached_grammar *cached) {
    if (cached) {
        cached->n_users--;
    }
}

const answer_grammar *grammar_cache_of(const cached_grammar *cached) {
    return &cached->grammar;
}

void grammar_cache_drop(grammar_cache *f) {
    for (size_t i = 0; i < N_PLACES; i++) {
        drop(f->all[i]);
    }
    *f = (grammar_cache){0};
}
