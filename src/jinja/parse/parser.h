/*
 * parser.h - what the files of the parser share.
 */
#ifndef JINJA_PARSE_PARSER_H
#define JINJA_PARSE_PARSER_H

#include "jinja/parse/lexer.h"
#include "jinja/parse/node.h"

typedef struct {
    jinja_program *program;
    const token *at; /* the next token */
    int depth;       /* of expressions and statements inside each other */
    int loops;       /* {% for %} around this place */
    bool catches;    /* the macro around this place reads varargs or kwargs */
    bool failed;     /* sticky: functions then return NULL or a harmless node */
    lfm_status status;
    lfm_error *err;
} parser;

void parse_fail(parser *p, const token *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "`what` is expected, not .." */
void parse_fail_expected(parser *p, const char *what);
void *parse_get(parser *p, const token *at, size_t n);       /* zeroed memory; NULL = failed */
node *parse_new(parser *p, node_kind kind, const token *at); /* NULL = failed */
bool parse_is(const parser *p, const char *op);              /* an operator */
bool parse_is_name(const parser *p, const char *name);
bool parse_skip(parser *p, const char *op); /* take it, if it is next */
bool parse_skip_name(parser *p, const char *name);
void parse_need(parser *p, const char *op);
void parse_need_end(parser *p);
uint32_t parse_name_number(parser *p, text name);
text parse_name(parser *p); /* a name must be next */

/* parse_expression.c */
node *parse_expression(parser *p, bool with_if);
/* Perhaps a tuple without brackets.  `simple`: targets of an assignment. */
node *parse_tuple(parser *p, bool with_if, bool simple, bool in_brackets);
node *parse_arguments(parser *p);                             /* ( .. ) */
node *parse_filters(parser *p, node *of, bool first_is_name); /* | name(..) | .. */
node *parse_postfix(parser *p, node *n);

#endif
