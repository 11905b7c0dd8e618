/*
 * option_internal.h - internals of the option parser.
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

/* Set the error for an unknown option, with the nearest known one. */
lfm_status opt_unknown(opt_parser *p, const char *word, size_t len);

/* Index of `value` among the words "a|b|c"; -1 = none. */
int opt_find_choice(const char *words, const char *value);

/* Copy the word of "a|b|c" that is nearest to `typed`; "" = none is near. */
void opt_nearest_word(const char *words, const char *typed, char near[OPT_LONGEST_NAME + 1]);

/* Store the value of an option; `name` is its spelling on the command line, for errors. */
lfm_status opt_apply(opt_parser *p, const opt_row *row, const char *name, const char *value);
lfm_status opt_set_number(opt_parser *p, const opt_row *row, const char *name, const char *value);
void opt_add_part(cli_options *o, opt_part_kind kind, const char *value);

typedef enum {
    OPT_EXCLUDES, /* none of `options` together with any of `others`: `why` */
    OPT_NEEDS,    /* none of `options` without any of `others`: `why` */
    OPT_ONE_OF    /* no two of `options`: "A and B `why`"; `others` is NULL */
} opt_conflict_kind;

/* A row of option_conflicts.c.  Spaces separate the words of both lists.  A word is:
 *
 *     --name         the option; a choice only with another word than the first
 *     PROMPT         any part of a prompt, operands included
 *     LFM_THREADS    the variable, where no -t overrides it */
typedef struct {
    unsigned commands; /* CMD_... that the row applies to */
    const char *options;
    opt_conflict_kind kind;
    const char *others;
    const char *why;
} opt_conflict;

extern const opt_conflict opt_conflicts[];
extern const size_t n_opt_conflicts;

/* Refuse settings whose stage is missing from --samplers: they would have no effect. */
lfm_status opt_check_stages(const cli_options *o, lfm_error *err);

#endif
