/*
 * native.h - the functions of the engine: filters, tests, methods, global functions.
 */
#ifndef JINJA_NATIVES_NATIVE_H
#define JINJA_NATIVES_NATIVE_H

#include "jinja/values/case.h"
#include "jinja/values/run.h"

enum { NATIVE_MAX_PARAMETERS = 5 };

/* Arguments of a call, evaluated. */
typedef struct arguments {
    value *values;  /* [n] */
    text *keywords; /* [n_keywords] names of the last values */
    size_t n, n_keywords;
} arguments;

/* `function` gets one value for each parameter, ABSENT where none was given; a function without
 * `function` gets the arguments as they are. */
typedef struct native {
    const char *name;
    value (*function)(run *r, value self, const value *a);
    value (*any)(run *r, value self, const arguments *a);
    const char *parameters[NATIVE_MAX_PARAMETERS];
    int required;
} native;

/* A table of functions. */
typedef struct {
    const native *list;
    size_t n;
} natives;
#define NATIVES(array) ((natives){.list = (array), .n = sizeof(array) / sizeof *(array)})

/* native.c */
value native_call(run *r, const native *f, value self, const arguments *a);
const native *native_find(natives table, text name); /* NULL = unknown */
/* Arguments of functions; they fail when the value has another type. */
text argument_text(run *r, value v, const char *what);
int64_t argument_int(run *r, value v, const char *what);

/* Each in a file of its name. */
natives native_filters(void);
natives native_tests(void);
natives native_methods(value_kind kind); /* may be empty */
natives native_functions(void);

/* operators.c */
value operator_apply(run *r, value_op op, value a, value b); /* + - * / // % ** */
value operator_sign(run *r, value v, bool minus);            /* + - before a value */
bool operator_compare(run *r, value_op op, value a, value b);

/* lookup.c */
value lookup_attribute(run *r, value v, text name);                    /* v.name */
value lookup_item(run *r, value v, value key);                         /* v[key] */
value lookup_slice(run *r, value v, value from, value to, value step); /* NONE: as if absent */

/* methods.c */
/* str.strip and its kind: sides 1 = left, 2 = right, 3 = both.  chars.ptr == NULL: white space. */
text text_strip(run *r, text t, text chars, int sides);
text text_replace(run *r, text t, text old, text with, int64_t count); /* count < 0: all */
text text_concat_items(run *r, text between, value items);             /* str.join */
bool text_is_word(text c);                                             /* \w */
value native_split_lines(run *r, value self, const value *a);          /* str.splitlines */
value native_items(run *r, value self, const value *a);                /* dict.items */

/* format.c */
value native_percent(run *r, value format, value arguments); /* "%s" % x */
value native_format(run *r, value self, const arguments *a); /* str.format */

#endif
