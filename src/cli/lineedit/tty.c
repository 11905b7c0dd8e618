/*
 * tty.c - modes of the terminal, and signals.
 */
#include "cli/lineedit/tty.h"

#include "cli/shared/crash.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int tty_fd = -1;
static struct termios found; /* the modes before tty_open */
static volatile sig_atomic_t current = TTY_NORMAL;
static volatile sig_atomic_t changed;

/* Have the terminal mark pasted text (xterm's bracketed paste). */
static const char PASTE_ON[] = "\033[?2004h";
static const char PASTE_OFF[] = "\033[?2004l";

/* Async-signal-safe. */
static void apply(tty_mode mode) {
    struct termios t = found;
    if (tty_fd < 0) return;
    if (mode != TTY_NORMAL) {
        t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
        t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR); /* typed-ahead bytes are read as keys later */
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
    }
    if (mode == TTY_KEYS) {
        t.c_lflag &= ~(tcflag_t)ISIG;
        t.c_iflag &= ~(tcflag_t)IXON;
    }
    const char *paste = mode == TTY_KEYS ? PASTE_ON : PASTE_OFF;
    const ssize_t written = write(tty_fd, paste, sizeof PASTE_ON - 1);
    (void)written; /* nothing to do if the terminal is gone */
    tcsetattr(tty_fd, TCSADRAIN, &t);
}

void tty_set(tty_mode mode) {
    if (mode != (tty_mode)current) {
        current = mode;
        apply(mode);
    }
}

/* ---- Signals -------------------------------------------------------------------------------- */

static void end_by(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

static void restore(void) {
    apply(TTY_NORMAL);
}

/* The program crashed, or was asked to stop twice. */
static void on_end(int number) {
    apply(TTY_NORMAL);
    end_by(number);
}

static void on_stop(int number) {
    if (term_stopped()) {
        on_end(number);
    }
    term_stop(number);
}

static void catch_suspend(void);

/* Stop the process, with the terminal modes that the shell expects. */
static void on_suspend(int number) {
    const int saved = errno;
    sigset_t set;
    apply(TTY_NORMAL);
    signal(number, SIG_DFL);
    raise(number);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* the process stops and continues here */
    catch_suspend();
    apply((tty_mode)current);
    changed = 1;
    errno = saved;
}

static void on_change(int number) {
    (void)number;
    changed = 1;
}

static void catch(int number, void (*handler)(int)) {
    struct sigaction old;
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
        sigaction(number, &action, NULL);
    }
}

static void catch_suspend(void) {
    catch(SIGTSTP, on_suspend);
}

void tty_suspend(void) {
    raise(SIGTSTP);
}

/* ---- Opening -------------------------------------------------------------------------------- */

lfm_status tty_open(lfm_error *err) {
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    static const int ends[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGQUIT};
    tty_fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty_fd < 0 || tcgetattr(tty_fd, &found) != 0) {
        tty_close();
        return err_set(err, LFM_ERR_IO, "there is no terminal");
    }
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        catch(stops[i], on_stop);
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        catch(ends[i], on_end);
    }
    crash_on_end(restore);
    catch(SIGWINCH, on_change);
    catch_suspend();
    atexit(tty_close);
    return LFM_OK;
}

void tty_close(void) {
    if (tty_fd >= 0) {
        tty_set(TTY_NORMAL);
        crash_on_end(NULL);
        close(tty_fd);
        tty_fd = -1;
    }
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

int tty_read(char *bytes, size_t cap, int wait_ms) {
    struct pollfd wait = {.fd = tty_fd, .events = POLLIN};
    const int ready = poll(&wait, 1, wait_ms);
    if (ready <= 0) return ready == 0 || errno == EINTR ? 0 : -1;
    const ssize_t n = read(tty_fd, bytes, cap);
    return n > 0 ? (int)n : n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : -1;
}

void tty_write(const char *bytes, size_t n) {
    while (n > 0) {
        const ssize_t done = write(tty_fd, bytes, n);
        if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (done <= 0) {
            return; /* the terminal is gone; tty_read will report it */
        }
        bytes += done;
        n -= (size_t)done;
    }
}

size_t tty_columns(void) {
    struct winsize size;
    if (ioctl(tty_fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

bool tty_must_redraw(void) {
    const bool is = changed != 0;
    changed = 0;
    return is;
}
