/*
 * bench_run.c - samples of one test, and what they say of the machine.
 *
 * Random tokens, no sampling and no tokenising, as llama-bench does it.  A test is warmed up, then
 * repeated from the same state.
 */
#include "cli/bench/bench.h"

#include "cli/bench/bench_bytes.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_REPETITIONS = 100 };

static const double cool_seconds = 120;

/* ---- Rows ----------------------------------------------------------------------------------- */

lfm_status bench_row_add(bench_row *r, double seconds, double ended, lfm_error *err) {
    if (r->n == r->cap) {
        const size_t cap = r->cap ? 2 * r->cap : 16;
        double *times = realloc(r->seconds, cap * sizeof *times);
        r->seconds = times ? times : r->seconds;
        double *ends = times ? realloc(r->ended, cap * sizeof *ends) : NULL;
        if (!ends) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu samples", cap);
        }
        r->ended = ends;
        r->cap = cap;
    }
    r->seconds[r->n] = seconds;
    r->ended[r->n++] = ended;
    return LFM_OK;
}

void bench_row_drop(bench_row *r) {
    free(r->seconds);
    free(r->ended);
    *r = (bench_row){0};
}

double bench_row_tokens(const bench_row *r) {
    return (double)r->n_prompt + (double)r->n_gen;
}

double bench_rate(const bench_row *r, double *spread) {
    double sum = 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        sum += bench_row_tokens(r) / r->seconds[i];
    }
    const double mean = r->n > 0 ? sum / (double)r->n : 0.0;
    for (size_t i = 0; i < r->n; i++) {
        const double d = bench_row_tokens(r) / r->seconds[i] - mean;
        squares += d * d;
    }
    *spread = r->n > 1 ? sqrt(squares / (double)(r->n - 1)) : 0.0;
    return mean;
}

double bench_uncertainty(const bench_row *r) {
    return stats_uncertainty(r->seconds, r->n);
}

bool bench_is_decode(const bench_row *r) {
    return r->n_prompt == 0;
}

double bench_bytes_per_token(const bench *b, const bench_row *r) {
    const lfm_session_options opt = cli_session_options(b->o);
    const bench_sizes sizes = bench_sizes_of(b->model, opt.kv);
    return bench_bytes(&sizes, r->n_depth, r->n_prompt, r->n_gen, r->n_batch) /
           bench_row_tokens(r);
}

/* ---- The bed -------------------------------------------------------------------------------- */

static bool go_on(void *ctx, size_t done, size_t total) {
    (void)ctx;
    (void)done;
    (void)total;
    return !term_stopped();
}

/* Nothing reads faster than memory can be read, unless from a cache: then the probe was disturbed,
 * and is repeated. */
static lfm_status doubt_bandwidth(bench *b, bench_row *r, lfm_session *s, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (int i = 0; i < 2 && st == LFM_OK && !term_stopped() && bench_percent_of_peak(r) > 100 &&
                    b->info->token_bytes > BENCH_CACHEABLE; i++) {
        double again = 0.0;
        st = lfm_read_bandwidth(s, &again, err);
        r->read_bandwidth = again > r->read_bandwidth ? again : r->read_bandwidth;
    }
    for (size_t i = 0; i < b->n_probed; i++) {
        if (b->probed[i] == r->n_threads && r->read_bandwidth > b->bandwidth[i]) {
            b->bandwidth[i] = r->read_bandwidth;
        }
    }
    return st;
}

/* Bandwidth with the threads of this bed; each number of them is measured once. */
static lfm_status find_bandwidth(bench *b, bench_row *r, lfm_session *s, lfm_error *err) {
    for (size_t i = 0; i < b->n_probed; i++) {
        if (b->probed[i] == r->n_threads) {
            r->read_bandwidth = b->bandwidth[i];
            return LFM_OK;
        }
    }
    if (b->no_probe) {
        return LFM_OK;
    }
    const lfm_status st = lfm_read_bandwidth(s, &r->read_bandwidth, err);
    if (st == LFM_OK && b->n_probed < BENCH_MAX_LIST) {
        b->probed[b->n_probed] = r->n_threads;
        b->bandwidth[b->n_probed++] = r->read_bandwidth;
    }
    return st;
}

lfm_status bench_bed_open(bench_bed *bed, bench *b, bench_row *r, lfm_error *err) {
    *bed = (bench_bed){.b = b, .row = r};
    const lfm_session_options opt = bench_session_options(b, r, &bed->on_fast);
    bed->on_fast = bed->on_fast && cores_use_fast(&bed->before);
    r->fast = r->fast || bed->on_fast;
    lfm_status st = lfm_session_new(&bed->depth, b->model, &opt, err);
    if (st == LFM_OK) st = lfm_session_fork(&bed->work, bed->depth, err);
    if (st != LFM_OK) {
        return st;
    }
    lfm_session_on_progress(bed->depth, go_on, NULL);
    lfm_session_on_progress(bed->work, go_on, NULL);
    r->n_threads = lfm_session_n_threads(bed->depth);
    r->bytes_per_token = bench_bytes_per_token(b, r);
    st = find_bandwidth(b, r, bed->depth, err);
    return st == LFM_OK && r->n_depth > 0 ? lfm_eval(bed->depth, b->tokens, r->n_depth, err) : st;
}

