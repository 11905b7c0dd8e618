/*
 * batch_talk.c - keeping the conversations of `lfm batch`.
 */
#include "cli/batch/batch_talk.h"

#include "cli/prompt/keep.h"

#include <stdlib.h>
#include <string.h>

/* Where the name is, or belongs. */
static size_t find(const batch_talks *t, const char *name) {
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

static batch_talk *new_talk(const char *name) {
    batch_talk *talk = calloc(1, sizeof *talk);
    if (talk) {
        talk->name = strdup(name);
    }
    if (talk && !talk->name) {
        free(talk);
        talk = NULL;
    }
    return talk;
}

batch_talk *talks_get(batch_talks *t, const char *name, lfm_error *err) {
    const size_t at = find(t, name);
    if (at < t->n && strcmp(t->all[at]->name, name) == 0) {
        return t->all[at];
    }
    if (t->n == t->cap) {
        const size_t cap = t->cap ? 2 * t->cap : 16;
        batch_talk **all = realloc(t->all, cap * sizeof *all);
        t->all = all ? all : t->all;
        t->cap = all ? cap : t->cap;
    }
    batch_talk *talk = t->n < t->cap ? new_talk(name) : NULL;
    if (!talk) {
        err_set(err, LFM_ERR_MEMORY, "out of memory for the session '%.60s'", name);
        return NULL;
    }
    memmove(t->all + at + 1, t->all + at, (t->n - at) * sizeof *t->all);
    t->all[at] = talk;
    t->n++;
    return talk;
}

lfm_status talk_add(batch_talk *talk, const json_out *turn, const char *answer, size_t answer_len,
                    const json_out *calls, lfm_error *err) {
    json_out all = {0};
    json_write_raw(&all, turn->ptr, turn->len);
    json_write_text(&all, ", {\"role\": \"assistant\", \"content\": ");
    json_write_string(&all, answer, answer_len);
    keep_write_calls(&all, calls);
    json_write_text(&all, "}");
    const lfm_status st = json_finish(&all, err);
    if (st != LFM_OK) {
        json_out_free(&all);
        return st;
    }
    json_out_free(&talk->messages);
    talk->messages = all;
    return LFM_OK;
}

void talks_drop(batch_talks *t) {
    for (size_t i = 0; i < t->n; i++) {
        free(t->all[i]->name);
        json_out_free(&t->all[i]->messages);
        free(t->all[i]);
    }
    free(t->all);
    *t = (batch_talks){0};
}
