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
 * characters), and replace them by their complement if `negated`.  ranges[] has room for n + 2.
 * Returns the new number of ranges. */
size_t charset_normalise(char_range *ranges, size_t n, bool negated);

/* All characters whose spelling has n bytes, each in lo[i]..hi[i]. */
typedef struct {
    uint8_t lo[4], hi[4];
    size_t n;
} char_bytes;

/* The spelling of the first characters of a normalised range, as many as one char_bytes can hold.
 * Returns the last of them; continue after it. */
uint32_t charset_spell(char_range range, char_bytes *out);

#endif
