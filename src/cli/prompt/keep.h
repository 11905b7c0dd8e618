/*
 * keep.h - what `lfm run` keeps in files between two runs: sessions and prompt caches.
 *
 * A session is a conversation that goes on: the messages lie in the file as JSON, beside what the
 * model remembers of them.  A prompt cache is only that memory, of some text that prompts begin
 * with.
 */
#ifndef CLI_PROMPT_KEEP_H
#define CLI_PROMPT_KEEP_H

#include "base/json.h"
#include "cli/options/options.h"

#include "lfm.h"

#include <stddef.h>
#include <stdint.h>

/* The conversation so far.  A zeroed struct is an empty one. */
typedef struct {
    json_doc doc;
    const json_value *messages; /* NULL: the session is new, or has no template */
} keep_past;

/* Load the file of --session or --prompt-cache, if there is one, into `s`. */
lfm_status keep_load(keep_past *past, lfm_session *s, const cli_options *o, lfm_error *err);
void keep_drop(keep_past *past); /* safe on a zeroed struct */

/* --prompt-cache: save the prompt, unless all of it came from there or it may not be changed. */
lfm_status keep_prompt(lfm_session *s, const cli_options *o, size_t n_reused, lfm_error *err);

/* --session: save everything.  `conversation` is what the answer was given to, as JSON (NULL with
 * --raw), `answer` the text of it, `calls` the calls of tools in it (toolcall.h). */
lfm_status keep_session(lfm_session *s, const cli_options *o, const json_out *conversation,
                        const char *answer, size_t answer_len, const json_out *calls,
                        lfm_error *err);

/* The calls of an answer (toolcall.h) as a member of its message: , "tool_calls": [{"type": ..,
 * "function": {"name": .., "arguments": {..}}},..]; nothing when there are none. */
void keep_write_calls(json_out *note, const json_out *calls);

/* --on-overflow shift: the context is full.  Keep the first --keep tokens (the one that begins a
 * text in any case) and the later half of the others, and evaluate that afresh: convolutions
 * remember what attention could forget, so there is no cheaper way that is right. */
lfm_status keep_shift(lfm_session *s, const lfm_model *m, const cli_options *o, lfm_error *err);

#endif
