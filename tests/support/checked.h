/*
 * checked.h - texts that a grammar and the checks beside it (keys.h, ahead.h) allow.
 */
#ifndef SUPPORT_CHECKED_H
#define SUPPORT_CHECKED_H

#include "grammar_walk.h"

#include "constrain/checks/ahead.h"

/* Is this a whole text, and does it repeat nothing? */
bool checked_accepts(automaton *a, const char *text, size_t n);

/* Does looking ahead allow each of its bytes, too? */
bool checked_reaches(automaton *a, ahead *h, const char *text, size_t n);

/* As grammar_walk, and every byte is one that looking ahead allows. */
walk_end checked_walk(automaton *a, ahead *h, uint64_t seed, char *text, size_t cap, size_t *n);

#endif
