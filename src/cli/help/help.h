/*
 * help.h - help texts, manual page and completions, made from the tables of commands and options.
 */
#ifndef CLI_HELP_HELP_H
#define CLI_HELP_HELP_H

#include "cli/options/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Help on standard output, from the tables. */
void help_overview(FILE *to);
void help_command(FILE *to, const cli_command *command);

/* What is no command; false when there is no such topic. */
bool help_topic(FILE *to, const char *name);
const char *help_topic_name(size_t i); /* NULL past the end */

/* What the exit codes and the variables of the environment mean; the last one has no name. */
typedef struct {
    const char *name, *text;
} cli_fact;
extern const cli_fact exit_codes[];
extern const cli_fact environment[];

/* The completion script of a shell (NULL is a mistake too); returns the exit code. */
int completion_print(const char *shell);

/* The manual page, for man(1). */
void manual_print(FILE *to);

#endif
