/*
 * bench_row.h - the result of one test: its samples, and statistics of them.
 */
#ifndef CLI_BENCH_RESULTS_BENCH_ROW_H
#define CLI_BENCH_RESULTS_BENCH_ROW_H

#include "base/error.h"
#include "cli/bench/results/bench_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* What an energy counter covers.  PACKAGE is the sum over all sockets, or all that a battery
 * delivers. */
typedef enum { POWER_PACKAGE, POWER_CORE, POWER_DRAM, POWER_PSYS, N_POWER_DOMAINS } power_domain;

/* Why the samples of a row are less reliable. */
enum { NOISE_THROTTLED = 1, NOISE_LOAD = 2, NOISE_SPREAD = 4 };

/* --text: how long a user waits, in seconds. */
typedef struct {
    double tokenize, first_token; /* medians over the repetitions */
    double p50, p95;              /* between two tokens */
    double sampling;              /* share of the decoding time that sampling takes */
} bench_waits;

/* --sustain: tokens per second in the first tenth and in the last half. */
typedef struct {
    double burst, sustained;
    stats_gain drift; /* per minute */
    bool has_drift;
    char spark[STATS_SPARK_BYTES];
    double low, high; /* of the columns of `spark` */
} bench_course;

/* A test and its result. */
typedef struct {
    uint32_t n_prompt, n_gen, n_depth, n_threads, n_batch;
    bool fast;              /* on fast cores only */
    bool is_text;           /* a real text, with tokenising and sampling; otherwise random tokens */
    char side;              /* --ab: 'A' or 'B'; otherwise 0 */
    time_t when;
    double *seconds;        /* [n] of each repetition; owned */
    double *ended;          /* [n] end of each, since the first began; owned */
    size_t n, cap;
    double bytes_per_token; /* weights and cache that a token reads, on average */
    double read_bandwidth;  /* of memory, bytes per second, with these threads; 0: unknown */
    double ops_per_token;   /* on int8, on average; 0: the weights are floats */
    double int8_peak;       /* of the processor, operations per second, likewise */
    double joules[N_POWER_DOMAINS]; /* per token, above idle; below 0: unknown */
    uint64_t throttled;     /* events while it ran */
    unsigned noise;         /* NOISE_..., 0 = none */
    bench_waits waits;
    bench_course course;
    stats_gain gain;        /* --ab, of side B: over A */
    bool has_gain;
} bench_row;

lfm_status bench_row_add(bench_row *r, double seconds, double ended, lfm_error *err);
void bench_row_drop(bench_row *r); /* safe on a zeroed struct */

/* Tokens that one repetition evaluates. */
double bench_row_tokens(const bench_row *r);

/* Mean and standard deviation of tokens per second. */
double bench_row_rate(const bench_row *r, double *spread);

/* Half the 95 % confidence interval of the mean, as a share of it; 1 for fewer than three
 * samples. */
double bench_row_uncertainty(const bench_row *r);

/* Is the mean not known to 3 %, from three samples or more? */
bool bench_row_is_spread(const bench_row *r);

/* Does it only generate, token by token?  Then memory limits it. */
bool bench_row_is_decode(const bench_row *r);

/* Let the row's best sample count as a measurement of the peaks; of the memory's only if it must
 * have read memory, not a cache. */
void bench_row_raise_peaks(bench_row *r, bool from_cache);

/* Shares of the read bandwidth, and of the int8 peak, that a row's tokens use, in per cent; 0 when
 * unknown.  Never above 100: the peaks are the best that was seen, the row's own rate included. */
double bench_row_percent_of_read(const bench_row *r);
double bench_row_percent_of_int8(const bench_row *r);

/* "pp512", "tg128 @ d512", "pp100+tg20 text". */
void bench_row_name(char *out, size_t cap, const bench_row *r);

#endif
