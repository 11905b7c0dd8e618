/*
 * option_conflicts.c - which options cannot stand together, and which need another.
 *
 * Only checks of the command line itself are here.  Whether a file exists, or what a model has, is
 * checked where it is read.
 */
#include "cli/options/option_internal.h"

#include <assert.h>
#include <string.h>

#define ONE_MEASUREMENT \
    "--ab, --sustain, --text and --tune are different measurements; give one of them"

const opt_conflict opt_conflicts[] = {
    {CMD_RUN, "--raw", OPT_EXCLUDES, "--system --system-file --messages",
     "--raw uses no chat template, so there is no place for a system prompt or --messages"},
    {CMD_RUN, "--messages", OPT_EXCLUDES, "PROMPT --system --system-file",
     "--messages is the whole conversation: put the prompt and the system prompt into its file"},
    {CMD_RUN, "--session", OPT_EXCLUDES, "--messages",
     "--session has the conversation and its memory; --messages cannot be used with it"},
    {CMD_RUN, "--session", OPT_EXCLUDES, "--prompt-cache",
     "--session has the conversation and its memory; --prompt-cache cannot be used with it"},
    {CMD_RUN, "--json", OPT_EXCLUDES, "--jsonl", "--json and --jsonl cannot be used together"},
    {CMD_RUN | CMD_BATCH | CMD_PICK, "--raw", OPT_EXCLUDES, "--chat-template --template-kwargs",
     "--raw uses no chat template; leave out --chat-template and --template-kwargs"},
    {CMD_RUN, "--raw", OPT_EXCLUDES, "--tools",
     "--raw uses no chat template, so there is no place for --tools"},
    {CMD_RUN, "--truncate", OPT_EXCLUDES, "--messages",
     "--truncate cuts a prompt; it cannot choose which of the --messages to cut"},
    {CMD_RUN, "--logprobs", OPT_NEEDS, "--json --jsonl",
     "--logprobs adds to --json or --jsonl; give one of them"},
    {CMD_RUN, "--prompt-cache-ro", OPT_NEEDS, "--prompt-cache",
     "--prompt-cache-ro needs --prompt-cache FILE"},
    {CMD_RUN, "--tool-choice", OPT_NEEDS, "--tools --messages", "--tool-choice needs --tools FILE"},

    {CMD_BATCH, "--resume", OPT_EXCLUDES, "--lines",
     "--resume finds its place by ids, and --lines writes none"},
    {CMD_BATCH, "--resume", OPT_NEEDS, "--output",
     "--resume needs the output file: -o OUT.jsonl"},
    {CMD_BATCH, "--logprobs", OPT_EXCLUDES, "--lines",
     "--logprobs has no place in the plain text of --lines"},
    {CMD_BATCH, "--unordered", OPT_EXCLUDES, "--lines",
     "--unordered needs ids, and --lines writes none"},
    {CMD_BATCH, "--raw", OPT_EXCLUDES, "--system --system-file",
     "--raw uses no chat template, so there is no place for a system prompt"},

    {CMD_RUN | CMD_BATCH,
     "--json-schema --json-schema-file --schema --choices --grammar --grammar-file", OPT_ONE_OF,
     NULL, "both constrain the answer; give one of them"},

    {CMD_BENCH, "--ab", OPT_EXCLUDES, "--sustain --text --tune", ONE_MEASUREMENT},
    {CMD_BENCH, "--sustain", OPT_EXCLUDES, "--text --tune", ONE_MEASUREMENT},
    {CMD_BENCH, "--text", OPT_EXCLUDES, "--tune", ONE_MEASUREMENT},
    {CMD_BENCH, "--text", OPT_EXCLUDES, "--n-depth",
     "--text measures a text from its beginning; -d cannot be used with it"},
    {CMD_BENCH, "--tune", OPT_EXCLUDES, "--threads LFM_THREADS",
     "--tune looks for the best number of threads; -t and LFM_THREADS cannot be used with it"},
    {CMD_BENCH, "--sustain", OPT_EXCLUDES, "--repetitions --until",
     "--sustain repeats a test for its time; -r and --until cannot be used with it"},
    {CMD_BENCH, "--roofline", OPT_EXCLUDES, "--no-probe",
     "--roofline needs the measurement that --no-probe skips"},
    {CMD_BENCH, "--roofline", OPT_EXCLUDES, "--ab",
     "--roofline belongs to the table of one model; --ab cannot be used with it"},
    {CMD_BENCH, "--roofline", OPT_EXCLUDES, "--output",
     "--roofline belongs to the table of one model; -o cannot be used with it"},
};

