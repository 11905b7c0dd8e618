/*
 * map.c - mapping a model file.
 */
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Refuse anything but a regular file that fits the address space. */
static lfm_status check_kind(const struct stat *st, const char *path, lfm_error *err) {
    if (S_ISDIR(st->st_mode)) {
        return err_set(err, LFM_ERR_IO, "%s: is a directory; give a GGUF file in it", path);
    }
    if (!S_ISREG(st->st_mode)) {
        return err_set(err, LFM_ERR_IO, "%s: is not a regular file; a model must be mapped, so "
                       "save it to disk first", path);
    }
    if ((uint64_t)st->st_size > SIZE_MAX / 2) {
        return err_set(err, LFM_ERR_MEMORY, "%s: the file is larger than the address space", path);
    }
    return LFM_OK;
}

lfm_status map_open(map *m, const char *path, lfm_error *err) {
    *m = (map){0};
    /* O_NONBLOCK: opening a pipe must not wait for a writer. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    }
    struct stat st;
    lfm_status status = LFM_OK;
    if (fstat(fd, &st) != 0) {
        status = err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    } else {
        status = check_kind(&st, path, err);
    }
    if (status == LFM_OK && st.st_size > 0) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) {
            status = err_set(err, errno == ENOMEM ? LFM_ERR_MEMORY : LFM_ERR_IO,
                             "%s: cannot map %llu bytes: %s", path,
                             (unsigned long long)st.st_size, strerror(errno));
        } else {
            *m = (map){.data = data, .size = (size_t)st.st_size, .owned = 1};
        }
    }
    close(fd);
    return status;
}

void map_close(map *m) {
    if (m->owned && m->data) {
        /* munmap takes a pointer to non-const; the pages were never writable. */
        munmap((void *)(uintptr_t)m->data, m->size);
    }
    *m = (map){0};
}
