/*
 * help_topics.h - lfm help TOPIC, and the tables of exit codes and variables that the manual page
 * prints as well.
 */
#ifndef CLI_HELP_HELP_TOPICS_H
#define CLI_HELP_HELP_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Print a topic; false when there is none of this name. */
bool help_topic(FILE *to, const char *name);

/* The name of topic i; NULL past the end. */
const char *help_topic_name(size_t i);

typedef struct {
    const char *name, *text;
} help_fact;

/* What the exit codes and the variables of the environment mean.  The last row has no name. */
extern const help_fact help_exit_codes[];
extern const help_fact help_environment[];

#endif
