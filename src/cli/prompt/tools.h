/*
 * tools.h - the functions that a model may call: --tools and --tool-choice.
 */
#ifndef CLI_PROMPT_TOOLS_H
#define CLI_PROMPT_TOOLS_H

#include "base/json.h"
#include "cli/options/options.h"

/* The file of --tools as a JSON list, as the chat template wants it; nothing is written without
 * the option.  The file holds a list of functions, bare or as in the OpenAI interface, one alone,
 * or an object with "tools".  Also checks --tool-choice. */
lfm_status tools_read(json_out *list, const cli_options *o, lfm_error *err);

/* The same for tools that were read already.  `where` they come from is for errors; `choice` is
 * --tool-choice or the like, NULL for auto. */
lfm_status tools_list(json_out *list, const json_value *tools, const char *where,
                      const char *choice, lfm_error *err);

/* Must the answer be a call? */
bool tools_required(const cli_options *o);

/* Those of the list that --tool-choice leaves. */
lfm_status tools_chosen(json_out *chosen, const json_out *list, const cli_options *o,
                        lfm_error *err);

#endif
