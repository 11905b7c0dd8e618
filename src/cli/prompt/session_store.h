/*
 * session_store.h - what is kept in files between two runs: sessions and prompt caches.
 *
 * A session is a conversation that continues: its messages lie in the file as JSON, beside what
 * the model remembers of them.  A prompt cache is only that memory, of a text that prompts begin
 * with.
 */
#ifndef CLI_PROMPT_SESSION_STORE_H
#define CLI_PROMPT_SESSION_STORE_H

#include "cli/options/options.h"
#include "cli/prompt/conversation.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* Load the file of --session or --prompt-cache, if there is one, into `s`, and the messages of a
 * session into `past`.  *continues: there are some. */
lfm_status session_store_load(conversation *past, bool *continues, lfm_session *s,
                              const cli_options *o, lfm_error *err);

/* --prompt-cache: save the prompt, unless all of it came from there or it may not be changed. */
lfm_status session_store_prompt(lfm_session *s, const cli_options *o, size_t n_reused,
                                lfm_error *err);

/* --session: save everything, with the conversation; NULL = a text without one (--raw). */
lfm_status session_store_save(lfm_session *s, const cli_options *o, const conversation *c,
                              lfm_error *err);

#endif
