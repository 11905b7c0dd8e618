/*
 * options.c - argv -> cli_options, by the table.
 *
 * Whole words are matched first, and short options are never bundled, because `-sys` and `-ngl`
 * are options with one dash and several letters.
 */
#include "cli/options/option_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Words ---------------------------------------------------------------------------------- */

bool opt_takes_value(opt_kind kind) {
    return kind != OPT_TRUE && kind != OPT_FALSE && kind != OPT_SET && kind != OPT_HELP &&
           kind != OPT_REFUSED && kind != OPT_IDLE;
}

static bool may_lack_value(opt_kind kind) {
    return kind == OPT_CHOICE_MAYBE || kind == OPT_IDLE_MAYBE;
}

/* Parse a word that begins with a dash.  Its value follows '=' or is the next word. */
static lfm_status parse_option(opt_parser *p, const char *word) {
    size_t len = strlen(word);
    const char *attached = NULL;
    const opt_row *row = opt_find_row(word, len, p->command->bit);
    if (!row && strchr(word, '=')) {
        len = strcspn(word, "=");
        attached = word + len + 1;
        row = opt_find_row(word, len, p->command->bit);
    }
    if (!row) return opt_unknown(p, word, len);
    char name[OPT_LONGEST_NAME + 1] = ""; /* a name from the table is short enough */
    memcpy(name, word, len);

    const char *value = attached;
    if (attached && !opt_takes_value(row->kind) && row->kind != OPT_REFUSED) {
        return err_set(p->err, LFM_ERR_ARG, "%s takes no value, but got '%s'", name, attached);
    }
    if (!attached && opt_takes_value(row->kind)) {
        const char *following = p->next < p->argc ? p->argv[p->next] : NULL;
        if (following &&
            (!may_lack_value(row->kind) || opt_find_choice(row->arg, following) >= 0)) {
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
    return opt_apply(p, row, name, value);
}

static lfm_status parse_words(opt_parser *p) {
    bool only_operands = false;
    while (p->next < p->argc) {
        const char *word = p->argv[p->next++];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
            const lfm_status st = parse_option(p, word);
            if (st != LFM_OK) return st;
        } else if (strcmp(word, "-") == 0 && p->command->after == AFTER_PROMPT) {
            opt_add_part(p->o, PART_FILE, "-");
        } else {
            p->operand_at[p->n_operands] = p->o->n_parts;
            p->operands[p->n_operands++] = word;
        }
    }
    return LFM_OK;
}

/* After an error: do the remaining words ask for help? */
static bool help_follows(const opt_parser *p) {
    for (int i = p->next; i < p->argc && strcmp(p->argv[i], "--") != 0; i++) {
        if (strcmp(p->argv[i], "-h") == 0 || strcmp(p->argv[i], "--help") == 0) return true;
    }
    return false;
}

/* ---- Operands and environment --------------------------------------------------------------- */

/* Join the operands from `first` on by spaces into one part, at the place of the first one. */
static lfm_status join_operands(opt_parser *p, size_t first) {
    cli_options *o = p->o;
    if (first >= p->n_operands) return LFM_OK;
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

static lfm_status finish(opt_parser *p) {
    cli_options *o = p->o;
    const char *threads = getenv("LFM_THREADS");
    const opt_row *row =
        opt_find_row("-t", 2, p->command->bit) ? opt_find_row("-t", 2, CMD_RUN) : NULL;
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
    if (!o->isa && opt_find_row("--isa", 5, p->command->bit)) {
        const char *isa = getenv("LFM_ISA");
        o->isa = isa && isa[0] ? isa : NULL;
    }
    if (row && !o->n_threads.given && threads && threads[0]) {
        const lfm_status st = opt_set_number(p, row, "LFM_THREADS", threads);
        if (st != LFM_OK) return st;
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
    o->no_mmap = o->no_mmap || o->mmp == MMP_0 || o->load_mode == LOAD_NONE ||
                 o->load_mode == LOAD_MLOCK;
    o->mlock = o->mlock || o->load_mode == LOAD_MLOCK || o->load_mode == LOAD_MMAP_MLOCK;
    const lfm_status st = opt_check_stages(o, p->err);
    return st == LFM_OK ? join_operands(p, first) : st;
}

lfm_status opt_parse(cli_options *o, const cli_command *command, int argc, char *const *argv,
                     lfm_error *err) {
    const size_t room = (size_t)argc + 1; /* no list can be longer than the command line */
    opt_parser p = {.o = o, .command = command, .argc = argc, .argv = argv, .err = err};
    lfm_status st;
    *o = (cli_options){.command = command};
    o->parts = calloc(room, sizeof *o->parts);
    o->stops = calloc(room, sizeof *o->stops);
    o->bias = calloc(room, sizeof *o->bias);
    o->given = calloc(room, sizeof *o->given);
    o->choices = calloc(room, sizeof *o->choices);
    p.operands = calloc(room, sizeof *p.operands);
    p.operand_at = calloc(room, sizeof *p.operand_at);
    if (!o->parts || !o->stops || !o->bias || !o->given || !o->choices || !p.operands ||
        !p.operand_at) {
        st = err_no_memory(err, "the command line");
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
