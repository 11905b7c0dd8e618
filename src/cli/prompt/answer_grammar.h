/*
 * answer_grammar.h - what answers must match: --json-schema, --schema, --choices, --grammar.
 */
#ifndef CLI_PROMPT_ANSWER_GRAMMAR_H
#define CLI_PROMPT_ANSWER_GRAMMAR_H

#include "cli/options/options.h"
#include "cli/prompt/tools_offered.h"

#include "lfm.h"

/* A zeroed struct is a valid empty one: any answer will do. */
typedef struct {
    lfm_grammar *grammar;  /* NULL = no option asks for a form */
    lfm_constraint *first; /* at the beginning of an answer; others are its clones */
} answer_grammar;

/* Read what the options say; needs no model.  `tools` are those of --tools; may be NULL.
 * LFM_ERR_ARG names the option. */
lfm_status answer_grammar_read(answer_grammar *f, const cli_options *o, const tools_offered *tools,
                               lfm_error *err);

/* Make it ready for answers of a model. */
lfm_status answer_grammar_bind(answer_grammar *f, const lfm_model *m, const cli_options *o,
                               lfm_error *err);

/* The constraint of one answer, which begins with the text of --prefill if there is one; NULL in
 * *out when any answer will do. */
lfm_status answer_grammar_begin(const answer_grammar *f, const cli_options *o, lfm_constraint **out,
                                lfm_error *err);

void answer_grammar_drop(answer_grammar *f);

#endif
