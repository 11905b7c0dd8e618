/*
 * text.h - from the bytes of tokens to what may be shown.
 *
 * Separates thoughts (<think>..</think> at the beginning) from the answer, ends at stop strings,
 * and holds back what is not yet certain: the beginning of a stop string or of a tag, and the
 * bytes of an incomplete character.
 */
#ifndef ANSWER_TEXT_H
#define ANSWER_TEXT_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum { ANSWER_BEGIN, ANSWER_THINKING, ANSWER_AFTER_THOUGHT, ANSWER_TEXT } answer_state;

/* A zeroed struct, with the settings filled in, is ready. */
typedef struct {
    const char *const *stops; // [n_stops]; not empty strings
    size_t n_stops;
    bool split;               /* recognise thoughts */

    answer_state state;
    json_out raw;             /* everything that was fed, up to `raw.len` */
    size_t taken;             /* bytes of raw that are already in thoughts or text */
    json_out thoughts;
    json_out text;            /* the answer; cut before a stop string */
    size_t settled;           /* bytes of text that no longer depend on what follows: show these */
    size_t thoughts_settled;
    bool stopped;             /* a stop string came; nothing more is taken */
} answer;

/* Take the bytes of one more token. */
lfm_status answer_feed(answer *a, const char *bytes, size_t n, lfm_error *err);

/* The same for the beginning of the answer that was given; stop strings in it are ignored. */
lfm_status answer_prefill(answer *a, const char *bytes, size_t n, lfm_error *err);

/* What is fed from now on is text, not a thought or a line break after one: somebody else knows. */
void answer_begin_text(answer *a);

/* Nothing follows: everything is settled, incomplete characters too. */
lfm_status answer_end(answer *a, lfm_error *err);

void answer_drop(answer *a);

#endif
