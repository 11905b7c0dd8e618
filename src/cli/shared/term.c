/*
 * term.c - the terminal and the signals.
 */
#include "cli/shared/term.h"

#include "base/system/clock.h"
#include "base/utf8.h"
#include "cli/options/options.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Mutable globals: a signal handler has no other way to report. */
static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t progress_asked;

static void on_stop(int number) {
    stop_signal = number;
}

static void on_ask(int number) {
    (void)number;
    progress_asked = 1;
}

void term_init(void) {
    /* A file opened later must not become standard output by accident.  The stand-ins have the
     * wrong direction, so that using a descriptor that the caller closed is an error. */
    const int directions[3] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)!open("/dev/null", directions[fd]); /* open returns the lowest free number: fd */
        }
    }
    signal(SIGPIPE, SIG_DFL); /* some parents ignore it, and children inherit that */
    signal(SIGXFSZ, SIG_IGN); /* treat a file over the limit of `ulimit -f` like a full disk */
    struct sigaction ask = {.sa_handler = on_ask, .sa_flags = SA_RESTART};
    sigemptyset(&ask.sa_mask);
    sigaction(SIGUSR1, &ask, NULL);
#ifdef SIGINFO
    sigaction(SIGINFO, &ask, NULL); /* Ctrl-T, where terminals have it */
#endif
}

bool term_out_is_tty(void) {
    return isatty(STDOUT_FILENO) == 1;
}

bool term_err_is_tty(void) {
    return isatty(STDERR_FILENO) == 1;
}

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value && value[0];
}

bool term_use_color(int choice) {
    const char *term = getenv("TERM");
    if (choice == COLOR_ALWAYS || choice == COLOR_ON) return true;
    if (choice == COLOR_NEVER || choice == COLOR_OFF || is_set("NO_COLOR") ||
        is_set("LFM_NO_COLOR")) {
        return false;
    }
    return is_set("FORCE_COLOR") || (term_err_is_tty() && term && strcmp(term, "dumb") != 0);
}

/* ---- Signals -------------------------------------------------------------------------------- */

void term_catch_stop(void) {
    const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old;
        struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        /* keep SIGINT ignored where a shell ignores it for background jobs */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaction(numbers[i], &action, NULL);
        }
    }
}

bool term_asked(void) {
    const bool is = progress_asked != 0;
    progress_asked = 0;
    return is;
}

int term_signal(void) {
    return stop_signal;
}

bool term_stopped(void) {
    return stop_signal != 0;
}

void term_stop(int number) {
    stop_signal = number;
}

bool term_take_interrupt(void) {
    const bool is = stop_signal == SIGINT;
    stop_signal = is ? 0 : stop_signal;
    return is;
}

void term_die_if_stopped(void) {
    if (stop_signal) {
        const int number = stop_signal;
        signal(number, SIG_DFL);
        raise(number);
    }
}

double term_now(void) {
    return clock_seconds();
}

/* ---- Messages ------------------------------------------------------------------------------- */

void term_say(const char *before, const char *after, const char *format, va_list args) {
    char raw[1024];
    char text[2048];
    const int n = vsnprintf(raw, sizeof raw, format, args);
    err_escape(text, sizeof text, raw, n < 0 ? 0 : strlen(raw));
    fprintf(stderr, "%s%s%s\n", before, text, after);
}

void term_message(const char *format, ...) {
    va_list args;
    va_start(args, format);
    term_say("lfm: ", "", format, args);
    va_end(args);
}

term_time term_duration(double seconds) {
    term_time t;
    const int unit = seconds < 120 ? 0 : seconds < 7200 ? 1 : 2;
    const double n = seconds / (unit == 0 ? 1 : unit == 1 ? 60 : 3600);
    snprintf(t.text, sizeof t.text, "%.0f %s", n, unit == 0 ? "s" : unit == 1 ? "min" : "h");
    return t;
}

void term_progress_start(term_progress *p, int when) {
    *p = (term_progress){
        .enabled = when == TERM_ALWAYS || (when == TERM_AUTO && term_err_is_tty()),
        .in_lines = !term_err_is_tty(), .started = term_now()};
}

static double rate_of(const term_progress *p, size_t done) {
    const double spent = term_now() - p->started;
    return spent > 0 ? (double)done / spent : 0;
}

void term_progress_show(term_progress *p, const char *what, size_t done, size_t total) {
    const double rate = rate_of(p, done);
    const double rest = total > done ? (double)(total - done) : 0;
    term_progress_show_left(p, what, done, total, total > 0 && rate > 0 ? rest / rate : -1);
}

void term_progress_show_left(term_progress *p, const char *what, size_t done, size_t total,
                             double left) {
    const double now = term_now();
    const bool asked = term_asked();
    const bool due = p->enabled && now - p->started >= 0.3 &&
                     !(p->shown && now - p->updated < (p->in_lines ? 1.0 : 0.1));
    if (!asked && !due) return;
    const double rate = rate_of(p, done);
    const char *unit = p->unit ? p->unit : "tok";
    const bool line = asked || p->in_lines; /* not overwritten, and prefixed like a message */
    char of[32] = "";
    char rest[32] = "";
    if (total > 0) {
        snprintf(of, sizeof of, "/%zu", total);
    }
    if (left >= 0) {
        snprintf(rest, sizeof rest, "  %s left", term_duration(left).text);
    }
    fprintf(stderr, "%s%s%s %zu%s %s  %.*f %s/s%s%s", p->shown && !p->in_lines ? "\r\033[K" : "",
            line ? "lfm: " : "", what, done, of, unit, rate < 10 ? 1 : 0, rate, unit, rest,
            line ? "\n" : "");
    fflush(stderr);
    p->shown = !asked;
    p->updated = now;
}

void term_progress_end(term_progress *p) {
    if (p->shown && !p->in_lines) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    p->shown = false;
}

/* ---- Text of the model on a terminal -------------------------------------------------------- */

static bool reorders(uint32_t c) {
    return c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t term_escape_one(term_shown *shown, const char *bytes, size_t n) {
    char *to = shown->text;
    const size_t cap = sizeof shown->text;
    uint32_t c = 0;
    const size_t len = utf8_decode(bytes, n, &c);
    if (len == 0) {
        snprintf(to, cap, "\\x%02x", (unsigned)(unsigned char)bytes[0]);
    } else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
        snprintf(to, cap, "^%c", (int)(c ^ 0x40)); /* ESC is ^[, DEL is ^? */
    } else if ((c >= 0x80 && c < 0xa0) || reorders(c)) {
        snprintf(to, cap, "<U+%04X>", (unsigned)c);
    } else {
        snprintf(to, cap, "%.*s", (int)len, bytes);
    }
    return len ? len : 1;
}

void term_escape(json_out *out, const char *bytes, size_t n) {
    for (size_t i = 0; i < n;) {
        term_shown shown;
        i += term_escape_one(&shown, bytes + i, n - i);
        json_write_text(out, shown.text);
    }
}
