/*
 * run.h - one answer: what cmd_run.c does, run_prompt.c reads, and report.c tells about.
 */
#ifndef CLI_RUN_RUN_H
#define CLI_RUN_RUN_H

#include "cli/options/options.h"
#include "cli/prompt/answer_grammar.h"
#include "cli/prompt/generate.h"
#include "cli/prompt/keep.h"
#include "cli/shared/show.h"
#include "cli/shared/tune.h"

#include "lfm.h"

#include <stdint.h>

/* A zeroed struct is a valid empty one. */
typedef struct {
    const cli_options *o;
    lfm_model *model;
    lfm_session *session;
    lfm_sampling sampling;

    json_out tools;           /* the list of --tools; empty = none */
    keep_past past;           /* --session */
    json_out conversation;    /* as JSON; empty with --raw */
    int32_t *tokens;          /* [n_tokens] the prompt */
    size_t n_tokens;
    size_t n_truncated;       /* tokens that --truncate took away */
    size_t n_reused;          /* of them, that needed no evaluation */
    char *rendered;           /* the prompt as text */
    size_t rendered_len;

    answer_grammar form;
    generation gen;
    show show;
    size_t n_logprobs_shown;  /* --jsonl: tokens whose probabilities have been in a line */
    bool no_code;             /* -x found nothing */
    bool sandboxed;
    threads_origin threads;   /* who chose their number */
    int log_fd;               /* of --log-file; -1 = none */

    double started, loaded, prompt_done, first_token, ended; /* term_now(); 0 = not reached */
} run_state;

/* The tokens of the prompt, cut if it has to be and may be; `text` is what -p, -f and the others
 * gave together. */
lfm_status run_read_tokens(run_state *r, json_out *text, lfm_error *err);

/* LFM_ERR_FULL when the context has no place for them. */
lfm_status run_check_fit(const run_state *r, lfm_error *err);

/* The object of --json, with a newline. */
void report_json(json_out *out, const run_state *r);

/* The block of -v on standard error: ollama's eight lines, then how the answer came about. */
void report_verbose(const run_state *r);

/* --stats and --stats-fd: the block, or usage and timings as one line of JSON. */
void report_stats(const run_state *r);

/* SIGUSR1: one line about where the answer is. */
void report_progress(const run_state *r);

/* --log-file: open it while nothing has happened; append a line at the end, whatever the end is. */
lfm_status report_open_log(run_state *r, lfm_error *err);
void report_log(run_state *r, int code, const lfm_error *why);

/* One dim line for people who watch. */
void report_summary(const run_state *r);

/* --dry-run: the prompt, its tokens with -v, and what a run would need, on standard output. */
lfm_status report_dry_run(const run_state *r, lfm_error *err);

#endif
