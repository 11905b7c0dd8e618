/*
 * template.h - the chat template of a model: the one of its file, a given one, or a built-in one.
 */
#ifndef API_TEMPLATE_H
#define API_TEMPLATE_H

#include "base/json.h"
#include "jinja/jinja.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct is a valid empty one. */
typedef struct {
    jinja_program *program;
    jinja_program *calls;                    /* writes tool calls where `program` does not */
    const char *origin;                      /* "the file", "--chat-template", "built in" */
    bool has_tools, has_calls, has_thoughts; /* what it writes of these */
    bool opens_thoughts;                     /* its prompts end inside <think> */
    json_doc kwargs;                         /* further variables; an object, or nothing */
    char bos[64];                            /* name of the beginning-of-text token; "" = none */
    char warning[256]; /* why the template of the file is not used; "" = it is */
} chat_template;

/* Read the template of a file (NULL = it has none), or the `given` one (NULL = none), and
 * `kwargs`, a JSON object (NULL = none).  A template of a file that cannot be used is replaced by
 * the built-in one, with a warning; a given one is an error. */
lfm_status template_open(chat_template *t, const char *of_file, size_t of_file_len,
                         const char *given, const char *kwargs, const char *bos, size_t bos_len,
                         lfm_error *err);
void template_close(chat_template *t);

/* Render a prepared conversation (messages.h), up to where the answer begins. */
lfm_status template_render(const chat_template *t, const json_value *conversation,
                           const jinja_marks *marks, jinja_text *out, lfm_error *err);

/* Append the tool calls of a message, as the model writes them, with their marks. */
lfm_status template_write_calls(const chat_template *t, const json_value *calls, jinja_text *out,
                                lfm_error *err);

#endif
