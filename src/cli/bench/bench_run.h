/*
 * bench_run.h - taking samples of one test.
 */
#ifndef CLI_BENCH_BENCH_RUN_H
#define CLI_BENCH_BENCH_RUN_H

#include "base/system/cores.h"
#include "cli/bench/bench.h"
#include "cli/bench/bench_power.h"
#include "cli/bench/results/bench_row.h"
#include "cli/reading/cost.h"

#include "lfm.h"

#include <stdbool.h>
#include <stdint.h>

/* A test in progress: a session at its depth, and a copy of it for each repetition.  Zeroed is
 * empty. */
typedef struct {
    bench *b;
    bench_row *row;
    lfm_session *depth, *work;
    bool on_fast;      /* this thread uses fast cores only; `before` again when closed */
    cores_set before;
    power_meter power;
    double began;      /* when samples began to count; 0: not yet */
    uint64_t throttled; /* events before the test */
    const char *what;   /* shows how far a prompt is; NULL: nothing is shown */
    reading_times times; /* of its batches so far */
} bench_bed;

/* Open the sessions, and pretend the tokens before the test.  Sets the threads of the row. */
lfm_status bench_bed_open(bench_bed *bed, bench *b, bench_row *r, lfm_error *err);
void bench_bed_close(bench_bed *bed); /* safe on a zeroed struct */

/* Warm up, unless --no-warmup: the prompt, or the beginning of a long one; one token. */
lfm_status bench_bed_warm(bench_bed *bed, lfm_error *err);

/* Wait for --delay and --cooldown. */
void bench_wait(const bench *b);

/* Start to count time and energy. */
void bench_bed_begin(bench_bed *bed);

/* Run one repetition and add it to the row. */
lfm_status bench_bed_sample(bench_bed *bed, lfm_error *err);

/* Set the energy, noise and peaks of the row. */
lfm_status bench_bed_end(bench_bed *bed, lfm_error *err);

/* Run a whole test, with -r and --until. */
lfm_status bench_run_row(bench *b, bench_row *r, lfm_error *err);

/* The number of -r, or 5. */
size_t bench_repetitions(const cli_options *o);

/* Do -r (a number) or --until (a narrow interval) ask for another repetition? */
bool bench_wants_more(const bench *b, const bench_row *r);

/* Set what a token of this row takes on average: bytes of weights and cache, int8 operations. */
void bench_count_costs(const bench *b, bench_row *r);

#endif
