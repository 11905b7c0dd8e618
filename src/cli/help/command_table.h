/*
 * command_table.h - every command, once: its name, its help and its function.
 */
#ifndef CLI_HELP_COMMAND_TABLE_H
#define CLI_HELP_COMMAND_TABLE_H

#include "cli/options/options.h"

#include <stddef.h>

extern const cli_command commands[];
extern const size_t n_commands;

/* The command of this name or alias; NULL = none. */
const cli_command *cli_find_command(const char *name);

#endif
