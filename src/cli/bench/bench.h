/*
 * bench.h - what the files of `lfm bench` share: a test, its result, the report.
 *
 * bench_setup.c opens the model and looks at the machine, bench_run.c takes samples of one test,
 * bench_report.c and bench_fields.c tell them.  cmd_bench.c, bench_ab.c, bench_text.c,
 * bench_tune.c, bench_sustain.c and bench_roofline.c are what can be done with these.
 */
#ifndef CLI_BENCH_BENCH_H
#define CLI_BENCH_BENCH_H

#include "base/system/cores.h"
#include "cli/bench/bench_heat.h"
#include "cli/bench/bench_list.h"
#include "cli/bench/bench_power.h"
#include "cli/bench/results/bench_stats.h"
#include "cli/options/options.h"
#include "cli/shared/machine_facts.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* ---- A test and its result ------------------------------------------------------------------ */

/* Why the samples of a row deserve less trust. */
enum { NOISE_THROTTLED = 1, NOISE_LOAD = 2, NOISE_SPREAD = 4 };

/* --text: the parts of the time that a person waits, in seconds. */
typedef struct {
    double tokenize, first_token; /* medians over the repetitions */
    double p50, p95;              /* between two tokens */
    double sampling;              /* share of the time between tokens that choosing takes */
} bench_waits;

/* --sustain: tokens per second at the beginning and at the end. */
typedef struct {
    double burst, sustained;
    stats_gain drift; /* per minute */
    bool has_drift;
    char spark[STATS_SPARK_BYTES];
    double low, high; /* of its columns */
} bench_course;

/* One row. */
typedef struct {
    uint32_t n_prompt, n_gen, n_depth, n_threads, n_batch;
    bool fast;              /* on fast cores only */
    bool is_text;           /* a real text, with tokenising and sampling; otherwise random tokens */
    char side;              /* --ab: 'A' or 'B'; otherwise 0 */
    time_t when;
    double *seconds;        /* [n] of each repetition; owned */
    double *ended;          /* [n] when it was over, after the first began; owned */
    size_t n, cap;
    double bytes_per_token; /* weights and cache that a token reads, on average */
    double read_bandwidth;  /* of memory, bytes per second, with these threads */
    double joules[N_POWER_DOMAINS]; /* per token, over idle; below 0: unknown */
    uint64_t throttled;     /* events while it ran */
    unsigned noise;         /* NOISE_..., 0 = none */
    bench_waits waits;
    bench_course course;
    stats_gain gain;        /* --ab, of side B: over A */
    bool has_gain;
} bench_row;

lfm_status bench_row_add(bench_row *r, double seconds, double ended, lfm_error *err);
void bench_row_drop(bench_row *r); /* safe on a zeroed struct */

/* Tokens that one repetition evaluates. */
double bench_row_tokens(const bench_row *r);

/* Mean and standard deviation of tokens per second. */
double bench_rate(const bench_row *r, double *spread);

/* Half the 95 % confidence interval of the mean, as a share of it; 1 for fewer than three
 * samples. */
double bench_uncertainty(const bench_row *r);

/* Does it only generate, one token after the other?  Then memory bounds it. */
bool bench_is_decode(const bench_row *r);

/* "pp512", "tg128 @ d512", "pp100+tg20 text". */
void bench_test_name(char *out, size_t cap, const bench_row *r);

/* ---- All of them ---------------------------------------------------------------------------- */

/* BENCH_CACHEABLE: weights of so many bytes may stay in a cache from one token to the next. */
enum { BENCH_MAX_ROWS = 256, BENCH_CACHEABLE = 512 << 20 };

typedef enum {
    BENCH_MD, BENCH_CSV, BENCH_JSON, BENCH_JSONL, BENCH_SQL, BENCH_BENCHSTAT, BENCH_NO_FORMAT
} bench_format;

typedef struct {
    FILE *to;
    bench_format format;
} bench_output;

/* What is measured, with what, and what came out. */
typedef struct {
    const cli_options *o;
    lfm_model *model;
    bool shares_model;      /* it is another bench's to close */
    const lfm_model_info *info;
    char type[64];          /* "lfm2moe 8B.A1B Q4_K - Medium" */
    bench_output outputs[2]; /* -o to standard output, -oe to standard error */
    size_t n_outputs;
    int write_error;       /* errno of the first output that could not be written */
    bool show_batch, show_kv; /* columns of the table: only where they say something */
    bench_list prompts, gens, depths, threads, batches;
    uint32_t both[BENCH_MAX_LIST][2]; /* -pg */
    size_t n_both;
    int32_t *tokens;        /* [n_tokens] random ones; owned */
    uint32_t n_tokens;      /* of the longest test */
    uint32_t n_ctx;         /* context of the sessions */
    bench_row *rows;        /* [n_rows], room for BENCH_MAX_ROWS; owned */
    size_t n_rows;

    machine_facts machine;
    bench_heat idle;        /* before anything ran */
    power_meter power;
    double idle_watts[N_POWER_DOMAINS];
    bool battery_is_coarse; /* a battery was asked for, and the run is too short for it */
    double load_s, first_token_s, cached;
    double bandwidth[BENCH_MAX_LIST]; /* [n_probed] measured with probed[i] threads */
    uint32_t probed[BENCH_MAX_LIST];
    size_t n_probed;
    bool no_probe;          /* nobody asks for bandwidths */
} bench;

