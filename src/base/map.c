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

static int64_t mtime_ns(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
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
        /* Shared, so that all processes that run one model have its pages once. */
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) {
            status = err_set(err, errno == ENOMEM ? LFM_ERR_MEMORY : LFM_ERR_IO,
                             "%s: cannot map %llu bytes: %s", path,
                             (unsigned long long)st.st_size, strerror(errno));
        } else {
            *m = (map){.data = data, .size = (size_t)st.st_size, .owned = 1, .fd = fd,
                       .mtime_ns = mtime_ns(&st)};
            return LFM_OK;
        }
    }
    close(fd);
    return status;
}

lfm_status map_check(const map *m, const char *path, lfm_error *err) {
    struct stat st;
    if (!m->owned) {
        return LFM_OK;
    }
    if (fstat(m->fd, &st) != 0) {
        return err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if ((uint64_t)st.st_size != m->size || mtime_ns(&st) != m->mtime_ns) {
        return err_set(err, LFM_ERR_IO, "%s: the file was changed while it was in use; start again "
                       "when it is complete", path);
    }
    return LFM_OK;
}

void map_close(map *m) {
    if (m->owned) {
        /* munmap takes a pointer to non-const; the pages were never writable. */
        munmap((void *)(uintptr_t)m->data, m->size);
        close(m->fd);
    }
    *m = (map){0};
}
