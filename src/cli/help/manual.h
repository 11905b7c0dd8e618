/*
 * manual.h - lfm man: the manual page, from the tables.
 */
#ifndef CLI_HELP_MANUAL_H
#define CLI_HELP_MANUAL_H

#include <stdio.h>

/* Print the page as source for man(1). */
void manual_print(FILE *to);

#endif
