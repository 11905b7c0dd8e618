/*
 * input.h - files and standard input as text.
 *
 * Every text file is read here, or begun with input_begin: a byte order mark is no part of a text,
 * and "\r\n" ends a line as "\n" does.  Nothing else is changed.
 */
#ifndef CLI_SHARED_INPUT_H
#define CLI_SHARED_INPUT_H

#include "base/json.h"

#include <stddef.h>

/* How a text begins: *n_mark is the size of its byte order mark, 0 without one.  LFM_ERR_ARG for
 * the mark of UTF-16. */
lfm_status input_begin(const char *text, size_t n, const char *name, size_t *n_mark,
                       lfm_error *err);

typedef enum {
    INPUT_TEXT, /* for the model: a line end at the end of the file is no part of it */
    INPUT_CODE, /* JSON, grammars, numbers */
    INPUT_BYTES /* every byte, a byte order mark too */
} input_kind;

/* Append a whole file to `text`; "-" is standard input. */
lfm_status input_read_file(json_out *text, const char *path, input_kind kind, lfm_error *err);

#endif
