/*
 * batch_lines.h - reading the lines of `lfm batch`, and the ids that --resume skips.
 */
#ifndef CLI_BATCH_BATCH_LINES_H
#define CLI_BATCH_BATCH_LINES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Lines of a file or of standard input. */
typedef struct {
    int fd;
    const char *name;
    bool owned;      /* line_close closes `fd` */
    bool ended;
    char *text;      /* [cap] the buffer; bytes [at, len) are unread */
    size_t at, len, cap;
    size_t n_lines;  /* lines read so far, empty ones included */
    size_t n_total;  /* lines of a regular file; 0 = unknown */
} line_source;

/* `path` NULL or "-": standard input. */
lfm_status line_open(line_source *in, const char *path, lfm_error *err);

/* The next line that is not empty, without its newline; valid until the next call.  With `wait`
 * false, do not block: *got is false when no line is available now, or at the end. */
lfm_status line_next(line_source *in, bool wait, const char **text, size_t *len, bool *got,
                     lfm_error *err);

void line_close(line_source *in); /* safe on a zeroed struct */

/* Ids, as JSON texts. */
typedef struct {
    char **ids; /* [n], sorted */
    size_t n, cap;
} id_set;

/* Read the ids of the answers in a file, which may be absent.  A last line without a newline is
 * incomplete, from a program that was killed: remove it from the file. */
lfm_status id_set_read(id_set *set, const char *path, lfm_error *err);
bool id_set_has(const id_set *set, const char *id);
void id_set_drop(id_set *set); /* safe on a zeroed struct */

#endif
