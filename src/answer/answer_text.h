/*
 * answer_text.h - bytes of tokens -> thoughts and text, with what is safe to show.
 *
 * Separates thoughts (<think>..</think> at the beginning) from the answer, ends at stop strings,
 * and holds back bytes that later ones could change: a possible stop string or tag, and an
 * incomplete character.
 */
#ifndef ANSWER_ANSWER_TEXT_H
#define ANSWER_ANSWER_TEXT_H

#include "base/json.h"
#include "base/thoughts.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct, with the settings filled in, is ready. */
typedef struct {
    const char *const *stops; // [n_stops]; not empty strings
    size_t n_stops;
    bool split;               /* recognise thoughts */

    thoughts at;
    json_out raw;             /* all bytes that were fed */
    size_t taken;             /* bytes of `raw` that are moved to thoughts or text */
    json_out thoughts;
    json_out text;            /* the answer, cut before a stop string */
    size_t settled;           /* bytes of text that can no longer change: safe to show */
    size_t thoughts_settled;
    bool stopped;             /* a stop string was found; later bytes are ignored */
} answer_text;

/* Append the bytes of a token. */
lfm_status answer_text_feed(answer_text *a, const char *bytes, size_t n, lfm_error *err);

/* Append text that the caller puts at the beginning of the answer.  Stop strings in it are
 * ignored. */
lfm_status answer_text_prefill(answer_text *a, const char *bytes, size_t n, lfm_error *err);

/* The caller (a constraint) knows that the thoughts and the line breaks after them are over: text
 * follows. */
void answer_text_begin(answer_text *a);

/* No more bytes follow here: drop those of a character that they have begun. */
void answer_text_drop_half(answer_text *a);

/* End of the answer: settle everything; an incomplete character is dropped. */
lfm_status answer_text_end(answer_text *a, lfm_error *err);

void answer_text_drop(answer_text *a);

#endif
