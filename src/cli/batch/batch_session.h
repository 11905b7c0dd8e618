/*
 * batch_session.h - conversations over several lines of `lfm batch`: "session": "name".
 */
#ifndef CLI_BATCH_BATCH_SESSION_H
#define CLI_BATCH_BATCH_SESSION_H

#include "cli/prompt/conversation.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *name;
    conversation talk; /* empty at the beginning */
    bool busy;         /* a line of the session is being answered; the next line must wait */
} batch_session;

/* A zeroed struct is a valid empty one. */
typedef struct {
    batch_session **all; /* [n] sorted by name; a session keeps its address */
    size_t n, cap;
} batch_sessions;

/* Find the session of that name, or begin it; NULL = out of memory. */
batch_session *batch_sessions_get(batch_sessions *t, const char *name, lfm_error *err);

/* End a turn: the session takes over `turn`, all messages up to the prompt, and adds the answer
 * (`apart` as in conversation_add_answer). */
lfm_status batch_session_end_turn(batch_session *s, conversation *turn, bool apart,
                                  const lfm_answer_state *answer, lfm_error *err);

void batch_sessions_drop(batch_sessions *t);

#endif
