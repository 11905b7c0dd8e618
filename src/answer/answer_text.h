/*
 * answer_text.h - from the bytes of tokens to text that may be shown.
 *
 * Separates thoughts (<think>..</think> at the beginning) from the answer, ends at stop strings,
 * and holds back what is not yet certain: the beginning of a stop string or of a tag, and the
 * bytes of an incomplete character.
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
    json_out raw;             /* everything that was fed, up to `raw.len` */
    size_t taken;             /* bytes of raw that are already in thoughts or text */
    json_out thoughts;
    json_out text;            /* the answer; cut before a stop string */
    size_t settled;           /* bytes of text that no longer depend on what follows: show these */
    size_t thoughts_settled;
    bool stopped;             /* a stop string came; nothing more is taken */
} answer_text;

/* Take the bytes of one more token. */
lfm_status answer_text_feed(answer_text *a, const char *bytes, size_t n, lfm_error *err);

/* Take a beginning of the answer that was given; stop strings in it are ignored. */
lfm_status answer_text_prefill(answer_text *a, const char *bytes, size_t n, lfm_error *err);

/* The caller knows that thoughts, and line breaks behind them, are over: text follows. */
void answer_text_begin(answer_text *a);

/* Nothing follows: everything is settled, incomplete characters too. */
lfm_status answer_text_end(answer_text *a, lfm_error *err);

void answer_text_drop(answer_text *a);

#endif
