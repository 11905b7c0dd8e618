/*
 * prompt.h - collecting the prompt from the command line, files and standard input.
 *
 * The text of the user is never altered: no escapes, no trimming, no cutting.  shared/input.h says
 * what is part of a text file.
 */
#ifndef CLI_PROMPT_PROMPT_H
#define CLI_PROMPT_PROMPT_H

#include "base/json.h"
#include "cli/options/options.h"
#include "cli/prompt/conversation.h"
#include "cli/prompt/tools_offered.h"

#include <stdbool.h>
#include <stddef.h>

/* Read all parts of the prompt, in their order, with a blank line between them.  Standard input
 * comes first if it is a file, pipe or socket, unless an option reads it (-f -) or forbids it (-N).
 * *any: was there a prompt at all?  An empty standard input does not count; -p "" does. */
lfm_status prompt_read(json_out *text, bool *any, const cli_options *o, lfm_error *err);

/* The text of -sys or -sysf; empty without them. */
lfm_status prompt_read_system(json_out *system, const cli_options *o, lfm_error *err);

/* Read the file of --messages: a list of messages, or an object with "messages" and perhaps
 * "tools", which count as those of --tools do, unless there are some. */
lfm_status prompt_read_messages(conversation *c, tools_offered *tools, const cli_options *o,
                                lfm_error *err);

/* Build the conversation of a prompt in `c`, with the tools: the system prompt, and `text` as the
 * user's message.  If `c` already holds the messages of a session (`continues`), its system prompt
 * stays, and one that is given must be the same. */
lfm_status prompt_conversation(conversation *c, const cli_options *o, bool continues,
                               const tools_offered *tools, const json_out *text, lfm_error *err);

#endif
