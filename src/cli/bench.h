/*
 * bench.h - what the files of `lfm bench` share: a test, its result, the report.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/bench_machine.h"
#include "cli/options.h"

#include "lfm.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { BENCH_MAX_SAMPLES = 1000 };

/* One row. */
typedef struct {
    uint32_t n_prompt, n_gen, n_depth, n_threads, n_batch;
    double seconds[BENCH_MAX_SAMPLES]; /* [n] */
    size_t n;
    time_t when;
    double bytes_per_token; /* weights and cache that a generated token reads, on average */
    double joules;          /* per token, over all samples; below 0: unknown */
    bool noisy;             /* throttled, or a loaded machine, or a wide spread */
} bench_row;

/* What holds for all rows. */
typedef struct {
    const cli_options *o;
    const lfm_model_info *info;
    const char *path;
    char type[64];          /* "lfm2moe 8B.A1B Q4_K - Medium" */
    double read_bandwidth;  /* bytes per second */
    double load_s, first_token_s;
    bench_machine machine;
} bench_facts;

/* Mean and standard deviation of tokens per second. */
double bench_rate(const bench_row *r, double *spread);

/* Half the 95 % confidence interval of the mean, as a share of it; 1 for fewer than three
 * samples. */
double bench_uncertainty(const bench_row *r);

/* llama-bench's name for the file: architecture, size and mix. */
void bench_model_type(char *out, size_t cap, const lfm_model *m);

typedef enum { BENCH_MD, BENCH_CSV, BENCH_JSON, BENCH_JSONL, BENCH_SQL } bench_format;

void bench_begin(FILE *to, bench_format format, const bench_facts *f);
void bench_print(FILE *to, bench_format format, const bench_facts *f, const bench_row *r,
                 bool first);
void bench_end(FILE *to, bench_format format, const bench_facts *f, const bench_row *rows,
               size_t n);

/* lfm bench compare A.json B.json */
int bench_compare(const cli_options *o);

#endif
