/*
 * info_parts.h - parts of a model file, and session files, as text.
 */
#ifndef CLI_COMMANDS_INFO_PARTS_H
#define CLI_COMMANDS_INFO_PARTS_H

#include "cli/options/options.h"

#include "lfm.h"

#include <stdbool.h>

void info_print_tensors(const lfm_model *m);
void info_print_keys(const lfm_model *m);

/* The whole value of a key.  LFM_ERR_FORMAT when there is none. */
lfm_status info_print_key(const lfm_model *m, const char *wanted, lfm_error *err);
lfm_status info_print_template(const lfm_model *m, lfm_error *err);

/* A session file; false when the file is none, and then nothing is printed. */
bool info_print_session(const cli_options *o, lfm_status *st, lfm_error *err);

#endif
