/*
 * help.h - help texts, made from the tables of commands and options.
 */
#ifndef CLI_HELP_HELP_H
#define CLI_HELP_HELP_H

#include "cli/options/options.h"

#include <stdio.h>

/* `lfm help`. */
void help_overview(FILE *to);

/* `lfm help COMMAND`. */
void help_command(FILE *to, const cli_command *command);

#endif
