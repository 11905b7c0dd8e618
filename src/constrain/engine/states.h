/*
 * states.h - the states of an automaton, and the memory they live in.
 *
 * A state is a set of threads: a step of the program that waits for a byte, and a stack of what
 * follows when the rule of that step is done.  Stacks are shared: a stack is a set of frames, each
 * with the stack below it, and equal stacks are one.  So a state stays small however many ways of
 * reading the text there are, and equal states have equal numbers.
 *
 * States are numbers.  They stay valid until the memory is full: then every state that is not
 * pinned is forgotten, and pinned numbers change.
 */
#ifndef CONSTRAIN_ENGINE_STATES_H
#define CONSTRAIN_ENGINE_STATES_H

#include "constrain/engine/grammar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_DEAD = 0,  /* no text begins like this */
    OUTLINE_MAX = 30 /* stacks that an outline can cut */
};
#define STATE_UNKNOWN UINT32_MAX /* not computed yet */
/* Bits of a state; the others: automaton_outline. */
#define STATE_ACCEPTS 1u          /* the text may end here */
#define STATE_MARKED 0x80000000u  /* a mark is behind the last byte */

/* A step that waits, and its stack. */
typedef struct {
    uint32_t step;
    uint32_t stack;
} automaton_thread;

#define FRAME_CALL UINT32_MAX
/* The frame below all others returns to FRAME_END + i: reaching it sets bit i of the state.  The
 * stacks 0 to OUTLINE_MAX hold just that frame. */
#define FRAME_END 0xffffff00u

/* What a stack returns to: a call continues at step `to`, a repetition (step `to`) has been done
 * `count` times. */
typedef struct {
    uint32_t to;
    uint32_t count; /* FRAME_CALL: a call */
    uint32_t below; /* stack */
} automaton_frame;

typedef struct {
    uint32_t first, n; /* frames */
    uint32_t returned; /* the state after it returned, or STATE_UNKNOWN */
    uint32_t chain;    /* next stack with the same hash, + 1 */
    bool wide;         /* of a rule with long texts */
} automaton_stack;

typedef struct {
    uint32_t first, n; /* threads */
    uint32_t bits;
    uint32_t row;      /* where each class of bytes leads, in rows[]; UINT32_MAX = none yet */
    uint32_t chain;
} automaton_state;

/* Numbers of states that a caller holds. */
typedef struct automaton_pin {
    struct automaton_pin *next, *before;
    uint32_t *states;
    size_t n;
} automaton_pin;

typedef struct automaton {
    const grammar *g;
    automaton_thread *threads;
    size_t n_threads, threads_cap;
    automaton_frame *frames;
    size_t n_frames, frames_cap;
    automaton_stack *stacks;
    size_t n_stacks, stacks_cap;
    automaton_state *states;
    size_t n_states, states_cap;
    uint32_t *rows;
    size_t n_rows, rows_cap;          /* in elements, n_classes for each row */
    uint32_t *stack_heads, *state_heads; // [n_heads] + 1, by hash
    size_t n_heads;                   /* a power of two */
    uint32_t start;                   /* the state before the first byte; always pinned */
    automaton_pin start_pin;
    automaton_pin *pins;
    size_t budget;                    /* bytes after which what is not pinned is forgotten */
    uint64_t generation;              /* how often that happened */
    uint64_t work;                    /* threads and frames visited so far */
    struct closure *closure;          /* what computing a state needs */
} automaton;

/* Fill the tables of a zeroed automaton with what is always there (LFM_OK or LFM_ERR_MEMORY); free
 * them. */
lfm_status automaton_init_states(automaton *a);
void automaton_drop_states(automaton *a);

/* Keep n state numbers valid until they are released; each must be valid now, or STATE_DEAD. */
void automaton_hold(automaton *a, automaton_pin *pin, uint32_t *states, size_t n);
void automaton_release(automaton *a, automaton_pin *pin); /* safe on a zeroed pin */

/* The number of the stack with these frames, or of the state with these threads, made if there is
 * none; both sorted and without duplicates (automaton_sort_*, which return the new number).
 * LFM_OK or LFM_ERR_MEMORY. */
lfm_status automaton_intern_stack(automaton *a, const automaton_frame *frames, size_t n, bool wide,
                                  uint32_t *id);
lfm_status automaton_intern_state(automaton *a, const automaton_thread *threads, size_t n,
                                  uint32_t bits, uint32_t *id);
size_t automaton_sort_frames(automaton_frame *f, size_t n);
size_t automaton_sort_threads(automaton_thread *t, size_t n);

/* Forget what is not pinned if the memory is full; the numbers of states may change. */
lfm_status automaton_check_budget(automaton *a, lfm_error *err);

/* Errors: out of memory; too many ways to read the text. */
lfm_status automaton_no_memory(lfm_error *err);
lfm_status automaton_too_much(lfm_error *err);

#endif
