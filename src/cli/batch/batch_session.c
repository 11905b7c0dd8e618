/*
 * batch_session.c - conversations over several lines of `lfm batch`: "session": "name".
 */
#include "cli/batch/batch_session.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

/* Index of the name, or of the place to insert it. */
static size_t find(const batch_sessions *t, const char *name) {
    size_t low = 0;
    size_t high = t->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(t->all[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static batch_session *new_session(const char *name) {
    batch_session *s = calloc(1, sizeof *s);
    if (s) {
        s->name = strdup(name);
    }
    if (s && !s->name) {
        free(s);
        s = NULL;
    }
    return s;
}

batch_session *batch_sessions_get(batch_sessions *t, const char *name, lfm_error *err) {
    const size_t at = find(t, name);
    if (at < t->n && strcmp(t->all[at]->name, name) == 0) return t->all[at];
    batch_session **all = grow_array(t->all, &t->cap, t->n + 1, sizeof *all);
    t->all = all ? all : t->all;
    batch_session *s = all ? new_session(name) : NULL;
    if (!s) {
        err_set(err, LFM_ERR_MEMORY, "out of memory for the session '%.60s'", name);
        return NULL;
    }
    memmove(t->all + at + 1, t->all + at, (t->n - at) * sizeof *t->all);
    t->all[at] = s;
    t->n++;
    return s;
}

lfm_status batch_session_end_turn(batch_session *s, conversation *turn, bool apart,
                                  const lfm_answer_state *answer, lfm_error *err) {
    const lfm_status st = conversation_add_answer(turn, apart, answer, err);
    if (st == LFM_OK) {
        conversation_drop(&s->talk);
        s->talk = *turn;
        *turn = (conversation){0};
    }
    return st;
}

void batch_sessions_drop(batch_sessions *t) {
    for (size_t i = 0; i < t->n; i++) {
        free(t->all[i]->name);
        conversation_drop(&t->all[i]->talk);
        free(t->all[i]);
    }
    free(t->all);
    *t = (batch_sessions){0};
}
