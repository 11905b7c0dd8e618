/*
 * batch_lines.h - where the lines of `lfm batch` come from, and which are answered already.
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
    bool owned;      /* close it */
    bool ended;
    char *text;      /* [cap]; bytes [at, len) are not taken yet */
    size_t at, len, cap;
    size_t n_lines;  /* taken so far, empty ones included */
    size_t n_total;  /* lines of a regular file; 0 = not known */
} line_source;

/* `path` NULL or "-": standard input. */
lfm_status line_open(line_source *in, const char *path, lfm_error *err);

/* The next line that is not empty, without its newline, valid until the next call.  With `wait`
 * false only one that is there already.  *got is false when there is none (now, or at the end). */
lfm_status line_next(line_source *in, bool wait, const char **text, size_t *len, bool *got,
                     lfm_error *err);

void line_close(line_source *in); /* safe on a zeroed struct */

/* Ids, as JSON texts. */
typedef struct {
    char **ids; /* [n], sorted */
    size_t n, cap;
} id_set;

/* The ids of the answers in a file; an absent file has none.  A last line without its newline
 * was cut off by an end of the program: it is taken off the file. */
lfm_status id_set_read(id_set *set, const char *path, lfm_error *err);
bool id_set_has(const id_set *set, const char *id);
void id_set_drop(id_set *set); /* safe on a zeroed struct */

#endif
