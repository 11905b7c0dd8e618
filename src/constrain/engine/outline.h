/*
 * outline.h - what a state of the automaton looks like to a short text.
 */
#ifndef CONSTRAIN_ENGINE_OUTLINE_H
#define CONSTRAIN_ENGINE_OUTLINE_H

#include "constrain/engine/states.h"

#include <stdint.h>

/* What a state looks like to a text of at most `max_bytes` bytes, without what depends on stacks
 * far below, so that many states share it: stacks of wide rules are cut off, and counters whose
 * exact value cannot matter within so few bytes get a common one.  states[0] is that state.  A text
 * that passes cut i sets bit i (1 to n) of the state that it reaches; what comes after the cut is
 * read from states[i].  states[0] = *state and n = 0 when there is too much to cut. */
typedef struct {
    uint32_t states[OUTLINE_MAX + 1];
    uint32_t n;
} automaton_view;

/* *state is pinned. */
lfm_status automaton_outline(automaton *a, const uint32_t *state, uint32_t max_bytes,
                             automaton_view *out, lfm_error *err);

#endif
