/*
 * stream.h - printing an answer while it grows: text to the output, thoughts to standard error.
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
    bool thoughts;         /* show thoughts, on standard error */
    bool dim;              /* print thoughts dim */
    size_t shown;          /* bytes of text that are written */
    size_t thoughts_shown;
    bool ends_line;        /* the last byte of the output is a newline */
} stream;

/* Write bytes to the output; on a terminal, escape those that are not printable. */
lfm_status stream_bytes(stream *s, const char *bytes, size_t n, lfm_error *err);

/* Print the thoughts, or the text, that settled since the last call. */
void stream_thoughts(stream *s, const lfm_answer_state *a);
lfm_status stream_text(stream *s, const lfm_answer_state *a, lfm_error *err);

#endif
