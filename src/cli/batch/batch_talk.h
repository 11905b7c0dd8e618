/*
 * batch_talk.h - conversations that go on from line to line of `lfm batch`: "session": "name".
 */
#ifndef CLI_BATCH_BATCH_TALK_H
#define CLI_BATCH_BATCH_TALK_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *name;
    json_out messages; /* as JSON, with ", " between them; empty at the beginning */
    bool busy;         /* a line of it is being answered: the next one waits */
} batch_talk;

/* A zeroed struct is a valid empty one. */
typedef struct {
    batch_talk **all; /* [n] by name; a talk keeps its address */
    size_t n, cap;
} batch_talks;

/* The talk of that name, which begins now if there is none; NULL when memory runs out. */
batch_talk *talks_get(batch_talks *t, const char *name, lfm_error *err);

/* A turn is over: `turn` is all its messages up to the question, then comes the answer with its
 * calls of tools (toolcall.h; may be empty). */
lfm_status talk_add(batch_talk *talk, const json_out *turn, const char *answer, size_t answer_len,
                    const json_out *calls, lfm_error *err);

void talks_drop(batch_talks *t);

#endif
