/*
 * out_file.h - a file that appears under its name only when it is complete.
 */
#ifndef BASE_SYSTEM_OUT_FILE_H
#define BASE_SYSTEM_OUT_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where bytes go: a file, or memory. */
typedef lfm_status sink_fn(void *ctx, const void *bytes, size_t n, lfm_error *err);

typedef struct {
    sink_fn *write;
    void *ctx;
} byte_sink;

/* A file that appears under its name only when it is complete: the bytes go to PATH.part, which
 * out_file_commit renames.  Devices and pipes are written directly. */
typedef struct {
    char *path;
    char *part;    /* NULL: written directly */
    int fd_plus_1; /* 0 = closed, so that a zeroed struct is valid */
    uint64_t n_bytes; /* written so far */
} out_file;

/* Create the file with these permissions (0666 or 0600; less what umask takes).  LFM_ERR_ARG when
 * `path` exists and `replace` is false; LFM_ERR_IO when another program is writing it.  A PATH.part
 * that a killed program left is overwritten. */
lfm_status out_file_open(out_file *out, const char *path, bool replace, unsigned mode,
                         lfm_error *err);

/* Reserve disk space for `n_bytes` where the file system can, so that a full disk is noticed now
 * and not after minutes of work. */
lfm_status out_file_reserve(out_file *out, uint64_t n_bytes, lfm_error *err);

/* Finish: wait until the disk has the bytes if asked to, close, rename.  Closes even on failure. */
lfm_status out_file_commit(out_file *out, bool durable, lfm_error *err);

/* Give up and remove PATH.part if the file was not committed.  Safe on a zeroed struct. */
void out_file_drop(out_file *out);

byte_sink out_file_sink(out_file *out); /* keeps `out` */

#endif
