/*
 * format.h - metadata values as text for people.
 */
#ifndef GGUF_FORMAT_H
#define GGUF_FORMAT_H

#include "gguf/gguf.h"

/* Write a value as text into out[cap], NUL-terminated; strings as they are (escape before a
 * terminal sees them), arrays as [a, b, ...].  What does not fit is cut and ends in "...". */
void gguf_format_value(const gguf_key *key, char *out, size_t cap);

#endif
