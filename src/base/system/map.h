/*
 * map.h - a file as read-only bytes, mapped or read; the only mmap of a file.
 *
 * If another program truncates a mapped file, touching the missing part raises SIGBUS: the program
 * must handle that (cli/shared/crash.c).
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
    int fd;           /* stays open to detect changes; -1: the bytes are a copy */
    int64_t mtime_ns; /* when it was opened */
} map;

/* Map a regular file.  Directories, pipes and devices are refused before anything is read.
 * An empty file gives size 0 and data NULL. */
lfm_status map_open(map *m, const char *path, lfm_error *err);

/* The same, but read all bytes into memory now: later changes of the file do not matter. */
lfm_status map_read(map *m, const char *path, lfm_error *err);

/* Keep the bytes in physical memory from now on.  LFM_ERR_MEMORY when the system does not allow
 * that; the message states the limit and how to raise it.  `path` is for the message. */
lfm_status map_lock(const map *m, const char *path, lfm_error *err);

/* LFM_ERR_IO when the file's size or time is not what it was when it was opened: another program is
 * writing to it, and its meaning may have changed.  (A new file under the old name does no harm:
 * the old one stays mapped.)  `path` is for the message. */
lfm_status map_check(const map *m, const char *path, lfm_error *err);

/* Safe on a zeroed struct. */
void map_close(map *m);

#endif
