/*
 * options.c - argv -> cli_options, by the table.
 *
 * Whole words are matched first and letters are never bundled, because `-sys` and `-ngl` are
 * options with one dash and several letters.
 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* The state of one parse. */
typedef struct {
    cli_options *o;
    const cli_command *command;
    char *const *argv;
    int argc;
    int next;              /* index of the next word */
    const char **operands; // [n_operands]
    size_t n_operands;
    size_t *operand_at;    // [n_operands] number of prompt parts before each
    lfm_error *err;
} parser;

/* ---- Names ---------------------------------------------------------------------------------- */

/* The next of the words in *list, which `separator` divides; false at the end. */
static bool next_word(const char **list, char separator, const char **word, size_t *len) {
    if (!*list || **list == '\0') {
        return false;
    }
    *word = *list;
    const char *end = strchr(*list, separator);
    *len = end ? (size_t)(end - *list) : strlen(*list);
    *list = end ? end + 1 : *list + *len;
    return true;
}

static bool row_has_name(const opt_row *row, const char *name, size_t len) {
    const char *list = row->names;
    const char *word;
    size_t word_len;
    while (next_word(&list, ' ', &word, &word_len)) {
        if (word_len == len && memcmp(word, name, len) == 0) {
            return true;
        }
    }
    return false;
}

static const opt_row *find_row(const char *name, size_t len, unsigned commands) {
    for (size_t i = 0; i < n_option_rows; i++) {
        if ((option_table[i].commands & commands) && row_has_name(&option_table[i], name, len)) {
            return &option_table[i];
        }
    }
    return NULL;
}

enum { LONGEST_TYPO = 47 };

size_t opt_distance(const char *a, const char *b) {
    const size_t n = strlen(a);
    const size_t m = strlen(b);
    if (n > LONGEST_TYPO || m > LONGEST_TYPO) {
        return SIZE_MAX;
    }
    size_t d[LONGEST_TYPO + 1][LONGEST_TYPO + 1];
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            const size_t shift = (d[i - 1][j] < d[i][j - 1] ? d[i - 1][j] : d[i][j - 1]) + 1;
            d[i][j] = change < shift ? change : shift;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < d[i][j]) {
                d[i][j] = d[i - 2][j - 2] + 1;
            }
        }
    }
    return d[n][m];
}

bool opt_is_near(const char *typed, const char *name, size_t *best) {
    const size_t distance = opt_distance(typed, name);
    const size_t allowed = strlen(typed) / 3; /* one slip in three letters, or it is a guess */
    if (distance > allowed || distance >= *best) {
        return false;
    }
    *best = distance;
    return true;
}

/* The option of this command that is most like `word`, copied into `name`; "" = none. */
static void nearest_option(const char *word, unsigned commands, char name[LONGEST_TYPO + 1]) {
    size_t best = SIZE_MAX;
    name[0] = '\0';
    for (size_t i = 0; i < n_option_rows; i++) {
        const char *list = option_table[i].names;
        const char *candidate;
        size_t len;
        while ((option_table[i].commands & commands) && next_word(&list, ' ', &candidate, &len)) {
            char copy[LONGEST_TYPO + 1] = "";
            memcpy(copy, candidate, len < LONGEST_TYPO ? len : LONGEST_TYPO);
            if (opt_is_near(word, copy, &best)) {
                memcpy(name, copy, sizeof copy);
            }
        }
    }
}

static lfm_status unknown_option(parser *p, const char *word, size_t len) {
    const char *command = p->command->name;
    char typed[LONGEST_TYPO + 1] = "";
    char near[LONGEST_TYPO + 1];
    memcpy(typed, word, len < LONGEST_TYPO ? len : LONGEST_TYPO);
    if (find_row(word, len, ~0u)) {
        return err_set(p->err, LFM_ERR_ARG, "'lfm %s' has no option '%s'. See: lfm help %s",
                       command, typed, command);
    }
    /* -t8: a short option with its value attached */
    if (len > 2 && word[1] != '-' && isdigit((unsigned char)word[2]) &&
        find_row(word, 2, p->command->bit)) {
        return err_set(p->err, LFM_ERR_ARG, "unknown option '%s'. Did you mean '%.2s %s'?", typed,
                       typed, typed + 2);
    }
    nearest_option(typed, p->command->bit, near);
    if (near[0]) {
        return err_set(p->err, LFM_ERR_ARG, "unknown option '%s'. Did you mean '%s'?", typed, near);
    }
    return err_set(p->err, LFM_ERR_ARG, "unknown option '%s'. See: lfm help %s", typed, command);
}

