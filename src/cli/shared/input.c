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

lfm_status input_read_file(json_out *text, const char *path, bool drop_newline, lfm_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    const size_t start = text->len;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cli_no_file(path, errno, err);
    if (is_stdin) {
        explain_wait(fd);
    }
    const lfm_status st = read_all(text, fd, name, err);
    if (!is_stdin) {
        close(fd);
    }
    if (drop_newline && text->len > start && text->ptr[text->len - 1] == '\n') {
        text->ptr[--text->len] = '\0';
    }
    return st;
}