/* bench_setup.c: check the options, open the model (or use that of `shared`, if it is the same),
 * look at the machine.  The tests are in b->rows afterwards. */
lfm_status bench_open(bench *b, const cli_options *o, const bench *shared, lfm_error *err);
void bench_close(bench *b); /* safe on a zeroed struct */

/* Equal texts, or neither is there. */
bool bench_is_same_text(const char *a, const char *b);

/* Threads of a row's session: its own number, or tuned ones, or all cores.  *fast: on fast cores
 * only. */
lfm_session_options bench_session_options(const bench *b, const bench_row *r, bool *fast);

/* ---- One test (bench_run.c) ----------------------------------------------------------------- */

/* A session at a row's depth, and one in which its repetitions happen.  Zeroed is empty. */
typedef struct {
    const bench *b;
    bench_row *row;
    lfm_session *depth, *work;
    bool on_fast;      /* until it is closed, this thread uses fast cores only; then `before` */
    cores_set before;
    power_meter power;
    double began;      /* 0: no sample yet */
    uint64_t throttled; /* before */
} bench_bed;

/* Sessions, and what is there before the test; the row's threads become known. */
lfm_status bench_bed_open(bench_bed *bed, bench *b, bench_row *r, lfm_error *err);
void bench_bed_close(bench_bed *bed); /* safe on a zeroed struct */

/* Once without counting: the whole prompt, one token. */
lfm_status bench_bed_warm(bench_bed *bed, lfm_error *err);

/* Wait as --delay and --cooldown want it. */
void bench_wait(const bench *b);

/* From here on samples count: their time and energy. */
void bench_bed_begin(bench_bed *bed);

/* One repetition; it is added to the row. */
lfm_status bench_bed_sample(bench_bed *bed, lfm_error *err);

/* What the samples say: energy, noise. */
void bench_bed_end(bench_bed *bed);

/* All of it, with -r and --until. */
lfm_status bench_run_row(bench *b, bench_row *r, lfm_error *err);

/* Another repetition?  -r asks for a number, --until for a narrow interval. */
bool bench_wants_more(const bench *b, const bench_row *r);

/* The weights and the cache that a token of this row reads. */
double bench_bytes_per_token(const bench *b, const bench_row *r);

/* ---- What can be done ----------------------------------------------------------------------- */

lfm_status bench_text(bench *b, lfm_error *err);     /* --text; makes rows of its own */
lfm_status bench_sustain(bench *b, lfm_error *err);  /* --sustain */
lfm_status bench_tune(bench *b, lfm_error *err);     /* --tune */

/* The best of rows[n], which have rising numbers of threads and samples that were taken in turns;
 * rows[base] is what holds unless others are shown to be better.  `fast`: rows on fast cores may be
 * chosen, too. */
size_t bench_tune_choose(const bench_row *rows, size_t n, size_t base, bool fast);

lfm_status bench_roofline(bench *b, lfm_error *err); /* --roofline, after the table */
int bench_ab(const cli_options *o);                  /* --ab; returns the exit code */
int bench_compare(const cli_options *o);             /* lfm bench compare A.json B.json */

/* ---- The report ----------------------------------------------------------------------------- */

/* "f16", "f32", "q8_0". */
const char *bench_kv_name(opt_kv kv);

/* llama-bench's name for the file: architecture, size and mix. */
void bench_model_type(char *out, size_t cap, const lfm_model *m);

/* On every output: what comes before the rows, a row, what comes after them. */
void bench_begin(bench *b);
void bench_print(bench *b, const bench_row *r, bool first);
void bench_end(bench *b, const bench_row *rows, size_t n);

/* `st`, or what became of the outputs if that was LFM_OK. */
lfm_status bench_outcome(const bench *b, lfm_status st, lfm_error *err);

/* The version with the commit it was built from, as far as that is known. */
const char *bench_build(void);

/* Share of the read bandwidth that a row's tokens use; 0: it does not say anything. */
double bench_percent_of_peak(const bench_row *r);

/* bench_fields.c: a row in a format for programs. */
void bench_print_fields(FILE *to, bench_format format, const bench *b, const bench_row *r,
                        bool first);

#endif
