/*
 * schema_internal.h - what the files of the schema compiler share.
 *
 * A schema becomes rules of GBNF, one for each set of schemas that a value must satisfy together
 * (most sets have one member).  Sets are added as they are needed and processed one by one, so
 * nothing recurses, and recursive schemas become recursive rules.
 */
#ifndef CONSTRAIN_SCHEMA_SCHEMA_INTERNAL_H
#define CONSTRAIN_SCHEMA_SCHEMA_INTERNAL_H

#include "base/error.h"
#include "base/json.h"
#include "constrain/digits/digits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which part of a schema is meant. */
typedef enum {
    PART_ALL,
    PART_BASE,  /* without $ref, allOf, anyOf, oneOf */
    PART_ANY_OF,
    PART_ONE_OF
} schema_part;

typedef struct {
    const json_value *node;
    schema_part part;
} schema_item;

/* A growing list of items. */
typedef struct {
    schema_item *at;
    size_t n, cap;
} schema_list;

/* items[first..first+n) of the compiler; a rule of its own. */
typedef struct {
    size_t first, n;
} schema_set;

typedef struct {
    const json_value *root;
    json_out out;          /* the grammar so far */
    schema_item *items;
    size_t n_items, items_cap;
    schema_set *sets;
    size_t n_sets, sets_cap;
    uint32_t *slots;       /* hash table of sets: index + 1, 0 = empty */
    size_t n_slots;
    size_t n_helpers;      /* helper rules so far */
    digits_table digits;       /* rules of numbers */
    lfm_error *err;
    lfm_status status;     /* the first failure */
} schema_compiler;

enum {
    TYPE_NULL = 1, TYPE_BOOLEAN = 2, TYPE_INTEGER = 4, TYPE_FRACTION = 8, TYPE_STRING = 16,
    TYPE_ARRAY = 32, TYPE_OBJECT = 64, TYPE_NUMBER = TYPE_INTEGER | TYPE_FRACTION, TYPE_ANY = 127
};

/* A limit of a number, as decimal digits; value = digits before and after the point. */
enum { MAX_DIGITS = 40 };
typedef struct {
    bool given, negative, exclusive;
    char whole[MAX_DIGITS + 1];    /* without leading zeros; "0" alone */
    char fraction[MAX_DIGITS + 1]; /* without trailing zeros */
} schema_limit;

/* What a set of schemas requires of one value, apart from choices. */
typedef struct {
    const schema_item *items; /* [n], all PART_BASE */
    size_t n;
    unsigned types;
    unsigned hinted;          /* types whose keywords occur */
    const json_value **values; /* [n_values] of enum and const; owned */
    size_t n_values;
    bool has_values;
    schema_limit low, high;
    uint64_t min_length, max_length, min_items, max_items; /* UINT64_MAX = no limit */
    uint64_t min_properties, max_properties;
    bool unique;              /* elements must differ */
    const json_value *pattern, *format;
} schema_facts;

/* A property that has a name. */
typedef struct {
    const char *key;
    size_t len;
    bool required;
    bool taken;   /* while duplicates are dropped */
} schema_property;

/* ---- schema_pointer.c ----------------------------------------------------------------------- */

/* Report an error about a schema: "#/properties/a: ...".  Keeps the first. */
void schema_fail(schema_compiler *c, const json_value *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void schema_fail_memory(schema_compiler *c);

/* What a $ref refers to; NULL, with an error, when there is nothing. */
const json_value *schema_resolve(schema_compiler *c, const json_value *ref);

/* ---- schema_sets.c -------------------------------------------------------------------------- */

/* Add an item to a list, unless the list has it; add each member of an array of schemas. */
void schema_push(schema_compiler *c, schema_list *list, schema_item item);
void schema_push_all(schema_compiler *c, schema_list *list, const json_value *array);

/* Expand schemas: append what they refer to and consist of to `all`, what is left of each to
 * `base`, and choices that are still to be made to `choices`. */
void schema_expand(schema_compiler *c, schema_list *all, schema_list *base, schema_list *choices);

/* Write the name of the rule for these schemas together. */
void schema_refer(schema_compiler *c, const schema_item *items, size_t n);

/* ---- schema_text.c -------------------------------------------------------------------------- */

/* Is this a name in Python? */
bool schema_is_name(const char *key, size_t len);

/* Write the name of a helper rule: prefix, `id`, "-", `i`. */
void schema_write_name(json_out *out, const char *prefix, size_t id, size_t i);

/* Write the JSON text of a string as a literal of GBNF. */
void schema_write_key(json_out *out, const char *bytes, size_t n);

/* ---- schema_facts.c ------------------------------------------------------------------------- */

/* Merge what the items require (facts.items and n are set).  Check c->status. */
void schema_read_facts(schema_compiler *c, schema_facts *f);

/* Does a value of enum or const satisfy the rest?  Fails through c->status when that is unknown. */
bool schema_allows(schema_compiler *c, const schema_facts *f, const json_value *v);

/* A limit from a JSON number; false when it has too many digits. */
bool schema_read_limit(schema_limit *limit, const json_value *v, bool exclusive);

/* < 0, 0, > 0 as a is less than, equal to, greater than b. */
int schema_compare(const schema_limit *a, const schema_limit *b);

/* ---- schema_types.c, schema_number.c, schema_object.c, schema_keys.c ------------------------ */

/* Write what a value of one type may be, as alternatives that the caller puts in brackets.  Rules
 * that it needs go to `rules`, to be written after the current one. */
void schema_write_array(schema_compiler *c, const schema_facts *f);
void schema_write_string(schema_compiler *c, const schema_facts *f);
void schema_write_number(schema_compiler *c, const schema_facts *f, bool whole);
void schema_write_object(schema_compiler *c, const schema_facts *f, json_out *rules);

/* Write the rules of numbers without limits: integer, number, single. */
void schema_write_number_rules(schema_compiler *c);

/* Likewise the arguments of a call. */
void schema_write_arguments(schema_compiler *c, const schema_facts *f, json_out *rules);

/* Write rules for keys (without their quotes) other than properties[n], n > 0; the first is named
 * k<id>-0. */
void schema_write_other_keys(schema_compiler *c, const schema_property *properties, size_t n,
                             size_t id, json_out *rules);

/* ---- schema_tools.c ------------------------------------------------------------------------- */

/* Write the first rules of a grammar for a list of tools: several calls, or only one. */
void schema_write_tools(schema_compiler *c, bool only_one);

#endif
