/*
 * grammar_texts.h - random texts of a grammar that was made from JSON, for fuzz targets.
 */
#ifndef SUPPORT_GRAMMAR_TEXTS_H
#define SUPPORT_GRAMMAR_TEXTS_H

#include "base/error.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/* Make the grammar of source[n]; *gbnf is NULL exactly if that fails. */
typedef lfm_status grammar_text_make(char **gbnf, const char *source, size_t n, uint8_t seed,
                                     lfm_error *err);

/* Ends the program when a text is not what the JSON of its grammar asks for. */
typedef void grammar_text_check(const json_value *source, const char *text, size_t n);

/* The first byte is a seed, the rest the source: make its grammar, and hand complete texts of it to
 * `check`.  What fails must be one line about a bad or impossible source.  Returns 0, as a fuzz
 * target does. */
int grammar_texts(const uint8_t *data, size_t size, grammar_text_make *make,
                  grammar_text_check *check);

#endif
