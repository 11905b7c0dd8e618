/*
 * option_internal.h - what the files that read the command line share.
 */
#ifndef CLI_OPTIONS_OPTION_INTERNAL_H
#define CLI_OPTIONS_OPTION_INTERNAL_H

#include "cli/options/options.h"

enum { OPT_LONGEST_NAME = 47 };

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
} opt_parser;

/* An error about a word that is no option, with one that may be meant. */
lfm_status opt_unknown(opt_parser *p, const char *word, size_t len);

/* Which of the words "a|b|c" is `value`?  -1 = none. */
int opt_find_choice(const char *words, const char *value);

/* The word of "a|b|c" that is most like `typed`; "" = none. */
void opt_nearest_word(const char *words, const char *typed, char near[OPT_LONGEST_NAME + 1]);

/* What the option says; `name` is how it was written, for errors. */
lfm_status opt_apply(opt_parser *p, const opt_row *row, const char *name, const char *value);
lfm_status opt_set_number(opt_parser *p, const opt_row *row, const char *name, const char *value);
void opt_add_part(cli_options *o, opt_part_kind kind, const char *value);

typedef enum {
    OPT_EXCLUDES, /* none of `options` together with any of `others`: `why` */
    OPT_NEEDS,    /* none of `options` without any of `others`: `why` */
    OPT_ONE_OF    /* no two of `options`: "A and B `why`"; `others` is NULL */
} opt_conflict_kind;

/* A row of option_conflicts.c.  Both lists are divided by spaces.  A word is the name of an option;
 * --name=text, which is its use with this text; PROMPT, any part of one; or LFM_THREADS, the
 * variable when it is what counts. */
typedef struct {
    unsigned commands; /* CMD_... that it holds for */
    const char *options;
    opt_conflict_kind kind;
    const char *others;
    const char *why;
} opt_conflict;

extern const opt_conflict opt_conflicts[];
extern const size_t n_opt_conflicts;

/* A setting whose stage was left out of --samplers would have no effect. */
lfm_status opt_check_stages(const cli_options *o, lfm_error *err);

#endif
