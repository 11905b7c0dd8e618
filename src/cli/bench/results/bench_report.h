/*
 * bench_report.h - write results to standard output (-o) and perhaps to standard error (-oe).
 */
#ifndef CLI_BENCH_RESULTS_BENCH_REPORT_H
#define CLI_BENCH_RESULTS_BENCH_REPORT_H

#include "base/error.h"
#include "cli/bench/results/bench_context.h"
#include "cli/bench/results/bench_row.h"
#include "cli/options/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

/* Write to every output: the beginning, a row, the end. */
void bench_report_begin(bench_report *b, const bench_context *c);
void bench_report_row(bench_report *b, const bench_context *c, const bench_row *r);
void bench_report_end(bench_report *b, const bench_context *c, const bench_row *rows, size_t n);

/* Is standard output a table for people?  Then verdicts may follow it. */
bool bench_report_is_table(const bench_report *b);

/* `st`; or the first failure to write when that is LFM_OK. */
lfm_status bench_report_outcome(const bench_report *b, lfm_status st, lfm_error *err);

#endif
