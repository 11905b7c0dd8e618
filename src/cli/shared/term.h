/*
 * term.h - the terminal: detection, colours, the progress line, and Ctrl-C.
 *
 * Standard output carries answers only; everything here writes to standard error.
 */
#ifndef CLI_SHARED_TERM_H
#define CLI_SHARED_TERM_H

#include "base/json.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Call first in main.  Afterwards descriptors 0, 1 and 2 exist (a closed one is replaced by one
 * that fails), and a closed pipe ends the program quietly. */
void term_init(void);

bool term_out_is_tty(void);
bool term_err_is_tty(void);

/* Should standard error be dimmed where it is not a message?  `choice` is an opt_color. */
bool term_use_color(int choice);

/* From now on the first SIGINT or SIGTERM only sets a flag; the second one ends the program. */
void term_catch_stop(void);
bool term_stopped(void);
int term_signal(void); /* the signal; 0 = none */

/* Has SIGUSR1 arrived since the last call?  (term_init makes it harmless.) */
bool term_asked(void);

/* Set the flag, as signal handlers do.  term_take_interrupt clears it if it is SIGINT, and returns
 * whether it was. */
void term_stop(int number);
bool term_take_interrupt(void);

/* Die by the signal that arrived, so that a shell stops its loop; returns if none did. */
void term_die_if_stopped(void);

/* Seconds of a clock that never jumps. */
double term_now(void);

/* Print a line on standard error.  The formatted text is made printable; `before` and `after` are
 * printed verbatim. */
void term_say(const char *before, const char *after, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The same with "lfm: " in front. */
void term_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "90 s", "4 min", "3 h" */
typedef struct {
    char text[24];
} term_time;
term_time term_duration(double seconds);

/* A progress line after 0.3 s of work.  On a terminal it is redrawn in place; elsewhere, if
 * enabled, a new line is printed each second.  SIGUSR1 always prints one. */
enum { TERM_NEVER, TERM_AUTO, TERM_ALWAYS }; /* AUTO: on a terminal */

typedef struct {
    const char *unit; /* NULL: tokens */
    bool enabled;
    bool in_lines;    /* standard error is not a terminal */
    bool shown;
    double started, updated;
} term_progress;

void term_progress_start(term_progress *p, int when);

/* `total` 0: unknown.  All units take as long as each other. */
void term_progress_show(term_progress *p, const char *what, size_t done, size_t total);

/* The same where they do not: `left` seconds remain; less than 0: unknown. */
void term_progress_show_left(term_progress *p, const char *what, size_t done, size_t total,
                             double left);
void term_progress_end(term_progress *p);

/* Append bytes in a form that cannot control a terminal: control characters as ^[ etc., invalid
 * bytes as \xNN, characters that reorder text as <U+202E>.  Newline and tab stay. */
void term_escape(json_out *out, const char *bytes, size_t n);

/* The same for the first character; returns how many bytes it has.  n is not 0. */
typedef struct {
    char text[16];
} term_shown;
size_t term_escape_one(term_shown *shown, const char *bytes, size_t n);

#endif
