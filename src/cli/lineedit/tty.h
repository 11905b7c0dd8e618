/*
 * tty.h - the terminal as a keyboard: its modes, and restoring them whatever happens.
 *
 * There is one terminal, and signal handlers need it, so its state is global.  Its original modes
 * are restored by tty_close, at exit, by every signal that ends the program, and while the program
 * is stopped.
 */
#ifndef CLI_LINEEDIT_TTY_H
#define CLI_LINEEDIT_TTY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    TTY_NORMAL, /* the original modes */
    TTY_KEYS,   /* every byte arrives at once, Ctrl-C too; nothing is echoed */
    TTY_WATCH   /* nothing is echoed, and Ctrl-C and Ctrl-Z are signals */
} tty_mode;

/* Open /dev/tty, whatever standard input is.  LFM_ERR_IO when there is none.  From now on SIGINT,
 * SIGTERM and SIGHUP make term_stopped true; a second one ends the program. */
lfm_status tty_open(lfm_error *err);
void tty_close(void);

void tty_set(tty_mode mode);

/* Stop as by Ctrl-Z; returns when the program continues. */
void tty_suspend(void);

/* Wait for bytes, at most `wait_ms` (-1: for ever).  Returns how many arrived; 0 on a timeout or a
 * signal; -1 when the terminal is gone. */
int tty_read(char *bytes, size_t cap, int wait_ms);

void tty_write(const char *bytes, size_t n);

size_t tty_columns(void);

/* Has the size changed, or was the program stopped, since the last call? */
bool tty_must_redraw(void);

#endif
