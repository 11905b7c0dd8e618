/*
 * bench_model.h - the model under test: its name, its file, and the settings of its sessions.
 */
#ifndef CLI_BENCH_BENCH_MODEL_H
#define CLI_BENCH_BENCH_MODEL_H

#include "cli/bench/results/bench_row.h"
#include "cli/options/options.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* llama-bench's name for the file: architecture, size and mix. */
void bench_model_type(char *out, size_t cap, const lfm_model *m);

/* The share of a file that is in the system's cache, 0 to 1; below 0: unknown. */
double bench_cached_share(const char *path);

/* Settings for a row: its own number of threads, or tuned ones, or all cores.  *fast: on fast cores
 * only. */
lfm_session_options bench_session_options(const cli_options *o, uint32_t n_ctx,
                                          const bench_row *r, bool *fast);

#endif
