/*
 * options.h - the command line as a struct, and the one table that describes all options.
 *
 * The table (option_table.c) feeds parsing, `--help` and "did you mean".  Options that are not in
 * it are errors, never ignored.
 */
#ifndef CLI_OPTIONS_OPTIONS_H
#define CLI_OPTIONS_OPTIONS_H

#include "base/error.h"
#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One bit per command, so that a row of the table can list the commands that accept it. */
enum {
    CMD_RUN = 1, CMD_INFO = 2, CMD_TOKENIZE = 4, CMD_LOGITS = 8, CMD_QUANTIZE = 16, CMD_SCORE = 32,
    CMD_BATCH = 64, CMD_PICK = 128, CMD_BENCH = 256, CMD_PACK = 512, CMD_VERIFY = 1024,
    CMD_CHAT = 2048, CMD_SELFTEST = 4096
};

typedef struct {
    double value;
    bool given; /* otherwise `value` is 0 and the command uses its default */
} opt_number;

typedef enum { PART_TEXT, PART_FILE, PART_BYTES } opt_part_kind; /* -p; -f; -bf */

typedef struct {
    opt_part_kind kind;
    const char *value; /* the text itself, or a path; "-" is standard input */
} opt_part;

/* An option that may be repeated. */
enum { OPT_MAX_TEXTS = 16 };
typedef struct {
    const char *at[OPT_MAX_TEXTS];
    size_t n;
} opt_texts;

/* An option as it was written, for -v. */
typedef struct {
    const struct opt_row *row;
    const char *word;
    const char *value; /* the value if it was a separate word; else NULL */
    bool idle;         /* accepted and ignored */
} opt_given;

/* The choices: the words of an option, divided by '|', and their numbers in the same order.
 * Parsing, help and completion take the words from here; the first is the default. */
#define PRESET_WORDS "card|llama.cpp|greedy"
typedef enum { PRESET_CARD, PRESET_LLAMA_CPP, PRESET_GREEDY } opt_preset;

#define KV_WORDS "f16|f32|q8_0|q8"
typedef enum { KV_F16, KV_F32, KV_Q8_0, KV_Q8 } opt_kv; /* the last two are the same */

#define OVERFLOW_WORDS "stop|shift"
typedef enum { OVERFLOW_STOP, OVERFLOW_SHIFT } opt_overflow;

#define THINK_WORDS "auto|show|hide|off"
typedef enum { THINK_AUTO, THINK_SHOW, THINK_HIDE, THINK_OFF } opt_think;

#define REASONING_WORDS "auto|on|off"
typedef enum { REASONING_AUTO, REASONING_ON, REASONING_OFF } opt_reasoning;

#define LOOP_GUARD_WORDS "on|off"
typedef enum { LOOP_GUARD_ON, LOOP_GUARD_OFF } opt_loop_guard;

#define POWER_WORDS "auto|rapl|battery|none"
typedef enum { OPT_POWER_AUTO, OPT_POWER_RAPL, OPT_POWER_BATTERY, OPT_POWER_NONE } opt_power;

#define COOLDOWN_WORDS "none|auto"
typedef enum { COOLDOWN_NONE, COOLDOWN_AUTO } opt_cooldown;

#define MMP_WORDS "1|0"
typedef enum { MMP_1, MMP_0 } opt_mmp;

#define STATS_WORDS "none|text|json"
typedef enum { STATS_NONE, STATS_TEXT, STATS_JSON } opt_stats;

#define TOOL_CALLS_WORDS "json|raw"
typedef enum { TOOL_CALLS_JSON, TOOL_CALLS_RAW } opt_tool_calls;

#define TRUNCATE_WORDS "none|head|tail|middle"
typedef enum { TRUNCATE_NONE, TRUNCATE_HEAD, TRUNCATE_TAIL, TRUNCATE_MIDDLE } opt_truncate;

#define PROGRESS_WORDS "auto|always|never"
typedef enum { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER } opt_progress;

#define LOAD_WORDS "mmap|none|mlock|mmap+mlock"
typedef enum { LOAD_MMAP, LOAD_NONE, LOAD_MLOCK, LOAD_MMAP_MLOCK } opt_load;

#define COLOR_WORDS "auto|always|never|on|off"
typedef enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER, COLOR_ON, COLOR_OFF } opt_color;

