/*
 * run_internal.h - what the files of `lfm run` share: the state of one run.
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
    conversation talk;   /* the messages of the prompt; empty with --raw */
    bool continues;      /* --session has earlier messages; they begin `talk` */
    prompt_tokens prompt;
    size_t n_truncated; /* prompt tokens that --truncate cut */
    size_t n_reused;    /* prompt tokens that were in the session already */

    answer_grammar grammar;
    lfm_sampler *sampler;
    lfm_constraint *constraint;
    lfm_answer *answer;
    const lfm_answer_state *now; /* state of the answer; all zero before it begins */
    const char *text;            /* [text_len] the text of the answer; with -x, its block of code */
    size_t text_len;
    stream out;
    size_t n_logprobs_shown; /* --jsonl: tokens whose probabilities are printed */
    bool no_code;            /* -x found no block of code */
    bool sandboxed;
    threads_origin threads; /* where the number of threads comes from */
    int log_fd;             /* the file of --log-file; -1 = none */

    double started, loaded, prompt_done, first_token, ended; /* term_now(); 0 = not reached */
} run_state;

/* ---- run_prompt.c --------------------------------------------------------------------------- */

/* Tokenize the prompt, and cut it if it is too long and --truncate allows that.  `text` is the text
 * of -p, -f and the like. */
lfm_status run_read_tokens(run_state *r, json_out *text, lfm_error *err);

/* LFM_ERR_FULL when the prompt does not fit into the context. */
lfm_status run_check_fit(const run_state *r, lfm_error *err);

/* ---- run_show.c ----------------------------------------------------------------------------- */

/* Print the new part of the answer, in the format that the options choose. */
lfm_status run_show_new(run_state *r, lfm_error *err);

/* Print the rest of a finished answer, and the final newline that shells and people expect. */
lfm_status run_show_end(run_state *r, lfm_error *err);

/* ---- run_json.c ----------------------------------------------------------------------------- */

/* Append the object of --json, with a newline. */
void run_json(json_out *out, const run_state *r);

/* --stats and --stats-fd: print the block of -v, or usage and timings as a line of JSON. */
void run_stats(const run_state *r);

/* --log-file: open the file before anything can fail; append a line at the end, whatever it is. */
lfm_status run_open_log(run_state *r, lfm_error *err);
void run_log(run_state *r, int code, const lfm_error *why);

/* ---- run_text.c ----------------------------------------------------------------------------- */

/* Seconds spent so far on the prompt, and on generating; 0 = not reached. */
double run_prompt_s(const run_state *r);
double run_decode_s(const run_state *r);
double run_between(double from, double to); /* seconds; 0 = one time was not reached */
double run_rate(size_t n, double seconds);  /* n per second; 0 when no time has passed */

/* Print the block of -v: the eight lines that ollama prints, then the settings of the run. */
void run_block(FILE *to, const run_state *r);

/* SIGUSR1: print a line about the progress of the answer. */
void run_progress(const run_state *r);

/* Print a dim line with the speed, on a terminal. */
void run_summary(const run_state *r);

/* --dry-run: print the prompt, with -v its tokens, and the memory and time that it would need. */
lfm_status run_dry(const run_state *r, lfm_error *err);

#endif
