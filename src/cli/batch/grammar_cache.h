/*
 * grammar_cache.h - the forms that lines of `lfm batch` ask for; those used last are kept ready.
 */
#ifndef CLI_BATCH_GRAMMAR_CACHE_H
#define CLI_BATCH_GRAMMAR_CACHE_H

#include "cli/prompt/answer_grammar.h"

enum { FORMS_IN_USE = 64, FORMS_KEPT = 8 };

typedef struct cached_grammar cached_grammar;

/* A zeroed struct is a valid empty one. */
typedef struct {
    cached_grammar *all[FORMS_IN_USE + FORMS_KEPT];
    size_t n_asked;
} grammar_cache;

/* The grammar that `text` describes, ready for answers of the model.  It stays until
 * grammar_cache_give_back was called as often.  At most FORMS_IN_USE different ones at a time.
 * LFM_ERR_ARG says what is wrong with the text. */
lfm_status grammar_cache_get(grammar_cache *f, lfm_constraint_kind kind, const json_out *text,
                             const lfm_model *m, const cli_options *o, cached_grammar **out,
                             lfm_error *err);
void grammar_cache_give_back(cached_grammar *cached); /* NULL is fine */

const answer_grammar *grammar_cache_of(const cached_grammar *cached);

void grammar_cache_drop(grammar_cache *f);

#endif
