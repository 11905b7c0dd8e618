/*
 * history.h - lines that were entered before.
 *
 * The file has one line each, with \n and \\ for line breaks and backslashes inside; mode 0600.
 */
#ifndef CLI_LINEEDIT_HISTORY_H
#define CLI_LINEEDIT_HISTORY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { HISTORY_MAX = 1000 }; /* lines that are kept */

/* A zeroed struct is an empty history without a file. */
typedef struct {
    char **lines; /* [n], the oldest first; owned, NUL-terminated */
    size_t n;
    char *path;   /* NULL: nothing is written */
} history;

/* Read `path`, if it is there, and write new lines to it from now on.  Folders are made. */
lfm_status history_open(history *h, const char *path, lfm_error *err);

/* $XDG_STATE_HOME/lfm/history, or the same under ~/.local/state; false when neither is known or the
 * path is too long. */
bool history_default_path(char *path, size_t cap);

/* Add a line (not an empty one, nor the last one again), and append it to the file: other programs
 * may have added theirs.  A file that cannot be written is an error; the line is kept all the
 * same. */
lfm_status history_add(history *h, const char *line, lfm_error *err);

void history_drop(history *h);

#endif
