/*
 * bench_run.c - taking samples of one test.
 *
 * Random tokens, without sampling or tokenising, as in llama-bench.  A test is warmed up once, then
 * repeated from the same state.
 */
#include "cli/bench/bench_run.h"

#include "cli/bench/bench_bytes.h"
#include "cli/bench/bench_model.h"
#include "cli/reading/progress.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"
#include "lfm_tools.h"

#include <stdio.h>
#include <time.h>

enum {
    MOST_REPETITIONS = 100,
    WARM_PROMPT = 4096 /* tokens of a warm-up; more would only take longer */
};

static const double cool_seconds = 120;

void bench_count_costs(const bench *b, bench_row *r) {
    const lfm_session_options opt = cli_session_options(b->o);
    const bench_sizes sizes = bench_sizes_of(b->model, opt.kv);
    const double tokens = bench_row_tokens(r);
    const double layers = (double)lfm_int8_ops(b->model, false);
    const double head = (double)lfm_int8_ops(b->model, true) - layers;
    const double heads = (r->n_prompt > 0) + (double)r->n_gen; /* once for a whole prompt */
    r->bytes_per_token =
        bench_bytes(&sizes, r->n_depth, r->n_prompt, r->n_gen, r->n_batch) / tokens;
    r->ops_per_token = layers + head * heads / tokens;
}

/* ---- Sessions ------------------------------------------------------------------------------- */

static bool go_on(void *ctx, size_t done, size_t total) {
    (void)ctx;
    (void)done;
    (void)total;
    return !term_stopped();
}

/* Read tokens, and show how far it is if `what` is not NULL. */
static lfm_status read_tokens(bench_bed *bed, lfm_session *s, const int32_t *tokens, uint32_t n,
                              const char *what, lfm_error *err) {
    reading_progress progress;
    if (!what) return lfm_eval(s, tokens, n, err);
    reading_progress_start(&progress, s, what, lfm_session_pos(s) + n, TERM_AUTO);
    if (bed->times.first.n > 0) {
        progress.times = bed->times;
    }
    const lfm_status st = lfm_eval(s, tokens, n, err);
    bed->times = progress.times;
    reading_progress_end(&progress);
    lfm_session_on_progress(s, go_on, NULL);
    return st;
}

lfm_status bench_bed_open(bench_bed *bed, bench *b, bench_row *r, lfm_error *err) {
    *bed = (bench_bed){.b = b, .row = r};
    const lfm_session_options opt = bench_session_options(b->o, b->n_ctx, r, &bed->on_fast);
    bed->on_fast = bed->on_fast && cores_use_fast(&bed->before);
    r->fast = r->fast || bed->on_fast;
    lfm_status st = lfm_session_new(&bed->depth, b->model, &opt, err);
    if (st == LFM_OK) st = lfm_session_fork(&bed->work, bed->depth, err);
    if (st != LFM_OK) return st;
    lfm_session_on_progress(bed->depth, go_on, NULL);
    lfm_session_on_progress(bed->work, go_on, NULL);
    r->n_threads = lfm_session_n_threads(bed->depth);
    bench_count_costs(b, r);
    st = bench_machine_before(&b->machine, r, bed->depth, err);
    /* No time depends on what the cache holds. */
    return st == LFM_OK && r->n_depth > 0 ? lfm_session_pretend(bed->depth, r->n_depth, err) : st;
}

void bench_bed_close(bench_bed *bed) {
    lfm_session_free(bed->work);
    lfm_session_free(bed->depth);
    if (bed->on_fast) {
        cores_use(&bed->before);
    }
    *bed = (bench_bed){0};
}

static lfm_status evaluate(bench_bed *bed, uint32_t n_prompt, uint32_t n_gen, lfm_error *err) {
    const int32_t *next = bed->b->tokens + bed->row->n_depth;
    lfm_status st = n_prompt > 0 ? read_tokens(bed, bed->work, next, n_prompt, bed->what, err)
                                 : LFM_OK;
    for (uint32_t i = 0; i < n_gen && st == LFM_OK && !term_stopped(); i++) {
        st = lfm_eval(bed->work, next + n_prompt + i, 1, err);
    }
    return st;
}

