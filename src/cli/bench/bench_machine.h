/*
 * bench_machine.h - the machine under test: its heat, its energy, and what it can do at most.
 */
#ifndef CLI_BENCH_BENCH_MACHINE_H
#define CLI_BENCH_BENCH_MACHINE_H

#include "cli/bench/bench_heat.h"
#include "cli/bench/bench_list.h"
#include "cli/bench/bench_power.h"
#include "cli/bench/results/bench_row.h"
#include "cli/options/options.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that was seen with some number of threads. */
typedef struct {
    uint32_t n_threads;
    double read; /* bytes per second */
    double int8; /* operations per second */
} bench_peaks;

typedef struct {
    bench_heat idle;                    /* before anything ran */
    power_meter power;
    double idle_watts[N_POWER_DOMAINS];
    bench_peaks peaks[BENCH_MAX_LIST];
    size_t n_peaks;
    bool no_probe;                      /* leave the peaks unknown */
} bench_machine;

/* Measure heat (--cooldown) and power (--power) while nothing runs. */
lfm_status bench_machine_open(bench_machine *m, const cli_options *o, lfm_error *err);

/* Set the peaks of a row before its samples are taken: they are measured once for each number of
 * threads. */
lfm_status bench_machine_before(bench_machine *m, bench_row *r, lfm_session *s, lfm_error *err);

/* Measure them again after the samples, and let the row's best sample count as well: the peaks are
 * the best of all that was seen with these threads, so what disturbs one measurement seldom lowers
 * them, and no share can be above 100 %.  `from_cache`: the weights may stay in a cache, so the row
 * says nothing about memory. */
lfm_status bench_machine_after(bench_machine *m, bench_row *r, lfm_session *s, bool from_cache,
                               lfm_error *err);

#endif
