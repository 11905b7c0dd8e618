/*
 * bench_heat.h - how warm and how fast the processor is at this moment.
 *
 * `root` is put before every path: "" for the real files, a folder in tests.
 */
#ifndef CLI_BENCH_BENCH_HEAT_H
#define CLI_BENCH_BENCH_HEAT_H

#include <stdbool.h>

typedef struct {
    double celsius; /* of its hottest sensor; below -100: unknown */
    double hertz;   /* mean over the CPUs; 0: unknown */
} bench_heat;

bench_heat bench_heat_read(const char *root);

/* Is `now` as good as `idle`: at most 3 degrees above it, and its clock at most a tenth?  An
 * unknown value passes. */
bool bench_heat_is_idle(bench_heat now, bench_heat idle);

#endif
