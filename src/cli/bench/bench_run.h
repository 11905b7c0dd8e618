/*
 * bench_run.h - samples of one test.
 */
#ifndef CLI_BENCH_BENCH_RUN_H
#define CLI_BENCH_BENCH_RUN_H

#include "base/system/cores.h"
#include "cli/bench/bench.h"
#include "cli/bench/bench_power.h"
#include "cli/bench/results/bench_row.h"

#include "lfm.h"

#include <stdbool.h>
#include <stdint.h>

/* A session at a row's depth, and one in which its repetitions happen.  Zeroed is empty. */
typedef struct {
    const bench *b;
    bench_row *row;
    lfm_session *depth, *work;
    bool on_fast;      /* until it is closed, this thread uses fast cores only; then `before` */
    cores_set before;
    power_meter power;
    double began;      /* 0: no sample yet */
    uint64_t throttled; /* before */
} bench_bed;

/* Sessions, and what is there before the test; the row's threads become known. */
lfm_status bench_bed_open(bench_bed *bed, bench *b, bench_row *r, lfm_error *err);
void bench_bed_close(bench_bed *bed); /* safe on a zeroed struct */

/* Once without counting: the whole prompt, one token. */
lfm_status bench_bed_warm(bench_bed *bed, lfm_error *err);

/* Wait as --delay and --cooldown want it. */
void bench_wait(const bench *b);

/* From here on samples count: their time and energy. */
void bench_bed_begin(bench_bed *bed);

/* One repetition; it is added to the row. */
lfm_status bench_bed_sample(bench_bed *bed, lfm_error *err);

/* What the samples say: energy, noise. */
void bench_bed_end(bench_bed *bed);

/* All of it, with -r and --until. */
lfm_status bench_run_row(bench *b, bench_row *r, lfm_error *err);

/* -r, or 5. */
size_t bench_repetitions(const cli_options *o);

/* Another repetition?  -r asks for a number, --until for a narrow interval. */
bool bench_wants_more(const bench *b, const bench_row *r);

/* The weights and the cache that a token of this row reads. */
double bench_bytes_per_token(const bench *b, const bench_row *r);

#endif
