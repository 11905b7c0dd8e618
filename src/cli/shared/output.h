/*
 * output.h - where results go: standard output, or a file that appears only when it is complete.
 *
 * Writes are unbuffered, so that readers see every token and no failed write goes unnoticed.
 */
#ifndef CLI_SHARED_OUTPUT_H
#define CLI_SHARED_OUTPUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int fd;
    bool is_tty;
    const char *path; /* as given by the user; NULL = standard output */
    char *temporary;  /* owned: the file to rename to `path`; NULL = written directly */
} output;

/* NULL or "-" is standard output.  A regular file is written under a temporary name that
 * output_close renames; pipes and devices are written directly.  Keeps `path`. */
lfm_status output_open(output *o, const char *path, lfm_error *err);

/* Write everything.  Returns LFM_OK early if a signal asks to stop while the reader blocks: the
 * program is about to end. */
lfm_status output_write(output *o, const char *bytes, size_t n, lfm_error *err);

/* `keep`: rename the complete file to its path; otherwise remove it. */
lfm_status output_close(output *o, bool keep, lfm_error *err);

#endif
