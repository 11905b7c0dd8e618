/*
 * judge.c - does a value satisfy a schema?  Every question becomes a count: of the answers to some
 * further questions, at least `min` and at most `max` must be yes.
 *
 * Questions stand on a stack, above the one that asked them; nothing recurses.
 */
#include "constrain/judge/judge.h"

#include "base/grow.h"
#include "constrain/judge/decimal.h"
#include "constrain/judge/same.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 200000, MAX_UNIQUE = 2000 };

typedef struct {
    const json_value *schema; /* NULL: only counts */
    const json_value *value;
    size_t parent;
    size_t min, max;
    size_t n, n_yes, n_open;  /* answers so far */
    bool key;                 /* the value is the key of `value` */
    bool asked;               /* the further questions are on the stack */
} question;

enum { ALL = -1 };

typedef struct {
    const schema_judge *with;
    question *at;
    size_t n, cap;
    size_t n_steps;
    const char *only;         /* of the first question */
    bool failed;
} court;

/* ---- Questions and answers ------------------------------------------------------------------ */

static size_t push(court *j, question q) {
    question *grown = grow_array(j->at, &j->cap, j->n + 1, sizeof *grown);
    if (!grown || j->n >= MAX_STEPS) {
        j->failed = true;
        j->at = grown ? grown : j->at;
        return q.parent;
    }
    j->at = grown;
    j->at[j->n] = q;
    return j->n++;
}

static void answer(court *j, size_t at, schema_verdict v) {
    j->at[at].n++;
    j->at[at].n_yes += v == VERDICT_YES;
    j->at[at].n_open += v == VERDICT_OPEN;
}

static void answer_bool(court *j, size_t at, bool yes) {
    answer(j, at, yes ? VERDICT_YES : VERDICT_NO);
}

static void ask(court *j, size_t parent, const json_value *schema, const json_value *value,
                bool key) {
    push(j, (question){.schema = schema, .value = value, .parent = parent, .key = key,
                       .min = (size_t)ALL, .max = (size_t)ALL});
}

/* A question about the answers to those that will be asked of it. */
static size_t ask_count(court *j, size_t parent, size_t min, size_t max) {
    return push(j, (question){.parent = parent, .min = min, .max = max, .asked = true});
}

static schema_verdict verdict_of(const question *q) {
    const size_t min = q->min == (size_t)ALL ? q->n : q->min;
    if (q->n_yes > q->max || q->n_yes + q->n_open < min) return VERDICT_NO;
    return q->n_yes >= min && (q->max == (size_t)ALL || q->n_yes + q->n_open <= q->max)
               ? VERDICT_YES : VERDICT_OPEN;
}

static bool key_is(const json_value *k, const char *name) {
    return k->key_len == strlen(name) && memcmp(k->key, name, k->key_len) == 0;
}

/* ---- Keywords of one type ------------------------------------------------------------------- */

bool schema_is_whole(const json_value *number, bool *known) {
    schema_limit x;
    *known = schema_read_limit(&x, number, false);
    return *known && x.fraction[0] == '\0';
}

static schema_verdict has_type(const json_value *v, const json_value *type) {
    bool known = true;
    switch (v->kind) {
    case JSON_NULL: return json_is(type, "null") ? VERDICT_YES : VERDICT_NO;
    case JSON_FALSE:
    case JSON_TRUE: return json_is(type, "boolean") ? VERDICT_YES : VERDICT_NO;
    case JSON_STRING: return json_is(type, "string") ? VERDICT_YES : VERDICT_NO;
    case JSON_ARRAY: return json_is(type, "array") ? VERDICT_YES : VERDICT_NO;
    case JSON_OBJECT: return json_is(type, "object") ? VERDICT_YES : VERDICT_NO;
    default: break;
    }
    if (json_is(type, "number")) return VERDICT_YES;
    if (!json_is(type, "integer")) return VERDICT_NO;
    const bool whole = schema_is_whole(v, &known);
    return !known ? VERDICT_OPEN : whole ? VERDICT_YES : VERDICT_NO;
}

static void judge_type(court *j, size_t at, const json_value *schema, const json_value *v,
                       const json_value *type) {
    const json_value *nullable = json_get(schema, "nullable");
    if (v->kind == JSON_NULL && nullable && nullable->kind == JSON_TRUE) return;
    if (type->kind != JSON_ARRAY) {
        answer(j, at, has_type(v, type));
        return;
    }
    const size_t any = ask_count(j, at, 1, (size_t)ALL);
    for (const json_value *t = type->first; t; t = t->next) {
        answer(j, any, has_type(v, t));
    }
}

