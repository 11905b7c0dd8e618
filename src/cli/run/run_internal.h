/*
 * run_internal.h - one answer: what cmd_run.c does, and the other files report.
 */
#ifndef CLI_RUN_RUN_INTERNAL_H
#define CLI_RUN_RUN_INTERNAL_H

#include "cli/options/options.h"
#include "cli/prompt/answer_grammar.h"
#include "cli/prompt/conversation.h"
#include "cli/prompt/prompt_tokens.h"
#include "cli/prompt/tools_offered.h"
#include "cli/shared/stream.h"
#include "cli/shared/tune.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    const cli_options *o;
    lfm_model *model;
    lfm_session *session;
    lfm_sampling sampling;

    tools_offered tools; /* --tools */
    conversation talk;   /* the prompt's; empty with --raw */
    bool continues;      /* --session has earlier messages; they begin `talk` */
    prompt_tokens prompt;
    size_t n_truncated; /* tokens that --truncate took away */
    size_t n_reused;    /* of the prompt, that needed no evaluation */

    answer_grammar grammar;
    lfm_sampler *sampler;
    lfm_constraint *constraint;
    lfm_answer *answer;
    const lfm_answer_state *now; /* of the answer; all zero before it begins */
    const char *text;            /* [text_len] what is the result of it: the text, or -x's part */
    size_t text_len;
    stream out;
    size_t n_logprobs_shown; /* --jsonl: tokens whose probabilities have been in a line */
    bool no_code;            /* -x found nothing */
    bool sandboxed;
    threads_origin threads; /* who chose their number */
    int log_fd;             /* of --log-file; -1 = none */

    double started, loaded, prompt_done, first_token, ended; /* term_now(); 0 = not reached */
} run_state;

/* ---- run_prompt.c --------------------------------------------------------------------------- */

/* The tokens of the prompt, cut if it has to be and may be; `text` is what -p, -f and the others
 * gave together. */
lfm_status run_read_tokens(run_state *r, json_out *text, lfm_error *err);

/* LFM_ERR_FULL when the context has no place for them. */
lfm_status run_check_fit(const run_state *r, lfm_error *err);

/* ---- run_show.c ----------------------------------------------------------------------------- */

/* Show what is new in the answer, as the options want it. */
lfm_status run_show_new(run_state *r, lfm_error *err);

/* The rest of the answer, which has ended, and the newline that shells and people expect. */
lfm_status run_show_end(run_state *r, lfm_error *err);

/* ---- run_json.c ----------------------------------------------------------------------------- */

/* The object of --json, with a newline. */
void run_json(json_out *out, const run_state *r);

/* --stats and --stats-fd: the block, or usage and timings as one line of JSON. */
void run_stats(const run_state *r);

/* --log-file: open it while nothing has happened; append a line at the end, whatever the end is. */
lfm_status run_open_log(run_state *r, lfm_error *err);
void run_log(run_state *r, int code, const lfm_error *why);

/* ---- run_text.c ----------------------------------------------------------------------------- */

/* Seconds that reading the prompt, and generating, took so far; 0 = not reached. */
double run_prompt_s(const run_state *r);
double run_decode_s(const run_state *r);
double run_between(double from, double to); /* seconds between two times; 0 = not reached */
double run_rate(size_t n, double seconds);  /* a second; 0 when no time has passed */

/* The block of -v: ollama's eight lines, then how the answer came about. */
void run_block(FILE *to, const run_state *r);

/* SIGUSR1: one line about where the answer is. */
void run_progress(const run_state *r);

/* One dim line for people who watch. */
void run_summary(const run_state *r);

/* --dry-run: the prompt, its tokens with -v, and what a run would need, on standard output. */
lfm_status run_dry(const run_state *r, lfm_error *err);

#endif
