/*
 * history.h - lines that were entered before.
 *
 * One line each in the file, with \n and \\ for line breaks and backslashes; mode 0600.
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

/* Read `path` if it exists, and append new lines to it from now on.  Creates missing folders. */
lfm_status history_open(history *h, const char *path, lfm_error *err);

/* $XDG_STATE_HOME/lfm/history, or the same under ~/.local/state; false when neither is known or the
 * path is too long. */
bool history_default_path(char *path, size_t cap);

/* Add a line, unless it is empty or repeats the last one, and append it to the file, to which other
 * programs may append as well.  If the file cannot be written, the line is kept in memory and the
 * error is returned. */
lfm_status history_add(history *h, const char *line, lfm_error *err);

void history_drop(history *h);

#endif