/* ---- Values --------------------------------------------------------------------------------- */

/* Which of the words "a|b|c" is `value`?  -1 = none. */
static int find_choice(const char *words, const char *value) {
    const char *word;
    size_t len;
    for (int i = 0; next_word(&words, '|', &word, &len); i++) {
        if (strlen(value) == len && memcmp(word, value, len) == 0) {
            return i;
        }
    }
    return -1;
}

/* A decimal number and nothing else: no spaces, hexadecimal digits, "inf" or "nan". */
static bool read_number(const char *text, double *value) {
    if (text[strspn(text, "0123456789+-.eE")] != '\0' || text[0] == '\0') {
        return false;
    }
    char *end;
    *value = strtod(text, &end);
    return *end == '\0' && end != text && isfinite(*value);
}

/* The unit at the end of a percentage or a time: what it is worth; 0 when there is none. */
static double unit_of(opt_kind kind, char last) {
    if (kind == OPT_PERCENT) {
        return last == '%' ? 1 : 0;
    }
    if (kind == OPT_SECONDS) {
        return last == 's' ? 1 : last == 'm' ? 60 : last == 'h' ? 3600 : 0;
    }
    return 0;
}

static lfm_status set_number(parser *p, const opt_row *row, const char *name, const char *value) {
    const bool whole = row->kind == OPT_INT;
    const size_t len = strlen(value);
    const double unit = len > 1 ? unit_of(row->kind, value[len - 1]) : 0;
    char plain[32];
    const char *text = value;
    double v = 0;
    if (unit > 0 && len < sizeof plain) {
        memcpy(plain, value, len - 1);
        plain[len - 1] = '\0';
        text = plain;
    }
    opt_number *field = (opt_number *)(void *)((char *)p->o + row->field);
    if (row->preset && strcmp(row->preset, "auto") == 0 && strcmp(value, "auto") == 0) {
        *field = (opt_number){0};
        return LFM_OK;
    }
    const bool is_number = read_number(text, &v);
    v *= is_number && unit > 0 ? unit : 1;
    const bool fits = is_number && v >= row->min && v <= row->max && (!whole || v == floor(v));
    if (!fits && row->kind == OPT_SECONDS) {
        return err_set(p->err, LFM_ERR_ARG, is_number ? "%s: '%s' is outside %gs..%gs" : "%s: '%s' "
                       "is not a time such as 90s, 5m or 1h", name, value, row->min, row->max);
    }
    if (!fits) {
        return err_set(p->err, LFM_ERR_ARG, "%s: '%s' is not a %snumber in %.16g..%.16g", name,
                       value, whole ? "whole " : "", row->min, row->max);
    }
    field->value = v;
    field->given = true;
    return LFM_OK;
}

/* ID+BIAS or ID-BIAS, with -inf to forbid a token. */
static lfm_status add_bias(parser *p, const char *name, const char *value) {
    const size_t n_digits = strspn(value, "0123456789");
    double bias = 0;
    const bool forbid = strcmp(value + n_digits, "-inf") == 0;
    errno = 0;
    const long id = strtol(value, NULL, 10);
    const char sign = value[n_digits];
    if (n_digits == 0 || errno || id > INT32_MAX || (sign != '+' && sign != '-') ||
        (!forbid && !read_number(value + n_digits, &bias)) || fabs(bias) > 1e30) {
        return err_set(p->err, LFM_ERR_ARG, "%s: '%s' is not a token id with a bias, such as "
                       "15043+1 or 15043-1 or 15043-inf", name, value);
    }
    p->o->bias[p->o->n_bias++] =
        (lfm_logit_bias){(int32_t)id, forbid ? -HUGE_VALF : (float)bias};
    return LFM_OK;
}

static lfm_status add_text(parser *p, const opt_row *row, const char *name, const char *value) {
    opt_texts *texts = (opt_texts *)(void *)((char *)p->o + row->field);
    if (texts->n == OPT_MAX_TEXTS) {
        return err_set(p->err, LFM_ERR_ARG, "%s: given more than %d times", name, OPT_MAX_TEXTS);
    }
    texts->at[texts->n++] = value;
    return LFM_OK;
}

