/*
 * closure.h - one state of the automaton from another.
 */
#ifndef CONSTRAIN_ENGINE_CLOSURE_H
#define CONSTRAIN_ENGINE_CLOSURE_H

#include "constrain/engine/states.h"

typedef struct closure closure;

lfm_status closure_new(closure **out, const grammar *g); /* LFM_OK or LFM_ERR_MEMORY */
void closure_free(closure *c); /* NULL is fine */

/* The state before the first byte; after a byte; after a token (see automaton_step_token). */
lfm_status closure_start(automaton *a, uint32_t *to, lfm_error *err);
lfm_status closure_after_byte(automaton *a, uint32_t from, uint8_t byte, uint32_t *to,
                              lfm_error *err);
lfm_status closure_after_token(automaton *a, uint32_t from, const bool *matches, uint32_t *to,
                               lfm_error *err);

#endif
