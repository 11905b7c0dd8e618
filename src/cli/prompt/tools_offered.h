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
} offered_tool;

/* A zeroed struct is an empty list. */
typedef struct {
    offered_tool *all; // [n]
    size_t n;
} tools_offered;

/* Read the file of --tools, if there is one; then check --tool-choice.  The file holds a list of
 * functions, bare or as in the OpenAI interface, one alone, or an object with "tools". */
lfm_status tools_read(tools_offered *list, const cli_options *o, lfm_error *err);

/* The same for tools that were parsed already.  `where` they come from is for errors; `choice` is
 * --tool-choice or the like, NULL for auto. */
lfm_status tools_take(tools_offered *list, const json_value *tools, const char *where,
                      const char *choice, lfm_error *err);

/* Must the answer be a call? */
bool tools_required(const cli_options *o);

/* Append a JSON list of those that `choice` allows; NULL and the words that name no tool: all. */
void tools_write(json_out *json, const tools_offered *list, const char *choice);

void tools_drop(tools_offered *list); /* safe on a zeroed struct */

#endif
