/*
 * schema_check.c - does a JSON value break a JSON schema?
 *
 * Recurses on schemas and values: this is for tests, whose inputs are small.
 */
#include "schema_check.h"

#include "base/utf8.h"

#include <string.h>

enum { MAX_DEPTH = 300, MAX_WORK = 200000, EXACT_DIGITS = 15 };

typedef struct {
    const json_value *root;
    int depth, work;
} checker;

static bool fits(checker *c, const json_value *schema, const json_value *v);

static bool same(const json_value *a, const json_value *b) {
    if (a->kind != b->kind || a->n != b->n) {
        return false;
    }
    if (a->kind == JSON_NUMBER) {
        return a->number == b->number;
    }
    if (a->kind == JSON_STRING) {
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    }
    const json_value *x = a->first;
    for (const json_value *y = b->first; x && y; x = x->next, y = y->next) {
        if (a->kind == JSON_OBJECT) { /* members in any order */
            const json_value *m = b->first;
            while (m && (m->key_len != x->key_len || memcmp(m->key, x->key, x->key_len) != 0)) {
                m = m->next;
            }
            if (!m || !same(x, m)) {
                return false;
            }
        } else if (!same(x, y)) {
            return false;
        }
    }
    return true;
}

static bool has_type(const json_value *type, const json_value *v) {
    static const char *const names[] = {"null", "boolean", "boolean", "number", "string", "array",
                                        "object"};
    if (json_is(type, names[v->kind])) {
        return true;
    }
    return json_is(type, "integer") && v->kind == JSON_NUMBER &&
           v->len == strspn(v->text, "-0123456789");
}

static bool fits_type(const json_value *type, const json_value *v) {
    bool good = !type || type->kind != JSON_ARRAY ? !type || has_type(type, v) : false;
    for (const json_value *t = type && type->kind == JSON_ARRAY ? type->first : NULL; t;
         t = t->next) {
        good = good || has_type(t, v);
    }
    return good;
}

static bool fits_enum(const json_value *schema, const json_value *v) {
    const json_value *list = json_get(schema, "enum");
    const json_value *constant = json_get(schema, "const");
    bool good = !list;
    for (const json_value *e = list ? list->first : NULL; e; e = e->next) {
        good = good || same(e, v);
    }
    return good && (!constant || same(constant, v));
}

/* The limit `name` if it is there; numbers with many digits do not compare well as doubles. */
static bool limit(const json_value *schema, const char *name, double *value) {
    const json_value *v = json_get(schema, name);
    if (!v || v->kind != JSON_NUMBER || v->len > EXACT_DIGITS) {
        return false;
    }
    *value = v->number;
    return true;
}

static bool in_limits(const json_value *schema, const char *min, const char *max, double value) {
    double bound = 0;
    return (!limit(schema, min, &bound) || value >= bound) &&
           (!limit(schema, max, &bound) || value <= bound);
}

static bool fits_number(const json_value *schema, const json_value *v) {
    double bound = 0;
    return v->len > EXACT_DIGITS ||
           (in_limits(schema, "minimum", "maximum", v->number) &&
            (!limit(schema, "exclusiveMinimum", &bound) || v->number > bound) &&
            (!limit(schema, "exclusiveMaximum", &bound) || v->number < bound));
}

static bool fits_string(const json_value *schema, const json_value *v) {
    size_t n = 0;
    uint32_t code = 0;
    for (size_t i = 0; i < v->len; n++) {
        const size_t len = utf8_decode(v->text + i, v->len - i, &code);
        i += len > 0 ? len : 1;
    }
    return in_limits(schema, "minLength", "maxLength", (double)n);
}

static bool fits_array(checker *c, const json_value *schema, const json_value *v) {
    const json_value *prefix = json_get(schema, "prefixItems");
    const json_value *items = json_get(schema, "items");
    const json_value *own = prefix ? prefix->first : NULL;
    for (const json_value *e = v->first; e; e = e->next) {
        const json_value *use = own ? own : items;
        own = own ? own->next : NULL;
        if (use && !fits(c, use, e)) {
            return false;
        }
    }
    return in_limits(schema, "minItems", "maxItems", (double)v->n);
}

static const json_value *member(const json_value *object, const char *key, size_t len) {
    for (const json_value *m = object ? object->first : NULL; m; m = m->next) {
        if (m->key_len == len && memcmp(m->key, key, len) == 0) {
            return m;
        }
    }
    return NULL;
}

static bool fits_object(checker *c, const json_value *schema, const json_value *v) {
    const json_value *properties = json_get(schema, "properties");
    const json_value *more = json_get(schema, "additionalProperties");
    const json_value *required = json_get(schema, "required");
    for (const json_value *m = v->first; m; m = m->next) {
        const json_value *own = member(properties, m->key, m->key_len);
        const json_value *use = own ? own : more;
        if (use && !fits(c, use, m)) {
            return false;
        }
    }
    for (const json_value *r = required ? required->first : NULL; r; r = r->next) {
        if (r->kind == JSON_STRING && !member(v, r->text, r->len)) {
            return false;
        }
    }
    return true;
}

/* What a "#/a/b" points at; NULL when it is written in a way that this does not know. */
static const json_value *target(const json_value *root, const json_value *ref) {
    const json_value *at = root;
    const char *end = ref->text + ref->len;
    const char *p = ref->text + 1;
    if (ref->kind != JSON_STRING || ref->len == 0 || ref->text[0] != '#' ||
        memchr(ref->text, '%', ref->len) || memchr(ref->text, '~', ref->len)) {
        return NULL;
    }
    while (at && p < end) {
        const char *stop = memchr(p + 1, '/', (size_t)(end - p - 1));
        stop = stop ? stop : end;
        if (*p != '/' || at->kind != JSON_OBJECT) {
            return NULL; /* indexes into lists are passed over, too */
        }
        at = member(at, p + 1, (size_t)(stop - p - 1));
        p = stop;
    }
    return at;
}

static bool fits_combined(checker *c, const json_value *schema, const json_value *v) {
    static const char *const names[] = {"allOf", "anyOf", "oneOf"};
    const json_value *ref = json_get(schema, "$ref");
    const json_value *at = ref ? target(c->root, ref) : NULL;
    if (at && !fits(c, at, v)) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        const json_value *list = json_get(schema, names[i]);
        size_t n = 0;
        size_t n_good = 0;
        for (const json_value *s = list ? list->first : NULL; s; s = s->next) {
            n++;
            n_good += fits(c, s, v);
        }
        if (n > 0 && (i == 0 ? n_good < n : n_good == 0)) {
            return false;
        }
    }
    return true;
}

static bool fits(checker *c, const json_value *schema, const json_value *v) {
    if (schema->kind == JSON_FALSE) {
        return false;
    }
    if (schema->kind != JSON_OBJECT || c->depth >= MAX_DEPTH || c->work++ >= MAX_WORK) {
        return true;
    }
    c->depth++;
    bool good = fits_type(json_get(schema, "type"), v) && fits_enum(schema, v) &&
                fits_combined(c, schema, v);
    switch (v->kind) {
    case JSON_NUMBER: good = good && fits_number(schema, v); break;
    case JSON_STRING: good = good && fits_string(schema, v); break;
    case JSON_ARRAY: good = good && fits_array(c, schema, v); break;
    case JSON_OBJECT: good = good && fits_object(c, schema, v); break;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE: break;
    }
    c->depth--;
    return good;
}

bool schema_check(const json_value *root, const json_value *schema, const json_value *value) {
    checker c = {.root = root};
    return fits(&c, schema, value);
}