lfm_status bench_bed_warm(bench_bed *bed, lfm_error *err) {
    const bench_row *r = bed->row;
    if (bed->b->o->no_warmup) return LFM_OK;
    const uint32_t n_prompt = r->n_prompt < WARM_PROMPT ? r->n_prompt : WARM_PROMPT;
    const lfm_status st = lfm_session_copy(bed->work, bed->depth, err);
    return st == LFM_OK ? evaluate(bed, n_prompt, r->n_gen > 0, err) : st;
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
    while (b->o->cooldown && !bench_heat_is_idle(bench_heat_read(""), b->machine.idle) &&
           term_now() < start + cool_seconds && !term_stopped()) {
        sleep_for(0.5);
    }
}

void bench_bed_begin(bench_bed *bed) {
    bool known = bed->b->context.machine.has_throttled;
    bed->throttled = known ? machine_throttled("", &known) : 0;
    bed->power = bed->b->machine.power;
    bed->row->when = time(NULL);
    bed->began = term_now();
    power_begin(&bed->power, bed->began);
}

lfm_status bench_bed_sample(bench_bed *bed, lfm_error *err) {
    bench_wait(bed->b);
    lfm_status st = lfm_session_copy(bed->work, bed->depth, err);
    const double start = term_now();
    if (st == LFM_OK) st = evaluate(bed, bed->row->n_prompt, bed->row->n_gen, err);
    const double end = term_now();
    power_update(&bed->power, end);
    if (st != LFM_OK || term_stopped()) return st;
    return bench_row_add(bed->row, end - start, end - bed->began, err);
}

/* Joules per token, above the power of the idle machine. */
static void note_energy(bench_bed *bed) {
    const power_meter *p = &bed->power;
    bench_row *r = bed->row;
    const double tokens = (double)r->n * bench_row_tokens(r);
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        const double idle = bed->b->machine.idle_watts[i] * (p->at - bed->began);
        r->joules[i] = p->source != POWER_NONE && p->has[i] && tokens > 0
                           ? (p->joules[i] - idle) / tokens : -1.0;
    }
}

lfm_status bench_bed_end(bench_bed *bed, lfm_error *err) {
    bench_row *r = bed->row;
    bool known = bed->b->context.machine.has_throttled;
    const uint64_t throttled = known ? machine_throttled("", &known) : 0;
    note_energy(bed);
    r->throttled += throttled > bed->throttled ? throttled - bed->throttled : 0;
    r->noise = (r->throttled > 0 ? NOISE_THROTTLED : 0) |
               (bed->b->context.machine.load > 0.5 ? NOISE_LOAD : 0) |
               (bench_row_is_spread(r) ? NOISE_SPREAD : 0);
    return bench_machine_after(&bed->b->machine, r, bed->depth,
                               bed->b->context.info->token_bytes <= BENCH_CACHEABLE, err);
}

size_t bench_repetitions(const cli_options *o) {
    return o->n_repeat.given ? (size_t)o->n_repeat.value : 5;
}

bool bench_wants_more(const bench *b, const bench_row *r) {
    const double until = b->o->until.value / 100;
    const size_t times = bench_repetitions(b->o);
    return !term_stopped() && (r->n < times || (until > 0 && r->n < MOST_REPETITIONS &&
                                                bench_row_uncertainty(r) > until));
}

lfm_status bench_run_row(bench *b, bench_row *r, lfm_error *err) {
    bench_bed bed;
    term_progress progress;
    char name[64];
    char what[128];
    const size_t times = bench_repetitions(b->o);
    const bool is_long = r->n_prompt > r->n_batch; /* the batches of a prompt are shown, not runs */
    bench_row_name(name, sizeof name, r);
    term_progress_start(&progress, is_long ? TERM_NEVER : TERM_AUTO);
    progress.unit = "runs";
    lfm_status st = bench_bed_open(&bed, b, r, err);
    snprintf(what, sizeof what, "%s, warm-up:", name);
    bed.what = is_long ? what : NULL;
    if (st == LFM_OK) st = bench_bed_warm(&bed, err);
    bench_bed_begin(&bed);
    while (st == LFM_OK && bench_wants_more(b, r)) {
        snprintf(what, sizeof what, "%s, run %zu of %zu:", name, r->n + 1,
                 r->n < times ? times : r->n + 1);
        st = bench_bed_sample(&bed, err);
        if (!is_long) {
            term_progress_show(&progress, name, r->n, r->n < times ? times : r->n);
        }
    }
    term_progress_end(&progress);
    if (st == LFM_OK) st = bench_bed_end(&bed, err);
    bench_bed_close(&bed);
    return st;
}
