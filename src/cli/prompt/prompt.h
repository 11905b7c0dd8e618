/*
 * prompt.h - from the command line, files and standard input to the text of the prompt.
 *
 * What the user gave is never altered: no escapes, no trimming, no cutting.
 */
#ifndef CLI_PROMPT_PROMPT_H
#define CLI_PROMPT_PROMPT_H

#include "base/json.h"
#include "cli/options/options.h"
#include "cli/prompt/conversation.h"
#include "cli/prompt/tools_offered.h"

#include <stdbool.h>
#include <stddef.h>

/* All parts, in their order, with a blank line between them.  Standard input comes first if it is a
 * file, pipe or socket and nobody placed it (-f -) or declined it (-N).
 * *any: was there a prompt at all?  An empty standard input is none; -p "" is one. */
lfm_status prompt_read(json_out *text, bool *any, const cli_options *o, lfm_error *err);

/* The text of -sys or -sysf; empty without them. */
lfm_status prompt_read_system(json_out *system, const cli_options *o, lfm_error *err);

/* The conversation of a prompt, with the tools: that of --messages; or the system prompt, unless
 * `c` `continues` one that has it, and `text` as the user's message. */
lfm_status prompt_conversation(conversation *c, const cli_options *o, bool continues,
                               const tools_offered *tools, const json_out *text, lfm_error *err);

#endif
