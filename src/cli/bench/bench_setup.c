/*
 * bench_setup.c - from the options to a model, a list of tests, and what is known of the machine.
 */
#include "cli/bench/bench.h"

#include "base/rng.h"
#include "cli/bench/bench_bytes.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"
#include "cli/shared/tune.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PROMPT = 16, DEFAULT_BATCH = 512, COARSE_SECONDS = 60 };

static const double idle_seconds = 3;

/* ---- Options -------------------------------------------------------------------------------- */

/* An option that may be repeated, or its default. */
static lfm_status read_list(bench_list *list, const char *name, const opt_texts *texts,
                            const char *otherwise, uint32_t min, uint32_t max, lfm_error *err) {
    lfm_status st = texts->n > 0 ? LFM_OK : bench_list_read(list, name, otherwise, min, max, err);
    for (size_t i = 0; i < texts->n && st == LFM_OK; i++) {
        st = bench_list_read(list, name, texts->at[i], min, max, err);
    }
    return st;
}

static lfm_status read_pairs(bench *b, lfm_error *err) {
    const opt_texts *texts = &b->o->bench_pg;
    for (size_t i = 0; i < texts->n; i++) {
        bench_list pair = {0};
        const lfm_status st = bench_list_read(&pair, "-pg", texts->at[i], 1, b->info->n_ctx_max,
                                              err);
        if (st != LFM_OK) {
            return st;
        }
        if (pair.n != 2) {
            return err_set(err, LFM_ERR_ARG, "-pg: two numbers, as in -pg 512,128");
        }
        b->both[b->n_both][0] = pair.at[0];
        b->both[b->n_both++][1] = pair.at[1];
    }
    return LFM_OK;
}

/* Long runs are about one kind of test: decoding, unless the options say otherwise. */
static lfm_status read_lists(bench *b, lfm_error *err) {
    const cli_options *o = b->o;
    const uint32_t most = b->info->n_ctx_max;
    const bool prompts = o->bench_p.n > 0 || o->bench_pg.n > 0;
    const double given = o->n_threads.given && o->n_threads.value > 0 ? o->n_threads.value : 0;
    char threads[16];
    snprintf(threads, sizeof threads, "%.0f", given);
    lfm_status st = read_list(&b->prompts, "-p", &o->bench_p,
                              o->sustain.given ? "0" : "512", 0, most, err);
    if (st == LFM_OK) {
        st = read_list(&b->gens, "-n", &o->bench_n, o->sustain.given && prompts ? "0" : "128", 0,
                       most, err);
    }
    if (st == LFM_OK) st = read_list(&b->depths, "-d", &o->bench_d, "0", 0, most, err);
    if (st == LFM_OK) st = read_list(&b->threads, "-t", &o->bench_t, threads, 0, 4096, err);
    if (st == LFM_OK) st = read_list(&b->batches, "-b", &o->bench_b, "512", 1, 65536, err);
    return st == LFM_OK ? read_pairs(b, err) : st;
}

/* What the options ask for, before anything is opened. */
static lfm_status check_options(const cli_options *o, lfm_error *err) {
    if (o->n_choices > 0) {
        return err_set(err, LFM_ERR_ARG, "unexpected operand '%s'. See: lfm help bench",
                       o->choices[0]);
    }
    const lfm_status st = opt_check_conflicts(o, err);
    if (st == LFM_OK && o->fail_if_slower.given) {
        return err_set(err, LFM_ERR_ARG, "--fail-if-slower belongs to: lfm bench compare A.json "
                       "B.json");
    }
    if (st == LFM_OK && o->power == OPT_POWER_BATTERY &&
        o->sustain.value < (double)COARSE_SECONDS) {
        return err_set(err, LFM_ERR_ARG, "--power battery: a battery tells its discharge too "
                       "slowly for short tests; use --sustain %ds or more with it",
                       COARSE_SECONDS);
    }
    return st;
}

/* --text and --tune measure one setting. */
static lfm_status check_lists(const bench *b, lfm_error *err) {
    const bool one = b->prompts.n == 1 && b->gens.n == 1 && b->depths.n == 1 &&
                     b->threads.n == 1 && b->batches.n == 1 && b->n_both == 0;
    if (!one && (b->o->text || b->o->tune)) {
        return err_set(err, LFM_ERR_ARG, "%s measures one setting: a single number with each of "
                       "-p, -n, -t and -b, and no -pg", b->o->text ? "--text" : "--tune");
    }
    return LFM_OK;
}

