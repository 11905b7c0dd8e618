/*
 * memory_file.h - bytes in memory under a path, for functions that open files.
 */
#ifndef SUPPORT_MEMORY_FILE_H
#define SUPPORT_MEMORY_FILE_H

#include <stddef.h>

/* A zeroed struct is a valid empty one. */
typedef struct {
    int fd_plus_1;
    char path[40];
} memory_file;

/* Make the file hold these bytes and return its path, which is the same every time.  Ends the
 * program when that is not possible. */
const char *memory_file_set(memory_file *f, const void *bytes, size_t n);

#endif
