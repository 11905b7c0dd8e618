/*
 * out_file.c - a file that appears under its name only when it is complete.
 */
#include "base/system/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel writes at most 2 GiB at once; smaller steps let signals interrupt. */
enum { MAX_STEP = 16 << 20 };

static lfm_status failed(const out_file *out, const char *what, lfm_error *err) {
    const int cause = errno;
    return err_set(err, LFM_ERR_IO, "cannot %s %s: %s (after %" PRIu64 " bytes)", what, out->path,
                   strerror(cause), out->n_bytes);
}

static lfm_status out_write(void *ctx, const void *bytes, size_t n, lfm_error *err) {
    out_file *out = ctx;
    const uint8_t *p = bytes;
    while (n != 0) {
        const ssize_t done = write(out->fd_plus_1 - 1, p, n < MAX_STEP ? n : MAX_STEP);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            errno = done == 0 ? EIO : errno;
            return failed(out, "write", err);
        }
        p += done;
        n -= (size_t)done;
        out->n_bytes += (uint64_t)done;
    }
    return LFM_OK;
}

byte_sink out_file_sink(out_file *out) {
    return (byte_sink){out_write, out};
}

/* Does the name still mean this file?  Its last writer may have renamed it meanwhile. */
static bool is_named(int fd, const char *name) {
    struct stat opened;
    struct stat named;
    return fstat(fd, &opened) == 0 && lstat(name, &named) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

/* Some file systems have no permissions and refuse to set them: ignore that if the file is ours. */
static int make_private(int fd, const struct stat *info, unsigned mode) {
    const int result = fchmod(fd, info->st_mode & mode & 0777);
    return result != 0 && errno == EPERM && info->st_uid == geteuid() ? 0 : result;
}

/* Open and lock PATH.part; -1 with errno, EBUSY when another program is writing it.  A file that an
 * interrupted program left has no lock and is overwritten. */
static int open_part(const char *part, unsigned mode) {
    for (;;) {
        /* (O_NONBLOCK: opening a pipe of that name would wait for a reader.) */
        const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        const int fd = open(part, flags, mode);
        struct stat info;
        int cause = 0;
        if (fd < 0) return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            cause = EBUSY; /* (Where the file system has no locks, assume a single writer.) */
        } else if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
            cause = EEXIST;
        } else if (is_named(fd, part)) {
            if (make_private(fd, &info, mode) == 0 && ftruncate(fd, 0) == 0) return fd;
            cause = errno;
            unlink(part); /* ours, and incomplete */
        }
        close(fd);
        if (cause != 0) {
            errno = cause;
            return -1;
        }
    }
}

/* Open PATH.part, or the device itself. */
static lfm_status open_parts(out_file *out, bool direct, unsigned mode, lfm_error *err) {
    int fd = -1;
    if (direct) {
        fd = open(out->path, O_WRONLY | O_CLOEXEC);
    } else {
        const size_t cap = strlen(out->path) + sizeof ".part";
        out->part = malloc(cap);
        if (!out->part) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory (%zu bytes) creating %s", cap,
                           out->path);
        }
        snprintf(out->part, cap, "%s.part", out->path);
        fd = open_part(out->part, mode);
    }
    if (fd < 0) {
        const int cause = errno;
        free(out->part); /* not ours: dropping must not remove it */
        out->part = NULL;
        if (cause == EBUSY) {
            return err_set(err, LFM_ERR_IO, "%s is being written by another program", out->path);
        }
        errno = cause;
        return failed(out, "create", err);
    }
    out->fd_plus_1 = fd + 1;
    return LFM_OK;
}

lfm_status out_file_open(out_file *out, const char *path, bool replace, unsigned mode,
                         lfm_error *err) {
    *out = (out_file){0};
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    const bool direct = exists && (S_ISCHR(info.st_mode) || S_ISFIFO(info.st_mode));
    if (exists && !direct && !S_ISREG(info.st_mode)) {
        return err_set(err, LFM_ERR_ARG, "cannot write %s: it is not a regular file", path);
    }
    if (exists && !direct && !replace) {
        return err_set(err, LFM_ERR_ARG, "%s exists and is not replaced", path);
    }
    out->path = strdup(path);
    if (!out->path) return err_set(err, LFM_ERR_MEMORY, "out of memory creating %s", path);
    const lfm_status st = open_parts(out, direct, mode, err);
    if (st != LFM_OK) {
        out_file_drop(out);
    }
    return st;
}

lfm_status out_file_reserve(out_file *out, uint64_t n_bytes, lfm_error *err) {
#ifdef __linux__
    if (out->part && n_bytes != 0 && n_bytes <= INT64_MAX &&
        fallocate(out->fd_plus_1 - 1, FALLOC_FL_KEEP_SIZE, 0, (off_t)n_bytes) != 0 &&
        errno == ENOSPC) {
        return err_set(err, LFM_ERR_IO, "cannot write %s: the disk has no room for %" PRIu64
                       " bytes", out->path, n_bytes);
    }
#else
    (void)out;
    (void)n_bytes;
    (void)err;
#endif
    return LFM_OK;
}

lfm_status out_file_commit(out_file *out, bool durable, lfm_error *err) {
    lfm_status st = LFM_OK;
    const int fd = out->fd_plus_1 - 1;
    if (durable && out->part && fsync(fd) != 0) st = failed(out, "write", err);
    const int lock = dup(fd); /* holds the lock until the file has its name */
    out->fd_plus_1 = 0;
    if (close(fd) != 0 && st == LFM_OK) st = failed(out, "close", err);
    if (st == LFM_OK && out->part && rename(out->part, out->path) != 0) {
        st = failed(out, "rename the finished file to", err);
    }
    if (lock >= 0) {
        close(lock);
    }
    if (st == LFM_OK) {
        free(out->part);
        out->part = NULL;
    }
    out_file_drop(out);
    return st;
}

void out_file_drop(out_file *out) {
    if (out->fd_plus_1 != 0) {
        close(out->fd_plus_1 - 1);
    }
    if (out->part) {
        unlink(out->part);
    }
    free(out->part);
    free(out->path);
    *out = (out_file){0};
}
