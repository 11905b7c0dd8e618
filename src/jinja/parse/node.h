/*
 * node.h - a parsed template: statements and expressions as a tree.
 */
#ifndef JINJA_PARSE_NODE_H
#define JINJA_PARSE_NODE_H

#include "jinja/parse/program.h"
#include "jinja/values/memory.h"
#include "jinja/values/run.h"

#include <stdint.h>

typedef enum {
    /* Statements.  `next` is the following one. */
    NODE_TEXT,      /* literal */
    NODE_PRINT,     /* a: expression */
    NODE_SET,       /* a: target, b: expression */
    NODE_SET_BLOCK, /* a: target, b: body, c: filter of what the body prints, may be NULL */
    NODE_FOR,       /* a: target, b: expression, c: condition or NULL, d: body, e: else */
    NODE_IF,        /* a: condition, d: body, e: else */
    NODE_MACRO,     /* name; a: parameters (NODE_PARAMETER), d: body */
    NODE_CALLER,    /* a: parameters, b: the call (NODE_CALL), d: body */
    NODE_FILTERED,  /* a: filter, d: body */
    NODE_WITH,      /* a: targets, b: expressions, d: body */
    NODE_SCOPE,     /* d: body with variables of its own ({% generation %}) */
    NODE_BREAK,
    NODE_CONTINUE,

    /* Expressions.  `next` is the following one of a list. */
    NODE_LITERAL,         /* literal */
    NODE_NAME,            /* name */
    NODE_LIST,            /* a: items */
    NODE_TUPLE,           /* a: items */
    NODE_DICT,            /* a: keys, b: values */
    NODE_NOT,             /* a */
    NODE_NEGATE,          /* a */
    NODE_PLUS,            /* a */
    NODE_AND,             /* a, b */
    NODE_OR,              /* a, b */
    NODE_BINARY,          /* a op b */
    NODE_CONCAT,          /* a: items */
    NODE_COMPARE,         /* a, then b: a list of NODE_OPERAND */
    NODE_OPERAND,         /* op a */
    NODE_EITHER,          /* a if b else c (NULL: undefined) */
    NODE_ATTRIBUTE,       /* a.literal */
    NODE_ITEM,            /* a[b] */
    NODE_SLICE,           /* a[b:c:d], each may be NULL */
    NODE_CALL,            /* a(b), b: arguments */
    NODE_FILTER,          /* a | literal(b); a is NULL where a body is filtered */
    NODE_TEST,            /* a is literal(b) */
    NODE_PARAMETER,       /* name; a: default or NULL */
    NODE_ATTRIBUTE_TARGET /* name.literal, of a namespace */
} node_kind;

typedef struct node node;

struct node {
    node_kind kind;
    value_op op;
    run_place at;
    uint32_t name;    /* number of a variable in the program's names */
    bool has_keyword; /* an argument name=value; the keyword is `literal` */
    bool is_elif;
    bool catches; /* a macro reads `varargs` or `kwargs` */
    value literal;
    node *a, *b, *c, *d, *e;
    node *next;
};

struct jinja_program {
    jinja_memory memory;
    text source;
    node *body;
    text *names; /* [n_names], each once */
    uint32_t n_names, cap_names;
};

#endif
