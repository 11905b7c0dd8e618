/*
 * map.c - mapping a model file, or reading it.
 */
#include "base/system/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Refuse anything but a regular file that fits the address space. */
static lfm_status check_kind(const struct stat *st, const char *path, lfm_error *err) {
    if (S_ISDIR(st->st_mode)) {
        return err_set(err, LFM_ERR_IO, "%s: is a directory; give a GGUF file in it", path);
    }
    if (!S_ISREG(st->st_mode)) {
        return err_set(err, LFM_ERR_IO,
                       "%s: is not a regular file; a model must be mapped; save it to disk first",
                       path);
    }
    if ((uint64_t)st->st_size > SIZE_MAX / 2) {
        return err_set(err, LFM_ERR_MEMORY, "%s: the file is larger than the address space", path);
    }
    return LFM_OK;
}

static int64_t mtime_ns(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Open the file and check it; *fd is -1 after an error. */
static lfm_status open_file(int *fd, struct stat *st, const char *path, lfm_error *err) {
    /* O_NONBLOCK: opening a pipe must not wait for a writer. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    lfm_status status = LFM_OK;
    if (fstat(*fd, st) != 0) {
        status = err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    } else {
        status = check_kind(st, path, err);
    }
    if (status != LFM_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

lfm_status map_open(map *m, const char *path, lfm_error *err) {
    struct stat st;
    int fd = -1;
    *m = (map){0};
    lfm_status status = open_file(&fd, &st, path, err);
    if (status == LFM_OK && st.st_size > 0) {
        /* Shared, so that processes that run the same model share its pages. */
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data != MAP_FAILED) {
            *m = (map){.data = data, .size = (size_t)st.st_size, .owned = 1, .fd = fd,
                       .mtime_ns = mtime_ns(&st)};
            return LFM_OK;
        }
        status = err_set(err, errno == ENOMEM ? LFM_ERR_MEMORY : LFM_ERR_IO,
                         "%s: cannot map %llu bytes: %s", path,
                         (unsigned long long)st.st_size, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* Fill data[size] from the beginning of the file. */
static lfm_status read_bytes(int fd, char *data, size_t size, const char *path, lfm_error *err) {
    enum { STEP = 1 << 30 }; /* systems refuse to read much more at once */
    for (size_t at = 0; at < size;) {
        const size_t want = size - at < STEP ? size - at : STEP;
        const ssize_t got = pread(fd, data + at, want, (off_t)at);
        if (got == 0) {
            return err_set(err, LFM_ERR_IO, "%s: the file became shorter while it was read; start "
                           "again when it is complete", path);
        }
        if (got < 0 && errno != EINTR) {
            return err_set(err, LFM_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
        }
        at += got > 0 ? (size_t)got : 0;
    }
    return LFM_OK;
}

lfm_status map_read(map *m, const char *path, lfm_error *err) {
    struct stat st;
    int fd = -1;
    *m = (map){0};
    lfm_status status = open_file(&fd, &st, path, err);
    if (status == LFM_OK && st.st_size > 0) {
        const size_t size = (size_t)st.st_size;
        void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data == MAP_FAILED) {
            status = err_set(err, LFM_ERR_MEMORY,
                             "%s: out of memory for a copy of its %llu bytes; map it instead",
                             path, (unsigned long long)size);
        } else {
            *m = (map){.data = data, .size = size, .owned = 1, .fd = -1};
            status = read_bytes(fd, data, size, path, err);
        }
        if (status != LFM_OK) {
            map_close(m);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

lfm_status map_lock(const map *m, const char *path, lfm_error *err) {
    struct rlimit limit = {0};
    if (m->size == 0 || mlock(m->data, m->size) == 0) return LFM_OK;
    const int cause = errno;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < m->size) {
        return err_set(err, LFM_ERR_MEMORY, "%s: its %llu MiB cannot be locked in memory: the "
                       "limit is %llu MiB. Raise it: ulimit -l unlimited", path,
                       (unsigned long long)(m->size >> 20),
                       (unsigned long long)(limit.rlim_cur >> 20));
    }
    return err_set(err, LFM_ERR_MEMORY, "%s: its %llu MiB cannot be locked in memory: %s", path,
                   (unsigned long long)(m->size >> 20), strerror(cause));
}

lfm_status map_check(const map *m, const char *path, lfm_error *err) {
    struct stat st;
    if (!m->owned || m->fd < 0) return LFM_OK;
    if (fstat(m->fd, &st) != 0) return err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    if ((uint64_t)st.st_size != m->size || mtime_ns(&st) != m->mtime_ns) {
        return err_set(err, LFM_ERR_IO, "%s: the file was changed while it was in use; start again "
                       "when it is complete", path);
    }
    return LFM_OK;
}

void map_close(map *m) {
    if (m->owned) {
        /* munmap takes a pointer to non-const; the pages are never written. */
        munmap((void *)(uintptr_t)m->data, m->size);
        if (m->fd >= 0) {
            close(m->fd);
        }
    }
    *m = (map){0};
}