/* ---- The tests ------------------------------------------------------------------------------ */

static lfm_status add_row(bench *b, bench_row like, uint32_t n_prompt, uint32_t n_gen,
                          lfm_error *err) {
    const uint64_t length = (uint64_t)like.n_depth + n_prompt + n_gen;
    if (n_prompt + n_gen == 0) {
        return LFM_OK;
    }
    if (b->n_rows == BENCH_MAX_ROWS) {
        return err_set(err, LFM_ERR_ARG, "more than %d tests", BENCH_MAX_ROWS);
    }
    if (length > b->info->n_ctx_max) {
        return err_set(err, LFM_ERR_ARG, "%" PRIu64 " tokens in one test; the model allows "
                       "%" PRIu32, length, b->info->n_ctx_max);
    }
    like.n_prompt = n_prompt;
    like.n_gen = n_gen;
    b->n_tokens = length > b->n_tokens ? (uint32_t)length : b->n_tokens;
    b->rows[b->n_rows++] = like;
    return LFM_OK;
}

static lfm_status add_rows(bench *b, bench_row like, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->prompts.n && st == LFM_OK; i++) {
        st = add_row(b, like, b->prompts.at[i], 0, err);
    }
    for (size_t i = 0; i < b->gens.n && st == LFM_OK; i++) {
        st = add_row(b, like, 0, b->gens.at[i], err);
    }
    for (size_t i = 0; i < b->n_both && st == LFM_OK; i++) {
        st = add_row(b, like, b->both[i][0], b->both[i][1], err);
    }
    return st;
}

static lfm_status plan(bench *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    b->rows = calloc(BENCH_MAX_ROWS, sizeof *b->rows);
    if (!b->rows) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the tests");
    }
    for (size_t d = 0; d < b->depths.n; d++) {
        for (size_t t = 0; t < b->threads.n; t++) {
            for (size_t n = 0; n < b->batches.n && st == LFM_OK; n++) {
                st = add_rows(b, (bench_row){.n_depth = b->depths.at[d],
                                             .n_threads = b->threads.at[t],
                                             .n_batch = b->batches.at[n]}, err);
            }
        }
    }
    return st;
}

/* Random, because a mixture of experts reads other weights for other tokens. */
static lfm_status make_tokens(bench *b, lfm_error *err) {
    const uint32_t least = FIRST_PROMPT < b->info->n_ctx_max ? FIRST_PROMPT : b->info->n_ctx_max;
    b->n_tokens = b->n_tokens < least ? least : b->n_tokens;
    b->tokens = malloc(b->n_tokens * sizeof *b->tokens);
    if (!b->tokens) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %" PRIu32 " tokens", b->n_tokens);
    }
    b->n_ctx = b->n_tokens;
    for (uint32_t i = 0; i < b->n_tokens; i++) {
        b->tokens[i] = (int32_t)(rng_at(1, i) % b->info->n_vocab);
    }
    return LFM_OK;
}

/* ---- The machine ---------------------------------------------------------------------------- */

/* What the machine takes while nothing runs. */
static void measure_idle(bench *b) {
    power_meter *p = &b->power;
    const double start = term_now();
    if (p->source == POWER_NONE) {
        return;
    }
    power_begin(p, start);
    while (term_now() < start + idle_seconds && !term_stopped()) {
        const struct timespec step = {.tv_nsec = 100000000};
        nanosleep(&step, NULL);
        power_update(p, term_now());
    }
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        b->idle_watts[i] = p->joules[i] / (term_now() - start);
    }
}

static lfm_status look_at_machine(bench *b, lfm_error *err) {
    const cli_options *o = b->o;
    machine_facts_read(&b->machine, "");
    if (o->cooldown) {
        b->idle = bench_heat_read("");
    }
    if (o->cooldown && b->idle.celsius < -100 && b->idle.hertz <= 0) {
        term_message("--cooldown auto: this machine tells neither its temperature nor its clock, "
                     "so there is nothing to wait for");
    }
    if (o->power == OPT_POWER_NONE) {
        return LFM_OK;
    }
    power_open(&b->power, o->power == OPT_POWER_BATTERY ? POWER_BATTERY : POWER_RAPL, "");
    if (o->power != OPT_POWER_AUTO && b->power.source == POWER_NONE) {
        return err_set(err, LFM_ERR_IO, o->power == OPT_POWER_BATTERY
                       ? "--power battery: there is no battery that is being discharged"
                       : "--power rapl: no energy counter can be read here. See: lfm help energy");
    }
    measure_idle(b);
    return LFM_OK;
}

