/*
 * cmd_bench.c - lfm bench: prefill and decode speed, as llama-bench measures them, and more.
 */
#include "cli/bench/bench_run.h"
#include "cli/bench/results/bench_compare.h"

#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <string.h>

/* Run every test of the plan. */
static lfm_status run_rows(bench *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    size_t done = 0;
    bench_report_begin(&b->report, &b->context);
    for (size_t i = 0; i < b->plan.n_rows && st == LFM_OK && !term_stopped(); i++) {
        st = bench_run_row(b, &b->plan.rows[i], err);
        if (st == LFM_OK && !term_stopped()) {
            bench_report_row(&b->report, &b->context, &b->plan.rows[i]);
            done++;
        }
    }
    bench_report_end(&b->report, &b->context, b->plan.rows, done);
    return st;
}

static lfm_status measure(bench *b, lfm_error *err) {
    const cli_options *o = b->o;
    lfm_status st = o->text            ? bench_text(b, err)
                    : o->tune          ? bench_tune(b, err)
                    : o->sustain.given ? bench_sustain(b, err)
                                       : run_rows(b, err);
    return st == LFM_OK && o->roofline && !term_stopped() ? bench_roofline(b, err) : st;
}

int cmd_bench(const cli_options *o) {
    bench b = {0};
    lfm_error err = {0};
    if (strcmp(o->model, "compare") == 0) return bench_compare(o);
    if (o->ab[0]) return bench_ab(o);
    lfm_status st = bench_open(&b, o, NULL, &err);
    if (st == LFM_OK) st = bench_report_outcome(&b.report, measure(&b, &err), &err);
    bench_close(&b);
    if (st != LFM_OK && term_stopped()) {
        return CLI_FAILED; /* interrupted: main ends by the signal */
    }
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
