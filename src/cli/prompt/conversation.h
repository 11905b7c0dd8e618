/*
 * conversation.h - the messages of a conversation, from JSON and to JSON.
 *
 * A conversation is read from JSON once (a session file, --messages, a line of `lfm batch`) and
 * written once: for the chat template, and for the session file.
 */
#ifndef CLI_PROMPT_CONVERSATION_H
#define CLI_PROMPT_CONVERSATION_H

#include "base/json.h"
#include "cli/prompt/tools_offered.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *role; /* such as "user"; NULL = `text` is the whole message as JSON */
    char *text; /* [n], NUL-terminated */
    size_t n;
    json_out other; /* further members as JSON, such as `, "tool_calls": [..]` */
} chat_message;

/* A zeroed struct is an empty one. */
typedef struct {
    char *system; /* [n_system] the system prompt; NULL = none */
    size_t n_system;
    chat_message *messages; // [n] after the system prompt
    size_t n, cap;
    json_out tools; /* the functions that the model may call, as a JSON list; empty = none */
} conversation;

/* Append a message; the text is copied. */
lfm_status conversation_add(conversation *c, const char *role, const char *text, size_t n,
                            lfm_error *err);

/* Append an answer, with its tool calls, as a message of the assistant.  `apart`: its thoughts are
 * a member of their own (the template writes such members), else the beginning of the text. */
lfm_status conversation_add_answer(conversation *c, bool apart, const lfm_answer_state *answer,
                                   lfm_error *err);

void conversation_pop(conversation *c);                 /* remove the last message, if any */
void conversation_pop_first(conversation *c, size_t n); /* remove the first `n` messages */
void conversation_clear(conversation *c);               /* remove all but the system prompt */

/* Set the system prompt; NULL = none. */
lfm_status conversation_set_system(conversation *c, const char *text, size_t n, lfm_error *err);

/* Replace the list of tools. */
lfm_status conversation_set_tools(conversation *c, const tools_offered *tools, lfm_error *err);

/* Append the messages of a JSON list.  Any JSON value is accepted: the chat template checks it. */
lfm_status conversation_read(conversation *c, const json_value *list, lfm_error *err);

/* Replace `to` with a copy of `from`. */
lfm_status conversation_copy(conversation *to, const conversation *from, lfm_error *err);

/* Append {"tools": [..], "messages": [..]}, the format of lfm_chat_tokenize.  `kwargs`: further
 * variables of the chat template, as a JSON object; NULL = none. */
lfm_status conversation_write(json_out *json, const conversation *c, const char *kwargs,
                              lfm_error *err);

void conversation_drop(conversation *c); /* safe on a zeroed struct */

#endif
