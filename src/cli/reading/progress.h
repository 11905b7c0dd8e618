/*
 * progress.h - the progress line of a session that reads a prompt.
 */
#ifndef CLI_READING_PROGRESS_H
#define CLI_READING_PROGRESS_H

#include "cli/reading/cost.h"
#include "cli/shared/term.h"

#include "lfm.h"

#include <stdint.h>

typedef struct {
    const char *what; /* names the work */
    lfm_session *session;
    uint32_t first, end; /* positions: where it began, where it will end */
    uint32_t pos;        /* after the last batch .. */
    double at;           /* .. which ended at this time */
    reading_times times;
    term_progress line;
} reading_progress;

/* Show the evaluations of a session until reading_progress_end; Ctrl-C stops them.  `when` as for
 * term_progress_start.  `end` is the position at which the last evaluation ends.  Keeps `what`. */
void reading_progress_start(reading_progress *p, lfm_session *s, const char *what, uint32_t end,
                            int when);
void reading_progress_end(reading_progress *p);

#endif
