/*
 * schema_facts.c - keywords: which are known, and what several schemas require together.
 */
#include "constrain/schema/schema_internal.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- Keywords ------------------------------------------------------------------------------- */

typedef enum { KEY_NOTE, KEY_READ, KEY_REFUSED } key_kind;

/* The types that a keyword implies when there is no `type`; and why it is refused. */
static const struct {
    const char *name;
    key_kind kind;
    unsigned types;
} keywords[] = {
    {"$schema", KEY_NOTE, 0}, {"$comment", KEY_NOTE, 0}, {"$defs", KEY_NOTE, 0},
    {"definitions", KEY_NOTE, 0}, {"title", KEY_NOTE, 0}, {"description", KEY_NOTE, 0},
    {"default", KEY_NOTE, 0}, {"examples", KEY_NOTE, 0}, {"deprecated", KEY_NOTE, 0},
    {"readOnly", KEY_NOTE, 0}, {"writeOnly", KEY_NOTE, 0}, {"contentMediaType", KEY_NOTE, 0},
    {"contentEncoding", KEY_NOTE, 0}, {"contentSchema", KEY_NOTE, 0}, {"strict", KEY_NOTE, 0},
    {"$ref", KEY_READ, 0}, {"allOf", KEY_READ, 0}, {"anyOf", KEY_READ, 0}, {"oneOf", KEY_READ, 0},
    {"type", KEY_READ, 0}, {"enum", KEY_READ, 0}, {"const", KEY_READ, 0},
    {"properties", KEY_READ, TYPE_OBJECT}, {"required", KEY_READ, TYPE_OBJECT},
    {"additionalProperties", KEY_READ, TYPE_OBJECT}, {"items", KEY_READ, TYPE_ARRAY},
    {"prefixItems", KEY_READ, TYPE_ARRAY}, {"minItems", KEY_READ, TYPE_ARRAY},
    {"maxItems", KEY_READ, TYPE_ARRAY}, {"minLength", KEY_READ, TYPE_STRING},
    {"maxLength", KEY_READ, TYPE_STRING}, {"pattern", KEY_READ, TYPE_STRING},
    {"format", KEY_READ, TYPE_STRING}, {"minimum", KEY_READ, TYPE_NUMBER},
    {"maximum", KEY_READ, TYPE_NUMBER}, {"exclusiveMinimum", KEY_READ, TYPE_NUMBER},
    {"exclusiveMaximum", KEY_READ, TYPE_NUMBER}, {"multipleOf", KEY_READ, TYPE_NUMBER},
    {"minProperties", KEY_READ, TYPE_OBJECT}, {"maxProperties", KEY_READ, TYPE_OBJECT},
    {"uniqueItems", KEY_READ, TYPE_ARRAY},
};

/* Keywords of draft 2020-12 and earlier that are not supported, as opposed to misspelled ones. */
static const char *const refused[] = {
    "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor",
    "$vocabulary", "not", "if", "then", "else", "dependentSchemas", "dependentRequired",
    "dependencies", "additionalItems", "contains", "minContains", "maxContains",
    "unevaluatedItems", "unevaluatedProperties", "patternProperties", "propertyNames",
};

static bool key_is(const json_value *m, const char *name) {
    return m->key_len == strlen(name) && memcmp(m->key, name, m->key_len) == 0;
}

/* Is this keyword without effect? */
static bool is_harmless(const json_value *m) {
    return (key_is(m, "unevaluatedProperties") && m->kind == JSON_TRUE) ||
           ((key_is(m, "$id") || key_is(m, "$anchor")) && m->kind == JSON_STRING);
}

static void check_keyword(schema_compiler *c, const json_value *m, unsigned *hinted) {
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (key_is(m, keywords[i].name)) {
            *hinted |= keywords[i].types;
            return;
        }
    }
    if (is_harmless(m) || (m->key_len > 2 && memcmp(m->key, "x-", 2) == 0)) return;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (key_is(m, refused[i])) {
            schema_fail(c, m, "the keyword '%s' is not supported", refused[i]);
            return;
        }
    }
    schema_fail(c, m, "'%.*s' is not a keyword of JSON Schema",
                (int)(m->key_len < 60 ? m->key_len : 60), m->key);
}

/* ---- Single keywords ------------------------------------------------------------------------ */

static unsigned type_named(schema_compiler *c, const json_value *name) {
    static const struct {
        const char *name;
        unsigned types;
    } names[] = {
        {"null", TYPE_NULL}, {"boolean", TYPE_BOOLEAN}, {"integer", TYPE_INTEGER},
        {"number", TYPE_NUMBER}, {"string", TYPE_STRING}, {"array", TYPE_ARRAY},
        {"object", TYPE_OBJECT},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (json_is(name, names[i].name)) return names[i].types;
    }
    schema_fail(c, name, "a type must be null, boolean, integer, number, string, array or object");
    return 0;
}

static void read_type(schema_compiler *c, schema_facts *f, const json_value *type) {
    unsigned types = 0;
    if (type->kind != JSON_ARRAY) {
        types = type_named(c, type);
    }
    for (const json_value *t = type->kind == JSON_ARRAY ? type->first : NULL; t; t = t->next) {
        types |= type_named(c, t);
    }
    f->types &= types;
}

