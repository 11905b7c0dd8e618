/*
 * lexer.h - the text of a template -> tokens.
 */
#ifndef JINJA_PARSE_LEXER_H
#define JINJA_PARSE_LEXER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    TOKEN_DATA,        /* text between tags, white space control applied */
    TOKEN_PRINT_BEGIN, /* {{ */
    TOKEN_PRINT_END,
    TOKEN_TAG_BEGIN, /* {% */
    TOKEN_TAG_END,
    TOKEN_NAME,
    TOKEN_STRING, /* the bytes between the quotes, still escaped */
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_OPERATOR, /* one or two characters */
    TOKEN_END
} token_kind;

typedef struct {
    token_kind kind;
    const char *ptr;
    size_t len;
    uint32_t line, column; /* from 1; columns are bytes */
} token;

typedef struct {
    token *tokens; /* the last one is TOKEN_END */
    size_t n, cap;
} token_list;

/* Split source[len], in which line ends are \n.  The tokens point into it.  LFM_ERR_FORMAT names
 * line and column. */
lfm_status lex_split(token_list *out, const char *source, size_t len, lfm_error *err);
void lex_free(token_list *l); /* safe on a zeroed struct */

#endif
