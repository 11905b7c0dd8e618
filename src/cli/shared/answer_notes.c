/*
 * answer_notes.c - what to tell of the tool calls of an answer.
 */
#include "cli/shared/answer_notes.h"

#include "cli/shared/term.h"

void answer_note_calls(const lfm_answer_state *a, const char *line) {
    const char *where = line ? "line " : "";
    const char *colon = line ? ": " : "";
    line = line ? line : "";
    if (a->n_unread_calls > 0) {
        term_message("%s%s%sa tool call could not be parsed; the answer has it as text", where,
                     line, colon);
    }
    if (a->n_lost_calls > 0) {
        term_message("%s%s%sa tool call beside others could not be parsed and was left out "
                     "(--tool-calls raw shows it)", where, line, colon);
    }
    if (a->undefined_call) {
        term_message("%s%s%sthe model called '%.100s', which is none of the tools", where, line,
                     colon, a->undefined_call);
    }
}
