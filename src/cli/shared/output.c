/*
 * output.c - careful writing.
 */
#include "cli/shared/output.h"

#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *name_of(const output *o) {
    return o->path ? o->path : "standard output";
}

static lfm_status failed(const output *o, const char *what, lfm_error *err) {
    return err_set(err, LFM_ERR_IO, "%s: %s: %s", name_of(o), what, strerror(errno));
}

/* Create PATH.PID.part, a name that no other process uses. */
static lfm_status open_temporary(output *o, lfm_error *err) {
    const size_t cap = strlen(o->path) + 32;
    o->temporary = malloc(cap);
    if (!o->temporary) return err_set(err, LFM_ERR_MEMORY, "out of memory opening %s", o->path);
    snprintf(o->temporary, cap, "%s.%ld.part", o->path, (long)getpid());
    o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        const lfm_status st = failed(o, "cannot be created", err);
        free(o->temporary);
        o->temporary = NULL;
        return st;
    }
    return LFM_OK;
}

lfm_status output_open(output *o, const char *path, lfm_error *err) {
    *o = (output){.fd = STDOUT_FILENO};
    if (!path || strcmp(path, "-") == 0) {
        o->is_tty = term_out_is_tty();
        return LFM_OK;
    }
    struct stat info;
    o->path = path;
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode)) return open_temporary(o, err);
    o->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (o->fd < 0) return failed(o, "cannot be opened", err);
    o->is_tty = isatty(o->fd) == 1;
    return LFM_OK;
}

lfm_status output_write(output *o, const char *bytes, size_t n, lfm_error *err) {
    while (n > 0) {
        const ssize_t written = write(o->fd, bytes, n);
        if (written >= 0) {
            bytes += written;
            n -= (size_t)written;
        } else if (errno == EINTR) {
            if (term_stopped()) return LFM_OK;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = o->fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) < 0 && term_stopped()) return LFM_OK;
        } else {
            return failed(o, "cannot be written", err);
        }
    }
    return LFM_OK;
}

lfm_status output_close(output *o, bool keep, lfm_error *err) {
    lfm_status st = LFM_OK;
    if (o->path && o->fd >= 0 && close(o->fd) != 0 && keep) {
        st = failed(o, "cannot be written", err);
        keep = false;
    }
    if (o->temporary && keep && rename(o->temporary, o->path) != 0) {
        st = failed(o, "cannot be renamed to", err);
        keep = false;
    }
    if (o->temporary && !keep) {
        unlink(o->temporary);
    }
    free(o->temporary);
    *o = (output){.fd = -1};
    return st;
}
