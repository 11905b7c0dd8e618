/*
 * batch_internal.h - what the files of `lfm batch` share: an answer in the making, and all of them.
 */
#ifndef CLI_BATCH_BATCH_INTERNAL_H
#define CLI_BATCH_BATCH_INTERNAL_H

#include "cli/batch/batch_line.h"
#include "cli/batch/batch_lines.h"
#include "cli/batch/grammar_cache.h"
#include "cli/prompt/answer_grammar.h"
#include "cli/prompt/prompt_tokens.h"
#include "cli/shared/term.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_PARALLEL = 64, PENDING = 256 };

/* An answer in the making. */
typedef struct {
    bool active;
    size_t index; /* of the line, among those that are answered */
    batch_line line;
    cached_grammar *cached; /* the line's own; NULL = that of the command line */
    lfm_sampler *sampler;
    lfm_constraint *constraint;
    lfm_answer *answer;
    lfm_sampling sampling;
    prompt_tokens prompt;
    size_t n_reused, n_truncated;
    double started, prompt_done;
} slot;

typedef struct {
    const cli_options *o;
    lfm_model *model;
    answer_grammar grammar;
    grammar_cache grammars;
    batch_sessions open;    /* that lines name */
    char *held;             /* [held_len] a line whose session is busy; NULL = none */
    size_t held_len, held_number;
    const batch_session *held_for;
    json_out system;
    bool has_system;
    line_source in;
    int out;                /* file descriptor */
    const char *out_name;
    id_set done;            /* --resume */

    lfm_session *sessions[MAX_PARALLEL];
    slot slots[MAX_PARALLEL];
    size_t n_slots;
    lfm_session *shared;    /* what the prompts begin with */
    int32_t *last_tokens;   /* the prompt before, to see that */
    size_t n_last;

    json_out ready[PENDING]; /* finished lines that wait for those before them */
    size_t n_begun, n_written, n_failed, n_cut; /* n_cut: prompts that --truncate cut */
    term_progress progress;
} batch_run;

/* Begin the answer to the line in slot i: from its text to the first logits.  An error is the
 * line's own. */
lfm_status batch_begin(batch_run *b, size_t i, lfm_error *err);

void batch_slot_drop(slot *s); /* safe on a zeroed one */

#endif
