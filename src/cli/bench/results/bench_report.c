/*
 * bench_report.c - each output and the writer of its format.
 */
#include "cli/bench/results/bench_report.h"

#include "cli/bench/results/results_internal.h"

#include <errno.h>
#include <string.h>

/* begin and end may be NULL. */
typedef struct {
    bench_begin_fn *begin;
    bench_row_fn *row;
    bench_end_fn *end;
} writer;

static const writer writers[BENCH_N_FORMATS] = {
    [BENCH_MD] = {bench_table_begin, bench_table_row, bench_table_end},
    [BENCH_CSV] = {.row = bench_csv_row},
    [BENCH_JSON] = {bench_json_begin, bench_json_row, bench_json_end},
    [BENCH_JSONL] = {.row = bench_jsonl_row},
    [BENCH_SQL] = {.row = bench_sql_row},
    [BENCH_BENCHSTAT] = {.row = bench_benchstat_row},
};

void bench_report_open(bench_report *b, const cli_options *o) {
    *b = (bench_report){.outputs = {{stdout, (bench_format)o->bench_format}}, .n_outputs = 1};
    if (o->bench_format_err > 0) { /* its first word is "none" */
        b->outputs[b->n_outputs++] = (bench_output){stderr,
                                                    (bench_format)(o->bench_format_err - 1)};
    }
}

/* Show results at once; remember the first failure to write. */
static void flush(bench_report *b, FILE *to) {
    errno = 0;
    if (fflush(to) != 0 && b->write_error == 0) {
        b->write_error = errno ? errno : EIO;
    }
}

void bench_report_begin(bench_report *b, const bench_context *c) {
    for (size_t i = 0; i < b->n_outputs; i++) {
        const writer *w = &writers[b->outputs[i].format];
        if (w->begin) {
            w->begin(b->outputs[i].to, c);
        }
        flush(b, b->outputs[i].to);
    }
}

void bench_report_row(bench_report *b, const bench_context *c, const bench_row *r) {
    for (size_t i = 0; i < b->n_outputs; i++) {
        writers[b->outputs[i].format].row(b->outputs[i].to, c, r, b->n_rows == 0);
        flush(b, b->outputs[i].to);
    }
    b->n_rows++;
}

void bench_report_end(bench_report *b, const bench_context *c, const bench_row *rows, size_t n) {
    for (size_t i = 0; i < b->n_outputs; i++) {
        const writer *w = &writers[b->outputs[i].format];
        if (w->end) {
            w->end(b->outputs[i].to, c, rows, n);
        }
        flush(b, b->outputs[i].to);
    }
}

bool bench_report_is_table(const bench_report *b) {
    return b->outputs[0].format == BENCH_MD;
}

lfm_status bench_report_outcome(const bench_report *b, lfm_status st, lfm_error *err) {
    return st == LFM_OK && b->write_error
               ? err_set(err, LFM_ERR_IO, "standard output: cannot be written: %s",
                         strerror(b->write_error))
               : st;
}
