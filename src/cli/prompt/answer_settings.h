/*
 * answer_settings.h - from the command line to the settings of an answer.
 */
#ifndef CLI_PROMPT_ANSWER_SETTINGS_H
#define CLI_PROMPT_ANSWER_SETTINGS_H

#include "cli/options/options.h"

#include "lfm.h"

/* What the options say about an answer.  Its strings are theirs. */
lfm_answer_options answer_settings(const cli_options *o);

#endif
