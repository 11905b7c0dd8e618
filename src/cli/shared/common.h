/*
 * common.h - what the commands share: exit codes, opening the model, settings of a session.
 *
 * A command is a row in commands[] (help/command_table.c), a file cmd_NAME.c, and its bit in
 * options/option_table.c.
 */
#ifndef CLI_SHARED_COMMON_H
#define CLI_SHARED_COMMON_H

#include "cli/options/options.h"
#include "cli/shared/tune.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit codes.  A program that was interrupted dies by its signal instead. */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,     /* it could not be done */
    CLI_USAGE = 2,      /* the command line is wrong; nothing was run */
    CLI_TOO_LONG = 3,   /* the prompt does not fit the context */
    CLI_INCOMPLETE = 4, /* the answer is empty */
    CLI_SLOWER = 5      /* bench compare --fail-if-slower */
};

int cmd_run(const cli_options *o);
int cmd_chat(const cli_options *o);
int cmd_info(const cli_options *o);
int cmd_tokenize(const cli_options *o);
int cmd_logits(const cli_options *o);
int cmd_quantize(const cli_options *o);
int cmd_pack(const cli_options *o);
int cmd_verify(const cli_options *o);
int cmd_score(const cli_options *o);
int cmd_batch(const cli_options *o);
int cmd_pick(const cli_options *o);
int cmd_bench(const cli_options *o);
int cmd_selftest(const cli_options *o);

/* Print an error and return the exit code that belongs to its status. */
int cli_fail(const lfm_error *err);

/* Open the model that the options name, after --cpus and --nice; then --mlock.  The error of a
 * mistyped path names one that is there. */
lfm_status cli_open_model(lfm_model **out, const cli_options *o, bool vocab_only, lfm_error *err);

/* Where the chat template comes from and what it writes: "own, tools, thoughts". */
void cli_describe_template(const lfm_model_info *i, char *out, size_t cap);

/* The file in the same folder whose name is most like the one in `path`; "" = none. */
void cli_nearest_file(const char *path, char *found, size_t cap);

/* The error of a file that open() refused (`cause` is errno), with a name that may be meant. */
lfm_status cli_no_file(const char *path, int cause, lfm_error *err);

/* -c, -b, -t and --kv. */
lfm_session_options cli_session_options(const cli_options *o);

/* --progress and -q, for term_progress_start. */
int cli_progress(const cli_options *o);

/* A session with them; warns on standard error about what makes it slower than requested. */
lfm_status cli_new_session(lfm_session **out, const lfm_model *m, const cli_options *o,
                           lfm_error *err);

/* The same, and who chose its number of threads. */
lfm_status cli_new_tuned_session(lfm_session **out, threads_origin *origin, const lfm_model *m,
                                 const cli_options *o, lfm_error *err);

/* "4.79 GiB", "12.0 KiB". */
typedef struct {
    char text[24];
} cli_text;
cli_text cli_size(uint64_t n_bytes);

/* "8.47 B", "359 M", for weights. */
cli_text cli_count(uint64_t n);

/* 32768 -> "32 768", for people. */
cli_text cli_grouped(uint64_t n);

/* The part of a path after its last '/'. */
const char *cli_base_name(const char *path);

/* Read token ids separated by white space, commas or brackets from `text` (NUL-terminated).
 * *ids is allocated (free it).  `name` is for the error, which names the first wrong word. */
lfm_status cli_read_ids(const char *text, const char *name, int32_t **ids, size_t *n,
                        lfm_error *err);

/* Print bytes to standard output: as they are, or printable when it is a terminal. */
void cli_print(const char *bytes, size_t n);

#endif
