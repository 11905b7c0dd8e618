/*
 * bench_compare.h - lfm bench compare A.json B.json: is B faster than A?
 */
#ifndef CLI_BENCH_RESULTS_BENCH_COMPARE_H
#define CLI_BENCH_RESULTS_BENCH_COMPARE_H

#include "cli/options/options.h"

/* Returns the exit code. */
int bench_compare(const cli_options *o);

#endif
