/*
 * charset.h - sets of characters, and the UTF-8 bytes that spell them.
 */
#ifndef CONSTRAIN_ENGINE_CHARSET_H
#define CONSTRAIN_ENGINE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Code points, both ends included. */
typedef struct {
    uint32_t lo, hi;
} char_range;

/* Put `n` ranges in ascending order with gaps between them, without the surrogates (which are not
 * characters), and turn them into all other characters if `negated`.  ranges[] has room for n + 2.
 * Returns their new number. */
size_t charset_normalise(char_range *ranges, size_t n, bool negated);

/* n bytes, each in lo[i]..hi[i]: all the characters that are spelled so. */
typedef struct {
    uint8_t lo[4], hi[4];
    size_t n;
} char_bytes;

/* The spelling of the first characters of a normalised range, as many as one char_bytes can hold.
 * Returns the last of them: the rest begins after it. */
uint32_t charset_spell(char_range range, char_bytes *out);

#endif