/* How long a person waits for the first token, in a fresh session. */
static lfm_status measure_first_token(bench *b, lfm_error *err) {
    bool fast = false;
    lfm_session_options opt = bench_session_options(b, &b->rows[0], &fast);
    lfm_session *s = NULL;
    lfm_status st = lfm_session_new(&s, b->model, &opt, err);
    if (st == LFM_OK) {
        const double start = term_now();
        st = lfm_eval(s, b->tokens, b->n_tokens < FIRST_PROMPT ? b->n_tokens : FIRST_PROMPT, err);
        b->first_token_s = term_now() - start;
    }
    lfm_session_free(s);
    return st;
}

/* ---- Altogether ----------------------------------------------------------------------------- */

lfm_session_options bench_session_options(const bench *b, const bench_row *r, bool *fast) {
    lfm_session_options opt = cli_session_options(b->o);
    opt.n_ctx = b->n_ctx;
    opt.n_batch = r->n_batch;
    opt.n_threads = r->n_threads;
    *fast = tune_apply(&opt, false) == THREADS_TUNED_FAST || r->fast;
    if (r->n_gen == 0 && !r->is_text && opt.n_threads_batch > 0) { /* only a prompt */
        opt.n_threads = opt.n_threads_batch;
    }
    return opt;
}

bool bench_is_same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static lfm_status open_model(bench *b, const bench *shared, lfm_error *err) {
    const cli_options *o = b->o;
    if (shared && bench_is_same_text(o->model, shared->o->model) &&
        bench_is_same_text(o->isa, shared->o->isa) && o->no_mmap == shared->o->no_mmap &&
        o->mlock == shared->o->mlock) {
        b->model = shared->model;
        b->shares_model = true;
    } else {
        cli_options mine = *o;
        mine.cpus = shared ? NULL : o->cpus; /* these hold for the process, once */
        mine.nice.given = !shared && o->nice.given;
        b->cached = bench_cached_share(o->model);
        const double start = term_now();
        const lfm_status st = cli_open_model(&b->model, &mine, false, err);
        b->load_s = term_now() - start;
        if (st != LFM_OK) {
            return st;
        }
    }
    b->info = lfm_model_get_info(b->model);
    bench_model_type(b->type, sizeof b->type, b->model);
    return LFM_OK;
}

static void open_outputs(bench *b) {
    b->outputs[b->n_outputs++] = (bench_output){stdout, (bench_format)b->o->bench_format};
    if (b->o->bench_format_err > 0) { /* its first word is "none" */
        b->outputs[b->n_outputs++] =
            (bench_output){stderr, (bench_format)(b->o->bench_format_err - 1)};
    }
}

lfm_status bench_open(bench *b, const cli_options *o, const bench *shared, lfm_error *err) {
    b->o = o;
    b->no_probe = o->no_probe || o->tune;
    lfm_status st = check_options(o, err);
    if (st == LFM_OK) st = open_model(b, shared, err);
    if (st == LFM_OK) st = read_lists(b, err);
    if (st == LFM_OK) st = check_lists(b, err);
    if (st == LFM_OK) st = plan(b, err);
    if (st == LFM_OK) st = make_tokens(b, err);
    b->show_batch = b->batches.n > 1 || b->batches.at[0] != DEFAULT_BATCH;
    b->show_kv = o->kv != KV_F16;
    open_outputs(b);
    if (st != LFM_OK || shared) {
        return st;
    }
    lfm_session_options opt = {0};
    const threads_origin origin =
        b->threads.at[0] == 0 ? tune_apply(&opt, true) : THREADS_ASKED;
    if (o->verbose && (origin == THREADS_TUNED || origin == THREADS_TUNED_FAST)) {
        term_message("threads: %" PRIu32 ", prompts %" PRIu32 "%s (as 'lfm bench --tune' found)",
                     opt.n_threads, opt.n_threads_batch,
                     origin == THREADS_TUNED_FAST ? ", on fast cores" : "");
    }
    term_catch_stop();
    st = look_at_machine(b, err);
    return st == LFM_OK && b->n_rows > 0 ? measure_first_token(b, err) : st;
}

void bench_close(bench *b) {
    for (size_t i = 0; b->rows && i < BENCH_MAX_ROWS; i++) {
        bench_row_drop(&b->rows[i]);
    }
    if (!b->shares_model) {
        lfm_model_close(b->model);
    }
    free(b->tokens);
    free(b->rows);
    *b = (bench){0};
}
