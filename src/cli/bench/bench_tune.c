/*
 * bench_tune.c - lfm bench --tune: how many threads are the fastest here?
 *
 * Memory limits decoding and arithmetic limits prompts, so each has its own number.  All numbers
 * take turns, up and down, so that heat and other programs affect them alike.  A number other than
 * that of the cores must be shown to be faster; fewer threads, which leave cores to others and use
 * less energy, must be shown to be nearly as fast.  On a busy machine nothing can be shown, and
 * nothing changes.
 *
 * On a processor with fast and slow cores, numbers that fit on the fast ones are also tried on
 * these alone: otherwise the system may put one thread on a slow core, and all wait for it.
 */
#include "cli/bench/bench_run.h"

#include "base/error.h"
#include "base/system/cores.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"
#include "cli/shared/tune.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { TUNE_ROUNDS = 5, TUNE_PROMPT = 256, TUNE_GEN = 32 };

static const double HOPELESS = 1.5; /* as many times slower than the fastest: not tried again */
static const double AS_FAST = 3;    /* per cent that fewer threads may be slower, at worst */

/* ---- Measuring ------------------------------------------------------------------------------ */

/* One more sample of a row, in a new session: open sessions would all need memory. */
static lfm_status visit(bench *b, bench_row *r, lfm_error *err) {
    bench_bed bed;
    lfm_status st = bench_bed_open(&bed, b, r, err);
    if (st == LFM_OK) st = bench_bed_warm(&bed, err);
    bench_bed_begin(&bed);
    if (st == LFM_OK) st = bench_bed_sample(&bed, err);
    if (st == LFM_OK) st = bench_bed_end(&bed, err);
    bench_bed_close(&bed);
    return st;
}

/* Is row i too slow after one round to be tried again? */
static bool is_slow(const bench_row *rows, size_t n, size_t i, size_t base) {
    double least = rows[base].seconds[0];
    for (size_t k = 0; k < n; k++) {
        least = rows[k].seconds[0] < least ? rows[k].seconds[0] : least;
    }
    return i != base && rows[i].seconds[0] > HOPELESS * least;
}

/* Sample all rows in turns, up and then down.  rows[base] has a thread for each core. */
static lfm_status sweep(bench *b, bench_row *rows, size_t n, size_t base, lfm_error *err) {
    const size_t rounds = b->o->n_repeat.given ? (size_t)b->o->n_repeat.value : TUNE_ROUNDS;
    bool slow[BENCH_MAX_ROWS] = {false};
    lfm_status st = LFM_OK;
    term_progress progress;
    term_progress_start(&progress, true);
    progress.unit = "runs";
    for (size_t i = 0; i < rounds * n && st == LFM_OK && !term_stopped(); i++) {
        const size_t round = i / n;
        const size_t k = round % 2 == 0 ? i % n : n - 1 - i % n;
        slow[k] = slow[k] || (round == 1 && is_slow(rows, n, k, base));
        st = slow[k] ? LFM_OK : visit(b, &rows[k], err);
        term_progress_show(&progress, bench_row_is_decode(rows) ? "decode" : "prompts", i + 1,
                           rounds * n);
    }
    term_progress_end(&progress);
    for (size_t i = 0; i < n; i++) {
        rows[i].joules[POWER_PACKAGE] = -1.0; /* it covers the last sample only */
    }
    return st;
}

/* The gain of row b over row a in pairs of samples; false when their numbers of samples differ. */
static bool gain_over(const bench_row *a, const bench_row *b, stats_gain *gain) {
    return a->n == b->n && stats_compare_pairs(a->seconds, b->seconds, a->n, gain);
}

size_t bench_tune_choose(const bench_row *rows, size_t n, size_t base, bool fast) {
    stats_gain gain;
    size_t best = base;
    double most = 0.0;
    for (size_t i = 0; i < n; i++) { /* the fastest row that is shown to be faster */
        if ((fast || !rows[i].fast) && gain_over(&rows[base], &rows[i], &gain) && gain.low > 0 &&
            gain.gain > most) {
            best = i;
            most = gain.gain;
        }
    }
    for (size_t i = 0; i < best; i++) {
        if ((fast || !rows[i].fast) && gain_over(&rows[best], &rows[i], &gain) &&
            gain.low > -AS_FAST) {
            return i;
        }
    }
    return best;
}

/* ---- The command ---------------------------------------------------------------------------- */

_Static_assert(4 * BENCH_MAX_LIST <= BENCH_MAX_ROWS, "each number: prompt and decode, on all cores "
               "and on fast ones");

