/*
 * bench_power.h - what the processor takes from the wall, or the machine from its battery.
 *
 * RAPL counters (Intel, and AMD by the same driver) count microjoules and wrap within minutes of
 * full load, so they are read again and again while something runs.  A battery tells its discharge
 * slowly, so only long runs say something.  Both are read as any user; what is not readable is not
 * asked for.
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
    double range; /* joules at which the counter begins again at 0; 0: unknown */
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

/* Look for counters; POWER_NONE is no error: nothing is readable.  `wanted` POWER_NONE takes RAPL
 * if it is there. */
void power_open(power_meter *m, power_source wanted, const char *root);

/* Begin to count at `now` (seconds of a clock that never jumps), and add what was used since. */
void power_begin(power_meter *m, double now);
void power_update(power_meter *m, double now);

#endif