const size_t n_opt_conflicts = sizeof opt_conflicts / sizeof *opt_conflicts;

/* ---- Is an option given? -------------------------------------------------------------------- */

/* Does the field differ from its default? */
static bool is_given(const cli_options *o, const opt_row *row) {
    const void *field = (const char *)o + row->field;
    switch (row->kind) {
    case OPT_TRUE:
        return *(const bool *)field;
    case OPT_INT:
    case OPT_REAL:
    case OPT_PERCENT:
    case OPT_SECONDS:
        return ((const opt_number *)field)->given;
    case OPT_TEXT:
    case OPT_PAIR:
        return *(const char *const *)field != NULL;
    case OPT_TEXTS:
        return ((const opt_texts *)field)->n > 0;
    case OPT_CHOICE:
    case OPT_CHOICE_MAYBE:
        return *(const int *)field != 0; /* the first word is the default */
    default:
        assert(0 && "this kind of option is in no conflict");
        return false;
    }
}

/* Is a word of a row (see opt_conflict) true of the command line? */
static bool is_word_given(const cli_options *o, const char *word, size_t len) {
    if (len == 6 && memcmp(word, "PROMPT", len) == 0) {
        return o->n_parts > 0; /* -p, -f, -bf or operands */
    }
    if (len == 11 && memcmp(word, "LFM_THREADS", len) == 0) return o->threads_from_env;
    const opt_row *row = opt_find_row(word, len, o->command->bit);
    assert(row); /* test_cli_options checks every word */
    return is_given(o, row);
}

/* The next word of the list that was given; false at the end. */
static bool next_given(const cli_options *o, const char **list, const char **word, size_t *len) {
    while (opt_next_word(list, ' ', word, len)) {
        if (is_word_given(o, *word, *len)) return true;
    }
    return false;
}

/* ---- The checks ----------------------------------------------------------------------------- */

static lfm_status check(const cli_options *o, const opt_conflict *c, lfm_error *err) {
    const char *list = c->options;
    const char *one;
    const char *other;
    size_t one_len;
    size_t other_len;
    while (next_given(o, &list, &one, &one_len)) {
        const char *others = c->kind == OPT_ONE_OF ? list : c->others;
        const bool found = next_given(o, &others, &other, &other_len);
        const bool wrong = found == (c->kind != OPT_NEEDS);
        if (wrong && c->kind == OPT_ONE_OF) {
            return err_set(err, LFM_ERR_ARG, "%.*s and %.*s %s", (int)one_len, one, (int)other_len,
                           other, c->why);
        }
        if (wrong) return err_set(err, LFM_ERR_ARG, "%s", c->why);
    }
    return LFM_OK;
}

lfm_status opt_check_conflicts(const cli_options *o, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < n_opt_conflicts && st == LFM_OK; i++) {
        if (opt_conflicts[i].commands & o->command->bit) st = check(o, &opt_conflicts[i], err);
    }
    return st;
}

lfm_status opt_check_stages(const cli_options *o, lfm_error *err) {
    static const struct {
        const char *name;
        uint8_t stage;
    } settings[] = {
        {"--temp", LFM_STAGE_TEMPERATURE},
        {"--top-k", LFM_STAGE_TOP_K},
        {"--top-p", LFM_STAGE_TOP_P},
        {"--min-p", LFM_STAGE_MIN_P},
        {"--typical", LFM_STAGE_TYPICAL},
        {"--repeat-penalty", LFM_STAGE_PENALTIES},
        {"--presence-penalty", LFM_STAGE_PENALTIES},
        {"--frequency-penalty", LFM_STAGE_PENALTIES},
    };
    for (size_t i = 0; o->stages[0] && i < sizeof settings / sizeof *settings; i++) {
        const char *name = settings[i].name;
        if (is_word_given(o, name, strlen(name)) &&
            !memchr(o->stages, settings[i].stage, sizeof o->stages)) {
            return err_set(err, LFM_ERR_ARG, "%s has no effect: --samplers does not list %s", name,
                           opt_stage_name(settings[i].stage));
        }
    }
    return LFM_OK;
}
