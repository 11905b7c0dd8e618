/*
 * bench_plan.h - the tests that the options ask for: lists of settings, and a row for each test.
 */
#ifndef CLI_BENCH_BENCH_PLAN_H
#define CLI_BENCH_BENCH_PLAN_H

#include "cli/bench/bench_list.h"
#include "cli/bench/results/bench_row.h"
#include "cli/options/options.h"

#include <stddef.h>
#include <stdint.h>

enum { BENCH_MAX_ROWS = 256 };

typedef struct {
    bench_list prompts, gens, depths, threads, batches;
    uint32_t pairs[BENCH_MAX_LIST][2]; /* -pg: prompt and generated tokens of one test */
    size_t n_pairs;
    bench_row *rows;    /* [n_rows], room for BENCH_MAX_ROWS; owned */
    size_t n_rows;
    uint32_t longest;   /* tokens of the longest test */
    uint32_t n_ctx_max; /* of the model */
} bench_plan;

/* Check the options, before anything is opened. */
lfm_status bench_plan_check(const cli_options *o, lfm_error *err);

/* Read the lists, and make the rows of all their combinations. */
lfm_status bench_plan_read(bench_plan *p, const cli_options *o, uint32_t n_ctx_max,
                           lfm_error *err);
void bench_plan_drop(bench_plan *p); /* safe on a zeroed struct */

#endif