static void add_part(cli_options *o, opt_part_kind kind, const char *value) {
    o->parts[o->n_parts++] = (opt_part){kind, value};
}

/* The word of "a|b|c" that is most like `typed`; "" = none. */
static void nearest_word(const char *words, const char *typed, char near[LONGEST_TYPO + 1]) {
    size_t best = SIZE_MAX;
    const char *word;
    size_t len;
    near[0] = '\0';
    while (next_word(&words, '|', &word, &len)) {
        char copy[LONGEST_TYPO + 1] = "";
        memcpy(copy, word, len < LONGEST_TYPO ? len : LONGEST_TYPO);
        if (opt_is_near(typed, copy, &best)) {
            memcpy(near, copy, sizeof copy);
        }
    }
}

static lfm_status set_choice(parser *p, const opt_row *row, const char *name, const char *value) {
    const int which = find_choice(row->arg, value);
    char near[LONGEST_TYPO + 1];
    if (which < 0) {
        nearest_word(row->arg, value, near);
    }
    if (which < 0 && near[0]) {
        return err_set(p->err, LFM_ERR_ARG, "%s: '%s' is not one of %s. Did you mean '%s'?", name,
                       value, row->arg, near);
    }
    if (which < 0) {
        return err_set(p->err, LFM_ERR_ARG, "%s: '%s' is not one of %s", name, value, row->arg);
    }
    *(int *)(void *)((char *)p->o + row->field) = which;
    return LFM_OK;
}

/* Names as llama.cpp has them: the first of a stage is the one it prints; case and the marks
 * between words do not matter.  Those of stages that are off by default there, and always here, are
 * accepted and do nothing. */
static const struct {
    const char *name;
    uint8_t stage;
} stage_names[] = {
    {"penalties", LFM_STAGE_PENALTIES},
    {"dry", LFM_STAGE_END},
    {"top_n_sigma", LFM_STAGE_END},
    {"top_k", LFM_STAGE_TOP_K},
    {"typ_p", LFM_STAGE_TYPICAL},
    {"top_p", LFM_STAGE_TOP_P},
    {"min_p", LFM_STAGE_MIN_P},
    {"xtc", LFM_STAGE_END},
    {"temperature", LFM_STAGE_TEMPERATURE},
    {"temp", LFM_STAGE_TEMPERATURE},
    {"nucleus", LFM_STAGE_TOP_P},
    {"typ", LFM_STAGE_TYPICAL},
    {"typical", LFM_STAGE_TYPICAL},
    {"typical_p", LFM_STAGE_TYPICAL},
};

enum { N_STAGE_NAMES = sizeof stage_names / sizeof *stage_names };

const char *opt_stage_name(uint8_t stage) {
    for (size_t i = 0; i < N_STAGE_NAMES; i++) {
        if (stage_names[i].stage == stage) {
            return stage_names[i].name;
        }
    }
    return "";
}

/* Is the word this name, but for case, '_' and '-'? */
static bool is_stage_name(const char *word, size_t len, const char *name) {
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '_' || word[i] == '-') {
            continue;
        }
        name += *name == '_';
        if (tolower((unsigned char)word[i]) != *name) {
            return false;
        }
        name++;
    }
    return *name == '\0' && len > 0;
}

static int find_stage(const char *word, size_t len) {
    for (int i = 0; i < N_STAGE_NAMES; i++) {
        if (is_stage_name(word, len, stage_names[i].name)) {
            return i;
        }
    }
    return -1;
}

/* "top_k;temperature"; a comma will do too, because shells take the semicolon for themselves. */
static lfm_status set_stages(parser *p, const char *name, const char *value) {
    uint8_t stages[LFM_N_STAGES] = {0};
    bool seen[LFM_N_STAGES] = {false};
    size_t n = 0;
    for (const char *word = value; *word;) {
        const size_t len = strcspn(word, ";,");
        const int at = find_stage(word, len);
        if (at < 0) {
            return err_set(p->err, LFM_ERR_ARG, "%s: there is no '%.*s'. The names are penalties, "
                           "top_k, typ_p, top_p, min_p, temperature (and dry, top_n_sigma, xtc, "
                           "which do nothing here), with ; between them", name,
                           len > 40 ? 40 : (int)len, word);
        }
        const uint8_t stage = stage_names[at].stage;
        if (stage != LFM_STAGE_END && seen[stage]) {
            return err_set(p->err, LFM_ERR_ARG, "%s: %s is there twice", name,
                           opt_stage_name(stage));
        }
        if (stage != LFM_STAGE_END) {
            seen[stage] = true;
            stages[n++] = stage;
        }
        word += len + (word[len] != '\0');
    }
    if (n == 0) {
        return err_set(p->err, LFM_ERR_ARG, "%s: the list is empty; 'temperature' alone draws from "
                       "all tokens", name);
    }
    memcpy(p->o->stages, stages, sizeof stages);
    return LFM_OK;
}

