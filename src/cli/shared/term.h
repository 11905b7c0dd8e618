/*
 * term.h - the terminal: what is one, colours, the progress line, and Ctrl-C.
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

/* Once, first thing in main: descriptors 0, 1 and 2 exist afterwards (a closed one becomes one that
 * fails), and a closed pipe ends the program quietly. */
void term_init(void);

bool term_out_is_tty(void);
bool term_err_is_tty(void);

/* Should standard error be dimmed where it is not a message?  `choice` is an opt_color. */
bool term_use_color(int choice);

/* From now on SIGINT and SIGTERM only set a flag, once; the second one ends the program. */
void term_catch_stop(void);
bool term_stopped(void);
int term_signal(void); /* the one that came; 0 = none */

/* Has SIGUSR1 come (from term_init on it ends nothing)?  It is forgotten then. */
bool term_asked(void);

/* What a signal handler does; and undoing it: was it SIGINT, and only that?  It is forgotten. */
void term_stop(int number);
bool term_take_interrupt(void);

/* End by the signal that came, so that the shell stops its loop; returns only if none came. */
void term_die_if_stopped(void);

/* Seconds of a clock that never jumps. */
double term_now(void);

/* A line on standard error; what `format` makes is made printable, what stands around it is not. */
void term_say(const char *before, const char *after, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The same with "lfm: " in front. */
void term_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A progress line that appears after 0.3 s of work and is renewed in its place on a terminal; off
 * one, if it is wanted there, a new line each second.  SIGUSR1 asks for one in any case. */
enum { TERM_NEVER, TERM_AUTO, TERM_ALWAYS }; /* AUTO: on a terminal */

typedef struct {
    const char *unit; /* what is counted; NULL: tokens */
    bool enabled;
    bool in_lines;    /* standard error is not a terminal */
    bool shown;
    double started, updated;
} term_progress;

void term_progress_start(term_progress *p, int when);

/* `total` 0: nobody knows. */
void term_progress_show(term_progress *p, const char *what, size_t done, size_t total);
void term_progress_end(term_progress *p);

/* Append bytes in a form that cannot drive a terminal: control characters as ^[ and the like, wrong
 * bytes as \xNN, characters that reorder text as <U+202E>.  Newline and tab stay. */
void term_escape(json_out *out, const char *bytes, size_t n);

/* The same for the first character; returns how many bytes it has.  n is not 0. */
typedef struct {
    char text[16];
} term_shown;
size_t term_escape_one(term_shown *shown, const char *bytes, size_t n);

#endif
