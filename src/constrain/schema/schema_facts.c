/*
 * schema_facts.c - keywords: which are known, and what several schemas require together.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/judge/same.h"

#include <stdlib.h>
#include <string.h>

/* ---- Keywords ------------------------------------------------------------------------------- */

/* The keywords that are read, and the types that each implies when there is no `type`. */
static const struct {
    const char *name;
    unsigned types;
} keywords[] = {
    {"$ref", 0}, {"$dynamicRef", 0}, {"$recursiveRef", 0}, {"allOf", 0}, {"anyOf", 0},
    {"oneOf", 0}, {"not", 0}, {"if", 0}, {"then", 0}, {"else", 0}, {"type", 0}, {"nullable", 0},
    {"enum", 0}, {"const", 0},
    {"properties", TYPE_OBJECT}, {"required", TYPE_OBJECT}, {"additionalProperties", TYPE_OBJECT},
    {"unevaluatedProperties", TYPE_OBJECT}, {"minProperties", TYPE_OBJECT},
    {"maxProperties", TYPE_OBJECT}, {"dependentRequired", TYPE_OBJECT},
    {"dependentSchemas", TYPE_OBJECT}, {"dependencies", TYPE_OBJECT},
    {"patternProperties", TYPE_OBJECT}, {"propertyNames", TYPE_OBJECT},
    {"items", TYPE_ARRAY}, {"prefixItems", TYPE_ARRAY}, {"additionalItems", TYPE_ARRAY},
    {"unevaluatedItems", TYPE_ARRAY}, {"minItems", TYPE_ARRAY}, {"maxItems", TYPE_ARRAY},
    {"uniqueItems", TYPE_ARRAY}, {"contains", TYPE_ARRAY}, {"minContains", 0}, {"maxContains", 0},
    {"minLength", TYPE_STRING}, {"maxLength", TYPE_STRING}, {"pattern", TYPE_STRING},
    {"format", TYPE_STRING},
    {"minimum", TYPE_NUMBER}, {"maximum", TYPE_NUMBER}, {"exclusiveMinimum", TYPE_NUMBER},
    {"exclusiveMaximum", TYPE_NUMBER}, {"multipleOf", TYPE_NUMBER},
};

/* Annotations: JSON Schema's, OpenAPI's, and those of editors and of providers of models. */
static const char *const annotations[] = {
    "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary",
    "$comment", "$defs", "definitions", "components", "title", "description", "default",
    "example", "examples", "deprecated", "readOnly", "writeOnly", "contentMediaType",
    "contentEncoding", "contentSchema", "discriminator", "xml", "externalDocs", "strict",
    "propertyOrdering", "markdownDescription", "markdownEnumDescriptions", "enumNames",
    "enumDescriptions", "enumTitles", "enum_descriptions", "deprecationMessage",
    "defaultSnippets", "errorMessage", "patternErrorMessage", "doNotSuggest", "suggestSortText",
    "allowComments", "allowTrailingCommas", "tsType", "tsEnumNames", "javaType",
};

/* Keywords of some draft that are not supported, as opposed to misspelled ones. */
static const char *const refused[] = {
    "extends", "disallow", "divisibleBy",
};

static bool key_is(const json_value *m, const char *name) {
    return m->key_len == strlen(name) && memcmp(m->key, name, m->key_len) == 0;
}

static bool is_among(const json_value *m, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (key_is(m, names[i])) return true;
    }
    return false;
}

/* Is this keyword without effect? */
static bool is_harmless(const json_value *m) {
    return is_among(m, annotations, sizeof annotations / sizeof *annotations) ||
           (m->key_len > 2 && memcmp(m->key, "x-", 2) == 0) ||
           (key_is(m, "uniqueItems") && m->kind == JSON_FALSE) ||
           (key_is(m, "minProperties") && m->kind == JSON_NUMBER && m->number == 0);
}