/* A setting whose stage was left out of --samplers would have no effect. */
static lfm_status check_stages(const cli_options *o, lfm_error *err) {
    const struct {
        const char *name;
        bool given;
        uint8_t stage;
    } settings[] = {
        {"--temp", o->temp.given, LFM_STAGE_TEMPERATURE},
        {"--top-k", o->top_k.given, LFM_STAGE_TOP_K},
        {"--top-p", o->top_p.given, LFM_STAGE_TOP_P},
        {"--min-p", o->min_p.given, LFM_STAGE_MIN_P},
        {"--typical", o->typical.given, LFM_STAGE_TYPICAL},
        {"--repeat-penalty", o->repeat_penalty.given, LFM_STAGE_PENALTIES},
        {"--presence-penalty", o->presence_penalty.given, LFM_STAGE_PENALTIES},
        {"--frequency-penalty", o->frequency_penalty.given, LFM_STAGE_PENALTIES},
    };
    for (size_t i = 0; o->stages[0] && i < sizeof settings / sizeof *settings; i++) {
        if (settings[i].given && !memchr(o->stages, settings[i].stage, sizeof o->stages)) {
            return err_set(err, LFM_ERR_ARG, "%s has no effect: --samplers does not have %s",
                           settings[i].name, opt_stage_name(settings[i].stage));
        }
    }
    return LFM_OK;
}

/* The model as far as it is known, for a message. */
static const char *model_so_far(const parser *p) {
    return p->o->model ? p->o->model : p->n_operands > 0 ? p->operands[0] : "MODEL";
}

static lfm_status apply(parser *p, const opt_row *row, const char *name, const char *value) {
    cli_options *o = p->o;
    void *field = (char *)o + row->field;
    switch (row->kind) {
    case OPT_TRUE:
    case OPT_FALSE:
        *(bool *)field = row->kind == OPT_TRUE;
        return LFM_OK;
    case OPT_SET:
        *(int *)field = (int)row->min;
        return LFM_OK;
    case OPT_STAGES:
        return set_stages(p, name, value);
    case OPT_INT:
    case OPT_REAL:
    case OPT_PERCENT:
    case OPT_SECONDS:
        return set_number(p, row, name, value);
    case OPT_TEXT:
        *(const char **)field = value;
        return LFM_OK;
    case OPT_TEXTS:
        return add_text(p, row, name, value);
    case OPT_PAIR:
        ((const char **)field)[0] = value;
        ((const char **)field)[1] = p->argv[p->next - 1]; /* parse_option has looked */
        return LFM_OK;
    case OPT_CHOICE:
    case OPT_CHOICE_MAYBE:
        if (!value) {
            *(int *)field = (int)row->min;
            return LFM_OK;
        }
        return set_choice(p, row, name, value);
    case OPT_PART_TEXT:
        add_part(o, PART_TEXT, value);
        return LFM_OK;
    case OPT_PART_FILE:
        add_part(o, PART_FILE, value);
        return LFM_OK;
    case OPT_PART_BYTES:
        add_part(o, PART_BYTES, value);
        return LFM_OK;
    case OPT_STOP:
        if (value[0] == '\0') {
            return err_set(p->err, LFM_ERR_ARG, "%s: the text is empty", name);
        }
        o->stops[o->n_stops++] = value;
        return LFM_OK;
    case OPT_BIAS:
        return add_bias(p, name, value);
    case OPT_HELP:
        o->help = true;
        return LFM_OK;
    case OPT_REFUSED:
        return err_set(p->err, LFM_ERR_ARG, "%s%s%s", row->help, row->preset ? " " : "",
                       row->preset ? model_so_far(p) : "");
    case OPT_IDLE:
    case OPT_IDLE_VALUE:
    case OPT_IDLE_MAYBE:
        break;
    }
    return LFM_OK;
}

