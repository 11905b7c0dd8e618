/*
 * value.h - the values of a running template, as Python has them.
 *
 * All memory belongs to the run.  A run that has failed stays failed: functions then return
 * harmless values, so callers check `run->failed` only where a loop would go on.
 */
#ifndef JINJA_VALUES_VALUE_H
#define JINJA_VALUES_VALUE_H

#include "base/error.h"
#include "base/json.h"
#include "jinja/values/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct run run;

/* ---- Text ----------------------------------------------------------------------------------- */

/* Bytes that grow at the end.  A text that ends where its buffer ends can be appended to in place;
 * so building a long text piece by piece takes linear time. */
typedef struct {
    char *bytes;
    char *own; /* [used] 1: written by the template */
    size_t used, cap;
} buffer;

/* Immutable bytes, usually UTF-8.  own == NULL: is_own says it for all of them. */
typedef struct {
    const char *ptr;
    const char *own; /* [len] or NULL */
    size_t len;
    buffer *in; /* the buffer that it is a part of, or NULL */
    bool is_own;
} text;

text text_data(const char *bytes, size_t len);
text text_own(const char *bytes, size_t len);
text text_word(const char *word); /* data, up to its NUL */
text text_part(text t, size_t at, size_t len);
bool text_equal(text a, text b);
bool text_is(text t, const char *word);
int text_compare(text a, text b); /* -1, 0 or 1, in order of code points */
text text_join(run *r, text a, text b);

size_t text_chars(run *r, text t);                /* code points */
size_t text_offset(run *r, text t, size_t chars); /* of the n-th character, at most t.len */
size_t text_char_bytes(text t, size_t at);        /* length of the character that begins there */
size_t text_find(run *r, text t, text what, size_t from); /* offset, or SIZE_MAX */
bool text_byte_in(char c, const char *set);               /* NUL is in none */
bool text_starts(text t, text with);
bool text_ends(text t, text with);

void buffer_add(run *r, buffer *b, text t);
void buffer_add_data(run *r, buffer *b, const char *bytes, size_t n);
void buffer_add_word(run *r, buffer *b, const char *word);
text buffer_text(buffer *b); /* what it holds at this moment */

typedef enum {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FLOOR_DIV,
    OP_MOD,
    OP_POWER,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOT_IN
} value_op;

/* ---- Values --------------------------------------------------------------------------------- */

typedef enum {
    VALUE_ABSENT,    /* an argument that was not given; never seen by templates */
    VALUE_UNDEFINED, /* `string` says what is missing */
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_BIG, /* an integer beyond 64 bits: its digits */
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_RANGE,
    VALUE_ITERATOR, /* what Python computes lazily: it can be read once, and has no length */
    VALUE_VIEW,     /* keys(), values() or items() of a dict */
    VALUE_DICT,
    VALUE_NAMESPACE, /* the one value that can change */
    VALUE_MACRO,
    VALUE_NATIVE, /* a function of the engine */
    VALUE_METHOD, /* a function of the engine with its value */
    VALUE_LOOP
} value_kind;

typedef struct value value;
typedef struct list list;
typedef struct dict dict;

struct value {
    value_kind kind;
    uint32_t n;               /* items of a list */
    const json_value *source; /* where the value came from, or NULL */
    union {
        int64_t integer; /* of VALUE_BOOL as well */
        double real;
        text string;
        list *items;   /* LIST TUPLE RANGE ITERATOR VIEW */
        dict *members; /* DICT NAMESPACE */
        struct macro *macro;
        const struct native *native;
        struct method *method;
        struct loop *loop;
    };
};

struct list {
    value *items;
    size_t used, cap;
    size_t at;        /* of an iterator: items that were read */
    const char *word; /* of a view, a range or an iterator: how it prints */
};

typedef struct {
    value key, value;
} member;

struct dict {
    member *members;
    size_t n, cap;
};

struct loop {
    value items; /* LIST */
    size_t i;
    size_t depth;
    value changed; /* what loop.changed() saw last; ABSENT = nothing */
};

struct macro {
    const struct node *definition;
    struct scope *outer; /* where it was defined */
    text name;
};

struct method {
    value self;
    const struct native *native;
};

extern const value value_none;
value value_undefined(text what); /* `what`: "'x' is undefined" */
value value_bool(bool b);
value value_int(int64_t i);
value value_float(double d);
value value_string(text t);
value value_word(const char *word);                    /* a string of data */
value value_list(run *r, value_kind kind, size_t cap); /* empty, with room */
value value_dict(run *r, value_kind kind);
value value_from_json(run *r, const json_value *v);

void list_add(run *r, value *list, value v); /* only while nobody else has the list */
value list_concat(run *r, value a, value b);
value *dict_find(run *r, const dict *d, value key); /* NULL = none */
void dict_put(run *r, dict *d, value key, value v);

bool value_truth(value v);
bool value_is_number(value v);  /* bool included, as in Python */
bool value_is_list(value v);    /* LIST TUPLE RANGE ITERATOR VIEW */
bool value_is_indexed(value v); /* LIST TUPLE RANGE */
bool value_equal(run *r, value a, value b);
bool value_is_key(run *r, value v); /* can be hashed; fails otherwise */
enum { VALUE_UNORDERED = 2 };
/* -1, 0, 1, or VALUE_UNORDERED where one is NaN; fails when they have no order. */
int value_compare(run *r, value a, value b, const char *sign);
bool value_contains(run *r, value container, value v);
const char *value_type(value v); /* Python's name of its type */

/* The items of anything that can be iterated over, as a list; fails otherwise.  An iterator is
 * used up. */
value value_items(run *r, value v);
size_t value_length(run *r, value v); /* len(v) */

text value_str(run *r, value v);               /* str(v) */
void value_repr(run *r, buffer *out, value v); /* repr(v) */

typedef struct {
    bool ascii, sort;
    text indent;         /* one level; indent.ptr == NULL: one line */
    text between, colon; /* separators */
} json_form;
void value_json(run *r, buffer *out, value v, const json_form *form);

/* Copy a number as Python prints it: the shortest digits that read back as the same double. */
enum { VALUE_FLOAT_TEXT = 40 };
size_t value_float_text(double d, char *out); /* out[VALUE_FLOAT_TEXT] */

#endif
