/*
 * map.h - a file as read-only bytes; the only mmap of a file.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/error.h"

#include <stddef.h>

typedef struct {
    const void *data;
    size_t size;
    int owned; /* 1: map_close unmaps it; 0: somebody else's bytes */
} map;

/* Map a regular file.  Directories, pipes and devices are refused before anything is read.
 * An empty file gives size 0 and data NULL. */
lfm_status map_open(map *m, const char *path, lfm_error *err);

/* Safe on a zeroed struct. */
void map_close(map *m);

#endif
