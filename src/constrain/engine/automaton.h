/*
 * automaton.h - the states that a grammar can be in after some bytes.
 *
 * A state is a set of threads: a step of the program that waits for a byte, and a stack of what
 * follows when the rule of that step is done.  Stacks are shared: a stack is a set of frames, each
 * with the stack below it, and equal stacks are one.  So a state stays small however many ways of
 * reading the text there are, and equal states are found equal.  Where each byte leads is
 * remembered, so that in the long run a byte costs one look into a table.
 *
 * States are numbers.  They stay good until the memory is full: then all that is not pinned is
 * forgotten and the pinned numbers are changed.  One thread at a time may use an automaton.
 */
#ifndef CONSTRAIN_ENGINE_AUTOMATON_H
#define CONSTRAIN_ENGINE_AUTOMATON_H

#include "constrain/engine/grammar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_DEAD = 0,  /* no text begins like this */
    OUTLINE_MAX = 31 /* stacks that an outline can cut */
};
#define STATE_UNKNOWN UINT32_MAX /* not computed yet */
#define STATE_ACCEPTS 1u /* a bit of a state: the text may end here; others: automaton_outline */

/* A step that waits, and its stack. */
typedef struct {
    uint32_t step;
    uint32_t stack;
} automaton_thread;

#define FRAME_CALL UINT32_MAX
/* What a stack returns to: a call goes on at step `to`, a repetition (step `to`) has been done
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

/* Numbers of states that somebody holds. */
typedef struct automaton_pin {
    struct automaton_pin *next, *before;
    uint32_t *states;
    size_t n;
} automaton_pin;

typedef struct automaton automaton;

struct automaton {
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
    size_t n_rows, rows_cap;          /* in numbers, n_classes for each row */
    uint32_t *stack_heads, *state_heads; // [n_heads] + 1, by hash
    size_t n_heads;                   /* a power of two */
    uint32_t start;                   /* the state before the first byte; always pinned */
    automaton_pin start_pin;
    automaton_pin *pins;
    size_t budget;                    /* bytes after which what is not pinned is forgotten */
    uint64_t generation;              /* how often that happened */
    uint64_t work;                    /* threads and frames looked at, ever */
    struct closure *closure;          /* what computing a state needs */
};

/* Begin at the root rule.  `g` must outlive the automaton. */
lfm_status automaton_new(automaton **out, const grammar *g, lfm_error *err);
void automaton_free(automaton *a); /* NULL is fine */

/* Keep n state numbers good until they are unpinned; each must be valid, or STATE_DEAD. */
void automaton_hold(automaton *a, automaton_pin *pin, uint32_t *states, size_t n);
void automaton_release(automaton *a, automaton_pin *pin); /* safe on a zeroed pin */

/* The state after one more byte.  *from is pinned (its number may change); *to may be the same
 * variable.  LFM_ERR_UNSUPPORTED when the ways to read the text need too much memory. */
lfm_status automaton_step(automaton *a, const uint32_t *from, uint8_t byte, uint32_t *to,
                          lfm_error *err);

/* The same for a whole token that steps of kind STEP_TOKEN name: matches[i] says whether it is
 * tokens[i] of the grammar (negations already taken into account). */
lfm_status automaton_step_token(automaton *a, const uint32_t *from, const bool *matches,
                                uint32_t *to, lfm_error *err);

/* The state of a text that can be read as two others can: states[0] and states[1] are pinned. */
lfm_status automaton_join(automaton *a, const uint32_t states[2], uint32_t *to, lfm_error *err);

/* What a state looks like to a text of at most `max_bytes` bytes, without what depends on stacks
 * far below, so that many states share it: stacks of wide rules are cut off, and counters whose
 * exact value cannot matter within so few bytes get a common one.  states[0] is that state.  A text
 * that passes cut i sets bit i (1 to n) of the state that it reaches; what comes after the cut is
 * read from states[i].  states[0] = *state and n = 0 when there is too much to cut. */
typedef struct {
    uint32_t states[OUTLINE_MAX + 1];
    uint32_t n;
} automaton_view;

lfm_status automaton_outline(automaton *a, const uint32_t *state, uint32_t max_bytes,
                             automaton_view *out, lfm_error *err);

static inline uint32_t automaton_bits(const automaton *a, uint32_t state) {
    return a->states[state].bits;
}

/* The state after a byte, or STATE_UNKNOWN. */
static inline uint32_t automaton_look(const automaton *a, uint32_t state, uint8_t byte) {
    const uint32_t row = a->states[state].row;
    return row == UINT32_MAX ? STATE_UNKNOWN : a->rows[row + a->g->byte_class[byte]];
}

/* The one byte that must follow; -1 when there is a choice, or the text may end. */
int automaton_only_byte(const automaton *a, uint32_t state);

/* Steps of kind STEP_TOKEN that wait: allowed[i] is set for tokens[i].  True if there are any. */
bool automaton_tokens(const automaton *a, uint32_t state, bool *allowed);

#endif
