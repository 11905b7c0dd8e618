/*
 * completion.h - lfm completion: what shells need to complete command lines, from the tables.
 */
#ifndef CLI_HELP_COMPLETION_H
#define CLI_HELP_COMPLETION_H

/* Print the script of a shell; NULL, like any other name, is a wrong command line.  Returns the
 * exit code. */
int completion_print(const char *shell);

#endif