#define FORMAT_WORDS "md|csv|json|jsonl|sql|benchstat" /* bench_format */

/* What the user asked for.  Strings point into argv or the environment; the arrays are owned. */
typedef struct cli_options {
    bool help;
    const char *model;         /* operand, -m or LFM_MODEL; NULL = none */
    bool model_was_operand;

    opt_part *parts;           /* -p, -f, -bf and the operands, in their order */
    size_t n_parts;
    const char *system, *system_file, *messages, *prefill;
    const char *template_file, *template_kwargs;
    bool raw, no_special, no_stdin, dry_run;

    opt_number n_predict;
    const char **stops;
    size_t n_stops;
    bool ignore_eos;

    int think;                 /* opt_think; opt_thinking combines it with the next fields */
    int reasoning;             /* opt_reasoning */
    bool hide_thinking, no_think, strict, escape, extract, jsonl;
    opt_number think_budget;
    const char *think_message; /* inserted when the budget ends the thoughts */
    int loop_guard;            /* opt_loop_guard */
    int stats;                 /* opt_stats */
    const char *tools, *tool_choice;
    bool tools_lenient;
    int tool_calls;            /* opt_tool_calls */
    const char *json_schema, *json_schema_file, *schema, *form_choices, *grammar, *grammar_file;

    opt_number temp, top_k, top_p, min_p, typical, repeat_penalty, repeat_last_n, presence_penalty,
        frequency_penalty, seed;
    int preset;                /* opt_preset */
    lfm_logit_bias *bias;
    size_t n_bias;
    uint8_t stages[LFM_N_STAGES]; /* --samplers; all zero = the usual order */

    const char *out, *log_file;
    bool json, no_newline, no_stream, special, quiet, verbose, very_verbose;
    opt_number logprobs, stats_fd;
    int color;                 /* opt_color */
    int progress;              /* opt_progress */

    opt_number n_ctx, n_batch, n_threads, n_threads_batch, n_keep;
    const char *session, *prompt_cache;
    bool prompt_cache_ro, no_history;
    int on_overflow;           /* opt_overflow */
    int truncate;              /* opt_truncate */
    int kv;                    /* opt_kv */
    const char *isa, *cpus;
    bool no_sandbox, mlock, no_mmap;
    int load_mode;             /* opt_load; opt_parse merges it into the two above */
    bool threads_from_env;     /* n_threads comes from $LFM_THREADS */
    opt_number nice;

    const char *key;           /* info --kv */
    bool tensors, chat_template, plan, probe;
    bool count, ids, decode;   /* tokenize */
    const char *tokens;        /* logits */
    const char *type;          /* quantize; its OUT is in `out` */
    bool force;
    const char *in, *each;     /* batch */
    bool lines, resume, fail_fast, unordered;
    opt_number n_parallel, limit;
    const char **choices;      /* pick: [n_choices] */
    size_t n_choices;
    bool test, all;
    opt_texts bench_p, bench_n, bench_pg, bench_d, bench_t, bench_b;
    opt_number n_repeat, delay, until, fail_if_slower, sustain;
    int bench_format;          /* bench_format */
    int bench_format_err;      /* 0: none; otherwise one more than a bench_format */
    const char *text, *ab[2];
    bool no_warmup, no_probe, tune, roofline;
    int cooldown;              /* opt_cooldown */
    int mmp;                   /* opt_mmp */
    int power;                 /* opt_power */
    const char *against, *save_logits; /* score */
    opt_number chunks;
    bool per_token;

    opt_given *given;          /* every option, in order */
    size_t n_given;

    char *joined;              /* the operands of the prompt, joined by spaces */
    const struct cli_command *command; /* whose options these are */
} cli_options;