/* Make rows for each number of threads: prompts first, then decoding.  *base: the row with a thread
 * for each core. */
static lfm_status make_rows(bench *b, const bench_list *threads, uint32_t cores, size_t *base,
                            lfm_error *err) {
    const uint32_t n_prompt = b->o->bench_p.n > 0 ? b->plan.prompts.at[0] : TUNE_PROMPT;
    const uint32_t n_gen = b->o->bench_n.n > 0 ? b->plan.gens.at[0] : TUNE_GEN;
    if (n_prompt == 0 || n_gen == 0) {
        return err_set(err, LFM_ERR_ARG,
                       "--tune measures both prompts and decoding; neither -p nor -n can be 0");
    }
    bench_row *rows = b->plan.rows;
    const size_t n_fast = cores_n_fast();
    size_t n = 0;
    for (size_t i = 0; i < threads->n; i++) {
        const uint32_t count = threads->at[i];
        *base = count == cores ? n : *base;
        rows[n++] = (bench_row){.n_threads = count, .n_batch = b->plan.batches.at[0]};
        if (count <= n_fast) {
            rows[n] = rows[n - 1];
            rows[n++].fast = true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        rows[n + i] = rows[i];
        rows[i].n_prompt = n_prompt;
        rows[n + i].n_gen = n_gen;
    }
    b->plan.n_rows = 2 * n;
    return LFM_OK;
}

static void print_choice(const char *what, const bench_row *rows, size_t chosen, size_t base) {
    char text[96];
    stats_gain gain;
    printf("tune     %s: %" PRIu32 " %s%s", what, rows[chosen].n_threads,
           rows[chosen].n_threads == 1 ? "thread" : "threads",
           rows[chosen].fast ? " on fast cores" : "");
    if (chosen != base && gain_over(&rows[base], &rows[chosen], &gain)) {
        stats_verdict(text, sizeof text, &gain);
        printf(", against %" PRIu32 ": %s", rows[base].n_threads, text);
    }
    fputc('\n', stdout);
}

/* Write the best of n prompt rows and of the n decode rows behind them. */
static lfm_status keep(const bench *b, size_t n, size_t base, lfm_error *err) {
    const bench_row *prompts = b->plan.rows;
    const bench_row *decode = b->plan.rows + n;
    size_t p = bench_tune_choose(prompts, n, base, true);
    size_t d = bench_tune_choose(decode, n, base, true);
    if (prompts[p].fast != decode[d].fast) { /* a session uses one set of cores for both */
        p = bench_tune_choose(prompts, n, base, false);
        d = bench_tune_choose(decode, n, base, false);
    }
    char path[1024];
    tune t;
    tune_here(&t);
    t.prefill = prompts[p].n_threads;
    t.decode = decode[d].n_threads;
    t.fast = decode[d].fast;
    if (!tune_path(path, sizeof path)) {
        return err_set(err, LFM_ERR_IO,
                       "--tune has nowhere to save its file: set HOME or XDG_CONFIG_HOME");
    }
    const lfm_status st = tune_write(&t, path, err);
    if (st == LFM_OK && bench_report_is_table(&b->report)) {
        char shown[1024];
        err_escape(shown, sizeof shown, path, strlen(path));
        print_choice("prompts", prompts, p, base);
        print_choice("decode", decode, d, base);
        printf("         saved in %s, used unless -t is given\n", shown);
    }
    return st;
}

lfm_status bench_tune(bench *b, lfm_error *err) {
    bench_list threads;
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const uint32_t cores = (uint32_t)cores_default();
    size_t base = 0;
    bench_thread_counts(&threads, cpus > (long)cores ? (uint32_t)cpus : cores, cores);
    lfm_status st = make_rows(b, &threads, cores, &base, err);
    const size_t n = b->plan.n_rows / 2;
    bench_report_begin(&b->report, &b->context);
    for (size_t half = 0; half < 2 && st == LFM_OK && !term_stopped(); half++) {
        bench_row *rows = b->plan.rows + half * n;
        st = sweep(b, rows, n, base, err);
        for (size_t i = 0; i < n && st == LFM_OK && !term_stopped(); i++) {
            bench_report_row(&b->report, &b->context, &rows[i]);
        }
    }
    const bool whole = st == LFM_OK && !term_stopped();
    bench_report_end(&b->report, &b->context, b->plan.rows, whole ? b->plan.n_rows : 0);
    return whole ? keep(b, n, base, err) : st;
}
