/*
 * regular.h - regular languages as expressions: union, intersection, complement, lengths.
 *
 * An expression is a number in a store, and equal expressions have equal numbers.  Automata come
 * from derivatives (Brzozowski 1964): the derivative by a character is what may follow it.  So
 * intersection and complement cost no more than union, and only states that are met are made.
 *
 * A mark is a character that no text has.  It stands for a place about which something is said
 * elsewhere, such as a lookahead; regular_hide removes it once that was said.
 */
#ifndef CONSTRAIN_REGULAR_REGULAR_H
#define CONSTRAIN_REGULAR_REGULAR_H

#include "base/json.h"
#include "constrain/engine/charset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t regular_id;

enum {
    REGULAR_NONE = 0,  /* no text */
    REGULAR_EMPTY = 1, /* the empty text */
    REGULAR_ALL = 2,   /* every text, marks included */
    REGULAR_ANY = 3,   /* one character */
    REGULAR_TEXT = 4   /* every text without marks */
};

enum { REGULAR_MAX_MARKS = 16 };
#define REGULAR_ENDLESS UINT32_MAX

typedef struct regular_store regular_store;

/* A store, or NULL when memory runs out. */
regular_store *regular_new(void);
void regular_free(regular_store *s);

/* Did memory or the budget run out?  Then all results are REGULAR_NONE or wrong. */
bool regular_failed(const regular_store *s);

/* Characters in normalised ranges; a mark, below REGULAR_MAX_MARKS; a text. */
regular_id regular_set(regular_store *s, const char_range *ranges, size_t n);
regular_id regular_mark(regular_store *s, uint32_t mark);
regular_id regular_text(regular_store *s, const char *utf8, size_t n);

regular_id regular_cat(regular_store *s, regular_id a, regular_id b);
regular_id regular_or(regular_store *s, regular_id a, regular_id b);
regular_id regular_and(regular_store *s, regular_id a, regular_id b);
regular_id regular_not(regular_store *s, regular_id a);
regular_id regular_loop(regular_store *s, regular_id a, uint32_t min, uint32_t max);

/* The same texts, with marks anywhere between their characters. */
regular_id regular_veil(regular_store *s, regular_id a);

/* The same texts, without their marks. */
regular_id regular_hide(regular_store *s, regular_id a);

/* Does the language have this text? */
bool regular_matches(regular_store *s, regular_id a, const char *utf8, size_t n);

/* How many states its automaton has; 0 when they are more than max_states. */
size_t regular_count(regular_store *s, regular_id a, size_t max_states);

/* Write rules of GBNF for what stands between the quotes of a JSON string: prefix<id>-0 and more,
 * at most `max_states`; false when that many are not enough, or the store failed.  A language
 * without texts becomes the rule `never`. */
bool regular_write(regular_store *s, regular_id a, size_t max_states, const char *prefix,
                   size_t id, json_out *rules);

/* Write an expression as it stands, without an automaton; false when it is not made of characters,
 * concatenations, unions and repetitions only, or is too long.  `out` has then a part of it. */
bool regular_copy(regular_store *s, regular_id a, json_out *out);

#endif
