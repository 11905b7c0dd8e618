/*
 * messages.h - a conversation as people give it -> as chat templates expect it.
 *
 *   - a member that is null counts as absent, but for `content`;
 *   - `thinking`, `reasoning_content` and `reasoning` are one field;
 *   - arguments of tool calls may be a string of JSON, as in the OpenAI interface;
 *   - a template without words for tools finds their list behind the system prompt, and one without
 *     words for tool calls finds them behind the content of the message.
 */
#ifndef API_MESSAGES_H
#define API_MESSAGES_H

#include "api/template.h"

/* A zeroed struct is a valid empty one. */
typedef struct {
    json_value conversation; /* shares what did not change with the one that was given */
    struct messages_block *blocks;
    json_doc *docs; /* [n_docs] arguments that were strings */
    size_t n_docs, cap_docs;
    json_out text; /* content that was written here; its marks are `own` */
    json_out own;
    jinja_marks marks;
    bool has_null; /* some content is null */
} chat_messages;

/* Prepare a conversation, which must stay.  `drop_null`: content that is null is absent too.
 * LFM_ERR_ARG names the message and field that is wrong. */
lfm_status messages_prepare(chat_messages *out, const json_value *conversation,
                            const chat_template *t, bool drop_null, lfm_error *err);
void messages_drop(chat_messages *m); /* safe on a zeroed struct */

#endif
