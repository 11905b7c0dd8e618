/*
 * cmd_bench.c - lfm bench: prefill and decode speed, as llama-bench measures them.
 *
 * Random tokens, because a mixture of experts reads other weights for other tokens; no sampling and
 * no tokenising.  Each test is warmed up, then repeated from the same state.
 */
#include "cli/bench.h"

#include "base/rng.h"
#include "cli/bench_list.h"
#include "cli/cli.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ROWS = 256, FIRST_PROMPT = 16 };

typedef struct {
    uint32_t n_prompt, n_gen;
} bench_test;

typedef struct {
    const cli_options *o;
    lfm_model *model;
    bench_facts facts;
    bench_format format;
    bench_list prompts, gens, depths, threads, batches;
    bench_test both;        /* -pg */
    int32_t *tokens;        /* random ones */
    uint32_t most;          /* how many */
    bench_row *rows;        /* [n_rows] */
    size_t n_rows;
    double idle_watts;      /* of the processor; below 0: unknown */
} bench;

/* ---- Options -------------------------------------------------------------------------------- */

static lfm_status read_lists(bench *b, lfm_error *err) {
    const cli_options *o = b->o;
    char threads[16];
    const lfm_model_info *info = b->facts.info;
    const double given = o->n_threads.given && o->n_threads.value > 0 ? o->n_threads.value : 0;
    snprintf(threads, sizeof threads, "%.0f", given);
    lfm_status st = bench_list_read(&b->prompts, "-p", o->bench_p ? o->bench_p : "512", 0,
                                    info->n_ctx_max, err);
    if (st == LFM_OK) {
        st = bench_list_read(&b->gens, "-n", o->bench_n ? o->bench_n : "128", 0, info->n_ctx_max,
                             err);
    }
    if (st == LFM_OK) {
        st = bench_list_read(&b->depths, "-d", o->bench_d ? o->bench_d : "0", 0, info->n_ctx_max,
                             err);
    }
    if (st == LFM_OK) {
        st = bench_list_read(&b->threads, "-t", o->bench_t ? o->bench_t : threads, 0, 4096, err);
    }
    if (st == LFM_OK) {
        st = bench_list_read(&b->batches, "-b", o->bench_b ? o->bench_b : "512", 1, 65536, err);
    }
    if (st == LFM_OK && o->bench_pg) {
        bench_list pair;
        st = bench_list_read(&pair, "-pg", o->bench_pg, 1, info->n_ctx_max, err);
        if (st == LFM_OK && pair.n != 2) {
            st = err_set(err, LFM_ERR_ARG, "-pg: two numbers, as in -pg 512,128");
        }
        b->both = (bench_test){pair.at[0], pair.at[1]};
    }
    return st;
}

static uint32_t largest(const bench_list *l) {
    uint32_t most = 0;
    for (size_t i = 0; i < l->n; i++) {
        most = l->at[i] > most ? l->at[i] : most;
    }
    return most;
}

static lfm_status make_tokens(bench *b, lfm_error *err) {
    const uint64_t longest = (uint64_t)largest(&b->depths) + largest(&b->prompts) +
                             largest(&b->gens) + b->both.n_prompt + b->both.n_gen + FIRST_PROMPT;
    if (longest > b->facts.info->n_ctx_max) {
        return err_set(err, LFM_ERR_ARG,
                       "%" PRIu64 " tokens in one test; the model allows %" PRIu32, longest,
                       b->facts.info->n_ctx_max);
    }
    b->most = (uint32_t)longest;
    b->tokens = malloc(b->most * sizeof *b->tokens);
    b->rows = calloc(MAX_ROWS, sizeof *b->rows);
    if (!b->tokens || !b->rows) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the tests");
    }
    for (uint32_t i = 0; i < b->most; i++) {
        b->tokens[i] = (int32_t)(rng_at(1, i) % b->facts.info->n_vocab);
    }
    return LFM_OK;
}

/* ---- One test ------------------------------------------------------------------------------- */

/* Bytes that a generated token reads: weights, and on average half of what it generates. */
static double bytes_per_token(const bench *b, const bench_row *r) {
    const lfm_model_info *i = b->facts.info;
    const double size = b->o->kv == KV_F16   ? 2.0
                        : b->o->kv == KV_F32 ? 4.0
                                             : 1.0 + 4.0 / i->head_dim;
    const double kv = 2.0 * i->n_attn * i->n_head_kv * i->head_dim * size;
    return (double)i->token_bytes + kv * (r->n_depth + r->n_prompt + 0.5 * r->n_gen);
}

