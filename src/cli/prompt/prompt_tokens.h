/*
 * prompt_tokens.h - a conversation or a text -> the tokens of a prompt.
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
    char *text; /* [text_len] the text of the tokens: the rendered conversation, or the raw text */
    size_t text_len;
    char *begins; /* how the answer begins: what the chat template opens (<think>), and --prefill;
                     NULL = with nothing */
} prompt_tokens;

/* Render a conversation with the model's chat template, append --prefill, and tokenize it.  A
 * template may end in <think>: the answer then begins inside its thoughts. */
lfm_status prompt_tokenize_chat(prompt_tokens *p, const lfm_model *m, const cli_options *o,
                                const conversation *c, lfm_error *err);

/* With --raw: tokenize a text as it is, with --prefill.  `first`: the text is not a continuation,
 * so it gets the beginning-of-text token. */
lfm_status prompt_tokenize_raw(prompt_tokens *p, const lfm_model *m, const cli_options *o,
                               const json_out *text, bool first, lfm_error *err);

/* Evaluate the prompt, so that the session holds exactly its tokens.  `what` names the work on the
 * progress line, `when` says when to show the line (term.h).  Ctrl-C: LFM_ERR_STOPPED. */
lfm_status prompt_evaluate(lfm_session *s, const prompt_tokens *p, const char *what, int when,
                           size_t *n_reused, lfm_error *err);

/* How many tokens two lists have in common at their beginning. */
size_t prompt_tokens_common(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b);

void prompt_tokens_drop(prompt_tokens *p); /* safe on a zeroed struct */

#endif
