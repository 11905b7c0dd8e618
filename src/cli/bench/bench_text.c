/*
 * bench_text.c - lfm bench --text FILE: a real text from its bytes to sampled tokens.
 *
 * The other tests time the model alone.  This one includes tokenising and sampling (with the model
 * card's settings and a fixed seed), and reports what a user waits for: the first token, and the
 * time between two tokens.
 */
#include "cli/bench/bench_run.h"

#include "cli/shared/common.h"
#include "cli/shared/input.h"
#include "cli/shared/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bench *b;
    json_out text;
    bench_row *prefill, *decode; /* decode is NULL with -n 0 */
    uint32_t n_prompt, n_gen;
    double *tokenize, *first;    /* [n_runs] seconds */
    double *between;             /* [n_between] seconds, of all repetitions */
    size_t n_runs, n_between, cap_between;
    double sampling, decoding;   /* total seconds */
} text_run;

/* One repetition in progress. */
typedef struct {
    lfm_session *session;
    lfm_sampler *sampler;
    int32_t token;
    double began, tokenized, evaluated, first, ended;
} text_pass;

/* ---- One repetition ------------------------------------------------------------------------- */

static lfm_status pick(text_run *t, text_pass *p, lfm_error *err) {
    const double start = term_now();
    lfm_status st = lfm_sampler_pick(p->sampler, lfm_logits(p->session), &p->token, err);
    if (st == LFM_OK) st = lfm_sampler_accept(p->sampler, p->token, err);
    t->sampling += term_now() - start;
    return st;
}

/* From bytes to the logits of the prompt's last token. */
static lfm_status read_text(text_run *t, text_pass *p, lfm_error *err) {
    int32_t *tokens = NULL;
    size_t n = 0;
    p->began = term_now();
    lfm_status st = lfm_tokenize(t->b->model, t->text.ptr, t->text.len, LFM_TOKENIZE_BOS, &tokens,
                                 &n, err);
    p->tokenized = term_now();
    n = n < t->n_prompt ? n : t->n_prompt;
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = lfm_sampler_accept(p->sampler, tokens[i], err);
    }
    if (st == LFM_OK) st = lfm_eval(p->session, tokens, n, err);
    p->evaluated = term_now();
    lfm_free(tokens);
    return st;
}

static lfm_status write_tokens(text_run *t, text_pass *p, lfm_error *err) {
    double last = p->evaluated;
    lfm_status st = LFM_OK;
    for (uint32_t i = 0; i < t->n_gen && st == LFM_OK && !term_stopped(); i++) {
        st = pick(t, p, err);
        p->first = i == 0 ? term_now() : p->first;
        if (st == LFM_OK) st = lfm_eval(p->session, &p->token, 1, err);
        const double now = term_now();
        if (i > 0) { /* the first token is reported apart */
            t->between[t->n_between++] = now - last;
        }
        last = now;
    }
    p->ended = last;
    return st;
}

/* `counts`: false for the warm-up. */
static lfm_status pass(text_run *t, lfm_session *s, bool counts, double began, lfm_error *err) {
    text_pass p = {.session = s};
    lfm_sampling settings;
    lfm_sampling_default(t->b->model, &settings, sizeof settings);
    settings.seed = 1;
    lfm_session_reset(s);
    lfm_status st = lfm_sampler_new(&p.sampler, t->b->model, &settings, err);
    const double sampling = t->sampling;
    const size_t n_between = t->n_between;
    if (st == LFM_OK) st = read_text(t, &p, err);
    if (st == LFM_OK) st = write_tokens(t, &p, err);
    lfm_sampler_free(p.sampler);
    if (!counts || st != LFM_OK || term_stopped()) {
        t->sampling = sampling;
        t->n_between = n_between;
        return st;
    }
    t->tokenize[t->n_runs] = p.tokenized - p.began;
    t->first[t->n_runs++] = (t->decode ? p.first : p.evaluated) - p.began;
    t->decoding += p.ended - p.evaluated;
    st = bench_row_add(t->prefill, p.evaluated - p.began, p.evaluated - began, err);
    if (st == LFM_OK && t->decode) {
        st = bench_row_add(t->decode, p.ended - p.evaluated, p.ended - began, err);
    }
    return st;
}

/* ---- All repetitions ------------------------------------------------------------------------ */

/* Room for one more repetition. */
static lfm_status make_room(text_run *t, lfm_error *err) {
    const size_t runs = t->n_runs + 1;
    const size_t most = t->n_between + t->n_gen + 1;
    double *tokenize = realloc(t->tokenize, runs * sizeof *tokenize);
    t->tokenize = tokenize ? tokenize : t->tokenize;
    double *first = realloc(t->first, runs * sizeof *first);
    t->first = first ? first : t->first;
    double *between = realloc(t->between, most * sizeof *between);
    t->between = between ? between : t->between;
    return tokenize && first && between
               ? LFM_OK : err_set(err, LFM_ERR_MEMORY, "out of memory for %zu times", most);
}

