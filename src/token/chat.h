/*
 * chat.h - conversations -> text in the format that the model was trained on.
 *
 * The family's official templates are recognised by their text in the GGUF and rendered here by
 * hand; the Jinja program in the file is never run.
 */
#ifndef TOKEN_CHAT_H
#define TOKEN_CHAT_H

#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CHAT_NONE,            /* the file has no template: plain ChatML, with a warning */
    CHAT_UNKNOWN,         /* an unknown template: plain ChatML, with a warning */
    CHAT_CHATML,          /* plain ChatML, recognised */
    CHAT_LFM2,            /* LFM2-8B-A1B and its contemporaries */
    CHAT_LFM25_INSTRUCT,  /* LFM2.5-1.2B-Instruct and its contemporaries */
    CHAT_LFM25_THINKING   /* LFM2.5-8B-A1B */
} chat_template;

/* Which template is this text (tokenizer.chat_template)?  NULL or length 0: CHAT_NONE. */
chat_template chat_recognise(const char *text, size_t len);
const char *chat_template_name(chat_template t); /* "lfm2", "chatml", ... */

/* One stretch of rendered text.  The template writes control pieces ("<|im_start|>"), which become
 * control tokens; other pieces came from messages and never do. */
typedef struct {
    const char *ptr;
    size_t len;
    bool control;
} chat_piece;

typedef struct {
    chat_piece *pieces;
    size_t n, cap;
    char *text;        /* everything, one after the other, NUL-terminated; the pieces point here */
    size_t len, text_cap;
} chat_text;

/* Render {"messages":[..],"tools":[..]} (already parsed).  `bos` is the text of the begin-of-text
 * token ("" = none).  `generation`: end with the beginning of the assistant's turn.  LFM_ERR_ARG
 * names the message and field that is wrong. */
lfm_status chat_render(chat_text *out, chat_template t, const json_value *conversation,
                       const char *bos, bool generation, lfm_error *err);
void chat_text_free(chat_text *c); /* safe on a zeroed struct */

#endif
