/*
 * input.c - files and standard input as text.
 */
#include "cli/shared/input.h"

#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static lfm_status read_all(json_out *text, int fd, const char *name, lfm_error *err) {
    char chunk[16384];
    for (;;) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n > 0) {
            json_write_raw(text, chunk, (size_t)n);
        } else if (n == 0) {
            return json_finish(text, err);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return err_set(err, LFM_ERR_IO, "%s: cannot be read: %s", name, strerror(errno));
        }
    }
}

/* Tell a user at a terminal why nothing happens. */
static void explain_wait(int fd) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (term_err_is_tty() && poll(&wait, 1, 2000) == 0) {
        term_message("waiting for standard input (-N to skip)");
    }
}

lfm_status input_begin(const char *text, size_t n, const char *name, size_t *n_mark,
                       lfm_error *err) {
    static const char utf8[] = "\xef\xbb\xbf", little[] = "\xff\xfe", big[] = "\xfe\xff";
    *n_mark = n >= 3 && memcmp(text, utf8, 3) == 0 ? 3 : 0;
    if (n < 2 || (memcmp(text, little, 2) != 0 && memcmp(text, big, 2) != 0)) return LFM_OK;
    return err_set(err, LFM_ERR_ARG,
                   "%s is UTF-16 text. Convert it to UTF-8: iconv -f UTF-16 -t UTF-8", name);
}

/* Drop from the file that begins at `start` what is no part of its text. */
static lfm_status trim(json_out *text, size_t start, input_kind kind, const char *name,
                       lfm_error *err) {
    size_t n_mark = 0;
    const lfm_status st = input_begin(text->ptr + start, text->len - start, name, &n_mark, err);
    if (st != LFM_OK) return st;
    text->len -= n_mark;
    memmove(text->ptr + start, text->ptr + start + n_mark, text->len - start);
    if (kind == INPUT_TEXT && text->len > start && text->ptr[text->len - 1] == '\n') {
        text->len -= text->len > start + 1 && text->ptr[text->len - 2] == '\r' ? 2 : 1;
    }
    text->ptr[text->len] = '\0';
    return LFM_OK;
}

lfm_status input_read_file(json_out *text, const char *path, input_kind kind, lfm_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    const size_t start = text->len;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cli_no_file(path, errno, err);
    if (is_stdin) {
        explain_wait(fd);
    }
    lfm_status st = read_all(text, fd, name, err);
    if (!is_stdin) {
        close(fd);
    }
    return st == LFM_OK && kind != INPUT_BYTES ? trim(text, start, kind, name, err) : st;
}
