/*
 * bench_tune.c - lfm bench --tune: how many threads are the fastest here?
 *
 * Decoding is bound by memory and prompts by arithmetic, so each has its own number.  All numbers
 * take turns, up and down, so that heat and other programs hit them alike; of those that are as
 * fast as the best, within 1 %, the fewest threads win: they leave cores for others and cost less
 * energy.
 */
#include "cli/bench.h"

#include "base/cores.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/term.h"
#include "cli/tune.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { TUNE_ROUNDS = 3, TUNE_PROMPT = 256, TUNE_GEN = 32 };

/* ---- Measuring ------------------------------------------------------------------------------ */

/* One more sample of a row.  Sessions do not stay open: each has memory of its own. */
static lfm_status visit(bench *b, bench_row *r, lfm_error *err) {
    bench_bed bed;
    lfm_status st = bench_bed_open(&bed, b, r, err);
    if (st == LFM_OK) {
        st = bench_bed_warm(&bed, err);
    }
    bench_bed_begin(&bed);
    if (st == LFM_OK) {
        st = bench_bed_sample(&bed, err);
    }
    bench_bed_end(&bed);
    bench_bed_close(&bed);
    return st;
}

/* All rows in turns, up and then down. */
static lfm_status sweep(bench *b, bench_row *rows, size_t n, lfm_error *err) {
    const size_t rounds = b->o->n_repeat.given ? (size_t)b->o->n_repeat.value : TUNE_ROUNDS;
    lfm_status st = LFM_OK;
    term_progress progress;
    term_progress_start(&progress, true);
    progress.unit = "runs";
    for (size_t i = 0; i < rounds * n && st == LFM_OK && !term_stopped(); i++) {
        const size_t round = i / n;
        st = visit(b, &rows[round % 2 == 0 ? i % n : n - 1 - i % n], err);
        term_progress_show(&progress, bench_is_decode(rows) ? "decode" : "prompts", i + 1,
                           rounds * n);
    }
    term_progress_end(&progress);
    for (size_t i = 0; i < n; i++) {
        rows[i].joules[POWER_PACKAGE] = -1.0; /* of the last sample alone */
    }
    return st;
}

/* Median seconds: one sample that somebody disturbed does not count.  Sorts the samples. */
static double median(bench_row *r) {
    return stats_percentile(r->seconds, r->n, 0.5);
}

/* The fewest threads among the fastest. */
static const bench_row *best_of(bench_row *rows, size_t n) {
    double least = median(&rows[0]);
    for (size_t i = 1; i < n; i++) {
        const double seconds = median(&rows[i]);
        least = seconds < least ? seconds : least;
    }
    size_t i = 0;
    while (i + 1 < n && median(&rows[i]) > 1.01 * least) {
        i++;
    }
    return &rows[i];
}

/* ---- Altogether ----------------------------------------------------------------------------- */

/* Rows for each number of threads: first the prompt, then decoding. */
static lfm_status make_rows(bench *b, const bench_list *threads, lfm_error *err) {
    const uint32_t n_prompt = b->o->bench_p.n > 0 ? b->prompts.at[0] : TUNE_PROMPT;
    const uint32_t n_gen = b->o->bench_n.n > 0 ? b->gens.at[0] : TUNE_GEN;
    if (n_prompt == 0 || n_gen == 0) {
        return err_set(err, LFM_ERR_ARG, "--tune looks for threads for prompts and for decoding; "
                       "neither -p nor -n can be 0");
    }
    for (size_t i = 0; i < threads->n; i++) {
        const bench_row like = {.n_threads = threads->at[i], .n_batch = b->batches.at[0]};
        b->rows[i] = b->rows[threads->n + i] = like;
        b->rows[i].n_prompt = n_prompt;
        b->rows[threads->n + i].n_gen = n_gen;
    }
    b->n_rows = 2 * threads->n;
    return LFM_OK;
}

static lfm_status keep(const bench *b, const bench_row *prefill, const bench_row *decode,
                       lfm_error *err) {
    char path[1024];
    tune t;
    tune_here(&t);
    t.prefill = prefill->n_threads;
    t.decode = decode->n_threads;
    if (!tune_path(path, sizeof path)) {
        return err_set(err, LFM_ERR_IO, "there is no place for the file of --tune: set HOME or "
                       "XDG_CONFIG_HOME");
    }
    const lfm_status st = tune_write(&t, path, err);
    if (st == LFM_OK && b->outputs[0].format == BENCH_MD) {
        char shown[1024];
        err_escape(shown, sizeof shown, path, strlen(path));
        printf("tune     decode %" PRIu32 " %s \xc2\xb7 prompts %" PRIu32 " \xc2\xb7 kept in %s, "
               "used where -t does not say otherwise\n", t.decode,
               t.decode == 1 ? "thread" : "threads", t.prefill, shown);
    }
    return st;
}

lfm_status bench_tune(bench *b, lfm_error *err) {
    bench_list threads;
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const uint32_t cores = (uint32_t)cores_default();
    bench_thread_counts(&threads, cpus > (long)cores ? (uint32_t)cpus : cores, cores);
    lfm_status st = make_rows(b, &threads, err);
    bench_begin(b);
    for (size_t half = 0; half < 2 && st == LFM_OK && !term_stopped(); half++) {
        bench_row *rows = b->rows + half * threads.n;
        st = sweep(b, rows, threads.n, err);
        for (size_t i = 0; i < threads.n && st == LFM_OK && !term_stopped(); i++) {
            bench_print(b, &rows[i], half == 0 && i == 0);
        }
    }
    const bool whole = st == LFM_OK && !term_stopped();
    bench_end(b, b->rows, whole ? b->n_rows : 0);
    if (!whole) {
        return st;
    }
    return keep(b, best_of(b->rows, threads.n), best_of(b->rows + threads.n, threads.n), err);
}
