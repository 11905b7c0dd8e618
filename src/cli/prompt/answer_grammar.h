/*
 * answer_grammar.h - the grammar of answers: --json-schema, --schema, --choices, --grammar.
 */
#ifndef CLI_PROMPT_ANSWER_GRAMMAR_H
#define CLI_PROMPT_ANSWER_GRAMMAR_H

#include "cli/options/options.h"
#include "cli/prompt/tools_offered.h"

#include "lfm.h"

/* A zeroed struct is valid: answers are unconstrained. */
typedef struct {
    lfm_grammar *grammar;  /* NULL = unconstrained */
    lfm_constraint *first; /* at the beginning of an answer; each answer gets a clone */
} answer_grammar;

/* Compile the grammar that the options name; needs no model.  `tools` are those of --tools; may be
 * NULL.  LFM_ERR_ARG names the option. */
lfm_status answer_grammar_read(answer_grammar *f, const cli_options *o, tools_offered *tools,
                               lfm_error *err);

/* Tell a person what the grammar ignores, unless -q; true if there was anything. */
bool answer_grammar_tell(const answer_grammar *f, const cli_options *o);

/* Prepare the grammar for the vocabulary of a model. */
lfm_status answer_grammar_bind(answer_grammar *f, const lfm_model *m, const cli_options *o,
                               lfm_error *err);

/* *out is the constraint of one answer, advanced by how it begins (prompt_tokens.begins; may be
 * NULL); NULL when answers are unconstrained. */
lfm_status answer_grammar_begin(const answer_grammar *f, const char *begins, lfm_constraint **out,
                                lfm_error *err);

void answer_grammar_drop(answer_grammar *f);

#endif
