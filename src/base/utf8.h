/*
 * utf8.h - the characters of UTF-8 text (RFC 3629).
 *
 * Well-formed means: no overlong forms, no surrogates, nothing above U+10FFFF.  These functions
 * accept any bytes and never read past the length.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `p` (1 to 4), with its code point in *code.
 * 0 when n is 0, or when no well-formed character begins there: invalid, or cut off by `n`.
 * *code is then unchanged. */
size_t utf8_decode(const char *p, size_t n, uint32_t *code);

/* Write `code` into out[4] and return its length; 0 when it is not a Unicode scalar value. */
size_t utf8_encode(uint32_t code, char *out);

bool utf8_valid(const char *p, size_t n);

/* Length of the longest prefix that does not end inside a character.  It leaves out at most three
 * bytes, and only when later bytes could complete a character: invalid bytes count as complete.
 * Text can therefore be streamed in pieces that end here. */
size_t utf8_complete(const char *p, size_t n);

#endif
