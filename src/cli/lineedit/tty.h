/*
 * tty.h - the terminal as a keyboard: its modes, and giving it back whatever happens.
 *
 * There is one, so its state is global; signal handlers need it.  The terminal is as we found it
 * after tty_close, at exit, after every signal that ends the program, and while it is stopped.
 */
#ifndef CLI_LINEEDIT_TTY_H
#define CLI_LINEEDIT_TTY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    TTY_NORMAL, /* as we found it */
    TTY_KEYS,   /* every byte comes at once, Ctrl-C too; nothing is echoed */
    TTY_WATCH   /* nothing is echoed, and Ctrl-C and Ctrl-Z are signals */
} tty_mode;

/* Use /dev/tty, whatever standard input is.  LFM_ERR_IO when there is none.  From now on SIGINT,
 * SIGTERM and SIGHUP make term_stopped true; the second one ends the program. */
lfm_status tty_open(lfm_error *err);
void tty_close(void);

void tty_set(tty_mode mode);

/* Stop as Ctrl-Z does; returns when we go on. */
void tty_suspend(void);

/* Wait for bytes, at most `wait_ms` (-1: for ever).  Returns how many came; 0 when none did in
 * time, or a signal came; -1 when the terminal is gone. */
int tty_read(char *bytes, size_t cap, int wait_ms);

void tty_write(const char *bytes, size_t n);

size_t tty_columns(void);

/* Did the size change, or were we stopped, since the last call? */
bool tty_must_redraw(void);

#endif
