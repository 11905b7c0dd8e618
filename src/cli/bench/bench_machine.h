/*
 * bench_machine.h - the machine under test: its heat, its energy, and how fast it reads memory.
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

typedef struct {
    bench_heat idle;                    /* before anything ran */
    power_meter power;
    double idle_watts[N_POWER_DOMAINS];
    double bandwidth[BENCH_MAX_LIST];   /* [n_probed] bytes per second with probed[i] threads */
    uint32_t probed[BENCH_MAX_LIST];
    size_t n_probed;
    bool no_probe;                      /* leave the bandwidth unknown */
} bench_machine;

/* Measure heat (--cooldown) and power (--power) while nothing runs. */
lfm_status bench_machine_open(bench_machine *m, const cli_options *o, lfm_error *err);

/* Set r->read_bandwidth for the threads of a session; each number of threads is probed once. */
lfm_status bench_machine_bandwidth(bench_machine *m, bench_row *r, lfm_session *s,
                                   lfm_error *err);

/* A row that seems to read faster than memory can deliver shows that the probe was disturbed:
 * repeat it, at most twice.  Not for weights that stay in a cache. */
lfm_status bench_machine_recheck(bench_machine *m, bench_row *r, lfm_session *s, lfm_error *err);

#endif
