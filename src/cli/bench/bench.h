/*
 * bench.h - what the files of `lfm bench` share: a model, the tests of it, the machine, the report.
 *
 * bench.c opens all of it, bench_run.c takes samples of one test, and results/ reports them.
 * bench_text.c, bench_sustain.c, bench_tune.c, bench_roofline.c and bench_ab.c are the measurements
 * that cmd_bench.c chooses from.
 */
#ifndef CLI_BENCH_BENCH_H
#define CLI_BENCH_BENCH_H

#include "cli/bench/bench_machine.h"
#include "cli/bench/bench_plan.h"
#include "cli/bench/results/bench_report.h"
#include "cli/options/options.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured, with what, and where results go. */
typedef struct {
    const cli_options *o;
    lfm_model *model;
    bool shares_model;  /* another bench closes it */
    int32_t *tokens;    /* [n_tokens] random ones; owned */
    uint32_t n_tokens;  /* of the longest test */
    uint32_t n_ctx;     /* context of the sessions */
    bench_plan plan;
    bench_machine machine;
    bench_context context;
    bench_report report;
} bench;

/* Check the options, open the model (or use that of `shared`, if it is the same), look at the
 * machine.  The tests are in b->plan afterwards. */
lfm_status bench_open(bench *b, const cli_options *o, const bench *shared, lfm_error *err);
void bench_close(bench *b); /* safe on a zeroed struct */

/* Equal texts, or both NULL. */
bool bench_is_same_text(const char *a, const char *b);

/* ---- Measurements, each in a file of its name ----------------------------------------------- */

lfm_status bench_text(bench *b, lfm_error *err);     /* --text; makes rows of its own */
lfm_status bench_sustain(bench *b, lfm_error *err);  /* --sustain */
lfm_status bench_tune(bench *b, lfm_error *err);     /* --tune */
lfm_status bench_roofline(bench *b, lfm_error *err); /* --roofline, after the table */
int bench_ab(const cli_options *o);                  /* --ab; returns the exit code */

/* The best of rows[n], which have rising numbers of threads and samples that were taken in turns;
 * rows[base] stays chosen unless others are shown to be better.  `fast`: rows on fast cores may be
 * chosen too. */
size_t bench_tune_choose(const bench_row *rows, size_t n, size_t base, bool fast);

#endif
