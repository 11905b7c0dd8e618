/*
 * grammar_texts.h - random texts of a grammar that was made from JSON, for fuzz targets.
 */
#ifndef SUPPORT_GRAMMAR_TEXTS_H
#define SUPPORT_GRAMMAR_TEXTS_H

#include "base/error.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/* Ends the program when a text is not what the JSON of its grammar asks for. */
typedef void grammar_text_check(const json_value *source, const char *text, size_t n);

/* Read `gbnf`, which was made of source[n], and hand complete texts of it to `check`.  NULL when
 * making it failed with *err: that must be one line about a bad or impossible source. */
void grammar_texts(const char *gbnf, const char *source, size_t n, uint8_t seed,
                   grammar_text_check *check, lfm_error *err);

#endif
