/*
 * schema_patterns.c - which keys objects may have: propertyNames and patternProperties.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/regular/regular.h"

#include <string.h>

enum { MAX_STATES = 4096, MAX_STEPS = 64 };

static bool key_is(const json_value *m, const char *name) {
    return m->key_len == strlen(name) && memcmp(m->key, name, m->key_len) == 0;
}

/* ---- propertyNames -------------------------------------------------------------------------- */

static regular_id any_of_values(regular_store *s, const json_value *first, size_t n) {
    regular_id all = REGULAR_NONE;
    for (const json_value *v = first; n > 0; v = v->next, n--) {
        if (v->kind == JSON_STRING) {
            all = regular_or(s, all, regular_text(s, v->text, v->len));
        }
    }
    return all;
}

static bool has_string_type(const json_value *type) {
    bool has = json_is(type, "string");
    for (const json_value *t = type->kind == JSON_ARRAY ? type->first : NULL; t; t = t->next) {
        has = has || json_is(t, "string");
    }
    return has;
}

static regular_id read_length(schema_compiler *c, regular_store *s, const json_value *v, bool low) {
    if (v->kind != JSON_NUMBER || v->number < 0 || v->number > MAX_STATES ||
        v->number != (double)(uint32_t)v->number) {
        schema_fail(c, v, "lengths of keys are whole numbers from 0 to %d", MAX_STATES);
        return REGULAR_NONE;
    }
    const uint32_t n = (uint32_t)v->number;
    return regular_loop(s, REGULAR_ANY, low ? n : 0, low ? REGULAR_ENDLESS : n);
}

/* What one keyword asks of a key. */
static regular_id read_keyword(schema_compiler *c, regular_store *s, const json_value *m) {
    static const char *const silent[] = {
        "pattern", "format", "$ref", "title", "description", "$comment", "default", "examples",
    };
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        if (key_is(m, silent[i])) return REGULAR_TEXT;
    }
    if (key_is(m, "type")) return has_string_type(m) ? REGULAR_TEXT : REGULAR_NONE;
    if (key_is(m, "enum") && m->kind == JSON_ARRAY) return any_of_values(s, m->first, m->n);
    if (key_is(m, "const")) return any_of_values(s, m, 1);
    if (key_is(m, "minLength") || key_is(m, "maxLength")) {
        return read_length(c, s, m, key_is(m, "minLength"));
    }
    schema_fail(c, m, "this is not supported about keys");
    return REGULAR_NONE;
}

static regular_id read_names(schema_compiler *c, regular_store *s, const json_value *node) {
    regular_id names = REGULAR_TEXT;
    for (int steps = 0; node && c->status == LFM_OK; steps++) {
        if (node->kind == JSON_FALSE || steps == MAX_STEPS) return REGULAR_NONE;
        if (node->kind != JSON_OBJECT) return names;
        for (const json_value *m = node->first; m && c->status == LFM_OK; m = m->next) {
            names = regular_and(s, names, read_keyword(c, s, m));
        }
        const schema_item item = {.node = node, .part = PART_BASE};
        names = regular_and(s, names, schema_read_strings(c, s, &item, 1));
        const json_value *ref = json_get(node, "$ref");
        node = ref ? schema_resolve(c, ref) : NULL;
    }
    return names;
}

/* ---- patternProperties ---------------------------------------------------------------------- */

static void read_one(schema_compiler *c, schema_patterns *p, const json_value *node) {
    const json_value *names = json_get(node, "propertyNames");
    const json_value *patterns = json_get(node, "patternProperties");
    if (names) {
        p->names = regular_and(p->s, p->names, read_names(c, p->s, names));
    }
    if (patterns && patterns->kind != JSON_OBJECT) {
        schema_fail(c, patterns, "patternProperties must be an object of schemas");
        return;
    }
    for (const json_value *m = patterns ? patterns->first : NULL; m; m = m->next) {
        if (p->n == SCHEMA_MAX_PATTERNS) {
            schema_fail(c, m, "an object has at most %d patterns of keys", SCHEMA_MAX_PATTERNS);
            return;
        }
        const regular_id keys = schema_read_pattern(c, p->s, m, m->key, m->key_len);
        p->at[p->n++] = (schema_key_pattern){.of = node, .schema = m, .keys = keys};
    }
}

void schema_read_patterns(schema_compiler *c, const schema_facts *f, schema_patterns *p) {
    *p = (schema_patterns){.names = REGULAR_TEXT};
    for (size_t i = 0; i < f->n; i++) {
        p->given = p->given || json_get(f->items[i].node, "propertyNames") ||
                   json_get(f->items[i].node, "patternProperties");
    }
    if (!p->given) return;
    p->s = regular_new();
    if (!p->s) {
        schema_fail_memory(c);
    }
    for (size_t i = 0; i < f->n && c->status == LFM_OK; i++) {
        read_one(c, p, f->items[i].node);
    }
}

void schema_drop_patterns(schema_patterns *p) {
    regular_free(p->s);
    p->s = NULL;
}

bool schema_allows_name(const schema_patterns *p, const char *key, size_t len) {
    return !p->given || regular_matches(p->s, p->names, key, len);
}

unsigned schema_patterns_of(const schema_patterns *p, const char *key, size_t len) {
    unsigned matching = 0;
    for (size_t i = 0; i < p->n; i++) {
        matching |= regular_matches(p->s, p->at[i].keys, key, len) ? 1u << i : 0;
    }
    return matching;
}

size_t schema_write_pattern_keys(schema_compiler *c, const schema_patterns *p, unsigned matching,
                                 const schema_property *properties, size_t n, json_out *rules) {
    regular_id keys = p->names;
    regular_id named = REGULAR_NONE;
    for (size_t i = 0; i < p->n; i++) {
        const regular_id with = p->at[i].keys;
        keys = regular_and(p->s, keys, matching >> i & 1 ? with : regular_not(p->s, with));
    }
    for (size_t i = 0; i < n; i++) {
        named = regular_or(p->s, named, regular_text(p->s, properties[i].key, properties[i].len));
    }
    keys = regular_and(p->s, keys, regular_not(p->s, named));
    const size_t id = ++c->n_helpers;
    if (!regular_write(p->s, keys, MAX_STATES, "t", id, rules)) {
        schema_fail(c, p->n > 0 ? p->at[0].schema : NULL,
                    "these keys need more than %d states together", MAX_STATES);
    }
    return id;
}
