/*
 * bench_report.h - results where they go: standard output, perhaps standard error too (-o, -oe).
 */
#ifndef CLI_BENCH_RESULTS_BENCH_REPORT_H
#define CLI_BENCH_RESULTS_BENCH_REPORT_H

#include "base/error.h"
#include "cli/bench/results/bench_row.h"
#include "cli/options/options.h"
#include "cli/shared/machine_facts.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Weights of at most so many bytes may stay in a cache from one token to the next. */
enum { BENCH_CACHEABLE = 512 << 20 };

/* What a report says once, beside its rows. */
typedef struct {
    const cli_options *o;
    const lfm_model_info *info;
    char type[64];             /* "lfm2moe 8B.A1B Q4_K - Medium" */
    bool show_batch, show_kv;  /* columns of the table: only where they say something */
    machine_facts machine;
    bool on_battery;           /* joules come from a battery, not from the package's counter */
    double load_s, first_token_s;
    double cached;             /* share of the file in the system's cache; below 0: unknown */
} bench_context;

/* In the order of the words of -o. */
typedef enum {
    BENCH_MD, BENCH_CSV, BENCH_JSON, BENCH_JSONL, BENCH_SQL, BENCH_BENCHSTAT, BENCH_N_FORMATS
} bench_format;

typedef struct {
    FILE *to;
    bench_format format;
} bench_output;

typedef struct {
    bench_output outputs[2]; /* standard output first */
    size_t n_outputs;
    size_t n_rows;           /* written so far */
    int write_error;         /* errno of the first output that could not be written */
} bench_report;

void bench_report_open(bench_report *b, const cli_options *o);

/* On every output: what comes before the rows, a row, what comes after them. */
void bench_report_begin(bench_report *b, const bench_context *c);
void bench_report_row(bench_report *b, const bench_context *c, const bench_row *r);
void bench_report_end(bench_report *b, const bench_context *c, const bench_row *rows, size_t n);

/* Is standard output a table for people?  Then verdicts may follow it. */
bool bench_report_is_table(const bench_report *b);

/* `st`; or the first failure to write when that is LFM_OK. */
lfm_status bench_report_outcome(const bench_report *b, lfm_status st, lfm_error *err);

#endif
