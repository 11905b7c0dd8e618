/*
 * chat_internal.h - what the files of `lfm chat` share: the state of a chat.
 */
#ifndef CLI_CHAT_CHAT_INTERNAL_H
#define CLI_CHAT_CHAT_INTERNAL_H

#include "base/json.h"
#include "cli/lineedit/editor.h"
#include "cli/lineedit/history.h"
#include "cli/options/options.h"
#include "cli/prompt/conversation.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* Statistics of the last answer. */
typedef struct {
    size_t n_prompt, n_reused, n_generated;
    double prompt_s, decode_s;
    lfm_finish finish;
} chat_stats;

typedef struct {
    cli_options o;          /* with the changes of /set; its strings belong to the caller */
    lfm_model *model;
    lfm_session *session;
    conversation talk;
    json_out attached;      /* files of /read, for the next message */
    history past;
    editor edit;
    bool color;
    bool near_full_shown;   /* the notice at 90 % of the context was printed */
    bool leave;
    chat_stats last;
} chat;

/* ---- chat_turn.c ---------------------------------------------------------------------------- */

void chat_forget(chat *c); /* remove all messages, but not the system prompt */

/* Answer the last message, which is the user's.  If that fails without any answer, remove the
 * message. */
lfm_status chat_answer(chat *c, lfm_error *err);

/* Print a dim line on standard error. */
void chat_say(const chat *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

void chat_print_stats(const chat *c);

/* ---- chat_commands.c ------------------------------------------------------------------------ */

/* Run a command: a line that begins with '/'.  Mistakes are reported and return LFM_OK. */
lfm_status chat_command(chat *c, const char *line, lfm_error *err);

/* Load or save a session file with its conversation. */
lfm_status chat_load(chat *c, const char *path, lfm_error *err);
lfm_status chat_save(chat *c, const char *path, lfm_error *err);

/* Edit the text of the line editor with $VISUAL or $EDITOR. */
lfm_status chat_edit(chat *c, lfm_error *err);

#endif
