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
#include "constrain/judge/decimal.h"
#include "constrain/judge/judge.h"
#include "constrain/regular/regular.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is required of a value. */
typedef enum {
    PART_ALL,        /* the schema `node` */
    PART_BASE,       /* what it requires directly: without references and choices */

    /* Choices: one of several lists of items (schema_branches.c). */
    PART_NOT,        /* not the schema `node` */
    PART_ANY_OF,     /* these keywords of the schema `node` */
    PART_ONE_OF,
    PART_NOT_ONE_OF,
    PART_IF,
    PART_NOT_IF,
    PART_DEPENDENT,  /* `node`, a member of dependentRequired, dependentSchemas or dependencies */

    /* Facts that complements consist of (schema_facts.c).  Each implies a type. */
    PART_NOT_KEY,     /* not the keyword `node` of the schema `of` */
    PART_WITH,        /* an object with the key of the member `node` */
    PART_WITHOUT,     /* an object without it */
    PART_LACKS,       /* an object without it, or no object */
    PART_WITH_NAME,   /* the same for the string `node` */
    PART_WITHOUT_NAME,
    PART_NOT_VALUE,   /* an object with the key of `of`, whose value does not satisfy `node` */
    PART_NOT_ELEMENT, /* a list in which an element does not satisfy `node`, its schema in `of` */
    PART_SOME_NOT,    /* a list in which, behind the first ones of the schema `of`, one does not */
    PART_FEW,         /* a list with fewer than minContains of the schema `node` */
    PART_MANY,        /* a list with more than maxContains */

    PART_CALL         /* written as the arguments of a call */
} schema_part;

typedef struct {
    const json_value *node;
    schema_part part;
    const json_value *of;
} schema_item;

/* A growing list of items. */
typedef struct {
    schema_item *at;
    size_t n, cap;
} schema_list;

/* A schema with $id, id, $anchor or $dynamicAnchor. */
typedef struct {
    const json_value *node;
    const json_value *name; /* the string */
    const json_value *base; /* the nearest schema around it, or itself, that has an $id; the root */
    bool is_id, is_dynamic;
} schema_name;

/* items[first..first+n) of the compiler; a rule of its own. */
typedef struct {
    size_t first, n;
    bool optional; /* only a branch of a choice needs it, as far as is known */
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
    digits_table digits;   /* rules of numbers */
    size_t n_tries;        /* of schema_is_empty */
    schema_name *names;
    size_t n_names, names_cap;
    bool old_draft;        /* $ref stands alone: draft 3 to 7 */
    bool tools;            /* the root is a list of tools */
    bool optional;         /* sets that are referred to now are optional */
    json_out notes;        /* what a person should know, in lines */
    struct schema_matcher *matcher; /* of the last pattern or format that a value was judged by */
    lfm_error *err;
    lfm_status status;     /* the first failure */
} schema_compiler;

enum {
    TYPE_NULL = 1, TYPE_BOOLEAN = 2, TYPE_INTEGER = 4, TYPE_FRACTION = 8, TYPE_STRING = 16,
    TYPE_ARRAY = 32, TYPE_OBJECT = 64, TYPE_NUMBER = TYPE_INTEGER | TYPE_FRACTION, TYPE_ANY = 127
};

/* What a set of schemas requires of one value, apart from choices. */
typedef struct {
    const schema_item *items; /* [n], all PART_BASE */
    size_t n;
    const schema_item *extras; /* [n_extras] facts of complements */
    size_t n_extras;
    unsigned types;
    unsigned hinted;          /* types whose keywords occur */
    bool typed;               /* `type` occurs */
    const json_value **values; /* [n_values] of enum and const; owned */
    size_t n_values;
    bool has_values;
    const json_value **barred; /* [n_barred] of enum and const that must not be; owned */
    size_t n_barred;
    schema_limit low, high;
    uint64_t min_length, max_length, min_items, max_items; /* UINT64_MAX = no limit */
    uint64_t min_properties, max_properties;
    bool unique;              /* elements must differ */
    const json_value *pattern, *format; /* of several, the last */
    const json_value *number_format;
} schema_facts;

/* A property that has a name. */
typedef struct {
    const char *key;
    size_t len;
    bool required;
    bool absent;  /* it must not be there */
    bool taken;   /* while duplicates are dropped */
} schema_property;

/* The keys that a member of patternProperties is about. */
typedef struct {
    const json_value *of, *schema; /* the schema that has patternProperties, and the member */
    regular_id keys;
} schema_key_pattern;

/* propertyNames and patternProperties of an object. */
enum { SCHEMA_MAX_PATTERNS = 6 };
typedef struct {
    bool given;
    regular_store *s;
    regular_id names; /* what propertyNames allow */
    schema_key_pattern at[SCHEMA_MAX_PATTERNS];
    size_t n;
} schema_patterns;

/* ---- schema_pointer.c ----------------------------------------------------------------------- */

