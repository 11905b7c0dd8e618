/*
 * closure.h - what the files of the automaton share.
 */
#ifndef CONSTRAIN_ENGINE_CLOSURE_H
#define CONSTRAIN_ENGINE_CLOSURE_H

#include "constrain/engine/automaton.h"

/* The frame below all others returns to FRAME_END + i: reaching it sets bit i of the state.  The
 * stacks 0 to OUTLINE_MAX hold just that frame. */
#define FRAME_END 0xffffff00u

typedef struct closure closure;

lfm_status closure_new(closure **out, const grammar *g); /* LFM_OK or LFM_ERR_MEMORY */
void closure_free(closure *c); /* NULL is fine */

/* The state before the first byte; after a byte; after a token (see automaton_step_token). */
lfm_status closure_start(automaton *a, uint32_t *to, lfm_error *err);
lfm_status closure_after_byte(automaton *a, uint32_t from, uint8_t byte, uint32_t *to,
                              lfm_error *err);
lfm_status closure_after_token(automaton *a, uint32_t from, const bool *matches, uint32_t *to,
                               lfm_error *err);

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
lfm_status automaton_no_memory(lfm_error *err);
lfm_status automaton_too_much(lfm_error *err);

#endif
