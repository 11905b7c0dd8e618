/*
 * automaton.h - from the states that a grammar can be in to those after one more byte.
 *
 * Where each byte leads is remembered, so that in the long run a byte costs one table lookup.  One
 * thread at a time may use an automaton.
 */
#ifndef CONSTRAIN_ENGINE_AUTOMATON_H
#define CONSTRAIN_ENGINE_AUTOMATON_H

#include "constrain/engine/states.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begin at the root rule.  `g` must outlive the automaton. */
lfm_status automaton_new(automaton **out, const grammar *g, lfm_error *err);
void automaton_free(automaton *a); /* NULL is fine */

/* The state after one more byte.  *from is pinned (its number may change); *to may be the same
 * variable.  LFM_ERR_UNSUPPORTED when the ways to read the text need too much memory. */
lfm_status automaton_step(automaton *a, const uint32_t *from, uint8_t byte, uint32_t *to,
                          lfm_error *err);

/* The same for a whole token that steps of kind STEP_TOKEN name: matches[i] says whether it is
 * tokens[i] of the grammar (negations already taken into account). */
lfm_status automaton_step_token(automaton *a, const uint32_t *from, const bool *matches,
                                uint32_t *to, lfm_error *err);

/* The union of two states: what either of them allows.  states[0] and states[1] are pinned. */
lfm_status automaton_join(automaton *a, const uint32_t states[2], uint32_t *to, lfm_error *err);

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

/* The tokens that steps of kind STEP_TOKEN wait for: sets allowed[i] for tokens[i].  True if there
 * are any. */
bool automaton_tokens(const automaton *a, uint32_t state, bool *allowed);

#endif
