/*
 * results_internal.h - what the writers of results share.
 *
 * A format has functions for the beginning, a row, and the end; bench_report.c calls them.
 * `first`: the row is the first of the report.
 */
#ifndef CLI_BENCH_RESULTS_RESULTS_INTERNAL_H
#define CLI_BENCH_RESULTS_RESULTS_INTERNAL_H

#include "cli/bench/results/bench_report.h"

/* ---- Fields for programs (bench_fields.c) --------------------------------------------------- */

enum { BENCH_MAX_FIELDS = 72 };

typedef struct {
    const char *name;
    char value[160];
    bool quoted; /* a text; otherwise a number, true, false or null */
} bench_field;

typedef struct {
    bench_field at[BENCH_MAX_FIELDS];
    size_t n;
} bench_fields;

/* The fields of a row; those of --text, --sustain and --ab only with these. */
void bench_fields_read(bench_fields *f, const bench_context *c, const bench_row *r);

/* ---- Writers (bench_table.c, bench_formats.c) ----------------------------------------------- */

typedef void bench_begin_fn(FILE *to, const bench_context *c);
typedef void bench_row_fn(FILE *to, const bench_context *c, const bench_row *r, bool first);
typedef void bench_end_fn(FILE *to, const bench_context *c, const bench_row *rows, size_t n);

bench_begin_fn bench_table_begin, bench_json_begin;
bench_row_fn bench_table_row, bench_csv_row, bench_json_row, bench_jsonl_row, bench_sql_row,
    bench_benchstat_row;
bench_end_fn bench_table_end, bench_json_end;

#endif