static bool same_value(const json_value *a, const json_value *b) {
    if (a->kind == JSON_NUMBER && b->kind == JSON_NUMBER) return a->number == b->number;
    json_out x = {0};
    json_out y = {0};
    json_write_value(&x, a);
    json_write_value(&y, b);
    const bool same = !x.failed && !y.failed && x.len == y.len && memcmp(x.ptr, y.ptr, x.len) == 0;
    json_out_free(&x);
    json_out_free(&y);
    return same;
}

/* Take a list of `n` allowed values, from `first` on: keep those that earlier lists allow, too. */
static void read_values(schema_compiler *c, schema_facts *f, const json_value *first, size_t n) {
    if (!f->has_values) {
        f->values = calloc(n ? n : 1, sizeof *f->values);
        f->has_values = true;
        for (const json_value *v = first; f->values && f->n_values < n; v = v->next) {
            f->values[f->n_values++] = v;
        }
        if (!f->values) {
            c->status = err_no_memory(c->err, "the schema");
        }
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < f->n_values; i++) {
        size_t left = n;
        bool found = false;
        for (const json_value *v = first; left > 0 && !found; v = v->next, left--) {
            found = same_value(f->values[i], v);
        }
        if (found) {
            f->values[kept++] = f->values[i];
        }
    }
    f->n_values = kept;
}

static uint64_t read_count(schema_compiler *c, const json_value *v) {
    if (v->kind != JSON_NUMBER || v->number < 0 || v->number > 1e9 ||
        v->number != (double)(uint64_t)v->number) {
        schema_fail(c, v, "this must be a whole number from 0 to 1000000000");
        return 0;
    }
    return (uint64_t)v->number;
}

static bool read_flag(schema_compiler *c, const json_value *v) {
    if (v && v->kind != JSON_TRUE && v->kind != JSON_FALSE) {
        schema_fail(c, v, "this must be true or false");
    }
    return v && v->kind == JSON_TRUE;
}

static void raise(schema_compiler *c, uint64_t *least, const json_value *v) {
    const uint64_t n = v ? read_count(c, v) : 0;
    *least = n > *least ? n : *least;
}

static void lower(schema_compiler *c, uint64_t *most, const json_value *v) {
    const uint64_t n = v ? read_count(c, v) : UINT64_MAX;
    *most = n < *most ? n : *most;
}

/* ---- Limits of numbers ---------------------------------------------------------------------- */

/* Digits of a number without its sign and point, and where the point is. */
static bool read_digits(const json_value *v, char *digits, size_t *n, long *point) {
    const char *p = v->text;
    const char *end = p + v->len;
    long exponent = 0;
    long before = 0;
    bool after_point = false;
    *n = 0;
    p += p < end && *p == '-';
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            after_point = true;
            continue;
        }
        if (*n == 0 && *p == '0') { /* leading zeros only move the point */
            before -= after_point;
            continue;
        }
        if (*n == MAX_DIGITS) {
            if (*p != '0') return false;
            before += !after_point;
            continue;
        }
        digits[(*n)++] = *p;
        before += !after_point;
    }
    if (p < end) {
        exponent = strtol(p + 1, NULL, 10);
    }
    if (exponent > 1000 || exponent < -1000) return false;
    *point = before + exponent;
    return true;
}

bool schema_read_limit(schema_limit *limit, const json_value *v, bool exclusive) {
    char digits[MAX_DIGITS];
    size_t n = 0;
    long point = 0;
    if (!read_digits(v, digits, &n, &point)) return false;
    while (n > 0 && digits[n - 1] == '0') {
        n--;
    }
    point = n == 0 ? 0 : point;
    if (point > MAX_DIGITS || (point < 0 ? -point : 0) + (long)n > MAX_DIGITS) return false;
    *limit = (schema_limit){.given = true, .negative = v->text[0] == '-' && n > 0,
                            .exclusive = exclusive};
    size_t w = 0;
    for (long i = 0; i < point; i++) {
        limit->whole[w++] = i < (long)n ? digits[i] : '0';
    }
    if (w == 0) {
        limit->whole[w++] = '0';
    }
    size_t k = 0;
    for (long i = point; i < (long)n; i++) {
        limit->fraction[k++] = i < 0 ? '0' : digits[i];
    }
    return true;
}

static int compare_magnitudes(const schema_limit *a, const schema_limit *b) {
    const size_t n = strlen(a->whole);
    const size_t m = strlen(b->whole);
    if (n != m) return n < m ? -1 : 1;
    const int whole = strcmp(a->whole, b->whole);
    return whole ? whole : strcmp(a->fraction, b->fraction);
}