static lfm_status evaluate(const bench *b, lfm_session *s, const bench_row *r, uint32_t n_prompt,
                           uint32_t n_gen, lfm_error *err) {
    const int32_t *next = b->tokens + r->n_depth;
    lfm_status st = n_prompt > 0 ? lfm_eval(s, next, n_prompt, err) : LFM_OK;
    for (uint32_t i = 0; i < n_gen && st == LFM_OK && !term_stopped(); i++) {
        st = lfm_eval(s, next + n_prompt + i, 1, err);
    }
    return st;
}

/* Another repetition?  --until asks for a spread, -r for a number. */
static bool wants_more(const bench *b, const bench_row *r) {
    const double until = b->o->until.value / 100;
    const size_t times = b->o->n_repeat.given ? (size_t)b->o->n_repeat.value : 5;
    if (r->n >= BENCH_MAX_SAMPLES || term_stopped()) {
        return false;
    }
    return r->n < times || (until > 0 && r->n < 100 && bench_uncertainty(r) > until);
}

static lfm_status repeat(const bench *b, lfm_session *depth, lfm_session *s, bench_row *r,
                         lfm_error *err) {
    lfm_status st = LFM_OK;
    while (st == LFM_OK && wants_more(b, r)) {
        if (b->o->delay.value > 0) {
            usleep((unsigned)(1e6 * b->o->delay.value));
        }
        st = lfm_session_copy(s, depth, err);
        const double start = term_now();
        if (st == LFM_OK) {
            st = evaluate(b, s, r, r->n_prompt, r->n_gen, err);
        }
        r->seconds[r->n++] = term_now() - start;
    }
    return st;
}

/* What the samples say of the machine: hot, busy, or unsteady. */
static bool is_noisy(const bench *b, const bench_row *r) {
    bench_machine now;
    bench_machine_read(&now);
    return now.throttled != b->facts.machine.throttled || b->facts.machine.load > 0.5 ||
           (r->n > 2 && bench_uncertainty(r) > 0.03);
}

static lfm_status run_sessions(bench *b, lfm_session *depth, lfm_session *s, bench_row *r,
                               lfm_error *err) {
    lfm_status st = r->n_depth > 0 ? lfm_eval(depth, b->tokens, r->n_depth, err) : LFM_OK;
    if (st == LFM_OK && !b->o->no_warmup) {
        st = lfm_session_copy(s, depth, err);
        if (st == LFM_OK) {
            st = evaluate(b, s, r, r->n_prompt, r->n_gen > 0, err);
        }
    }
    const double joules = bench_joules();
    const double start = term_now();
    r->when = time(NULL);
    if (st == LFM_OK) {
        st = repeat(b, depth, s, r, err);
    }
    const double used = bench_joules_between(joules, bench_joules());
    const double tokens = (double)r->n * ((double)r->n_prompt + r->n_gen);
    r->joules = used < 0 || b->idle_watts < 0
                    ? -1.0
                    : (used - b->idle_watts * (term_now() - start)) / tokens;
    r->noisy = is_noisy(b, r);
    return st;
}

static lfm_status run_test(bench *b, bench_row *r, lfm_error *err) {
    lfm_session_options opt = cli_session_options(b->o);
    lfm_session *depth = NULL;
    lfm_session *s = NULL;
    opt.n_ctx = b->most;
    opt.n_batch = r->n_batch;
    opt.n_threads = r->n_threads;
    lfm_status st = lfm_session_new(&depth, b->model, &opt, err);
    if (st == LFM_OK) {
        st = lfm_session_fork(&s, depth, err);
    }
    if (st == LFM_OK) {
        r->n_threads = lfm_session_n_threads(depth);
        r->bytes_per_token = bytes_per_token(b, r);
        st = run_sessions(b, depth, s, r, err);
    }
    lfm_session_free(s);
    lfm_session_free(depth);
    return st;
}

/* ---- All tests ------------------------------------------------------------------------------ */

