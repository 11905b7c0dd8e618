/*
 * output.h - where results go: standard output, or a file that appears only when it is complete.
 *
 * Bytes are written at once, without a buffer in between, so that a reader sees every token and no
 * failed write goes unnoticed.
 */
#ifndef CLI_SHARED_OUTPUT_H
#define CLI_SHARED_OUTPUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int fd;
    bool is_tty;
    const char *path; /* as the user wrote it; NULL = standard output */
    char *temporary;  /* owned: the file that will be renamed to `path`; NULL = written directly */
} output;

/* NULL or "-" is standard output.  A regular file is written beside and renamed by output_close;
 * anything else that exists there (a pipe, a device) is written directly.  Keeps `path`. */
lfm_status output_open(output *o, const char *path, lfm_error *err);

/* Write everything.  When a signal asked to stop while the reader was not reading, gives up
 * silently: the program is about to end. */
lfm_status output_write(output *o, const char *bytes, size_t n, lfm_error *err);

/* `keep`: the result is complete and takes its name; otherwise it is removed. */
lfm_status output_close(output *o, bool keep, lfm_error *err);

#endif