void bench_bed_close(bench_bed *bed) {
    lfm_session_free(bed->work);
    lfm_session_free(bed->depth);
    if (bed->on_fast) {
        cores_use(&bed->before);
    }
    *bed = (bench_bed){0};
}

static lfm_status evaluate(const bench_bed *bed, uint32_t n_gen, lfm_error *err) {
    const bench_row *r = bed->row;
    const int32_t *next = bed->b->tokens + r->n_depth;
    lfm_status st = r->n_prompt > 0 ? lfm_eval(bed->work, next, r->n_prompt, err) : LFM_OK;
    for (uint32_t i = 0; i < n_gen && st == LFM_OK && !term_stopped(); i++) {
        st = lfm_eval(bed->work, next + r->n_prompt + i, 1, err);
    }
    return st;
}

lfm_status bench_bed_warm(bench_bed *bed, lfm_error *err) {
    if (bed->b->o->no_warmup) {
        return LFM_OK;
    }
    const lfm_status st = lfm_session_copy(bed->work, bed->depth, err);
    return st == LFM_OK ? evaluate(bed, bed->row->n_gen > 0, err) : st;
}

/* ---- Samples -------------------------------------------------------------------------------- */

static void sleep_for(double seconds) {
    const struct timespec t = {.tv_sec = (time_t)seconds,
                               .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&t, NULL); /* a signal ends it early */
}

void bench_wait(const bench *b) {
    const double start = term_now();
    if (b->o->delay.value > 0) {
        sleep_for(b->o->delay.value);
    }
    while (b->o->cooldown && !bench_heat_is_idle(bench_heat_read(""), b->idle) &&
           term_now() < start + cool_seconds && !term_stopped()) {
        sleep_for(0.5);
    }
}

void bench_bed_begin(bench_bed *bed) {
    bool known = bed->b->machine.has_throttled;
    bed->throttled = known ? machine_throttled("", &known) : 0;
    bed->power = bed->b->power;
    bed->row->when = time(NULL);
    bed->began = term_now();
    power_begin(&bed->power, bed->began);
}

lfm_status bench_bed_sample(bench_bed *bed, lfm_error *err) {
    bench_wait(bed->b);
    lfm_status st = lfm_session_copy(bed->work, bed->depth, err);
    const double start = term_now();
    if (st == LFM_OK) st = evaluate(bed, bed->row->n_gen, err);
    const double end = term_now();
    power_update(&bed->power, end);
    if (st != LFM_OK || term_stopped()) {
        return st;
    }
    return bench_row_add(bed->row, end - start, end - bed->began, err);
}

/* Joules for each token, over what the machine takes when it is idle. */
static void note_energy(bench_bed *bed) {
    const power_meter *p = &bed->power;
    bench_row *r = bed->row;
    const double tokens = (double)r->n * bench_row_tokens(r);
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        const double idle = bed->b->idle_watts[i] * (p->at - bed->began);
        r->joules[i] = p->source != POWER_NONE && p->has[i] && tokens > 0
                           ? (p->joules[i] - idle) / tokens : -1.0;
    }
}

void bench_bed_end(bench_bed *bed) {
    bench_row *r = bed->row;
    bool known = bed->b->machine.has_throttled;
    const uint64_t throttled = known ? machine_throttled("", &known) : 0;
    note_energy(bed);
    r->throttled += throttled > bed->throttled ? throttled - bed->throttled : 0;
    r->noise = (r->throttled > 0 ? NOISE_THROTTLED : 0) |
               (bed->b->machine.load > 0.5 ? NOISE_LOAD : 0) |
               (r->n > 2 && bench_uncertainty(r) > 0.03 ? NOISE_SPREAD : 0);
}

bool bench_wants_more(const bench *b, const bench_row *r) {
    const double until = b->o->until.value / 100;
    const size_t times = b->o->n_repeat.given ? (size_t)b->o->n_repeat.value : 5;
    return !term_stopped() && (r->n < times || (until > 0 && r->n < MOST_REPETITIONS &&
                                                bench_uncertainty(r) > until));
}

lfm_status bench_run_row(bench *b, bench_row *r, lfm_error *err) {
    bench_bed bed;
    term_progress progress;
    char name[64];
    const size_t times = b->o->n_repeat.given ? (size_t)b->o->n_repeat.value : 5;
    bench_test_name(name, sizeof name, r);
    term_progress_start(&progress, true);
    progress.unit = "runs";
    lfm_status st = bench_bed_open(&bed, b, r, err);
    if (st == LFM_OK) st = bench_bed_warm(&bed, err);
    bench_bed_begin(&bed);
    while (st == LFM_OK && bench_wants_more(b, r)) {
        st = bench_bed_sample(&bed, err);
        term_progress_show(&progress, name, r->n, r->n < times ? times : r->n);
    }
    term_progress_end(&progress);
    bench_bed_end(&bed);
    if (st == LFM_OK) st = doubt_bandwidth(b, r, bed.depth, err);
    bench_bed_close(&bed);
    return st;
}