static lfm_status repeat(text_run *t, bench_bed *bed, lfm_error *err) {
    const bench *b = t->b;
    const bench_row *judged = t->decode ? t->decode : t->prefill;
    lfm_status st = make_room(t, err);
    if (st == LFM_OK && !b->o->no_warmup) st = pass(t, bed->work, false, 0, err);
    bench_bed_begin(bed);
    while (st == LFM_OK && bench_wants_more(b, judged)) {
        bench_wait(b);
        st = make_room(t, err);
        if (st == LFM_OK) st = pass(t, bed->work, true, bed->began, err);
        power_update(&bed->power, term_now());
    }
    return st == LFM_OK ? bench_bed_end(bed, err) : st;
}

/* Put the waits of all repetitions into both rows. */
static void summarise(text_run *t) {
    const bench_waits waits = {
        .tokenize = stats_percentile(t->tokenize, t->n_runs, 0.5),
        .first_token = stats_percentile(t->first, t->n_runs, 0.5),
        .p50 = stats_percentile(t->between, t->n_between, 0.5),
        .p95 = stats_percentile(t->between, t->n_between, 0.95),
        .sampling = t->decoding > 0 ? t->sampling / t->decoding : 0.0,
    };
    t->prefill->waits = waits;
    if (t->decode) {
        t->decode->waits = waits;
        t->decode->when = t->prefill->when;
        t->decode->throttled = t->prefill->throttled;
        t->decode->noise = t->prefill->noise & ~(unsigned)NOISE_SPREAD;
        t->decode->noise |= bench_row_is_spread(t->decode) ? NOISE_SPREAD : 0;
        for (size_t i = 0; i < N_POWER_DOMAINS; i++) { /* per token of both kinds */
            const double share = bench_row_tokens(t->prefill) /
                                 (bench_row_tokens(t->prefill) + bench_row_tokens(t->decode));
            t->prefill->joules[i] *= t->prefill->joules[i] > 0 ? share : 1.0;
            t->decode->joules[i] = t->prefill->joules[i];
        }
    }
}

/* ---- The text ------------------------------------------------------------------------------- */

/* Read it, count its tokens, make its rows.  -p N takes the first N tokens. */
static lfm_status prepare(text_run *t, lfm_error *err) {
    bench *b = t->b;
    const cli_options *o = b->o;
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = input_read_file(&t->text, o->text, INPUT_TEXT, err);
    if (st == LFM_OK) st = json_finish(&t->text, err);
    if (st == LFM_OK) {
        st = lfm_tokenize(b->model, t->text.ptr, t->text.len, LFM_TOKENIZE_BOS, &tokens, &n, err);
    }
    lfm_free(tokens);
    if (st != LFM_OK) return st;
    t->n_gen = b->plan.gens.at[0];
    n = o->bench_p.n > 0 && b->plan.prompts.at[0] < n ? b->plan.prompts.at[0] : n;
    if (n == 0) return err_set(err, LFM_ERR_ARG, "%s: no text to measure", o->text);
    if (n + t->n_gen > b->context.info->n_ctx_max) {
        return err_set(err, LFM_ERR_FULL,
                       "%s has %zu tokens, plus %" PRIu32 " to generate; the model allows %" PRIu32
                       ". Use -p N to take its first N tokens.",
                       o->text, n, t->n_gen, b->context.info->n_ctx_max);
    }
    t->n_prompt = (uint32_t)n;
    b->n_ctx = t->n_prompt + t->n_gen;
    const bench_row like = {.n_threads = b->plan.threads.at[0], .n_batch = b->plan.batches.at[0],
                            .is_text = true};
    bench_row *rows = b->plan.rows;
    rows[0] = rows[1] = like;
    rows[0].n_prompt = t->n_prompt;
    rows[1].n_gen = t->n_gen;
    rows[1].n_depth = t->n_prompt;
    b->plan.n_rows = t->n_gen > 0 ? 2 : 1;
    t->prefill = &rows[0];
    t->decode = t->n_gen > 0 ? &rows[1] : NULL;
    return LFM_OK;
}

lfm_status bench_text(bench *b, lfm_error *err) {
    text_run t = {.b = b};
    bench_bed bed = {0};
    lfm_status st = prepare(&t, err);
    if (st == LFM_OK) st = bench_bed_open(&bed, b, t.prefill, err);
    if (st == LFM_OK) st = repeat(&t, &bed, err);
    if (st == LFM_OK && t.n_runs > 0) {
        summarise(&t);
        t.prefill->n_threads = lfm_session_n_threads_batch(bed.work);
        if (t.decode) {
            t.decode->n_threads = lfm_session_n_threads(bed.work);
            t.decode->read_bandwidth = t.prefill->read_bandwidth;
            t.decode->int8_peak = t.prefill->int8_peak;
            bench_count_costs(b, t.decode);
            bench_row_raise_peaks(t.decode, b->context.info->token_bytes <= BENCH_CACHEABLE);
        }
        bench_report_begin(&b->report, &b->context);
        for (size_t i = 0; i < b->plan.n_rows; i++) {
            bench_report_row(&b->report, &b->context, &b->plan.rows[i]);
        }
        bench_report_end(&b->report, &b->context, b->plan.rows, b->plan.n_rows);
    }
    bench_bed_close(&bed);
    json_out_free(&t.text);
    free(t.tokenize);
    free(t.first);
    free(t.between);
    return st;
}
