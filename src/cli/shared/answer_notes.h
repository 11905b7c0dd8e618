/*
 * answer_notes.h - what to tell of the tool calls of an answer.
 */
#ifndef CLI_SHARED_ANSWER_NOTES_H
#define CLI_SHARED_ANSWER_NOTES_H

#include "lfm.h"

/* Say on standard error which calls could not be read, and which name no tool.  `line` is the id of
 * the line of a batch; NULL = there is none. */
void answer_note_calls(const lfm_answer_state *a, const char *line);

#endif