opt_think opt_thinking(const cli_options *o) {
    return o->no_think || o->reasoning == 2 ? THINK_OFF
         : o->hide_thinking ? THINK_HIDE : (opt_think)o->think;
}

lfm_status opt_set(cli_options *o, unsigned command, const char *name, const char *value,
                   lfm_error *err) {
    parser p = {.o = o, .err = err};
    char word[LONGEST_TYPO + 1];
    const int len = snprintf(word, sizeof word, name[1] ? "--%s" : "-%s", name);
    const opt_row *row =
        len > 0 && (size_t)len < sizeof word ? find_row(word, (size_t)len, command) : NULL;
    const bool can_be_set = row && (row->group == GROUP_SAMPLING || row->group == GROUP_LENGTH) &&
                            (row->kind == OPT_INT || row->kind == OPT_REAL ||
                             row->kind == OPT_CHOICE);
    if (!can_be_set) {
        return err_set(err, LFM_ERR_ARG, "there is no setting '%.40s'", name);
    }
    return apply(&p, row, name, value);
}

/* ---- Words ---------------------------------------------------------------------------------- */

static bool needs_value(opt_kind kind) {
    return kind != OPT_TRUE && kind != OPT_FALSE && kind != OPT_SET && kind != OPT_HELP &&
           kind != OPT_REFUSED && kind != OPT_IDLE;
}

static bool may_lack_value(opt_kind kind) {
    return kind == OPT_CHOICE_MAYBE || kind == OPT_IDLE_MAYBE;
}

/* One word that begins with a dash; its value may be attached by '=' or be the next word. */
static lfm_status parse_option(parser *p, const char *word) {
    size_t len = strlen(word);
    const char *attached = NULL;
    const opt_row *row = find_row(word, len, p->command->bit);
    if (!row && strchr(word, '=')) {
        len = strcspn(word, "=");
        attached = word + len + 1;
        row = find_row(word, len, p->command->bit);
    }
    if (!row) {
        return unknown_option(p, word, len);
    }
    char name[LONGEST_TYPO + 1] = ""; /* a name from the table is short enough */
    memcpy(name, word, len);

    const char *value = attached;
    if (attached && !needs_value(row->kind) && row->kind != OPT_REFUSED) {
        return err_set(p->err, LFM_ERR_ARG, "%s takes no value, but got '%s'", name, attached);
    }
    if (!attached && needs_value(row->kind)) {
        const char *following = p->next < p->argc ? p->argv[p->next] : NULL;
        if (following && (!may_lack_value(row->kind) || find_choice(row->arg, following) >= 0)) {
            value = following;
            p->next++;
        } else if (!may_lack_value(row->kind)) {
            return err_set(p->err, LFM_ERR_ARG, "%s needs a value: %s %s", name, name, row->arg);
        }
    }
    if (row->kind == OPT_PAIR && p->next++ >= p->argc) {
        return err_set(p->err, LFM_ERR_ARG, "%s needs two values: %s %s", name, name, row->arg);
    }
    p->o->given[p->o->n_given++] =
        (opt_given){row, word, value == attached ? NULL : value, row->group == GROUP_IDLE};
    return apply(p, row, name, value);
}

static lfm_status parse_words(parser *p) {
    bool only_operands = false;
    while (p->next < p->argc) {
        const char *word = p->argv[p->next++];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
            const lfm_status st = parse_option(p, word);
            if (st != LFM_OK) {
                return st;
            }
        } else if (strcmp(word, "-") == 0 && p->command->after == AFTER_PROMPT) {
            add_part(p->o, PART_FILE, "-");
        } else {
            p->operand_at[p->n_operands] = p->o->n_parts;
            p->operands[p->n_operands++] = word;
        }
    }
    return LFM_OK;
}