static void check_keyword(schema_compiler *c, const json_value *m, unsigned *hinted) {
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (key_is(m, keywords[i].name)) {
            const bool of_numbers = key_is(m, "format") && schema_limits_numbers(m);
            *hinted |= is_harmless(m) ? 0 : of_numbers ? TYPE_NUMBER : keywords[i].types;
            return;
        }
    }
    if (is_harmless(m)) return;
    if (is_among(m, refused, sizeof refused / sizeof *refused)) {
        schema_fail(c, m, "the keyword '%.*s' is not supported", (int)m->key_len, m->key);
        return;
    }
    schema_fail(c, m, "'%.*s' is not a keyword of JSON Schema",
                (int)(m->key_len < 60 ? m->key_len : 60), m->key);
}

void schema_check_keywords(schema_compiler *c, const json_value *node, unsigned *hinted) {
    for (const json_value *m = node->first; m && c->status == LFM_OK; m = m->next) {
        check_keyword(c, m, hinted);
    }
    const json_value *required = json_get(node, "required");
    if (required && (required->kind == JSON_TRUE || required->kind == JSON_FALSE)) {
        schema_fail(c, required, "'required' is a list of names beside 'properties'; as true or "
                                 "false it is of draft 3");
    }
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

/* The types that `type` allows, with `nullable` beside it. */
static unsigned types_of(schema_compiler *c, const json_value *node, const json_value *type) {
    const json_value *nullable = json_get(node, "nullable");
    unsigned types = nullable && nullable->kind == JSON_TRUE ? TYPE_NULL : 0;
    if (type->kind != JSON_ARRAY) return types | type_named(c, type);
    for (const json_value *t = type->first; t; t = t->next) {
        types |= type_named(c, t);
    }
    return types;
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
            found = schema_same(f->values[i], v);
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

static void read_bound(schema_compiler *c, schema_limit *limit, const json_value *v, bool low,
                       bool exclusive) {
    schema_limit other = {0};
    if (!v || v->kind == JSON_TRUE || v->kind == JSON_FALSE) return; /* beside minimum: draft 4 */
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

/* ---- A schema ------------------------------------------------------------------------------- */

static void keep_one(schema_compiler *c, const json_value **kept, const json_value *v) {
    if (!v) return;
    if (v->kind != JSON_STRING) {
        schema_fail(c, v, "this must be a string");
    }
    *kept = v;
}

static bool is_true(const json_value *v) {
    return v && v->kind == JSON_TRUE;
}

static void read_one(schema_compiler *c, schema_facts *f, const json_value *node) {
    const json_value *values = json_get(node, "enum");
    const json_value *value = json_get(node, "const");
    const json_value *type = json_get(node, "type");
    const json_value *format = json_get(node, "format");
    schema_check_keywords(c, node, &f->hinted);
    if (type) {
        f->types &= types_of(c, node, type);
        f->typed = true;
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
    f->unique = read_flag(c, json_get(node, "uniqueItems")) || f->unique;
    raise(c, &f->min_properties, json_get(node, "minProperties"));
    lower(c, &f->max_properties, json_get(node, "maxProperties"));
    read_bound(c, &f->low, json_get(node, "minimum"), true,
               is_true(json_get(node, "exclusiveMinimum")));
    read_bound(c, &f->low, json_get(node, "exclusiveMinimum"), true, true);
    read_bound(c, &f->high, json_get(node, "maximum"), false,
               is_true(json_get(node, "exclusiveMaximum")));
    read_bound(c, &f->high, json_get(node, "exclusiveMaximum"), false, true);
    keep_one(c, &f->pattern, json_get(node, "pattern"));
    if (format && format->kind == JSON_STRING && schema_limits_numbers(format)) {
        keep_one(c, &f->number_format, format);
    } else if (format && format->kind == JSON_STRING && !schema_knows_format(format)) {
        schema_note(c, format, "the format '%.*s' is unknown, and any text has it",
                    (int)(format->len < 60 ? format->len : 60), format->text);
    } else {
        keep_one(c, &f->format, format);
    }
}

/* ---- Complements ---------------------------------------------------------------------------- */

static void bar(schema_compiler *c, schema_facts *f, const json_value *first, size_t n) {
    const json_value **grown = realloc(f->barred, (f->n_barred + n + 1) * sizeof *grown);
    if (!grown) {
        schema_fail_memory(c);
        return;
    }
    f->barred = grown;
    for (const json_value *v = first; v && n > 0; v = v->next, n--) {
        f->barred[f->n_barred++] = v;
    }
}

/* Take "not at least": false when nothing is less. */
static bool lower_below(schema_compiler *c, uint64_t *most, const json_value *v) {
    const uint64_t n = read_count(c, v);
    *most = n > 0 && n - 1 < *most ? n - 1 : *most;
    return n > 0;
}

/* Take "not at most". */
static void raise_above(schema_compiler *c, uint64_t *least, const json_value *v) {
    const uint64_t n = read_count(c, v) + 1;
    *least = n > *least ? n : *least;
}

/* Take "not this keyword"; what no fact expresses leaves no type. */
static void read_not(schema_compiler *c, schema_facts *f, const json_value *k,
                     const json_value *of) {
    const json_value *as_low = json_get(of, "exclusiveMinimum");
    const json_value *as_high = json_get(of, "exclusiveMaximum");
    unsigned types = 0;
    if (key_is(k, "type")) {
        types = TYPE_ANY & ~types_of(c, of, k);
    } else if (key_is(k, "enum") || key_is(k, "const")) {
        types = TYPE_ANY;
        bar(c, f, key_is(k, "enum") ? k->first : k, key_is(k, "enum") ? k->n : 1);
    } else if (key_is(k, "minimum") || key_is(k, "exclusiveMinimum")) {
        types = TYPE_NUMBER;
        read_bound(c, &f->high, k, false, key_is(k, "minimum") && !is_true(as_low));
    } else if (key_is(k, "maximum") || key_is(k, "exclusiveMaximum")) {
        types = TYPE_NUMBER;
        read_bound(c, &f->low, k, true, key_is(k, "maximum") && !is_true(as_high));
    } else if (key_is(k, "minLength")) {
        types = lower_below(c, &f->max_length, k) ? TYPE_STRING : 0;
    } else if (key_is(k, "minItems")) {
        types = lower_below(c, &f->max_items, k) ? TYPE_ARRAY : 0;
    } else if (key_is(k, "minProperties")) {
        types = lower_below(c, &f->max_properties, k) ? TYPE_OBJECT : 0;
    } else if (key_is(k, "maxLength")) {
        types = TYPE_STRING;
        raise_above(c, &f->min_length, k);
    } else if (key_is(k, "maxItems")) {
        types = TYPE_ARRAY;
        raise_above(c, &f->min_items, k);
    } else if (key_is(k, "maxProperties")) {
        types = TYPE_OBJECT;
        raise_above(c, &f->min_properties, k);
    }
    f->types &= types;
}

/* Where an element stands in the list of its schemas. */
static uint64_t index_in(const json_value *list, const json_value *element) {
    uint64_t i = 0;
    for (const json_value *e = list->first; e && e != element; e = e->next) {
        i++;
    }
    return i;
}

static void read_extra(schema_compiler *c, schema_facts *f, const schema_item *item) {
    uint64_t n = 0;
    size_t from = 0;
    switch (item->part) {
    case PART_NOT_KEY: read_not(c, f, item->node, item->of); return;
    case PART_LACKS: return;
    case PART_WITH:
    case PART_WITHOUT:
    case PART_WITH_NAME:
    case PART_WITHOUT_NAME:
    case PART_CALL:
    case PART_NOT_VALUE: f->types &= TYPE_OBJECT; return;
    case PART_NOT_ELEMENT: n = index_in(item->of, item->node) + 1; break;
    case PART_SOME_NOT:
        schema_rest_of(item->of, &from);
        n = from + 1;
        break;
    default: break;
    }
    f->types &= TYPE_ARRAY;
    f->min_items = n > f->min_items ? n : f->min_items;
}

/* ---- A whole set ---------------------------------------------------------------------------- */

const json_value *schema_list_of(const json_value *node) {
    const json_value *prefix = json_get(node, "prefixItems");
    const json_value *items = json_get(node, "items");
    return prefix ? prefix : items && items->kind == JSON_ARRAY ? items : NULL;
}

const json_value *schema_rest_of(const json_value *node, size_t *from) {
    const json_value *list = schema_list_of(node);
    const json_value *items = json_get(node, "items");
    *from = list ? list->n : 0;
    return items && items->kind == JSON_ARRAY ? json_get(node, "additionalItems") : items;
}

void schema_read_facts(schema_compiler *c, schema_facts *f, schema_list *base) {
    *f = (schema_facts){.types = TYPE_ANY, .max_length = UINT64_MAX, .max_items = UINT64_MAX,
                         .max_properties = UINT64_MAX};
    size_t n = 0;
    for (size_t i = 0; i < base->n; i++) { /* the schemas first; their order is kept */
        const schema_item item = base->at[i];
        if (item.part != PART_BASE) continue;
        for (size_t k = i; k > n; k--) {
            base->at[k] = base->at[k - 1];
        }
        base->at[n++] = item;
    }
    f->items = base->at;
    f->n = n;
    f->extras = base->at ? base->at + n : NULL;
    f->n_extras = base->n - n;
    for (size_t i = 0; i < base->n && c->status == LFM_OK; i++) {
        if (i >= n) {
            read_extra(c, f, &base->at[i]);
        } else if (base->at[i].node->kind == JSON_FALSE) {
            f->types = 0;
        } else if (base->at[i].node->kind == JSON_OBJECT) {
            read_one(c, f, base->at[i].node);
        }
    }
}

void schema_drop_facts(schema_facts *f) {
    free(f->values);
    free(f->barred);
    f->values = NULL;
    f->barred = NULL;
}

/* ---- Contradictions ------------------------------------------------------------------------- */

unsigned schema_type_of(const json_value *v) {
    bool known = true;
    switch (v->kind) {
    case JSON_NULL: return TYPE_NULL;
    case JSON_FALSE:
    case JSON_TRUE: return TYPE_BOOLEAN;
    case JSON_STRING: return TYPE_STRING;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_OBJECT: return TYPE_OBJECT;
    default: return schema_is_whole(v, &known) || !known ? TYPE_INTEGER : TYPE_FRACTION;
    }
}

static bool any_value_left(const schema_facts *f) {
    for (size_t i = 0; i < f->n_values; i++) {
        bool left = (f->types & schema_type_of(f->values[i])) != 0;
        for (size_t k = 0; k < f->n_barred && left; k++) {
            left = !schema_same(f->values[i], f->barred[k]);
        }
        if (left) return true;
    }
    return false;
}

bool schema_contradict(const schema_facts *f) {
    unsigned types = f->types;
    if (f->min_length > f->max_length) {
        types &= ~(unsigned)TYPE_STRING;
    }
    if (f->min_items > f->max_items) {
        types &= ~(unsigned)TYPE_ARRAY;
    }
    if (f->min_properties > f->max_properties) {
        types &= ~(unsigned)TYPE_OBJECT;
    }
    if (f->low.given && f->high.given) {
        const int order = schema_compare(&f->low, &f->high);
        if (order > 0 || (order == 0 && (f->low.exclusive || f->high.exclusive))) {
            types &= ~(unsigned)TYPE_NUMBER;
        }
    }
    return types == 0 || (f->has_values && !any_value_left(f));
}
