/*
 * tools_offered.h - the functions that a model may call: --tools and --tool-choice.
 */
#ifndef CLI_PROMPT_TOOLS_OFFERED_H
#define CLI_PROMPT_TOOLS_OFFERED_H

#include "base/json.h"
#include "cli/options/options.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *name;
    json_out json; /* its declaration */
    bool left_out; /* of grammars: --tools-lenient */
} offered_tool;

/* A zeroed struct is an empty list. */
typedef struct {
    offered_tool *all; // [n]
    size_t n;
} tools_offered;

/* Read the file of --tools, if given, and check --tool-choice.  The file holds a list of functions,
 * plain or in OpenAI's format; a single function; or an object with "tools". */
lfm_status tools_read(tools_offered *list, const cli_options *o, lfm_error *err);

/* The same for tools that are parsed already.  `where` names their source in errors.  `choice` is
 * the value of --tool-choice or of a "tool_choice"; NULL = auto. */
lfm_status tools_take(tools_offered *list, const json_value *tools, const char *where,
                      const char *choice, lfm_error *err);

/* Does --tool-choice demand a call? */
bool tools_required(const cli_options *o);

/* With --tools-lenient, leave tools whose parameters cannot be compiled out of grammars, and tell a
 * person.  They are offered to the model all the same. */
lfm_status tools_be_lenient(tools_offered *list, const cli_options *o, lfm_error *err);

/* Append a JSON list of the tools: all of them (NULL), as they are offered; or those that may be
 * called, for the word or the name of --tool-choice.  False if there are none. */
bool tools_write(json_out *json, const tools_offered *list, const char *choice);

void tools_drop(tools_offered *list); /* safe on a zeroed struct */

#endif
