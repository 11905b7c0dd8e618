/*
 * bench_power.h - the energy that the processor uses, or the machine takes from its battery.
 *
 * RAPL counters (Intel, and AMD by the same driver) count microjoules and wrap within minutes of
 * full load, so they are read often while a test runs.  A battery reports its discharge slowly, so
 * only long runs are meaningful.  Both are read as an ordinary user; unreadable counters are
 * skipped.
 */
#ifndef CLI_BENCH_BENCH_POWER_H
#define CLI_BENCH_BENCH_POWER_H

#include "cli/bench/results/bench_row.h"
#include "cli/shared/machine_facts.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum { POWER_NONE, POWER_RAPL, POWER_BATTERY } power_source;

enum { POWER_MAX_ZONES = 32 };

typedef struct {
    char path[80];
    power_domain domain;
    double range; /* joules at which the counter wraps to 0; 0: unknown */
    double last;  /* joules */
} power_zone;

typedef struct {
    power_source source;
    const char *root; /* before every path; kept */
    power_zone zones[POWER_MAX_ZONES];
    size_t n_zones;
    machine_path batteries[MACHINE_MAX_SUPPLIES];
    size_t n_batteries;
    double watts;     /* of the batteries, when last read */
    double at;        /* seconds, when last read */
    double joules[N_POWER_DOMAINS]; /* since power_begin */
    bool has[N_POWER_DOMAINS];
} power_meter;

/* Find counters; m->source is POWER_NONE when none is readable.  `wanted`: POWER_BATTERY, or RAPL
 * for anything else. */
void power_open(power_meter *m, power_source wanted, const char *root);

/* Start counting at `now` (seconds of a monotonic clock), and add the energy used since then. */
void power_begin(power_meter *m, double now);
void power_update(power_meter *m, double now);

#endif
