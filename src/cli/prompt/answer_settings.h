/*
 * answer_settings.h - command-line options -> lfm_answer_options.
 */
#ifndef CLI_PROMPT_ANSWER_SETTINGS_H
#define CLI_PROMPT_ANSWER_SETTINGS_H

#include "cli/options/options.h"

#include "lfm.h"

/* How to generate an answer.  The strings belong to the options. */
lfm_answer_options answer_settings(const cli_options *o);

#endif
