/*
 * batch_internal.h - what the files of `lfm batch` share: the state of an answer, and of the run.
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

/* A line and its answer while it is generated. */
typedef struct {
    bool active;
    size_t index; /* of the line among the answered ones, from 0 */
    batch_line line;
    cached_grammar *cached; /* the line's own grammar; NULL = that of the command line */
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
    batch_sessions named;   /* the sessions that lines name */
    char *postponed;        /* [postponed_len] a line whose session is busy; NULL = none */
    size_t postponed_len, postponed_number;
    const batch_session *postponed_for;
    json_out system;
    bool has_system;
    line_source in;
    int out;                /* file descriptor */
    const char *out_name;
    id_set done;            /* --resume */

    lfm_session *sessions[MAX_PARALLEL];
    slot slots[MAX_PARALLEL];
    size_t n_slots;
    lfm_session *shared;    /* holds the common prefix of the prompts */
    int32_t *last_tokens;   /* [n_last] the prompt before, to find the common prefix */
    size_t n_last;

    json_out ready[PENDING]; /* finished lines behind unfinished ones */
    size_t n_begun, n_written, n_failed, n_cut; /* n_cut: prompts that --truncate cut */
    term_progress progress;
} batch_run;

/* Begin the answer to the line in slot i: from its text to the first logits.  An error concerns
 * this line only. */
lfm_status batch_begin(batch_run *b, size_t i, lfm_error *err);

void batch_slot_drop(slot *s); /* safe on a zeroed struct */

#endif