static void judge_limit(court *j, size_t at, const json_value *v, const json_value *limit,
                        bool low, bool exclusive) {
    schema_limit x;
    schema_limit y;
    if (limit->kind != JSON_NUMBER) return;
    if (!schema_read_limit(&x, v, false) || !schema_read_limit(&y, limit, false)) {
        answer(j, at, VERDICT_OPEN);
        return;
    }
    const int order = low ? schema_compare(&x, &y) : schema_compare(&y, &x);
    answer_bool(j, at, exclusive ? order > 0 : order >= 0);
}

static bool is_true(const json_value *v) {
    return v && v->kind == JSON_TRUE;
}

static void judge_number(court *j, size_t at, const json_value *schema, const json_value *v,
                         const json_value *k) {
    schema_limit x;
    schema_limit y;
    bool known = true;
    if (key_is(k, "minimum")) {
        judge_limit(j, at, v, k, true, is_true(json_get(schema, "exclusiveMinimum")));
    } else if (key_is(k, "maximum")) {
        judge_limit(j, at, v, k, false, is_true(json_get(schema, "exclusiveMaximum")));
    } else if (key_is(k, "exclusiveMinimum")) {
        judge_limit(j, at, v, k, true, true);
    } else if (key_is(k, "exclusiveMaximum")) {
        judge_limit(j, at, v, k, false, true);
    } else if (key_is(k, "multipleOf")) {
        const bool read = schema_read_limit(&x, v, false) && schema_read_limit(&y, k, false);
        const bool divides = read && schema_divides(&y, &x, &known);
        answer(j, at, !read || !known ? VERDICT_OPEN : divides ? VERDICT_YES : VERDICT_NO);
    } else if (key_is(k, "format") && k->kind == JSON_STRING) {
        answer(j, at, j->with->format(j->with->ctx, k, v));
    }
}

/* Compare a count with the number that a keyword gives. */
static void judge_count(court *j, size_t at, size_t n, const json_value *k, bool least) {
    if (k->kind == JSON_NUMBER) {
        answer_bool(j, at, least ? (double)n >= k->number : (double)n <= k->number);
    }
}

static void judge_string(court *j, size_t at, const json_value *v, const json_value *k) {
    size_t n = 0;
    for (size_t i = 0; i < v->len; i++) {
        n += ((unsigned char)v->text[i] & 0xc0) != 0x80;
    }
    if (key_is(k, "minLength") || key_is(k, "maxLength")) {
        judge_count(j, at, n, k, key_is(k, "minLength"));
    } else if (key_is(k, "pattern") && k->kind == JSON_STRING) {
        answer(j, at, j->with->pattern(j->with->ctx, k->text, k->len, v->text, v->len));
    } else if (key_is(k, "format") && k->kind == JSON_STRING) {
        answer(j, at, j->with->format(j->with->ctx, k, v));
    }
}

/* ---- Arrays --------------------------------------------------------------------------------- */

static void judge_unique(court *j, size_t at, const json_value *v) {
    bool unique = true;
    if (v->n > MAX_UNIQUE) {
        answer(j, at, VERDICT_OPEN);
        return;
    }
    for (const json_value *a = v->first; a && unique; a = a->next) {
        for (const json_value *b = a->next; b && unique; b = b->next) {
            unique = !schema_same(a, b);
        }
    }
    answer_bool(j, at, unique);
}

/* The elements of `v` from `skip` on satisfy a schema. */
static void judge_elements(court *j, size_t at, const json_value *v, const json_value *schema,
                           size_t skip) {
    for (const json_value *e = v->first; e; e = e->next) {
        if (skip > 0) {
            skip--;
        } else {
            ask(j, at, schema, e, false);
        }
    }
}

static void judge_list(court *j, size_t at, const json_value *v, const json_value *list) {
    const json_value *e = v->first;
    for (const json_value *s = list->first; s && e; s = s->next, e = e->next) {
        ask(j, at, s, e, false);
    }
}

static size_t count_of(const json_value *v, size_t otherwise) {
    return v && v->kind == JSON_NUMBER && v->number >= 0 && v->number < 1e9 ? (size_t)v->number
                                                                            : otherwise;
}