typedef enum {
    OPT_TRUE,       /* bool */
    OPT_FALSE,      /* bool: undoes an OPT_TRUE */
    OPT_SET,        /* int: becomes `min` */
    OPT_INT,        /* opt_number, a whole number in min..max; "auto" if that is the default */
    OPT_REAL,       /* opt_number in min..max */
    OPT_PERCENT,    /* the same; a % may follow */
    OPT_SECONDS,    /* opt_number in min..max, as 90, 90s, 5m or 1h */
    OPT_TEXT,       /* const char * */
    OPT_TEXTS,      /* opt_texts */
    OPT_PAIR,       /* const char *[2]: the next two words */
    OPT_CHOICE,     /* int: which of the words "a|b|c" in `arg` */
    OPT_CHOICE_MAYBE, /* the same; number `min` if none of the words follows */
    OPT_STAGES,     /* the stages of the sampler, by llama.cpp's names */
    OPT_PART_TEXT,  /* one more part of the prompt */
    OPT_PART_FILE,
    OPT_PART_BYTES,
    OPT_STOP,       /* one more stop string */
    OPT_BIAS,       /* one more ID+BIAS or ID-BIAS */
    OPT_IDLE,       /* accepted and ignored */
    OPT_IDLE_VALUE, /* the same with a value */
    OPT_IDLE_MAYBE, /* the same; the next word is its value if it is one of the words */
    OPT_REFUSED,    /* an option of other programs; `help` is the error message, followed by the
                       name of the model if there is a `preset` */
    OPT_HELP
} opt_kind;

typedef enum {
    GROUP_PROMPT, GROUP_LENGTH, GROUP_SHAPE, GROUP_SAMPLING, GROUP_OUTPUT, GROUP_STATE,
    GROUP_MACHINE, GROUP_ASK, GROUP_OTHER, GROUP_IDLE, N_GROUPS
} opt_group;

typedef struct opt_row {
    const char *names;  /* all spellings, separated by spaces */
    const char *arg;    /* name of the value in help; for OPT_CHOICE the words themselves */
    opt_kind kind;
    opt_group group;
    unsigned commands;  /* CMD_... that accept it */
    size_t field;       /* offset in cli_options */
    double min, max;
    const char *preset; /* the default as --help shows it; NULL = none */
    const char *help;
} opt_row;

extern const opt_row option_table[];
extern const size_t n_option_rows;

typedef enum {
    AFTER_NOTHING, AFTER_PROMPT, AFTER_OUT, AFTER_OUT_TYPE, AFTER_INPUT, AFTER_CHOICES
} opt_after;

/* A command: a row of command_table.c. */
typedef struct cli_command {
    const char *name;
    unsigned bit;          /* CMD_... */
    opt_after after;       /* meaning of the operands after MODEL */
    const char *synopsis;
    const char *summary;
    const char *examples;  /* lines, each ending in a newline */
    int (*run)(const cli_options *o);
} cli_command;

/* Parse the words after the command's name.  Keeps argv.  LFM_ERR_ARG says what is wrong.
 * `-h` anywhere wins over errors: o->help is then set and the status is LFM_OK. */
lfm_status opt_parse(cli_options *o, const cli_command *command, int argc, char *const *argv,
                     lfm_error *err);
void opt_drop(cli_options *o); /* safe on a zeroed struct */

/* LFM_ERR_ARG if options exclude each other or need another (option_conflicts.c).  Commands call
 * this first.  opt_parse does not: `lfm bench --ab` parses options in parts, and `lfm bench
 * compare` ignores what would be conflicts. */
lfm_status opt_check_conflicts(const cli_options *o, lfm_error *err);

/* The row of an option of these commands by name, dashes included; NULL = none. */
const opt_row *opt_find_row(const char *name, size_t len, unsigned commands);

/* Set the number of an option; false, changing nothing, when it is outside the range of the row. */
bool opt_put_number(cli_options *o, const opt_row *row, double v);

/* Set an option of sampling or length by its name without dashes. */
lfm_status opt_set(cli_options *o, unsigned command, const char *name, const char *value,
                   lfm_error *err);

/* The next of the words in *list, which `separator` divides; false at the end. */
bool opt_next_word(const char **list, char separator, const char **word, size_t *len);

/* Can a value follow the name of such an option? */
bool opt_takes_value(opt_kind kind);

/* llama.cpp's name of a sampler stage. */
const char *opt_stage_name(uint8_t stage);

/* --think, --reasoning, --no-think and --hidethinking combined. */
opt_think opt_thinking(const cli_options *o);

/* Number of single-character edits (insert, delete, replace, swap neighbours) from a to b. */
size_t opt_distance(const char *a, const char *b);

/* Is `typed` near enough to `name` to suggest it, and nearer than *best, the smallest distance so
 * far (start with SIZE_MAX)?  If so, *best becomes the new distance. */
bool opt_is_near(const char *typed, const char *name, size_t *best);

#endif
