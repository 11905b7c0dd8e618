/*
 * batch_lines.c - reading lines without blocking for more than needed, and the ids of --resume.
 */
#include "cli/batch/batch_lines.h"

#include "base/grow.h"
#include "cli/batch/batch_line.h"
#include "cli/shared/common.h"
#include "cli/shared/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 32768, MAX_LINE = 64 << 20 };

/* ---- Lines ---------------------------------------------------------------------------------- */

/* Count the lines of a regular file, for the progress; the file offset stays. */
static size_t count_lines(int fd) {
    char chunk[READ_STEP];
    struct stat info;
    size_t n = 0;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || at < 0) return 0;
    for (;;) {
        const ssize_t got = pread(fd, chunk, sizeof chunk, at);
        if (got <= 0) return n;
        for (const char *p = chunk; (p = memchr(p, '\n', (size_t)(chunk + got - p))); p++) {
            n++;
        }
        at += got;
    }
}

lfm_status line_open(line_source *in, const char *path, lfm_error *err) {
    const bool is_stdin = !path || strcmp(path, "-") == 0;
    *in = (line_source){.name = is_stdin ? "standard input" : path, .owned = !is_stdin};
    in->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
        in->owned = false;
        return cli_no_file(path, errno, err);
    }
    if (is_stdin && isatty(STDIN_FILENO)) {
        return err_set(err, LFM_ERR_ARG, "no lines; give a file, or lines on standard input");
    }
    in->n_total = count_lines(in->fd);
    return LFM_OK;
}

/* Can we read without blocking? */
static bool is_readable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* Read more bytes into the buffer; sets in->ended at the end of the file. */
static lfm_status read_more(line_source *in, lfm_error *err) {
    if (in->at > 0) {
        memmove(in->text, in->text + in->at, in->len - in->at);
        in->len -= in->at;
        in->at = 0;
    }
    if (in->cap - in->len < READ_STEP) {
        const size_t cap = in->cap ? 2 * in->cap : 4 * READ_STEP;
        char *text = cap <= 2 * (size_t)MAX_LINE ? realloc(in->text, cap) : NULL;
        if (!text) {
            return err_set(err, LFM_ERR_MEMORY, "line %zu of %s is too long", in->n_lines + 1,
                           in->name);
        }
        in->text = text;
        in->cap = cap;
    }
    const ssize_t got = read(in->fd, in->text + in->len, READ_STEP);
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
        return err_set(err, LFM_ERR_IO, "cannot read %s: %s", in->name, strerror(errno));
    }
    if (got < 0 && errno == EAGAIN) {
        struct pollfd p = {.fd = in->fd, .events = POLLIN};
        (void)poll(&p, 1, -1);
    }
    in->ended = got == 0;
    in->len += got > 0 ? (size_t)got : 0;
    return LFM_OK;
}

/* Take the line that ends at `end`. */
static void take(line_source *in, size_t end, const char **text, size_t *len) {
    assert(in->text && end >= in->at);
    *text = in->text + in->at;
    *len = end - in->at;
    if (*len > 0 && (*text)[*len - 1] == '\r') {
        --*len;
    }
    in->at = end < in->len ? end + 1 : end;
    in->n_lines++;
}

/* Skip a byte order mark before the first line. */
static lfm_status begin(line_source *in, lfm_error *err) {
    size_t n_mark = 0;
    const lfm_status st = input_begin(in->text + in->at, in->len - in->at, in->name, &n_mark, err);
    in->at += n_mark;
    return st;
}

lfm_status line_next(line_source *in, bool wait, const char **text, size_t *len, bool *got,
                     lfm_error *err) {
    *got = false;
    for (;;) {
        const char *start = in->text ? in->text + in->at : NULL;
        const char *end = start ? memchr(start, '\n', in->len - in->at) : NULL;
        if (end || (in->ended && in->at < in->len)) { /* the last line may lack its newline */
            const lfm_status st = in->n_lines == 0 ? begin(in, err) : LFM_OK;
            if (st != LFM_OK) return st;
            take(in, end ? (size_t)(end - in->text) : in->len, text, len);
            if (*len > 0) {
                *got = true;
                return LFM_OK;
            }
            continue;
        }
        if (in->ended || (!wait && !is_readable(in->fd))) return LFM_OK;
        const lfm_status st = read_more(in, err);
        if (st != LFM_OK) return st;
    }
}

void line_close(line_source *in) {
    if (in->owned) {
        close(in->fd);
    }
    free(in->text);
    *in = (line_source){0};
}

/* ---- Ids ------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static lfm_status id_set_add(id_set *set, const char *text, size_t len, lfm_error *err) {
    json_out id = {0};
    if (!batch_line_done_id(&id, text, len)) {
        json_out_free(&id);
        return LFM_OK;
    }
    char **ids = grow_array(set->ids, &set->cap, set->n + 1, sizeof *ids);
    set->ids = ids ? ids : set->ids;
    if (json_finish(&id, err) != LFM_OK || !ids) {
        json_out_free(&id);
        return err_no_memory(err, "the ids");
    }
    set->ids[set->n++] = id.ptr;
    return LFM_OK;
}

/* Truncate a file after its last newline: remove an incomplete last line. */
static lfm_status remove_incomplete_line(const char *path, lfm_error *err) {
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat info;
    char c = '\n';
    bool ok = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    off_t size = ok ? info.st_size : 0;
    while (ok && size > 0 && pread(fd, &c, 1, size - 1) == 1 && c != '\n') {
        size--;
    }
    ok = ok && (size == info.st_size || ftruncate(fd, size) == 0);
    const int cause = errno;
    if (fd >= 0) {
        close(fd);
    }
    return ok || (fd < 0 && cause == ENOENT)
               ? LFM_OK
               : err_set(err, LFM_ERR_IO, "cannot continue %s: %s", path, strerror(cause));
}

lfm_status id_set_read(id_set *set, const char *path, lfm_error *err) {
    line_source in = {0};
    lfm_status st = remove_incomplete_line(path, err);
    if (st != LFM_OK || access(path, F_OK) != 0) return st;
    st = line_open(&in, path, err);
    bool got = st == LFM_OK;
    while (got && st == LFM_OK) {
        const char *text = NULL;
        size_t len = 0;
        st = line_next(&in, true, &text, &len, &got, err);
        if (st == LFM_OK && got) st = id_set_add(set, text, len, err);
    }
    line_close(&in);
    if (set->n > 0) {
        qsort(set->ids, set->n, sizeof *set->ids, compare);
    }
    return st;
}

bool id_set_has(const id_set *set, const char *id) {
    return set->n > 0 && bsearch(&id, set->ids, set->n, sizeof *set->ids, compare) != NULL;
}

void id_set_drop(id_set *set) {
    for (size_t i = 0; i < set->n; i++) {
        free(set->ids[i]);
    }
    free(set->ids);
    *set = (id_set){0};
}