static void judge_array(court *j, size_t at, const json_value *schema, const json_value *v,
                        const json_value *k) {
    const json_value *items = json_get(schema, "items");
    const json_value *prefix = json_get(schema, "prefixItems");
    if (key_is(k, "minItems") || key_is(k, "maxItems")) {
        judge_count(j, at, v->n, k, key_is(k, "minItems"));
    } else if (key_is(k, "uniqueItems") && is_true(k)) {
        judge_unique(j, at, v);
    } else if (key_is(k, "prefixItems") || (k == items && k->kind == JSON_ARRAY)) {
        judge_list(j, at, v, k);
    } else if (k == items) {
        judge_elements(j, at, v, k, prefix ? prefix->n : 0);
    } else if (key_is(k, "additionalItems") && items && items->kind == JSON_ARRAY) {
        judge_elements(j, at, v, k, items->n);
    } else if (key_is(k, "contains")) {
        const size_t hits = ask_count(j, at, count_of(json_get(schema, "minContains"), 1),
                                      count_of(json_get(schema, "maxContains"), (size_t)ALL));
        judge_elements(j, hits, v, k, 0);
    } else if (key_is(k, "unevaluatedItems") && k->kind != JSON_TRUE && v->first) {
        answer(j, at, VERDICT_OPEN);
    }
}

/* ---- Objects -------------------------------------------------------------------------------- */

static void judge_required(court *j, size_t at, const json_value *v, const json_value *list) {
    for (const json_value *r = list->kind == JSON_ARRAY ? list->first : NULL; r; r = r->next) {
        answer_bool(j, at, json_get_n(v, r->text, r->len) != NULL);
    }
}

/* The members that no pattern and no property names. */
static void judge_others(court *j, size_t at, const json_value *schema, const json_value *v,
                         const json_value *more) {
    const json_value *properties = json_get(schema, "properties");
    const json_value *patterns = json_get(schema, "patternProperties");
    for (const json_value *m = v->first; m; m = m->next) {
        bool named = json_get_n(properties, m->key, m->key_len) != NULL;
        bool open = false;
        for (const json_value *p = patterns ? patterns->first : NULL; p; p = p->next) {
            const schema_verdict match = j->with->pattern(j->with->ctx, p->key, p->key_len, m->key,
                                                          m->key_len);
            named = named || match == VERDICT_YES;
            open = open || match == VERDICT_OPEN;
        }
        if (!named && open) {
            answer(j, at, VERDICT_OPEN);
        } else if (!named) {
            ask(j, at, more, m, false);
        }
    }
}

static void judge_patterns(court *j, size_t at, const json_value *v, const json_value *patterns) {
    for (const json_value *p = patterns->first; p; p = p->next) {
        for (const json_value *m = v->first; m; m = m->next) {
            const schema_verdict match = j->with->pattern(j->with->ctx, p->key, p->key_len, m->key,
                                                          m->key_len);
            if (match == VERDICT_YES) {
                ask(j, at, p, m, false);
            } else if (match == VERDICT_OPEN) {
                answer(j, at, VERDICT_OPEN);
            }
        }
    }
}

static void judge_dependent(court *j, size_t at, const json_value *v, const json_value *all) {
    for (const json_value *d = all->first; d; d = d->next) {
        if (!json_get_n(v, d->key, d->key_len)) continue;
        if (d->kind == JSON_ARRAY) {
            judge_required(j, at, v, d);
        } else if (d->kind == JSON_STRING) { /* draft 3 */
            answer_bool(j, at, json_get_n(v, d->text, d->len) != NULL);
        } else {
            ask(j, at, d, v, false);
        }
    }
}

static void judge_object(court *j, size_t at, const json_value *schema, const json_value *v,
                         const json_value *k) {
    if (key_is(k, "required")) {
        judge_required(j, at, v, k);
    } else if (key_is(k, "properties")) {
        for (const json_value *p = k->first; p; p = p->next) {
            const json_value *m = json_get_n(v, p->key, p->key_len);
            if (m) {
                ask(j, at, p, m, false);
            }
        }
    } else if (key_is(k, "additionalProperties")) {
        judge_others(j, at, schema, v, k);
    } else if (key_is(k, "patternProperties")) {
        judge_patterns(j, at, v, k);
    } else if (key_is(k, "propertyNames")) {
        for (const json_value *m = v->first; m; m = m->next) {
            ask(j, at, k, m, true);
        }
    } else if (key_is(k, "minProperties") || key_is(k, "maxProperties")) {
        judge_count(j, at, v->n, k, key_is(k, "minProperties"));
    } else if (key_is(k, "dependentRequired") || key_is(k, "dependentSchemas") ||
               key_is(k, "dependencies")) {
        judge_dependent(j, at, v, k);
    } else if (key_is(k, "unevaluatedProperties") && k->kind != JSON_TRUE && v->first) {
        answer(j, at, VERDICT_OPEN);
    }
}

/* ---- Whole schemas -------------------------------------------------------------------------- */

