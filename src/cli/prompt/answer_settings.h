/*
 * answer_settings.h - command-line options -> lfm_answer_options.
 */
#ifndef CLI_PROMPT_ANSWER_SETTINGS_H
#define CLI_PROMPT_ANSWER_SETTINGS_H

#include "base/json.h"
#include "cli/options/options.h"

#include "lfm.h"

/* How to generate an answer that begins with `begins` (prompt_tokens.begins; may be NULL) and may
 * call the functions of a JSON list.  The strings belong to the options and to the caller. */
lfm_answer_options answer_settings(const cli_options *o, const char *begins,
                                   const json_out *tools);

#endif
