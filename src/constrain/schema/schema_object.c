/*
 * schema_object.c - objects, and the arguments of calls, as rules.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"
#include "constrain/gbnf/gbnf_write.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    schema_compiler *c;
    const schema_facts *f;
    schema_property *at;      /* [n], in the order in which they are written */
    size_t n, cap;
    schema_patterns patterns;
    bool open;         /* further members may follow, with keys that match no pattern */
    bool more;         /* further members may follow */
    bool call;         /* a=1, b=2: arguments of a call in place of members */
    uint64_t min, max; /* members; only what must be counted */
    size_t id;         /* of the helper rules */
} object;

static int by_key(const void *a, const void *b) {
    const schema_property *x = a;
    const schema_property *y = b;
    const size_t n = x->len < y->len ? x->len : y->len;
    const int order = n > 0 ? memcmp(x->key, y->key, n) : 0;
    return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

static void add_property(object *o, const char *key, size_t len, bool required, bool absent) {
    schema_property *grown = grow_array(o->at, &o->cap, o->n + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(o->c);
        return;
    }
    o->at = grown;
    o->at[o->n++] = (schema_property){key, len, required, absent, false};
}

/* Several schemas, and `required`, may name the same key: keep the first of each, in order. */
static void drop_doubles(object *o) {
    schema_property *sorted = malloc((o->n ? o->n : 1) * sizeof *sorted);
    size_t n = 0;
    if (!sorted) {
        schema_fail_memory(o->c);
        return;
    }
    for (size_t i = 0; i < o->n; i++) {
        sorted[i] = o->at[i];
    }
    qsort(sorted, o->n, sizeof *sorted, by_key);
    for (size_t i = 0; i < o->n; i++) { /* one of each, required if any is */
        if (n > 0 && by_key(&sorted[n - 1], &sorted[i]) == 0) {
            sorted[n - 1].required = sorted[n - 1].required || sorted[i].required;
            sorted[n - 1].absent = sorted[n - 1].absent || sorted[i].absent;
        } else {
            sorted[n++] = sorted[i];
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++) {
        schema_property *found = bsearch(&o->at[i], sorted, n, sizeof *sorted, by_key);
        if (found && !found->taken) {
            o->at[kept] = o->at[i];
            o->at[kept].absent = found->absent;
            o->at[kept++].required = found->required;
            found->taken = true;
        }
    }
    o->n = kept;
    free(sorted);
}

/* Does a pattern of this schema match?  `matching` are those that do. */
static bool has_pattern(const object *o, const json_value *node, unsigned matching) {
    for (size_t i = 0; i < o->patterns.n; i++) {
        if (o->patterns.at[i].of == node && (matching >> i & 1)) return true;
    }
    return false;
}

/* Does unevaluatedProperties of this schema decide about this property, or (p = NULL) about further
 * members?  `matching` are the patterns that its key matches. */
static bool is_unevaluated(object *o, const json_value *node, const schema_property *p,
                           unsigned matching) {
    for (size_t i = 0; i < o->f->n; i++) {
        const json_value *inner = o->f->items[i].node;
        if (!schema_within(o->c, o->f, node, inner)) continue;
        if (json_get(inner, "additionalProperties") ||
            (inner != node && json_get(inner, "unevaluatedProperties"))) {
            return false;
        }
        if (p && json_get_n(json_get(inner, "properties"), p->key, p->len)) return false;
        if (has_pattern(o, inner, matching)) return false;
    }
    return true;
}

/* Keys that propertyNames enumerate are properties: so nobody begins one that was written before,
 * and must then repeat it. */
static void add_enumerated(object *o, const json_value *names) {
    for (int steps = 0; names && json_get(names, "$ref") && steps < 8; steps++) {
        names = schema_resolve(o->c, json_get(names, "$ref"));
    }
    const json_value *list = json_get(names, "enum");
    for (const json_value *m = list ? list->first : NULL; m; m = m->next) {
        if (m->kind == JSON_STRING) {
            add_property(o, m->text, m->len, false, false);
        }
    }
}

/* Take the keys that complements require or forbid. */
static void read_extra(object *o, const schema_item *item) {
    const json_value *node = item->part == PART_NOT_VALUE ? item->of : item->node;
    switch (item->part) {
    case PART_WITH:
    case PART_NOT_VALUE: add_property(o, node->key, node->key_len, true, false); break;
    case PART_WITHOUT:
    case PART_LACKS: add_property(o, node->key, node->key_len, false, true); break;
    case PART_WITH_NAME: add_property(o, node->text, node->len, true, false); break;
    case PART_WITHOUT_NAME: add_property(o, node->text, node->len, false, true); break;
    default: break;
    }
}

static void read_names(object *o) {
    const schema_facts *f = o->f;
    bool closed = false;
    bool opened = false;
    bool listed = false;
    for (size_t i = 0; i < f->n; i++) {
        const json_value *properties = json_get(f->items[i].node, "properties");
        const json_value *more = json_get(f->items[i].node, "additionalProperties");
        if (properties && properties->kind != JSON_OBJECT) {
            schema_fail(o->c, properties, "properties must be an object of schemas");
            return;
        }
        for (const json_value *m = properties ? properties->first : NULL; m; m = m->next) {
            add_property(o, m->key, m->key_len, false, false);
        }
        listed = listed || properties || json_get(f->items[i].node, "patternProperties");
        closed = closed || (more && more->kind == JSON_FALSE);
        opened = opened || (more && more->kind != JSON_FALSE);
        more = json_get(f->items[i].node, "unevaluatedProperties");
        if (more && is_unevaluated(o, f->items[i].node, NULL, 0)) {
            closed = closed || more->kind == JSON_FALSE;
            opened = opened || more->kind != JSON_FALSE;
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        const json_value *required = json_get(f->items[i].node, "required");
        if (required && required->kind != JSON_ARRAY) {
            schema_fail(o->c, required, "required must be a list of names");
            return;
        }
        for (const json_value *m = required ? required->first : NULL; m; m = m->next) {
            if (m->kind != JSON_STRING) {
                schema_fail(o->c, m, "this must be the name of a property");
                return;
            }
            add_property(o, m->text, m->len, true, false);
        }
    }
    for (size_t i = 0; i < f->n_extras; i++) {
        read_extra(o, &f->extras[i]);
    }
    o->open = !closed && (opened || !listed);
    for (size_t i = 0; o->open && i < f->n; i++) {
        add_enumerated(o, json_get(f->items[i].node, "propertyNames"));
    }
}

/* Do all schemas allow a further member whose key matches just these patterns? */
static bool allows_other(object *o, unsigned matching) {
    if (matching == 0) return o->open;
    for (size_t i = 0; i < o->f->n; i++) {
        const json_value *node = o->f->items[i].node;
        const json_value *more = json_get(node, "additionalProperties");
        const json_value *rest = json_get(node, "unevaluatedProperties");
        if (more && more->kind == JSON_FALSE && !has_pattern(o, node, matching)) return false;
        if (rest && rest->kind == JSON_FALSE && is_unevaluated(o, node, NULL, matching)) {
            return false;
        }
    }
    return true;
}

/* Write the name of the rule for the value of a property, or (p = NULL) of a further member: what
 * every schema requires of it.  `matching` are the patterns that its key matches. */
static void refer_value(object *o, const schema_property *p, unsigned matching) {
    const schema_facts *f = o->f;
    schema_list items = {0};
    for (size_t i = 0; i < f->n; i++) {
        const json_value *node = f->items[i].node;
        const json_value *more = json_get(node, "additionalProperties");
        const json_value *found = p ? json_get_n(json_get(node, "properties"), p->key, p->len)
                                    : NULL;
        const json_value *rest = json_get(node, "unevaluatedProperties");
        const bool matched = has_pattern(o, node, matching);
        if (found || (more && !matched)) {
            schema_push(o->c, &items, (schema_item){found ? found : more, PART_ALL, NULL});
        }
        for (size_t k = 0; k < o->patterns.n && matched; k++) {
            if (o->patterns.at[k].of == node && (matching >> k & 1)) {
                schema_push(o->c, &items, (schema_item){o->patterns.at[k].schema, PART_ALL, NULL});
            }
        }
        if (rest && is_unevaluated(o, node, p, matching)) {
            schema_push(o->c, &items, (schema_item){rest, PART_ALL, NULL});
        }
    }
    for (size_t i = 0; p && i < f->n_extras; i++) {
        const json_value *of = f->extras[i].part == PART_NOT_VALUE ? f->extras[i].of : NULL;
        if (of && of->key_len == p->len && memcmp(of->key, p->key, p->len) == 0) {
            schema_push(o->c, &items, (schema_item){f->extras[i].node, PART_NOT, NULL});
        }
    }
    schema_refer(o->c, items.at, items.n);
    free(items.at);
}

static void write_member(object *o, const schema_property *p) {
    if (o->call) {
        gbnf_write_literal(&o->c->out, p->key, p->len);
        json_write_text(&o->c->out, " \"=\" ");
    } else {
        schema_write_key(&o->c->out, p->key, p->len);
        json_write_text(&o->c->out, " \": \" ");
    }
    refer_value(o, p, schema_patterns_of(&o->patterns, p->key, p->len));
}

/* ---- Members in their order ----------------------------------------------------------------- */

enum { MAX_COUNTED = 50000 }; /* rules for an object whose members are counted */

/* Beyond what is still to be counted, the number of members does not matter. */
static uint64_t counted(const object *o, uint64_t n) {
    const uint64_t enough = o->min > 1 ? o->min : 1;
    return o->max == UINT64_MAX && n > enough ? enough : n;
}

/* The name of the rule for what may follow once the members before `i` are decided, and n of them
 * were written: a<id>-i for none. */
static void write_rest_name(const object *o, size_t i, uint64_t n) {
    const uint64_t kept = counted(o, n);
    schema_write_name(&o->c->out, kept ? "b" : "a", o->id,
                      kept > 1 ? (size_t)kept * (o->n + 1) + i : i);
}

/* Further members, after n. */
static void write_further(const object *o, uint64_t n) {
    json_out *out = &o->c->out;
    const uint64_t least = o->min > n ? o->min - n : 0;
    const uint64_t most = o->max == UINT64_MAX ? o->max : o->max - n;
    if (most == 0 || least > most) {
        json_write_text(out, least > most ? "never" : "\"\"");
        return;
    }
    json_write_text(out, n == 0 ? "(" : "(\", \" ");
    schema_write_name(out, "m", o->id, 0);
    if (n == 0) {
        json_write_text(out, " (\", \" ");
        schema_write_name(out, "m", o->id, 0);
        json_write_text(out, ")");
        schema_write_times(out, least > 0 ? least - 1 : 0, most == UINT64_MAX ? most : most - 1);
        json_write_text(out, least > 0 ? ")" : ")?");
    } else {
        json_write_text(out, ")");
        schema_write_times(out, least, most);
    }
}

/* Write the rule for what may follow.  The rules call each other along the list. */
static void write_rest(object *o, json_out *rules, size_t i, uint64_t n) {
    schema_compiler *c = o->c;
    json_out kept = c->out; /* references go to c->out: redirect it */
    c->out = (json_out){0};
    write_rest_name(o, i, n);
    json_write_text(&c->out, " ::= ");
    if (i < o->n && o->at[i].absent) {
        json_write_text(&c->out, o->at[i].required ? "never " : "");
        write_rest_name(o, i + 1, n);
    } else if (i < o->n) {
        if (n < o->max) {
            json_write_text(&c->out, n == 0 ? "" : "\", \" ");
            write_member(o, &o->at[i]);
            /* write_members() frees o->at; the analyser loses sight of it here. */
            json_write_text(&c->out, " "); /* NOLINT(clang-analyzer-unix.Malloc) */
            write_rest_name(o, i + 1, n + 1);
        } else {
            json_write_text(&c->out, "never");
        }
        if (!o->at[i].required) {
            json_write_text(&c->out, " | ");
            write_rest_name(o, i + 1, n);
        }
    } else if (o->more) {
        write_further(o, n);
    } else {
        json_write_text(&c->out, n < o->min ? "never" : "\"\"");
    }
    json_write_text(&c->out, "\n");
    json_write_raw(rules, c->out.ptr ? c->out.ptr : "", c->out.len);
    rules->failed = rules->failed || c->out.failed;
    json_out_free(&c->out);
    c->out = kept;
}

/* Write the rules for what may follow once the members before `i` are decided. */
static void write_rests(object *o, json_out *rules, size_t i) {
    for (uint64_t n = 0; n <= i && n <= o->max && n == counted(o, n); n++) {
        write_rest(o, rules, i, n);
    }
}

/* What minProperties and maxProperties ask for, apart from what is so anyway. */
static void read_counts(object *o) {
    size_t n_required = 0;
    for (size_t i = 0; i < o->n; i++) {
        n_required += o->at[i].required;
    }
    o->min = o->f->min_properties > n_required ? o->f->min_properties : 0;
    o->max = o->more || o->f->max_properties < o->n ? o->f->max_properties : UINT64_MAX;
    const uint64_t most = o->max != UINT64_MAX ? o->max : o->min;
    if (o->n > 0 && (most < o->n ? most : o->n) * o->n > MAX_COUNTED) {
        schema_fail(o->c, o->f->items[0].node,
                    "minProperties and maxProperties are not supported with so many properties");
    }
}

/* Alternatives of further members, by the patterns that their keys match. */
static void write_by_patterns(object *o, json_out *keys) {
    schema_compiler *c = o->c;
    size_t n = 0;
    for (unsigned matching = 0; matching >> o->patterns.n == 0 && c->status == LFM_OK; matching++) {
        if (!allows_other(o, matching)) continue;
        json_write_text(&c->out, n++ > 0 ? " | \"\\\"\" " : "\"\\\"\" ");
        const size_t id = schema_write_pattern_keys(c, &o->patterns, matching, o->at, o->n, keys);
        schema_write_name(&c->out, "t", id, 0);
        json_write_text(&c->out, " \"\\\": \" ");
        refer_value(o, NULL, matching);
    }
    json_write_text(&c->out, n > 0 ? "" : "never");
}

/* Any further member. */
static void write_more(object *o, json_out *rules) {
    schema_compiler *c = o->c;
    json_out kept = c->out;
    json_out keys = {0};
    c->out = (json_out){0};
    schema_write_name(&c->out, "m", o->id, 0);
    json_write_text(&c->out, " ::= ");
    if (o->patterns.given) {
        write_by_patterns(o, &keys);
    } else if (o->n == 0) {
        json_write_text(&c->out, "string \": \" ");
        refer_value(o, NULL, 0);
    } else {
        json_write_text(&c->out, "\"\\\"\" ");
        schema_write_name(&c->out, "k", o->id, 0);
        json_write_text(&c->out, " \"\\\": \" ");
        refer_value(o, NULL, 0);
        schema_write_other_keys(c, o->at, o->n, o->id, &keys);
    }
    json_write_text(&c->out, "\n");
    json_write_raw(rules, c->out.ptr ? c->out.ptr : "", c->out.len);
    json_write_raw(rules, keys.ptr ? keys.ptr : "", keys.len);
    rules->failed = rules->failed || c->out.failed || keys.failed;
    json_out_free(&keys);
    json_out_free(&c->out);
    c->out = kept;
}

/* Does no schema without further members leave this key out? */
static bool is_allowed(const object *o, const schema_property *p) {
    for (size_t i = 0; i < o->f->n; i++) {
        const json_value *node = o->f->items[i].node;
        const json_value *more = json_get(node, "additionalProperties");
        if (more && more->kind == JSON_FALSE && !json_get(node, "patternProperties") &&
            !json_get_n(json_get(node, "properties"), p->key, p->len)) {
            return false;
        }
    }
    return true;
}

/* Write the name of the rule for everything between the brackets, and the rule itself. */
static void write_members(schema_compiler *c, const schema_facts *f, json_out *rules, bool call) {
    object o = {.c = c, .f = f, .id = ++c->n_helpers, .call = call};
    read_names(&o);
    if (c->status == LFM_OK) {
        drop_doubles(&o);
        schema_read_patterns(c, f, &o.patterns);
    }
    o.open = o.open && !call; /* a function takes no other arguments */
    o.more = o.open || (o.patterns.n > 0 && !call);
    for (size_t i = 0; i < o.n && c->status == LFM_OK; i++) {
        o.at[i].absent = o.at[i].absent ||
                         !schema_allows_name(&o.patterns, o.at[i].key, o.at[i].len);
    }
    read_counts(&o);
    for (size_t i = 0; call && i < o.n && c->status == LFM_OK; i++) {
        if (!o.at[i].absent && !schema_is_name(o.at[i].key, o.at[i].len)) {
            schema_fail(c, f->items[0].node, "'%.*s' cannot be the name of an argument",
                        (int)(o.at[i].len < 60 ? o.at[i].len : 60), o.at[i].key);
        }
    }
    for (size_t i = 0; i < o.n && c->status == LFM_OK && !c->optional; i++) {
        if (o.at[i].required && !is_allowed(&o, &o.at[i])) {
            schema_note(c, f->items[0].node, "'%.*s' is required, but no property allows it",
                        (int)(o.at[i].len < 60 ? o.at[i].len : 60), o.at[i].key);
        }
    }
    for (size_t i = 0; i <= o.n && c->status == LFM_OK; i++) {
        write_rests(&o, rules, i);
    }
    if (c->status == LFM_OK && o.more) {
        write_more(&o, rules);
    }
    schema_write_name(&c->out, "a", o.id, 0);
    if (c->status == LFM_OK && o.patterns.s && regular_failed(o.patterns.s)) {
        schema_fail(c, f->items[0].node, "the patterns of keys are too large together");
    }
    schema_drop_patterns(&o.patterns);
    free(o.at);
}

void schema_write_object(schema_compiler *c, const schema_facts *f, json_out *rules) {
    json_write_text(&c->out, "\"{\" ");
    write_members(c, f, rules, false);
    json_write_text(&c->out, " \"}\"");
}

void schema_write_arguments(schema_compiler *c, const schema_facts *f, json_out *rules) {
    write_members(c, f, rules, true);
}
