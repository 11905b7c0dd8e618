/*
 * stream.h - an answer while it grows: its text where results go, thoughts for people who watch.
 */
#ifndef CLI_SHARED_STREAM_H
#define CLI_SHARED_STREAM_H

#include "cli/shared/output.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct with an open output is ready. */
typedef struct {
    output out;
    bool thoughts;         /* show them, on standard error */
    bool dim;              /* in colour */
    size_t shown;          /* bytes of the text that were written */
    size_t thoughts_shown;
    bool ends_line;        /* the last byte that was written is a newline */
} stream;

/* Write bytes to the output: as they are, or printable when it is a terminal. */
lfm_status stream_bytes(stream *s, const char *bytes, size_t n, lfm_error *err);

/* Show the thoughts, or the text, that have settled since. */
void stream_thoughts(stream *s, const lfm_answer_state *a);
lfm_status stream_text(stream *s, const lfm_answer_state *a, lfm_error *err);

#endif
