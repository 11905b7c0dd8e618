/*
 * bench.c - from the options to a model, a list of tests, and facts about the machine.
 */
#include "cli/bench/bench.h"

#include "base/rng.h"
#include "base/system/memory.h"
#include "cli/bench/bench_model.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"
#include "cli/shared/tune.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PROMPT = 16, DEFAULT_BATCH = 512 };

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
        mine.cpus = shared ? NULL : o->cpus; /* --cpus and --nice set the process, once */
        mine.nice.given = !shared && o->nice.given;
        b->context.cached = bench_cached_share(o->model);
        const double start = term_now();
        const lfm_status st = cli_open_model(&b->model, &mine, false, err);
        b->context.load_s = term_now() - start;
        if (st != LFM_OK) return st;
    }
    b->context.info = lfm_model_get_info(b->model);
    bench_model_type(b->context.type, sizeof b->context.type, b->model);
    return LFM_OK;
}

/* Random tokens, because the weights that a mixture of experts reads depend on the token. */
static lfm_status make_tokens(bench *b, lfm_error *err) {
    const uint32_t most = b->context.info->n_ctx_max;
    const uint32_t least = FIRST_PROMPT < most ? FIRST_PROMPT : most;
    b->n_tokens = b->plan.longest < least ? least : b->plan.longest;
    b->tokens = malloc(b->n_tokens * sizeof *b->tokens);
    if (!b->tokens) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %" PRIu32 " tokens", b->n_tokens);
    }
    b->n_ctx = b->n_tokens;
    for (uint32_t i = 0; i < b->n_tokens; i++) {
        b->tokens[i] = (int32_t)(rng_at(1, i) % b->context.info->n_vocab);
    }
    return LFM_OK;
}

/* What the sessions of a test keep: its depth, and a copy of that with the rest of the test. */
static lfm_status add_memory(const bench *b, const bench_row *r, uint64_t *most, lfm_error *err) {
    bool fast = false;
    const lfm_session_options opt = bench_session_options(b->o, b->n_ctx, r, &fast);
    uint64_t before = 0;
    uint64_t all = 0;
    uint64_t scratch = 0;
    lfm_status st = lfm_session_plan(b->model, &opt, r->n_depth, &before, &scratch, err);
    if (st == LFM_OK) {
        st = lfm_session_plan(b->model, &opt, r->n_depth + r->n_prompt + r->n_gen, &all, &scratch,
                              err);
    }
    const uint64_t sum = before + all + scratch;
    *most = sum > *most ? sum : *most;
    return st;
}

/* Refuse tests that do not fit into memory before the first one begins. */
static lfm_status check_memory(const bench *b, lfm_error *err) {
    const uint64_t available = memory_available("");
    uint64_t most = 0;
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->plan.n_rows && st == LFM_OK; i++) {
        st = add_memory(b, &b->plan.rows[i], &most, err);
    }
    if (st == LFM_OK && most > available) {
        return err_set(err, LFM_ERR_MEMORY, "the longest test needs %s for its %" PRIu32
                       " tokens, and %s of memory is available; use shorter tests, or --kv q8",
                       cli_size(most).text, b->plan.longest, cli_size(available).text);
    }
    if (st == LFM_OK && b->o->verbose) {
        term_message("memory: the longest test needs %s for its %" PRIu32 " tokens",
                     cli_size(most).text, b->plan.longest);
    }
    return st;
}

static lfm_status look_at_machine(bench *b, lfm_error *err) {
    machine_facts_read(&b->context.machine, "");
    const lfm_status st = bench_machine_open(&b->machine, b->o, err);
    b->context.on_battery = b->machine.power.source == POWER_BATTERY;
    return st;
}

/* The time to the first token of a short prompt, in a fresh session. */
static lfm_status measure_first_token(bench *b, lfm_error *err) {
    bool fast = false;
    lfm_session_options opt = bench_session_options(b->o, b->n_ctx, &b->plan.rows[0], &fast);
    lfm_session *s = NULL;
    lfm_status st = lfm_session_new(&s, b->model, &opt, err);
    if (st == LFM_OK) {
        const double start = term_now();
        st = lfm_eval(s, b->tokens, b->n_tokens < FIRST_PROMPT ? b->n_tokens : FIRST_PROMPT, err);
        b->context.first_token_s = term_now() - start;
    }
    lfm_session_free(s);
    return st;
}

/* -v: report threads that a file of --tune chose. */
static void explain_threads(const bench *b) {
    lfm_session_options opt = {0};
    const threads_origin origin =
        b->plan.threads.at[0] == 0 ? tune_apply(&opt, true) : THREADS_ASKED;
    if (b->o->verbose && (origin == THREADS_TUNED || origin == THREADS_TUNED_FAST)) {
        term_message("threads: %" PRIu32 ", prompts %" PRIu32 "%s (found by 'lfm bench --tune')",
                     opt.n_threads, opt.n_threads_batch,
                     origin == THREADS_TUNED_FAST ? ", on fast cores" : "");
    }
}

lfm_status bench_open(bench *b, const cli_options *o, const bench *shared, lfm_error *err) {
    b->o = b->context.o = o;
    b->machine.no_probe = o->no_probe || o->tune;
    bench_report_open(&b->report, o);
    lfm_status st = bench_plan_check(o, err);
    if (st == LFM_OK) st = open_model(b, shared, err);
    if (st == LFM_OK) st = bench_plan_read(&b->plan, o, b->context.info->n_ctx_max, err);
    if (st == LFM_OK) st = make_tokens(b, err);
    if (st == LFM_OK) st = check_memory(b, err);
    b->context.show_batch = b->plan.batches.n > 1 || b->plan.batches.at[0] != DEFAULT_BATCH;
    b->context.show_kv = o->kv != KV_F16;
    if (st != LFM_OK || shared) return st;
    explain_threads(b);
    term_catch_stop();
    st = look_at_machine(b, err);
    return st == LFM_OK && b->plan.n_rows > 0 ? measure_first_token(b, err) : st;
}

void bench_close(bench *b) {
    bench_plan_drop(&b->plan);
    if (!b->shares_model) {
        lfm_model_close(b->model);
    }
    free(b->tokens);
    *b = (bench){0};
}
