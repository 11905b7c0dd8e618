/*
 * prompt.h - from the command line, files and standard input to the text of the prompt.
 *
 * What the user gave is never altered: no escapes, no trimming, no cutting.
 */
#ifndef CLI_PROMPT_PROMPT_H
#define CLI_PROMPT_PROMPT_H

#include "base/json.h"
#include "cli/options/options.h"

#include <stdbool.h>
#include <stddef.h>

/* Append the whole of a file to `text`; "-" is standard input.  `drop_newline`: without the last
 * newline, if there is one. */
lfm_status prompt_read_file(json_out *text, const char *path, bool drop_newline, lfm_error *err);

/* All parts, in their order, with a blank line between them.  Standard input comes first if it is a
 * file, pipe or socket and nobody placed it (-f -) or declined it (-N).
 * *any: was there a prompt at all?  An empty standard input is none; -p "" is one. */
lfm_status prompt_read(json_out *text, bool *any, const cli_options *o, lfm_error *err);

/* The conversation for lfm_chat_tokenize: --messages, or the system prompt or the messages `past`
 * (NULL: none), and `text`; with the list of `tools` (NULL or empty: none). */
lfm_status prompt_conversation(json_out *json, const cli_options *o, const json_value *past,
                               const json_out *tools, const json_out *text, lfm_error *err);

#endif