/* Report an error about a schema: "#/properties/a: ...".  Keeps the first. */
void schema_fail(schema_compiler *c, const json_value *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void schema_fail_memory(schema_compiler *c);

/* Add a line to what a person should know, once. */
void schema_note(schema_compiler *c, const json_value *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- schema_names.c ------------------------------------------------------------------------- */

/* Find the names that schemas give themselves, before anything is resolved. */
void schema_index_names(schema_compiler *c);

/* What a $ref refers to; NULL, with an error, when there is nothing. */
const json_value *schema_resolve(schema_compiler *c, const json_value *ref);

/* Is `inner` a part of the schema `outer` for the same place, by way of schemas that the facts say
 * a value satisfies? */
bool schema_within(schema_compiler *c, const schema_facts *f, const json_value *outer,
                   const json_value *inner);

/* ---- schema_list.c -------------------------------------------------------------------------- */

bool schema_same_item(const schema_item *a, const schema_item *b);

/* Add an item to a list, unless the list has it; add each member of an array of schemas. */
void schema_push(schema_compiler *c, schema_list *list, schema_item item);
void schema_push_all(schema_compiler *c, schema_list *list, const json_value *array);

/* ---- schema_sets.c -------------------------------------------------------------------------- */

/* Expand schemas: append what they refer to and consist of to `all`, what is left of each to
 * `base`, and choices that are still to be made to `choices`. */
void schema_expand(schema_compiler *c, schema_list *all, schema_list *base, schema_list *choices);

/* Write the name of the rule for these schemas together. */
void schema_refer(schema_compiler *c, const schema_item *items, size_t n);

/* ---- schema_text.c -------------------------------------------------------------------------- */

/* Rules of every grammar. */
extern const char schema_common_rules[];

/* Is this a name in Python? */
bool schema_is_name(const char *key, size_t len);

/* Write the name of a helper rule: prefix, `id`, "-", `i`. */
void schema_write_name(json_out *out, const char *prefix, size_t id, size_t i);

/* Write the JSON text of a string as a literal of GBNF. */
void schema_write_key(json_out *out, const char *bytes, size_t n);

/* Write how often the item before may come: {least,most}; UINT64_MAX = any number of times. */
void schema_write_times(json_out *out, uint64_t least, uint64_t most);

/* ---- schema_facts.c ------------------------------------------------------------------------- */

/* Refuse keywords of a schema that are not supported. */
void schema_check_keywords(schema_compiler *c, const json_value *node, unsigned *hinted);

/* Merge what items require: `base` holds facts only.  Check c->status; drop it in any case. */
void schema_read_facts(schema_compiler *c, schema_facts *f, schema_list *base);
void schema_drop_facts(schema_facts *f);

/* Is it plain from the facts that nothing satisfies them? */
bool schema_contradict(const schema_facts *f);

/* The type of a value, one of TYPE_*. */
unsigned schema_type_of(const json_value *v);

/* The first element that `items` or additionalItems is about; NULL = no such keyword. */
const json_value *schema_rest_of(const json_value *node, size_t *from);
const json_value *schema_list_of(const json_value *node); /* prefixItems, or items as a list */

/* Is this a format that is known?  Others are annotations. */
bool schema_knows_format(const json_value *format);

/* ---- schema_string.c, schema_number.c, schema_object.c, schema_keys.c ----------------------- */

/* Write what a value of one type may be, as alternatives that the caller puts in brackets.  Rules
 * that it needs go to `rules`, to be written after the current one. */
void schema_write_string(schema_compiler *c, const schema_facts *f, json_out *rules);
void schema_write_number(schema_compiler *c, const schema_facts *f, bool whole);
void schema_write_object(schema_compiler *c, const schema_facts *f, json_out *rules);

/* Is this a format of numbers, such as int32? */
bool schema_limits_numbers(const json_value *format);

/* Does a number have such a format? */
schema_verdict schema_has_number_format(const json_value *format, const json_value *number);

/* Write the rules of numbers without limits: integer, number, single. */
void schema_write_number_rules(schema_compiler *c);

/* The texts that a pattern or a format allows, and those that the patterns and formats of these
 * schemas allow together.  Check c->status. */
regular_id schema_read_pattern(schema_compiler *c, regular_store *s, const json_value *at,
                               const char *pattern, size_t n);
regular_id schema_read_format(schema_compiler *c, regular_store *s, const json_value *format);
regular_id schema_read_strings(schema_compiler *c, regular_store *s, const schema_item *items,
                               size_t n);

/* Likewise the arguments of a call. */
void schema_write_arguments(schema_compiler *c, const schema_facts *f, json_out *rules);

/* Write rules for keys (without their quotes) other than properties[n], n > 0; the first is named
 * k<id>-0. */
void schema_write_other_keys(schema_compiler *c, const schema_property *properties, size_t n,
                             size_t id, json_out *rules);

/* ---- schema_patterns.c ---------------------------------------------------------------------- */

/* Check c->status, and drop them in any case. */
void schema_read_patterns(schema_compiler *c, const schema_facts *f, schema_patterns *p);
void schema_drop_patterns(schema_patterns *p);

/* Do propertyNames allow a key?  Which patterns match it, as bits? */
bool schema_allows_name(const schema_patterns *p, const char *key, size_t len);
unsigned schema_patterns_of(const schema_patterns *p, const char *key, size_t len);

/* Write rules for keys (without their quotes) that are none of properties[n] and match just these
 * patterns; the first is named t<id>-0.  Returns the id. */
size_t schema_write_pattern_keys(schema_compiler *c, const schema_patterns *p, unsigned matching,
                                 const schema_property *properties, size_t n, json_out *rules);

#endif
