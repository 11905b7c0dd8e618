/*
 * prompt_tokens.h - a prompt as tokens.
 */
#ifndef CLI_PROMPT_PROMPT_TOKENS_H
#define CLI_PROMPT_PROMPT_TOKENS_H

#include "base/json.h"
#include "cli/options/options.h"
#include "cli/prompt/conversation.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is an empty prompt. */
typedef struct {
    int32_t *ids; // [n]
    size_t n;
    char *text; /* [text_len] what they spell: the rendered conversation, or the text */
    size_t text_len;
} prompt_tokens;

/* The tokens of a conversation through the model's chat template, with --prefill behind it. */
lfm_status prompt_tokenize_chat(prompt_tokens *p, const lfm_model *m, const cli_options *o,
                                const conversation *c, lfm_error *err);

/* With --raw, those of a text as it is.  `first`: it begins a text, and is no continuation. */
lfm_status prompt_tokenize_raw(prompt_tokens *p, const lfm_model *m, const cli_options *o,
                               const json_out *text, bool first, lfm_error *err);

/* Make the prompt what the session holds, with a line of progress: `what` happens, `when` it is
 * shown (term.h).  Ctrl-C stops it with LFM_ERR_STOPPED. */
lfm_status prompt_evaluate(lfm_session *s, const prompt_tokens *p, const char *what, int when,
                           size_t *n_reused, lfm_error *err);

void prompt_tokens_drop(prompt_tokens *p); /* safe on a zeroed struct */

#endif
