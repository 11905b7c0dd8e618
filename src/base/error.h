/*
 * error.h - the one way to fail.
 *
 * The function that notices a failure fills the error; its callers pass the status up unchanged.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "lfm.h"

#include <stddef.h>

/* Set *err (which may be NULL) to a printf-formatted line and return `status`.  The first error
 * wins: an error that is already set is kept, so that a failing clean-up cannot hide the cause.
 * Control characters and bytes that are not UTF-8 are written as \xNN, so text from a file may be
 * passed unescaped (with %.*s). */
lfm_status err_set(lfm_error *err, lfm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Set *err to "out of memory for <what_for>", as err_set does; return LFM_ERR_MEMORY. */
lfm_status err_no_memory(lfm_error *err, const char *what_for);

/* Empty *err; NULL is fine. */
void err_clear(lfm_error *err);

/* Copy `n` bytes as printable text into out[cap], NUL-terminated: control characters (C0, DEL,
 * C1), invalid UTF-8 and characters that reorder text become \xNN.  What does not fit is cut and
 * ends in "...".  Returns the length written. */
size_t err_escape(char *out, size_t cap, const char *bytes, size_t n);

#endif
