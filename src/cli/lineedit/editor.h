/*
 * editor.h - a message that is being typed: bytes of a terminal in, a text and a picture out.
 *
 * It does no input or output; tty.h does.  Keys are those of readline and bash:
 *
 *     Left Right Home End, C-b C-f C-a C-e      move; M-b M-f, C-Left C-Right by words
 *     Up Down, C-p C-n                          move by lines, at the first or last in the history
 *     Backspace Delete, C-h C-d                 remove; C-w M-d words, C-u C-k the line
 *     C-y                                       put back what was removed last
 *     C-t                                       swap two characters
 *     C-r                                       search the history
 *     M-Enter, C-j                              a new line
 *     C-g                                       hand the text to an editor
 *     C-l                                       clear the screen
 *     C-c, C-d in an empty text, C-z            leave, end, suspend
 *
 * Pasted text is inserted verbatim.  A text that begins with """ continues until a line ends with
 * it.
 */
#ifndef CLI_LINEEDIT_EDITOR_H
#define CLI_LINEEDIT_EDITOR_H

#include "base/json.h"
#include "cli/lineedit/history.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    EDITOR_MORE,     /* continue */
    EDITOR_DONE,     /* the text is complete */
    EDITOR_CANCEL,   /* C-c */
    EDITOR_END,      /* C-d in an empty text */
    EDITOR_EXTERNAL, /* C-g: open the text in an external editor */
    EDITOR_CLEAR,    /* C-l */
    EDITOR_SUSPEND   /* C-z */
} editor_event;

/* A zeroed struct with the history filled in is an empty text. */
typedef struct {
    const history *past;   /* may be NULL */
    char *text;            /* [len], NUL-terminated once there is any; UTF-8 */
    size_t len, cap;
    size_t cursor;         /* byte offset, at a character */
    char *killed;          /* the text that C-w and the like removed last */
    char *draft;           /* the new text, while the history is shown */
    size_t back;           /* how many lines back in the history; 0 = the new text */
    bool searching;
    char query[128];
    size_t n_query;
    size_t match;          /* line of the history that was found, counted back from 1; 0 = none */
    char key[32];          /* bytes of a key that is not complete */
    size_t n_key;
    bool pasting;
    char pasted;           /* the last byte of a paste */
    size_t row;            /* of the cursor, counted from the first row of the last picture */
    bool failed;           /* out of memory: the text has stopped growing */
} editor;

/* Take one byte. */
editor_event editor_feed(editor *e, char byte);

/* Call after a pause without bytes: a lone Escape is then a key of its own. */
void editor_idle(editor *e);

/* Replace the text, with the cursor at its end. */
void editor_set(editor *e, const char *text, size_t n);

/* Begin a new, empty text on a new line. */
void editor_clear(editor *e);

/* Append the bytes that draw the text over its last picture, behind `prompt` (its lines after the
 * first behind `more`), on a terminal of `columns`.  `finish`: the cursor ends behind the text, on
 * a line of its own.  `color`: prompts are dimmed. */
void editor_draw(editor *e, json_out *out, const char *prompt, const char *more, size_t columns,
                 bool color, bool finish);

/* The text without """ around it.  *message points into the text. */
void editor_message(const editor *e, const char **message, size_t *n);

void editor_drop(editor *e);

#endif
