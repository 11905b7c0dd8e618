/*
 * bench_sustain.c - lfm bench --sustain 5m: how fast a machine still is when it is hot.
 *
 * Laptops run faster for seconds than they can for minutes.  A test is repeated without a pause;
 * its first tenth is the burst, its last half the sustained speed.
 */
#include "cli/bench/bench_run.h"

#include "cli/shared/term.h"

#include <stdlib.h>

static lfm_status describe(bench_row *r, double seconds, lfm_error *err) {
    bench_course *c = &r->course;
    double *rates = malloc((r->n + 1) * sizeof *rates);
    double *minutes = malloc((r->n + 1) * sizeof *minutes);
    if (!rates || !minutes) {
        free(rates);
        free(minutes);
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu samples", r->n);
    }
    for (size_t i = 0; i < r->n; i++) {
        rates[i] = bench_row_tokens(r) / r->seconds[i];
        minutes[i] = r->ended[i] / 60;
    }
    const double end = r->n > 0 ? minutes[r->n - 1] : seconds / 60;
    const double past = end + 1; /* the last sample lies before it */
    c->burst = stats_mean_between(minutes, rates, r->n, 0, 0.1 * end);
    c->sustained = stats_mean_between(minutes, rates, r->n, 0.5 * end, past);
    c->has_drift = stats_drift(minutes, rates, r->n, &c->drift);
    stats_sparkline(c->spark, minutes, rates, r->n, 1.0000001 * end, &c->low, &c->high);
    free(rates);
    free(minutes);
    return LFM_OK;
}

static lfm_status sustain_row(bench *b, bench_row *r, lfm_error *err) {
    bench_bed bed;
    term_progress progress;
    const size_t seconds = (size_t)b->o->sustain.value;
    lfm_status st = bench_bed_open(&bed, b, r, err);
    if (st == LFM_OK) st = bench_bed_warm(&bed, err);
    term_progress_start(&progress, true);
    progress.unit = "s";
    bench_bed_begin(&bed);
    while (st == LFM_OK && !term_stopped() &&
           (r->n == 0 || r->ended[r->n - 1] < b->o->sustain.value)) {
        st = bench_bed_sample(&bed, err);
        const size_t spent = r->n > 0 ? (size_t)r->ended[r->n - 1] : 0;
        term_progress_show(&progress, "sustain", spent, spent < seconds ? seconds : spent);
    }
    term_progress_end(&progress);
    if (st == LFM_OK) st = bench_bed_end(&bed, err);
    bench_bed_close(&bed);
    return st == LFM_OK ? describe(r, b->o->sustain.value, err) : st;
}

lfm_status bench_sustain(bench *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    size_t done = 0;
    bench_report_begin(&b->report, &b->context);
    for (size_t i = 0; i < b->plan.n_rows && st == LFM_OK && !term_stopped(); i++) {
        bench_row *r = &b->plan.rows[i];
        st = sustain_row(b, r, err);
        if (st == LFM_OK && r->n > 0) { /* report what was measured before Ctrl-C */
            bench_report_row(&b->report, &b->context, r);
            done++;
        }
    }
    bench_report_end(&b->report, &b->context, b->plan.rows, done);
    return st;
}
