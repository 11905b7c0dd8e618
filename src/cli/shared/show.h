/*
 * show.h - an answer while it grows: its text where results go, thoughts for people who watch.
 */
#ifndef CLI_SHARED_SHOW_H
#define CLI_SHARED_SHOW_H

#include "answer/text.h"
#include "cli/shared/output.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct with an open output is ready. */
typedef struct {
    output out;
    bool thoughts;         /* show them, on standard error */
    bool dim;              /* in colour */
    size_t shown;          /* bytes of answer.text that were written */
    size_t thoughts_shown;
    bool ends_line;        /* the last byte that was written is a newline */
} show;

/* Write bytes to the output: as they are, or printable when it is a terminal. */
lfm_status show_bytes(show *s, const char *bytes, size_t n, lfm_error *err);

/* Show the thoughts, or the text, that have settled since. */
void show_thoughts(show *s, const answer *a);
lfm_status show_text(show *s, const answer *a, lfm_error *err);

#endif
