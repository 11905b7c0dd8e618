/*
 * option_values.c - the values of options -> fields of cli_options.
 */
#include "cli/options/option_internal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read a decimal number: no spaces, hexadecimal digits, "inf" or "nan". */
static bool read_number(const char *text, double *value) {
    if (text[strspn(text, "0123456789+-.eE")] != '\0' || text[0] == '\0') return false;
    char *end;
    *value = strtod(text, &end);
    return *end == '\0' && end != text && isfinite(*value);
}

/* The factor of the unit at the end of a percentage or a time; 0 = no unit. */
static double unit_of(opt_kind kind, char last) {
    if (kind == OPT_PERCENT) return last == '%' ? 1 : 0;
    if (kind == OPT_SECONDS) return last == 's' ? 1 : last == 'm' ? 60 : last == 'h' ? 3600 : 0;
    return 0;
}

bool opt_put_number(cli_options *o, const opt_row *row, double v) {
    if (!(v >= row->min && v <= row->max) || (row->kind == OPT_INT && v != floor(v))) return false;
    *(opt_number *)(void *)((char *)o + row->field) = (opt_number){v, true};
    return true;
}

lfm_status opt_set_number(opt_parser *p, const opt_row *row, const char *name, const char *value) {
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
    if (row->preset && strcmp(row->preset, "auto") == 0 && strcmp(value, "auto") == 0) {
        *(opt_number *)(void *)((char *)p->o + row->field) = (opt_number){0};
        return LFM_OK;
    }
    const bool is_number = read_number(text, &v);
    v *= is_number && unit > 0 ? unit : 1;
    if (is_number && opt_put_number(p->o, row, v)) return LFM_OK;
    if (row->kind == OPT_SECONDS) {
        return err_set(p->err, LFM_ERR_ARG, is_number ? "%s: '%s' is outside %gs..%gs" : "%s: '%s' "
                       "is not a time such as 90s, 5m or 1h", name, value, row->min, row->max);
    }
    return err_set(p->err, LFM_ERR_ARG, "%s: '%s' is not a %snumber in %.16g..%.16g", name, value,
                   row->kind == OPT_INT ? "whole " : "", row->min, row->max);
}

/* ID+BIAS or ID-BIAS, with -inf to forbid a token. */
static lfm_status add_bias(opt_parser *p, const char *name, const char *value) {
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

static lfm_status add_text(opt_parser *p, const opt_row *row, const char *name, const char *value) {
    opt_texts *texts = (opt_texts *)(void *)((char *)p->o + row->field);
    if (texts->n == OPT_MAX_TEXTS) {
        return err_set(p->err, LFM_ERR_ARG, "%s: given more than %d times", name, OPT_MAX_TEXTS);
    }
    texts->at[texts->n++] = value;
    return LFM_OK;
}

void opt_add_part(cli_options *o, opt_part_kind kind, const char *value) {
    o->parts[o->n_parts++] = (opt_part){kind, value};
}

static lfm_status set_choice(opt_parser *p, const opt_row *row, const char *name,
                             const char *value) {
    const int which = opt_find_choice(row->arg, value);
    char near[OPT_LONGEST_NAME + 1];
    if (which < 0) {
        opt_nearest_word(row->arg, value, near);
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

/* llama.cpp's names; the first one of a stage is the one that it prints.  Case, '_' and '-' do not
 * matter.  Stages that are off by default there and missing here (LFM_STAGE_END) are accepted and
 * ignored. */
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
        if (stage_names[i].stage == stage) return stage_names[i].name;
    }
    return "";
}

/* Compare, ignoring case, '_' and '-'. */
static bool is_stage_name(const char *word, size_t len, const char *name) {
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '_' || word[i] == '-') continue;
        name += *name == '_';
        if (tolower((unsigned char)word[i]) != *name) return false;
        name++;
    }
    return *name == '\0' && len > 0;
}

static int find_stage(const char *word, size_t len) {
    for (int i = 0; i < N_STAGE_NAMES; i++) {
        if (is_stage_name(word, len, stage_names[i].name)) return i;
    }
    return -1;
}

/* "top_k;temperature".  A comma works as well, because shells interpret semicolons. */
static lfm_status set_stages(opt_parser *p, const char *name, const char *value) {
    uint8_t stages[LFM_N_STAGES] = {0};
    bool seen[LFM_N_STAGES] = {false};
    size_t n = 0;
    for (const char *word = value; *word;) {
        const size_t len = strcspn(word, ";,");
        const int at = find_stage(word, len);
        if (at < 0) {
            return err_set(p->err, LFM_ERR_ARG,
                           "%s: unknown stage '%.*s'. The names are penalties, top_k, typ_p, "
                           "top_p, min_p, temperature (and dry, top_n_sigma, xtc, which do nothing "
                           "here), separated by ;", name,
                           len > 40 ? 40 : (int)len, word);
        }
        const uint8_t stage = stage_names[at].stage;
        if (stage != LFM_STAGE_END && seen[stage]) {
            return err_set(p->err, LFM_ERR_ARG, "%s: %s is listed twice", name,
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

/* The name of the model, if known by now; for a message. */
static const char *model_so_far(const opt_parser *p) {
    return p->o->model ? p->o->model : p->n_operands > 0 ? p->operands[0] : "MODEL";
}

lfm_status opt_apply(opt_parser *p, const opt_row *row, const char *name, const char *value) {
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
        return opt_set_number(p, row, name, value);
    case OPT_TEXT:
        *(const char **)field = value;
        return LFM_OK;
    case OPT_TEXTS:
        return add_text(p, row, name, value);
    case OPT_PAIR:
        ((const char **)field)[0] = value;
        ((const char **)field)[1] = p->argv[p->next - 1]; /* parse_option checked that it exists */
        return LFM_OK;
    case OPT_CHOICE:
    case OPT_CHOICE_MAYBE:
        if (!value) {
            *(int *)field = (int)row->min;
            return LFM_OK;
        }
        return set_choice(p, row, name, value);
    case OPT_PART_TEXT:
        opt_add_part(o, PART_TEXT, value);
        return LFM_OK;
    case OPT_PART_FILE:
        opt_add_part(o, PART_FILE, value);
        return LFM_OK;
    case OPT_PART_BYTES:
        opt_add_part(o, PART_BYTES, value);
        return LFM_OK;
    case OPT_STOP:
        if (value[0] == '\0') return err_set(p->err, LFM_ERR_ARG, "%s: the text is empty", name);
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
    return o->no_think || o->reasoning == REASONING_OFF ? THINK_OFF
         : o->hide_thinking ? THINK_HIDE : (opt_think)o->think;
}

lfm_status opt_set(cli_options *o, unsigned command, const char *name, const char *value,
                   lfm_error *err) {
    opt_parser p = {.o = o, .err = err};
    char word[OPT_LONGEST_NAME + 1];
    const int len = snprintf(word, sizeof word, name[1] ? "--%s" : "-%s", name);
    const opt_row *row =
        len > 0 && (size_t)len < sizeof word ? opt_find_row(word, (size_t)len, command) : NULL;
    const bool can_be_set = row && (row->group == GROUP_SAMPLING || row->group == GROUP_LENGTH) &&
                            (row->kind == OPT_INT || row->kind == OPT_REAL ||
                             row->kind == OPT_CHOICE);
    if (!can_be_set) return err_set(err, LFM_ERR_ARG, "unknown setting '%.40s'", name);
    return opt_apply(&p, row, name, value);
}
