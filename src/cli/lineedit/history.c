/*
 * history.c - a growing file of lines, shortened now and then.
 */
#include "cli/lineedit/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 4 << 20 }; /* a larger file is not a history of lfm */

static lfm_status failed(const history *h, const char *what, lfm_error *err) {
    return err_set(err, LFM_ERR_IO, "%s: the history cannot be %s: %s", h->path, what,
                   strerror(errno));
}

bool history_default_path(char *path, size_t cap) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = -1;
    if (state && state[0] == '/') {
        n = snprintf(path, cap, "%s/lfm/history", state);
    } else if (home && home[0] == '/') {
        n = snprintf(path, cap, "%s/.local/state/lfm/history", home);
    }
    return n > 0 && (size_t)n < cap;
}

/* Add a copy of n bytes, unescaped if `escaped`; drop the oldest line when there are too many. */
static bool push(history *h, const char *text, size_t n, bool escaped) {
    char **grown = realloc(h->lines, (h->n + 1) * sizeof *grown);
    char *line = malloc(n + 1);
    size_t len = 0;
    if (grown) {
        h->lines = grown;
    }
    if (!grown || !line) {
        free(line);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const bool pair = escaped && text[i] == '\\' && i + 1 < n;
        i += pair;
        line[len++] = pair && text[i] == 'n' ? '\n' : text[i];
    }
    line[len] = '\0';
    if (h->n == HISTORY_MAX) {
        free(h->lines[0]);
        memmove(h->lines, h->lines + 1, (h->n - 1) * sizeof *h->lines);
        h->n--;
    }
    h->lines[h->n++] = line;
    return true;
}

static bool write_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        const ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static bool write_line(int fd, const char *line) {
    char *text = malloc(2 * strlen(line) + 2);
    size_t len = 0;
    if (!text) {
        errno = ENOMEM;
        return false;
    }
    for (const char *p = line; *p; p++) {
        if (*p == '\n' || *p == '\\') {
            text[len++] = '\\';
        }
        text[len++] = *p == '\n' ? 'n' : *p;
    }
    text[len++] = '\n';
    const bool written = write_all(fd, text, len); /* at once: lines of two programs do not mix */
    free(text);
    return written;
}

/* Create the missing folders above `path`. */
static void make_folders(const char *path) {
    char folder[1024];
    const size_t n = strlen(path);
    if (n >= sizeof folder) return;
    memcpy(folder, path, n + 1);
    for (char *p = strchr(folder + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(folder, 0700); /* on failure, open reports the error */
        *p = '/';
    }
}

/* Replace the file by one with only the lines that are kept. */
static lfm_status shorten(const history *h, lfm_error *err) {
    char part[1100];
    bool done = (size_t)snprintf(part, sizeof part, "%s.part", h->path) < sizeof part;
    const int fd = done ? open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return failed(h, "shortened", err);
    for (size_t i = 0; i < h->n && done; i++) {
        done = write_line(fd, h->lines[i]);
    }
    done = close(fd) == 0 && done && rename(part, h->path) == 0;
    return done ? LFM_OK : failed(h, "shortened", err);
}

static lfm_status read_lines(history *h, int fd, size_t size, size_t *n_lines, lfm_error *err) {
    char *text = malloc(size + 1);
    size_t n = 0;
    if (!text) return err_no_memory(err, "the history");
    for (ssize_t got = 1; n < size && got > 0;) {
        got = read(fd, text + n, size - n);
        n += got > 0 ? (size_t)got : 0;
        got = got < 0 && errno == EINTR ? 1 : got;
    }
    bool fits = true;
    for (size_t at = 0; at < n && fits;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t len = end ? (size_t)(end - text) - at : n - at;
        fits = len == 0 || memchr(text + at, '\0', len) || push(h, text + at, len, true);
        ++*n_lines;
        at += len + 1;
    }
    free(text);
    return fits ? LFM_OK : err_no_memory(err, "the history");
}

lfm_status history_open(history *h, const char *path, lfm_error *err) {
    struct stat info;
    h->path = malloc(strlen(path) + 1);
    if (!h->path) return err_no_memory(err, "the history");
    memcpy(h->path, path, strlen(path) + 1);
    make_folders(path);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &info) != 0) {
        const lfm_status st = failed(h, "opened", err);
        if (fd >= 0) {
            close(fd);
        }
        free(h->path);
        h->path = NULL;
        return st;
    }
    lfm_status st = LFM_OK;
    if (!S_ISREG(info.st_mode) || info.st_size > MAX_FILE) {
        st = err_set(err, LFM_ERR_FORMAT, "%s is not a history of lfm; lines are not saved", path);
        free(h->path);
        h->path = NULL;
    } else {
        size_t n_lines = 0;
        flock(fd, LOCK_EX); /* without locks, another program may lose a line */
        st = read_lines(h, fd, (size_t)info.st_size, &n_lines, err);
        st = st == LFM_OK && n_lines > 2 * HISTORY_MAX ? shorten(h, err) : st;
    }
    close(fd);
    return st;
}

lfm_status history_add(history *h, const char *line, lfm_error *err) {
    if (line[0] == '\0' || (h->n > 0 && strcmp(h->lines[h->n - 1], line) == 0)) return LFM_OK;
    if (!push(h, line, strlen(line), false)) return err_no_memory(err, "the history");
    if (!h->path) return LFM_OK;
    const int fd = open(h->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return failed(h, "opened", err);
    flock(fd, LOCK_EX);
    const bool written = write_line(fd, line);
    const lfm_status st = written ? LFM_OK : failed(h, "written", err);
    close(fd);
    return st;
}

void history_drop(history *h) {
    for (size_t i = 0; i < h->n; i++) {
        free(h->lines[i]);
    }
    free(h->lines);
    free(h->path);
    *h = (history){0};
}