static lfm_status add_test(bench *b, bench_test t, bench_row like, lfm_error *err) {
    if (t.n_prompt + t.n_gen == 0) {
        return LFM_OK;
    }
    if (b->n_rows == MAX_ROWS) {
        return err_set(err, LFM_ERR_ARG, "more than %d tests", MAX_ROWS);
    }
    bench_row *r = &b->rows[b->n_rows];
    *r = like;
    r->n_prompt = t.n_prompt;
    r->n_gen = t.n_gen;
    const lfm_status st = run_test(b, r, err);
    if (st == LFM_OK && r->n > 0 && !term_stopped()) {
        bench_print(stdout, b->format, &b->facts, r, b->n_rows == 0);
        b->n_rows++;
    }
    return st;
}

static lfm_status run_tests(bench *b, bench_row like, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->prompts.n && st == LFM_OK; i++) {
        st = add_test(b, (bench_test){b->prompts.at[i], 0}, like, err);
    }
    for (size_t i = 0; i < b->gens.n && st == LFM_OK; i++) {
        st = add_test(b, (bench_test){0, b->gens.at[i]}, like, err);
    }
    return st == LFM_OK ? add_test(b, b->both, like, err) : st;
}

static lfm_status run_all(bench *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t d = 0; d < b->depths.n; d++) {
        for (size_t t = 0; t < b->threads.n; t++) {
            for (size_t n = 0; n < b->batches.n && st == LFM_OK && !term_stopped(); n++) {
                const bench_row like = {.n_depth = b->depths.at[d], .n_threads = b->threads.at[t],
                                        .n_batch = b->batches.at[n]};
                st = run_tests(b, like, err);
            }
        }
    }
    return st;
}

/* ---- The machine ---------------------------------------------------------------------------- */

/* What the processor takes while nothing runs. */
static double idle_watts(const bench *b) {
    const double before = bench_joules();
    const double start = term_now();
    if (before < 0 || b->format == BENCH_CSV) {
        return -1.0;
    }
    usleep(1000000);
    return bench_joules_between(before, bench_joules()) / (term_now() - start);
}

/* Bandwidth with the threads of the first test, and the first token of a fresh session. */
static lfm_status probe(bench *b, lfm_error *err) {
    lfm_session_options opt = cli_session_options(b->o);
    lfm_session *s = NULL;
    opt.n_ctx = b->most;
    opt.n_threads = b->threads.at[0];
    lfm_status st = lfm_session_new(&s, b->model, &opt, err);
    if (st == LFM_OK) {
        const double start = term_now();
        st = lfm_eval(s, b->tokens, FIRST_PROMPT, err);
        b->facts.first_token_s = term_now() - start;
    }
    if (st == LFM_OK) {
        st = lfm_read_bandwidth(s, &b->facts.read_bandwidth, err);
    }
    lfm_session_free(s);
    return st;
}

static lfm_status run(bench *b, lfm_error *err) {
    const double start = term_now();
    lfm_status st = cli_open_model(&b->model, b->o, false, err);
    if (st != LFM_OK) {
        return st;
    }
    b->facts.load_s = term_now() - start;
    b->facts.info = lfm_model_get_info(b->model);
    bench_model_type(b->facts.type, sizeof b->facts.type, b->model);
    bench_machine_read(&b->facts.machine);
    st = read_lists(b, err);
    if (st == LFM_OK) {
        st = make_tokens(b, err);
    }
    if (st == LFM_OK) {
        term_catch_stop();
        b->idle_watts = idle_watts(b);
        st = probe(b, err);
    }
    if (st == LFM_OK) {
        bench_begin(stdout, b->format, &b->facts);
        st = run_all(b, err);
        bench_end(stdout, b->format, &b->facts, b->rows, b->n_rows);
    }
    return st;
}

int cmd_bench(const cli_options *o) {
    bench b = {.o = o, .format = (bench_format)o->bench_format};
    lfm_error err = {0};
    if (strcmp(o->model, "compare") == 0) {
        return bench_compare(o);
    }
    lfm_status st = o->n_choices == 0 ? LFM_OK
                                      : err_set(&err, LFM_ERR_ARG, "unexpected operand '%s'. See: "
                                                "lfm help bench", o->choices[0]);
    b.facts.o = o;
    b.facts.path = o->model;
    if (st == LFM_OK) {
        st = run(&b, &err);
    }
    lfm_model_close(b.model);
    free(b.tokens);
    free(b.rows);
    if (st != LFM_OK && term_stopped()) {
        return CLI_FAILED;
    }
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