static void judge_if(court *j, size_t at, const json_value *schema, const json_value *value,
                     bool key) {
    const json_value *condition = json_get(schema, "if");
    const json_value *then = json_get(schema, "then");
    const json_value *otherwise = json_get(schema, "else");
    const size_t either = ask_count(j, at, 1, (size_t)ALL);
    const size_t yes = ask_count(j, either, (size_t)ALL, (size_t)ALL);
    ask(j, yes, condition, value, key);
    if (then) {
        ask(j, yes, then, value, key);
    }
    const size_t no = ask_count(j, either, (size_t)ALL, (size_t)ALL);
    const size_t not = ask_count(j, no, 0, 0);
    ask(j, not, condition, value, key);
    if (otherwise) {
        ask(j, no, otherwise, value, key);
    }
}

/* Keywords that hold whatever the type; `value` may stand for its key, `v` is what it means. */
static void judge_any(court *j, size_t at, const question *q, const json_value *v,
                      const json_value *k) {
    const json_value *schema = q->schema;
    size_t group = at;
    if (key_is(k, "type")) {
        judge_type(j, at, schema, v, k);
    } else if (key_is(k, "const")) {
        answer_bool(j, at, schema_same(k, v));
    } else if (key_is(k, "enum")) {
        bool found = false;
        for (const json_value *e = k->first; e && !found; e = e->next) {
            found = schema_same(e, v);
        }
        answer_bool(j, at, found);
    } else if (key_is(k, "$ref") || key_is(k, "$dynamicRef") ||
               key_is(k, "$recursiveRef")) {
        const json_value *target = j->with->resolve(j->with->ctx, k);
        if (target) {
            ask(j, at, target, q->value, q->key);
        } else {
            answer(j, at, VERDICT_OPEN);
        }
    } else if (key_is(k, "not")) {
        ask(j, ask_count(j, at, 0, 0), k, q->value, q->key);
    } else if (key_is(k, "if")) {
        judge_if(j, at, schema, q->value, q->key);
    } else if (key_is(k, "allOf") || key_is(k, "anyOf") || key_is(k, "oneOf")) {
        group = key_is(k, "allOf") ? at
                                        : ask_count(j, at, 1, key_is(k, "oneOf") ? 1
                                                                                     : (size_t)ALL);
        for (const json_value *s = k->first; s; s = s->next) {
            ask(j, group, s, q->value, q->key);
        }
    }
}

/* Is this keyword part of the question? */
static bool is_asked(const court *j, size_t at, const json_value *k) {
    static const char *const indirect[] = {
        "enum", "const", "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not",
        "if", "dependentRequired", "dependentSchemas", "dependencies",
    };
    if (at > 0 || !j->only) return true;
    if (j->only[0]) return key_is(k, j->only);
    for (size_t i = 0; i < sizeof indirect / sizeof *indirect; i++) {
        if (key_is(k, indirect[i])) return false;
    }
    return true;
}

/* Answer what can be answered at once, and put further questions on the stack. */
static void judge_one(court *j, size_t at) {
    const question q = j->at[at];
    const json_value name = {.kind = JSON_STRING, .text = q.value->key, .len = q.value->key_len};
    const json_value *v = q.key ? &name : q.value;
    j->at[at].asked = true;
    if (q.schema->kind != JSON_OBJECT) {
        answer(j, at, q.schema->kind == JSON_TRUE    ? VERDICT_YES
                      : q.schema->kind == JSON_FALSE ? VERDICT_NO : VERDICT_OPEN);
        return;
    }
    for (const json_value *k = q.schema->first; k && !j->failed; k = k->next) {
        if (!is_asked(j, at, k)) continue;
        judge_any(j, at, &q, v, k);
        switch (v->kind) {
        case JSON_NUMBER: judge_number(j, at, q.schema, v, k); break;
        case JSON_STRING: judge_string(j, at, v, k); break;
        case JSON_ARRAY: judge_array(j, at, q.schema, v, k); break;
        case JSON_OBJECT: judge_object(j, at, q.schema, v, k); break;
        default: break;
        }
    }
}

schema_verdict schema_judge_value(const schema_judge *with, const json_value *schema,
                                  const char *only, const json_value *value) {
    court j = {.with = with, .only = only};
    schema_verdict result = VERDICT_OPEN;
    ask(&j, 0, schema, value, false);
    while (j.n > 0 && !j.failed && j.n_steps++ < MAX_STEPS) {
        const size_t top = j.n - 1;
        if (!j.at[top].asked) {
            judge_one(&j, top);
            continue;
        }
        const schema_verdict v = verdict_of(&j.at[top]);
        const size_t parent = j.at[top].parent;
        j.n--;
        if (top > 0) {
            answer(&j, parent, v);
        } else {
            result = v;
        }
    }
    free(j.at);
    return result;
}
