/*
 * bench_machine.h - what a measurement should tell about the machine it was made on.
 *
 * Everything comes from files that any user may read on Linux; elsewhere it is "unknown".
 */
#ifndef CLI_BENCH_MACHINE_H
#define CLI_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char cpu[96];
    char cores[40];     /* "8 cores", "6P+8E" as far as it can be told */
    char governor[32];
    char power[16];     /* "on AC", "on battery", or empty */
    char system[96];    /* operating system and release */
    double load;        /* average of the last minute; below 0: unknown */
    uint64_t throttled; /* events since the machine started */
    bool has_throttled;
} bench_machine;

void bench_machine_read(bench_machine *m);

/* Joules that the processor package has used since some time; below 0 when it cannot be read. */
double bench_joules(void);

/* Joules from one reading to a later one; below 0 when either could not be taken. */
double bench_joules_between(double before, double after);

#endif