/* After an error: is help asked for in the words that are left? */
static bool help_follows(const parser *p) {
    for (int i = p->next; i < p->argc && strcmp(p->argv[i], "--") != 0; i++) {
        if (strcmp(p->argv[i], "-h") == 0 || strcmp(p->argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Operands and environment --------------------------------------------------------------- */

/* The operands from `first` on, joined by spaces, become one part where the first one stood. */
static lfm_status join_operands(parser *p, size_t first) {
    cli_options *o = p->o;
    if (first >= p->n_operands) {
        return LFM_OK;
    }
    if (p->command->after != AFTER_PROMPT) {
        return err_set(p->err, LFM_ERR_ARG, "unexpected operand '%s'. See: lfm help %s",
                       p->operands[first], p->command->name);
    }
    size_t n_bytes = 0;
    for (size_t i = first; i < p->n_operands; i++) {
        n_bytes += strlen(p->operands[i]) + 1;
    }
    char *to = o->joined = malloc(n_bytes);
    if (!o->joined) {
        return err_set(p->err, LFM_ERR_MEMORY, "out of memory for a prompt of %zu bytes", n_bytes);
    }
    for (size_t i = first; i < p->n_operands; i++) {
        const size_t len = strlen(p->operands[i]);
        memcpy(to, p->operands[i], len);
        to[len] = i + 1 < p->n_operands ? ' ' : '\0';
        to += len + 1;
    }
    opt_part *at = &o->parts[p->operand_at[first]];
    memmove(at + 1, at, (size_t)(o->parts + o->n_parts - at) * sizeof *at);
    *at = (opt_part){PART_TEXT, o->joined};
    o->n_parts++;
    return LFM_OK;
}

static lfm_status finish(parser *p) {
    cli_options *o = p->o;
    const char *threads = getenv("LFM_THREADS");
    const opt_row *row = find_row("-t", 2, p->command->bit) ? find_row("-t", 2, CMD_RUN) : NULL;
    size_t first = 0;
    if (!o->model && p->n_operands > 0) {
        o->model = p->operands[0];
        o->model_was_operand = true;
        first = 1;
    }
    if (!o->model) {
        const char *model = getenv("LFM_MODEL");
        o->model = model && model[0] ? model : NULL;
    }
    if (row && !o->n_threads.given && threads && threads[0]) {
        const lfm_status st = set_number(p, row, "LFM_THREADS", threads);
        if (st != LFM_OK) {
            return st;
        }
        o->threads_from_env = true;
    }
    const char **const out_type[] = {&o->out, &o->type};
    const opt_after after = p->command->after;
    const size_t n_out_type = after == AFTER_OUT_TYPE ? 2 : after == AFTER_OUT ? 1 : 0;
    for (size_t i = 0; i < n_out_type && first < p->n_operands; i++) {
        *out_type[i] = p->operands[first++];
    }
    if (after == AFTER_INPUT && first < p->n_operands) {
        o->in = p->operands[first++];
    }
    for (; after == AFTER_CHOICES && first < p->n_operands; first++) {
        o->choices[o->n_choices++] = p->operands[first];
    }
    o->verbose = o->verbose || o->very_verbose;
    o->no_mmap = o->no_mmap || o->mmp || o->load_mode == LOAD_NONE || o->load_mode == LOAD_MLOCK;
    o->mlock = o->mlock || o->load_mode == LOAD_MLOCK || o->load_mode == LOAD_MMAP_MLOCK;
    const lfm_status st = check_stages(o, p->err);
    return st == LFM_OK ? join_operands(p, first) : st;
}

lfm_status opt_parse(cli_options *o, const cli_command *command, int argc, char *const *argv,
                     lfm_error *err) {
    const size_t room = (size_t)argc + 1; /* no list can be longer than the command line */
    parser p = {.o = o, .command = command, .argc = argc, .argv = argv, .err = err};
    lfm_status st;
    *o = (cli_options){0};
    o->parts = calloc(room, sizeof *o->parts);
    o->stops = calloc(room, sizeof *o->stops);
    o->bias = calloc(room, sizeof *o->bias);
    o->given = calloc(room, sizeof *o->given);
    o->choices = calloc(room, sizeof *o->choices);
    p.operands = calloc(room, sizeof *p.operands);
    p.operand_at = calloc(room, sizeof *p.operand_at);
    if (!o->parts || !o->stops || !o->bias || !o->given || !o->choices || !p.operands ||
        !p.operand_at) {
        st = err_set(err, LFM_ERR_MEMORY, "out of memory for the command line");
    } else {
        st = parse_words(&p);
        if (st == LFM_OK && !o->help) {
            st = finish(&p);
        } else if (st != LFM_OK && help_follows(&p)) {
            o->help = true;
        }
    }
    free(p.operands);
    free(p.operand_at);
    if (o->help) {
        err_clear(err);
        return LFM_OK;
    }
    return st;
}

void opt_drop(cli_options *o) {
    free(o->parts);
    free(o->stops);
    free(o->bias);
    free(o->given);
    free(o->choices);
    free(o->joined);
    *o = (cli_options){0};
}
