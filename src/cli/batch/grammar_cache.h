/*
 * grammar_cache.h - compiled grammars by their text, for the lines of `lfm batch`.
 */
#ifndef CLI_BATCH_GRAMMAR_CACHE_H
#define CLI_BATCH_GRAMMAR_CACHE_H

#include "cli/prompt/answer_grammar.h"

enum { GRAMMARS_IN_USE = 64, GRAMMARS_KEPT = 8 };

typedef struct cached_grammar cached_grammar;

/* A zeroed struct is a valid empty one. */
typedef struct {
    cached_grammar *all[GRAMMARS_IN_USE + GRAMMARS_KEPT];
    size_t n_requests;
    bool told; /* what a grammar ignores; once is enough */
} grammar_cache;

/* Get the grammar of `text`, compiled for the model.  It stays valid until grammar_cache_give_back.
 * At most GRAMMARS_IN_USE different ones at a time.  LFM_ERR_ARG for an error in the text. */
lfm_status grammar_cache_get(grammar_cache *f, lfm_constraint_kind kind, const json_out *text,
                             const lfm_model *m, const cli_options *o, cached_grammar **out,
                             lfm_error *err);
void grammar_cache_give_back(cached_grammar *cached); /* NULL is fine */

const answer_grammar *grammar_cache_of(const cached_grammar *cached);

void grammar_cache_drop(grammar_cache *f);

#endif
