/*
 * map.h - a file as read-only bytes, mapped or read; the only mmap of a file.
 *
 * When somebody makes a mapped file shorter, touching what is gone raises SIGBUS: the program has
 * to be prepared for that (cli/shared/crash.c).
 */
#ifndef BASE_SYSTEM_MAP_H
#define BASE_SYSTEM_MAP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const void *data;
    size_t size;
    int owned;        /* 1: opened here, with a descriptor; 0: zeroed */
    int fd;           /* stays open, to see changes; -1: the bytes are a copy */
    int64_t mtime_ns; /* when it was opened */
} map;

/* Map a regular file.  Directories, pipes and devices are refused before anything is read.
 * An empty file gives size 0 and data NULL. */
lfm_status map_open(map *m, const char *path, lfm_error *err);

/* The same, but the bytes are read into memory, all of them now: nothing that happens to the file
 * afterwards matters. */
lfm_status map_read(map *m, const char *path, lfm_error *err);

/* Keep the bytes in physical memory from now on.  LFM_ERR_MEMORY when the system does not allow
 * that; the text has the limit, and how to raise it.  `path` is for the message. */
lfm_status map_lock(const map *m, const char *path, lfm_error *err);

/* LFM_ERR_IO when the file's size or time is not what it was when it was opened: somebody writes to
 * it, and what it means may have changed.  (A new file under the old name is no harm: the old one
 * stays mapped.)  `path` is for the message. */
lfm_status map_check(const map *m, const char *path, lfm_error *err);

/* Safe on a zeroed struct. */
void map_close(map *m);

#endif
