/*
 * input.h - files and standard input as text.
 */
#ifndef CLI_SHARED_INPUT_H
#define CLI_SHARED_INPUT_H

#include "base/json.h"

#include <stdbool.h>

/* Append a whole file to `text`; "-" is standard input.  `drop_newline` drops a final newline. */
lfm_status input_read_file(json_out *text, const char *path, bool drop_newline, lfm_error *err);

#endif
