/*
 * memory_file.c - bytes in memory under a path, for functions that open files.
 */
#include "memory_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void give_up(void) {
    perror("memory_file.c");
    exit(1);
}

const char *memory_file_set(memory_file *f, const void *bytes, size_t n) {
    if (f->fd_plus_1 == 0) {
        f->fd_plus_1 = memfd_create("model", MFD_CLOEXEC) + 1;
        if (f->fd_plus_1 == 0) {
            give_up();
        }
        snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd_plus_1 - 1);
    }
    const int fd = f->fd_plus_1 - 1;
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        give_up();
    }
    const uint8_t *at = bytes;
    while (n > 0) {
        const ssize_t written = write(fd, at, n);
        if (written <= 0) {
            give_up();
        }
        at += written;
        n -= (size_t)written;
    }
    return f->path;
}
