/*
 * thoughts.h - where an answer is: before, inside or behind the thoughts that it may begin with.
 *
 * A model that reasons writes <think>, its thoughts, </think>, one or two line breaks, and then its
 * answer.  White space may come before the first tag.
 */
#ifndef BASE_THOUGHTS_H
#define BASE_THOUGHTS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    THOUGHTS_BEGIN, /* nothing yet: a thought may begin */
    THOUGHTS_INSIDE,
    THOUGHTS_BREAKS, /* behind the closing tag: line breaks belong to neither side */
    THOUGHTS_TEXT    /* the answer itself */
} thoughts_phase;

/* A zeroed struct is at the beginning. */
typedef struct {
    thoughts_phase phase;
    size_t matched; /* inside: bytes of the closing tag that the thoughts end in so far */
} thoughts;

/* Bytes of `text` up to the end of the opening tag that it begins with, white space included; 0
 * when it begins with something else.  *undecided: more bytes could still make it one. */
size_t thoughts_opening(const char *text, size_t n, bool *undecided);

/* Where the thoughts begin that a text ends in: an opening tag and white space; n when it ends in
 * something else. */
size_t thoughts_opened(const char *text, size_t n);

/* Inside: take bytes up to the end of the closing tag, and return how many.  The phase is then
 * THOUGHTS_BREAKS; without a closing tag all `n` are taken. */
size_t thoughts_take(thoughts *t, const char *text, size_t n);

#endif
