/*
 * closure.h - computing one state of the automaton from another.
 */
#ifndef CONSTRAIN_ENGINE_CLOSURE_H
#define CONSTRAIN_ENGINE_CLOSURE_H

#include "constrain/engine/states.h"

/* Work is counted in threads or frames visited, some 20 ns each; sorting one costs about as much as
 * visiting eight. */
enum { CLOSURE_SORT_WORK = 8 };

/* A frame of an open stack. */
typedef struct {
    uint32_t to, count, below;
    uint32_t next; /* gathered for the same rule, + 1 */
} closure_gathered;

/* A rule that was called in this round. */
typedef struct {
    uint64_t round; /* the rest is valid if this is the current round */
    uint32_t frames; /* gathered, + 1 */
    uint32_t stack;  /* its number, once it has one */
} closure_opened;

typedef struct closure {
    uint64_t round;
    automaton_thread *queue; /* every thread of this round; those before `head` are done */
    size_t n_queue, queue_cap, head;
    uint64_t *seen_round;    // [seen_cap]
    uint32_t *seen;          // [seen_cap] index into queue, by hash
    size_t seen_cap;
    automaton_thread *waiting;
    size_t n_waiting, waiting_cap;
    closure_opened *rules;   // [n_rules]
    uint64_t *open;          /* rules that were called in this round */
    size_t n_open;
    closure_gathered *frames;
    size_t n_frames, frames_cap;
    automaton_frame *sorted;
    size_t n_sorted, sorted_cap;
    uint32_t bits;
    size_t work;             /* done in this round; limited */
    lfm_status failed;       /* LFM_ERR_MEMORY or LFM_ERR_UNSUPPORTED */
} closure;

lfm_status closure_new(closure **out, const grammar *g); /* LFM_OK or LFM_ERR_MEMORY */
void closure_free(closure *c); /* NULL is fine */

/* The state before the first byte; after a byte; after a token (see automaton_step_token). */
lfm_status closure_start(automaton *a, uint32_t *to, lfm_error *err);
lfm_status closure_after_byte(automaton *a, uint32_t from, uint8_t byte, uint32_t *to,
                              lfm_error *err);
lfm_status closure_after_token(automaton *a, uint32_t from, const bool *matches, uint32_t *to,
                               lfm_error *err);

/* ---- One state in the making (outline.c) ---------------------------------------------------- */

void closure_begin(closure *c);

/* Add `n` units of work, done or about to be done; sets c->failed beyond the limit. */
void closure_count_work(closure *c, size_t n);

/* Add a thread, unless it exists. */
void closure_push(closure *c, uint32_t step, uint32_t stack);

/* The rule of `stack` is done: continue with what it returns to. */
void closure_return_from(const automaton *a, uint32_t stack);

/* Run all threads until they wait; *to is the resulting state. */
lfm_status closure_finish(automaton *a, uint32_t *to, lfm_error *err);

bool closure_room_for(closure *c, size_t n); /* frames, in c->sorted */

/* Return the status of a step, and fill the error for it. */
lfm_status closure_report(lfm_status st, lfm_error *err);

#endif
