/*
 * words.h - what the synthetic vocabulary is trained on: an endless list of made-up text pieces.
 */
#ifndef MKMODEL_WORDS_H
#define MKMODEL_WORDS_H

#include <stddef.h>

enum { WORD_CAP = 64 };

/* Piece number `i`, NUL-terminated UTF-8, at most WORD_CAP - 1 bytes; returns its length,
 * which is 0 for some numbers.
 * First frequent pairs of letters, common words and punctuation, then numbers, then words made
 * of random syllables without end. */
size_t word_at(size_t i, char out[WORD_CAP]);

#endif
