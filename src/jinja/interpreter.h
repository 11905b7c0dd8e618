/*
 * interpreter.h - what the two files of the interpreter share.
 */
#ifndef JINJA_INTERPRETER_H
#define JINJA_INTERPRETER_H

#include "jinja/natives/native.h"
#include "jinja/parse/node.h"

typedef struct binding {
    uint32_t name;
    value value;
    struct binding *next;
} binding;

/* Variables of a block; those of the whole program are run.top. */
typedef struct scope {
    struct scope *outer;
    binding *first;
} scope;

/* variables.c */
value variable_get(run *r, uint32_t name);
void variable_set(run *r, uint32_t name, value v);
scope *variable_scope(run *r, scope *outer); /* a new one, now the innermost; NULL = failed */
void variable_assign(run *r, const node *target, value v);

/* eval.c */
value run_eval(run *r, const node *n);
value run_call_node(run *r, const node *n, const value *caller); /* NODE_CALL */
value run_native_node(run *r, const node *n, value self);        /* NODE_FILTER, NODE_TEST */

#endif