int schema_compare(const schema_limit *a, const schema_limit *b) {
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

static void read_bound(schema_compiler *c, schema_limit *limit, const json_value *v, bool low,
                       bool exclusive) {
    schema_limit other = {0};
    if (!v) return;
    if (v->kind != JSON_NUMBER) {
        schema_fail(c, v, "this must be a number");
        return;
    }
    if (!schema_read_limit(&other, v, exclusive)) {
        schema_fail(c, v, "limits have at most %d digits", MAX_DIGITS);
        return;
    }
    const int order = limit->given ? schema_compare(&other, limit) : low ? 1 : -1;
    if ((low ? order > 0 : order < 0) || (order == 0 && exclusive)) {
        *limit = other;
    }
}

/* ---- A whole set ---------------------------------------------------------------------------- */

static void keep_one(schema_compiler *c, const json_value **kept, const json_value *v) {
    if (!v) return;
    if (v->kind != JSON_STRING) {
        schema_fail(c, v, "this must be a string");
    } else if (*kept && !same_value(*kept, v)) {
        schema_fail(c, v, "a second %.*s for the same value is not supported", (int)v->key_len,
                    v->key);
    }
    *kept = v;
}

static void read_one(schema_compiler *c, schema_facts *f, const json_value *node) {
    const json_value *values = json_get(node, "enum");
    const json_value *value = json_get(node, "const");
    const json_value *type = json_get(node, "type");
    for (const json_value *m = node->first; m && c->status == LFM_OK; m = m->next) {
        check_keyword(c, m, &f->hinted);
    }
    if (type) {
        read_type(c, f, type);
    }
    if (values && (values->kind != JSON_ARRAY || values->n == 0)) {
        schema_fail(c, values, "enum must be a list of values");
    } else if (values) {
        read_values(c, f, values->first, values->n);
    }
    if (value) {
        read_values(c, f, value, 1);
    }
    raise(c, &f->min_length, json_get(node, "minLength"));
    lower(c, &f->max_length, json_get(node, "maxLength"));
    raise(c, &f->min_items, json_get(node, "minItems"));
    lower(c, &f->max_items, json_get(node, "maxItems"));
    f->unique = f->unique || read_flag(c, json_get(node, "uniqueItems"));
    raise(c, &f->min_properties, json_get(node, "minProperties"));
    lower(c, &f->max_properties, json_get(node, "maxProperties"));
    read_bound(c, &f->low, json_get(node, "minimum"), true, false);
    read_bound(c, &f->low, json_get(node, "exclusiveMinimum"), true, true);
    read_bound(c, &f->high, json_get(node, "maximum"), false, false);
    read_bound(c, &f->high, json_get(node, "exclusiveMaximum"), false, true);
    keep_one(c, &f->pattern, json_get(node, "pattern"));
    keep_one(c, &f->format, json_get(node, "format"));
}

void schema_read_facts(schema_compiler *c, schema_facts *f) {
    f->types = TYPE_ANY;
    f->max_length = UINT64_MAX;
    f->max_items = UINT64_MAX;
    f->max_properties = UINT64_MAX;
    for (size_t i = 0; i < f->n && c->status == LFM_OK; i++) {
        read_one(c, f, f->items[i].node);
    }
}

/* ---- Values of enum and const --------------------------------------------------------------- */

static unsigned type_of(const json_value *v) {
    schema_limit limit;
    switch (v->kind) {
    case JSON_NULL: return TYPE_NULL;
    case JSON_FALSE:
    case JSON_TRUE: return TYPE_BOOLEAN;
    case JSON_STRING: return TYPE_STRING;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_OBJECT: return TYPE_OBJECT;
    default:
        return schema_read_limit(&limit, v, false) && limit.fraction[0] ? TYPE_FRACTION
                                                                        : TYPE_INTEGER;
    }
}

static uint64_t count_characters(const json_value *v) {
    uint64_t n = 0;
    for (size_t i = 0; i < v->len; i++) {
        n += ((unsigned char)v->text[i] & 0xc0) != 0x80;
    }
    return n;
}

static bool in_limits(const schema_facts *f, const json_value *v) {
    schema_limit x;
    if (!f->low.given && !f->high.given) return true;
    if (!schema_read_limit(&x, v, false)) return false;
    const int low = f->low.given ? schema_compare(&x, &f->low) : 1;
    const int high = f->high.given ? schema_compare(&x, &f->high) : -1;
    return (low > 0 || (low == 0 && !f->low.exclusive)) &&
           (high < 0 || (high == 0 && !f->high.exclusive));
}

bool schema_allows(schema_compiler *c, const schema_facts *f, const json_value *v) {
    const unsigned type = type_of(v);
    if (!(f->types & type)) return false;
    switch (type) {
    case TYPE_INTEGER:
    case TYPE_FRACTION: return in_limits(f, v);
    case TYPE_STRING:
        if (f->pattern || f->format) {
            schema_fail(c, f->pattern ? f->pattern : f->format,
                        "this together with enum or const is not supported");
            return false;
        }
        return count_characters(v) >= f->min_length && count_characters(v) <= f->max_length;
    case TYPE_ARRAY:
    case TYPE_OBJECT:
        if (f->hinted & type) {
            schema_fail(c, v,
                        "a list or an object as an allowed value is not supported together with "
                        "keywords about its contents");
        }
        return true;
    default: return true;
    }
}
