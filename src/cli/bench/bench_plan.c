/*
 * bench_plan.c - reading lists of settings, and every combination of them.
 */
#include "cli/bench/bench_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    COARSE_SECONDS = 60,
    LONGEST = 1 << 30 /* prompt; add_row names the context if it is too long */
};

/* ---- Options -------------------------------------------------------------------------------- */

lfm_status bench_plan_check(const cli_options *o, lfm_error *err) {
    if (o->n_choices > 0) {
        return err_set(err, LFM_ERR_ARG, "unexpected operand '%s'. See: lfm help bench",
                       o->choices[0]);
    }
    const lfm_status st = opt_check_conflicts(o, err);
    if (st == LFM_OK && o->fail_if_slower.given) {
        return err_set(err, LFM_ERR_ARG,
                       "--fail-if-slower works only with: lfm bench compare A.json B.json");
    }
    if (st == LFM_OK && o->power == OPT_POWER_BATTERY &&
        o->sustain.value < (double)COARSE_SECONDS) {
        return err_set(err, LFM_ERR_ARG,
                       "--power battery: a battery reports its discharge too slowly for short "
                       "tests; add --sustain %ds or more",
                       COARSE_SECONDS);
    }
    return st;
}

/* Read every text of a repeatable option, or its default. */
static lfm_status read_list(bench_list *list, const char *name, const opt_texts *texts,
                            const char *otherwise, uint32_t min, uint32_t max, lfm_error *err) {
    lfm_status st = texts->n > 0 ? LFM_OK : bench_list_read(list, name, otherwise, min, max, err);
    for (size_t i = 0; i < texts->n && st == LFM_OK; i++) {
        st = bench_list_read(list, name, texts->at[i], min, max, err);
    }
    return st;
}

static lfm_status read_pairs(bench_plan *p, const cli_options *o, lfm_error *err) {
    const opt_texts *texts = &o->bench_pg;
    for (size_t i = 0; i < texts->n; i++) {
        bench_list pair = {0};
        const lfm_status st = bench_list_read(&pair, "-pg", texts->at[i], 1, p->n_ctx_max, err);
        if (st != LFM_OK) return st;
        if (pair.n != 2) {
            return err_set(err, LFM_ERR_ARG, "-pg needs two numbers, as in -pg 512,128");
        }
        p->pairs[p->n_pairs][0] = pair.at[0];
        p->pairs[p->n_pairs++][1] = pair.at[1];
    }
    return LFM_OK;
}

/* --sustain is about one kind of test: decoding, unless the options say otherwise. */
static lfm_status read_lists(bench_plan *p, const cli_options *o, lfm_error *err) {
    const uint32_t most = p->n_ctx_max;
    const bool prompts = o->bench_p.n > 0 || o->bench_pg.n > 0;
    const double given = o->n_threads.given && o->n_threads.value > 0 ? o->n_threads.value : 0;
    char threads[16];
    snprintf(threads, sizeof threads, "%.0f", given);
    lfm_status st = read_list(&p->prompts, "-p", &o->bench_p,
                              o->sustain.given ? "0" : "512", 0, LONGEST, err);
    if (st == LFM_OK) {
        st = read_list(&p->gens, "-n", &o->bench_n, o->sustain.given && prompts ? "0" : "128", 0,
                       most, err);
    }
    if (st == LFM_OK) st = read_list(&p->depths, "-d", &o->bench_d, "0", 0, most, err);
    if (st == LFM_OK) st = read_list(&p->threads, "-t", &o->bench_t, threads, 0, 4096, err);
    if (st == LFM_OK) st = read_list(&p->batches, "-b", &o->bench_b, "512", 1, 65536, err);
    return st == LFM_OK ? read_pairs(p, o, err) : st;
}

/* --text and --tune measure one setting. */
static lfm_status check_lists(const bench_plan *p, const cli_options *o, lfm_error *err) {
    const bool one = p->prompts.n == 1 && p->gens.n == 1 && p->depths.n == 1 &&
                     p->threads.n == 1 && p->batches.n == 1 && p->n_pairs == 0;
    if (!one && (o->text || o->tune)) {
        return err_set(err, LFM_ERR_ARG,
                       "%s measures one setting: give -p, -n, -t and -b one number each, and "
                       "no -pg", o->text ? "--text" : "--tune");
    }
    return LFM_OK;
}

/* ---- The tests ------------------------------------------------------------------------------ */

static lfm_status add_row(bench_plan *p, bench_row like, uint32_t n_prompt, uint32_t n_gen,
                          lfm_error *err) {
    const uint64_t length = (uint64_t)like.n_depth + n_prompt + n_gen;
    if (n_prompt + n_gen == 0) return LFM_OK;
    if (p->n_rows == BENCH_MAX_ROWS) {
        return err_set(err, LFM_ERR_ARG, "more than %d tests", BENCH_MAX_ROWS);
    }
    if (length > p->n_ctx_max) {
        return err_set(err, LFM_ERR_ARG, "a test of %" PRIu64 " tokens is longer than the context "
                       "that the model was made for, %" PRIu32, length, p->n_ctx_max);
    }
    like.n_prompt = n_prompt;
    like.n_gen = n_gen;
    p->longest = length > p->longest ? (uint32_t)length : p->longest;
    p->rows[p->n_rows++] = like;
    return LFM_OK;
}

static lfm_status add_rows(bench_plan *p, bench_row like, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < p->prompts.n && st == LFM_OK; i++) {
        st = add_row(p, like, p->prompts.at[i], 0, err);
    }
    for (size_t i = 0; i < p->gens.n && st == LFM_OK; i++) {
        st = add_row(p, like, 0, p->gens.at[i], err);
    }
    for (size_t i = 0; i < p->n_pairs && st == LFM_OK; i++) {
        st = add_row(p, like, p->pairs[i][0], p->pairs[i][1], err);
    }
    return st;
}

static lfm_status make_rows(bench_plan *p, lfm_error *err) {
    lfm_status st = LFM_OK;
    p->rows = calloc(BENCH_MAX_ROWS, sizeof *p->rows);
    if (!p->rows) return err_no_memory(err, "the tests");
    for (size_t d = 0; d < p->depths.n; d++) {
        for (size_t t = 0; t < p->threads.n; t++) {
            for (size_t n = 0; n < p->batches.n && st == LFM_OK; n++) {
                st = add_rows(p, (bench_row){.n_depth = p->depths.at[d],
                                             .n_threads = p->threads.at[t],
                                             .n_batch = p->batches.at[n]}, err);
            }
        }
    }
    return st;
}

lfm_status bench_plan_read(bench_plan *p, const cli_options *o, uint32_t n_ctx_max,
                           lfm_error *err) {
    *p = (bench_plan){.n_ctx_max = n_ctx_max};
    lfm_status st = read_lists(p, o, err);
    if (st == LFM_OK) st = check_lists(p, o, err);
    return st == LFM_OK ? make_rows(p, err) : st;
}

void bench_plan_drop(bench_plan *p) {
    for (size_t i = 0; p->rows && i < BENCH_MAX_ROWS; i++) {
        bench_row_drop(&p->rows[i]);
    }
    free(p->rows);
    *p = (bench_plan){0};
}
