/*
 * bench_context.h - what a report says once, beside its rows: model, machine, program.
 */
#ifndef CLI_BENCH_RESULTS_BENCH_CONTEXT_H
#define CLI_BENCH_RESULTS_BENCH_CONTEXT_H

#include "cli/options/options.h"
#include "cli/shared/machine_facts.h"

#include "lfm.h"

#include <stdbool.h>

/* Weights of at most so many bytes may stay in a cache from one token to the next. */
enum { BENCH_CACHEABLE = 512 << 20 };

typedef struct {
    const cli_options *o;
    const lfm_model_info *info;
    char type[64];             /* "lfm2moe 8B.A1B Q4_K - Medium" */
    bool show_batch, show_kv;  /* columns of the table, where not the default */
    machine_facts machine;
    bool on_battery;           /* joules come from a battery, not from the package's counter */
    double load_s, first_token_s;
    double cached;             /* share of the file in the system's cache; below 0: unknown */
} bench_context;

/* The type of keys and values: "f16", "f32", "q8_0". */
const char *bench_kv_name(const bench_context *c);

/* The commit that the program was built from; "" when it is unknown. */
const char *bench_commit(void);

/* The version with the commit: "lfm-0.1.0-1234567". */
const char *bench_build(void);

#endif
