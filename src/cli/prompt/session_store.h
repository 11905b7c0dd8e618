/*
 * session_store.h - the files of --session and --prompt-cache: loading and saving them.
 *
 * A session file holds a conversation that later runs continue: its messages as JSON, and the state
 * of the model after them.  A prompt cache holds only the state, after a text that prompts begin
 * with.
 */
#ifndef CLI_PROMPT_SESSION_STORE_H
#define CLI_PROMPT_SESSION_STORE_H

#include "cli/options/options.h"
#include "cli/prompt/conversation.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* Load the file of --session or --prompt-cache, if it exists, into `s`, and the messages of a
 * session into `past`.  *continues: the file holds a conversation. */
lfm_status session_store_load(conversation *past, bool *continues, lfm_session *s,
                              const cli_options *o, lfm_error *err);

/* --prompt-cache: save the state after the prompt, unless all of it came from the cache, or the
 * cache is read-only. */
lfm_status session_store_prompt(lfm_session *s, const cli_options *o, size_t n_reused,
                                lfm_error *err);

/* --session: save the state and the conversation; NULL = a text without a conversation (--raw). */
lfm_status session_store_save(lfm_session *s, const cli_options *o, const conversation *c,
                              lfm_error *err);

#endif
