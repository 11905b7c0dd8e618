/*
 * grammar_cache.c - compiled forms by their text.
 *
 * Many lines ask for the same form, and compiling one costs more than a short answer.  Some that
 * nobody uses now are kept, so memory stays bounded whatever the lines ask for.
 */
#include "cli/batch/grammar_cache.h"

#include <stdlib.h>
#include <string.h>

enum { N_PLACES = FORMS_IN_USE + FORMS_KEPT };

struct cached_grammar {
    lfm_constraint_kind kind;
    char *text;
    size_t len;
    answer_grammar form;
    size_t n_users;
    size_t last_asked;
};

static void drop(cached_grammar *form) {
    if (form) {
        form_drop(&form->form);
        free(form->text);
        free(form);
    }
}

static cached_grammar *find(const grammar_cache *f, lfm_constraint_kind kind,
                            const json_out *text) {
    for (size_t i = 0; i < N_PLACES; i++) {
        cached_grammar *form = f->all[i];
        if (form && form->kind == kind && form->len == text->len &&
            memcmp(form->text, text->ptr, text->len) == 0) {
            return form;
        }
    }
    return NULL;
}

/* A place for one more: an empty one, or that of the form which has been idle longest. */
static size_t make_place(grammar_cache *f) {
    size_t n_idle = 0;
    size_t empty = N_PLACES;
    size_t oldest = N_PLACES;
    for (size_t i = 0; i < N_PLACES; i++) {
        const cached_grammar *form = f->all[i];
        if (!form) {
            empty = i;
        } else if (form->n_users == 0) {
            n_idle++;
            oldest = oldest == N_PLACES || form->last_asked < f->all[oldest]->last_asked ? i
                                                                                         : oldest;
        }
    }
    if (oldest < N_PLACES && (n_idle >= FORMS_KEPT || empty == N_PLACES)) {
        drop(f->all[oldest]);
        f->all[oldest] = NULL;
        return oldest;
    }
    return empty;
}

static cached_grammar *new_form(lfm_constraint_kind kind, const json_out *text) {
    cached_grammar *form = calloc(1, sizeof *form);
    char *copy = malloc(text->len + 1);
    if (!form || !copy) {
        free(form);
        free(copy);
        return NULL;
    }
    memcpy(copy, text->ptr, text->len + 1);
    form->kind = kind;
    form->text = copy;
    form->len = text->len;
    return form;
}

lfm_status grammar_cache_get(grammar_cache *f, lfm_constraint_kind kind, const json_out *text,
                             const lfm_model *m, const cli_options *o, cached_grammar **out,
                             lfm_error *err) {
    cached_grammar *form = find(f, kind, text);
    *out = NULL;
    if (!form) {
        const size_t place = make_place(f);
        form = place < N_PLACES ? new_form(kind, text) : NULL;
        if (!form) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory for the form of the answer");
        }
        lfm_status st = lfm_grammar_new(&form->form.grammar, kind, form->text, form->len, err);
        if (st == LFM_OK) st = form_bind(&form->form, m, o, err);
        if (st != LFM_OK) {
            drop(form);
            return st == LFM_ERR_MEMORY ? st : LFM_ERR_ARG;
        }
        f->all[place] = form;
    }
    form->n_users++;
    form->last_asked = ++f->n_asked;
    *out = form;
    return LFM_OK;
}

void grammar_cache_give_back(cached_grammar *form) {
    if (form) {
        form->n_users--;
    }
}

const answer_grammar *grammar_cache_of(const cached_grammar *form) {
    return &form->form;
}

void grammar_cache_drop(grammar_cache *f) {
    for (size_t i = 0; i < N_PLACES; i++) {
        drop(f->all[i]);
    }
    *f = (grammar_cache){0};
}
