/*
 * grammar_walk.h - random texts that a grammar allows.
 */
#ifndef SUPPORT_GRAMMAR_WALK_H
#define SUPPORT_GRAMMAR_WALK_H

#include "constrain/engine/automaton.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    WALK_OPEN,     /* the text is full, or its end needs a token that has a name */
    WALK_COMPLETE, /* the grammar accepts the text */
    WALK_GAVE_UP,  /* the automaton said that it is too ambiguous, or memory ran out */
    WALK_STUCK     /* the text cannot be completed: the grammar breaks its promise */
} walk_end;

/* Follow bytes that the grammar allows, as `seed` chooses them, from its beginning.  In the second
 * half of the room, quotes and closing brackets are preferred, so that nested texts come to an
 * end.  `cap` bytes at most; *n is the length. */
walk_end grammar_walk(automaton *a, uint64_t seed, char *text, size_t cap, size_t *n);

/* Does the grammar accept exactly this text?  *bytes_read (may be NULL) of it can begin a text. */
bool grammar_accepts(automaton *a, const char *text, size_t n, size_t *bytes_read);

#endif
