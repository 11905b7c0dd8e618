/*
 * schema_branches.c - choices: what one of them consists of, and the complement of a schema.
 *
 * A schema is a conjunction of keywords, so its complement is a choice between the complements of
 * its keywords; each is a fact (PART_NOT_KEY and the others), or concerns a schema inside.  A
 * keyword without a complement here (pattern, multipleOf, ...) gives no branch, which makes the
 * grammar narrower and never wider.
 */
#include "constrain/json/json_internal.h"

#include "base/grow.h"
#include "constrain/judge/same.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_TRIES = 40000,  /* of schema_is_empty in all; then nothing is taken to be empty */
    MAX_ONE_OF = 512,
    MAX_PAIRS = 32      /* schemas of a oneOf of which two are taken together */
};

/* ---- Lists ---------------------------------------------------------------------------------- */

static void add(schema_compiler *c, schema_branches *b, const json_value *node, schema_part part,
                const json_value *of) {
    schema_list *list = &b->items;
    schema_item *grown = grow_array(list->at, &list->cap, list->n + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(c);
        return;
    }
    list->at = grown;
    list->at[list->n++] = (schema_item){node, part, of};
}

static void end(schema_compiler *c, schema_branches *b) {
    size_t *grown = grow_array(b->ends, &b->cap, b->n + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(c);
        return;
    }
    b->ends = grown;
    b->ends[b->n++] = b->items.n;
}

static void add_branch(schema_compiler *c, schema_branches *b, const json_value *node,
                       schema_part part, const json_value *of) {
    add(c, b, node, part, of);
    end(c, b);
}

void schema_drop_branches(schema_branches *b) {
    free(b->items.at);
    free(b->ends);
    *b = (schema_branches){0};
}

/* ---- What excludes what --------------------------------------------------------------------- */

/* Is there a contradiction between the facts of these schemas? */
static bool is_flat_empty(schema_compiler *c, const schema_list *base, const schema_item *items,
                          size_t n, schema_list *kept) {
    schema_list all = {0};
    schema_list choices = {0};
    schema_facts f = {0};
    kept->n = 0;
    for (size_t i = 0; base && i < base->n; i++) {
        schema_push(c, &all, base->at[i]);
    }
    for (size_t i = 0; i < n; i++) {
        schema_push(c, &all, items[i]);
    }
    schema_expand(c, &all, kept, &choices);
    if (c->status == LFM_OK) {
        schema_read_facts(c, &f, kept);
    }
    const bool empty = c->status == LFM_OK && schema_contradict(&f);
    schema_drop_facts(&f);
    free(all.at);
    free(choices.at);
    return empty;
}

/* Do the items require a key, or forbid it? */
static void look_up_key(const schema_list *list, const char *key, size_t len, bool *required,
                        bool *forbidden) {
    for (size_t i = 0; i < list->n; i++) {
        const schema_item *item = &list->at[i];
        const json_value *n = item->part == PART_NOT_VALUE ? item->of : item->node;
        const bool by_name = item->part == PART_WITH_NAME || item->part == PART_WITHOUT_NAME;
        const char *text = by_name ? n->text : n->key;
        const bool same = (by_name ? n->len : n->key_len) == len && text &&
                          memcmp(text, key, len) == 0;
        const bool with = item->part == PART_WITH || item->part == PART_WITH_NAME ||
                          item->part == PART_NOT_VALUE;
        const bool without = item->part == PART_WITHOUT || item->part == PART_WITHOUT_NAME ||
                             item->part == PART_LACKS;
        *required = *required || (same && with);
        *forbidden = *forbidden || (same && without);
        const json_value *names = item->part == PART_BASE ? json_get(item->node, "required") : NULL;
        for (const json_value *r = names ? names->first : NULL; r; r = r->next) {
            *required = *required || (r->kind == JSON_STRING && r->len == len &&
                                      memcmp(r->text, key, len) == 0);
        }
    }
}

/* Do the schemas of this required property exclude each other? */
static bool excludes_value(schema_compiler *c, const schema_list *list, const char *key,
                           size_t len) {
    schema_list values = {0};
    schema_list kept = {0};
    for (size_t i = 0; i < list->n; i++) {
        const schema_item *item = &list->at[i];
        const json_value *of = item->of;
        if (item->part == PART_BASE) {
            const json_value *p = json_get_n(json_get(item->node, "properties"), key, len);
            const json_value *more = json_get(item->node, "patternProperties")
                                         ? NULL : json_get(item->node, "additionalProperties");
            if (p || more) {
                schema_push(c, &values, (schema_item){p ? p : more, PART_ALL, NULL});
            }
        } else if (item->part == PART_NOT_VALUE && of->key_len == len &&
                   memcmp(of->key, key, len) == 0) {
            schema_push(c, &values, (schema_item){item->node, PART_NOT, NULL});
        }
    }
    const bool empty = is_flat_empty(c, NULL, values.at, values.n, &kept);
    free(values.at);
    free(kept.at);
    return empty;
}

/* Objects only: a key that is required and excluded. */
static bool excludes_key(schema_compiler *c, const schema_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        const schema_item *item = &list->at[i];
        const json_value *names = item->part == PART_BASE ? json_get(item->node, "required") : NULL;
        const json_value *r = names && names->kind == JSON_ARRAY ? names->first : NULL;
        for (size_t k = 0; r && k < 16; r = r->next, k++) {
            bool required = false;
            bool forbidden = false;
            if (r->kind != JSON_STRING) continue;
            look_up_key(list, r->text, r->len, &required, &forbidden);
            if (forbidden || excludes_value(c, list, r->text, r->len)) return true;
        }
        const bool named = item->part == PART_WITH || item->part == PART_NOT_VALUE;
        const bool by_name = item->part == PART_WITH_NAME;
        if (named || by_name) {
            const json_value *n = item->part == PART_NOT_VALUE ? item->of : item->node;
            const char *key = by_name ? n->text : n->key;
            const size_t len = by_name ? n->len : n->key_len;
            bool required = false;
            bool forbidden = false;
            look_up_key(list, key, len, &required, &forbidden);
            if (forbidden || excludes_value(c, list, key, len)) return true;
        }
    }
    return false;
}

bool schema_may_try(const schema_compiler *c) {
    return c->n_tries < MAX_TRIES;
}

bool schema_is_empty(schema_compiler *c, const schema_list *base, const schema_item *items,
                     size_t n) {
    if (c->status != LFM_OK || !schema_may_try(c)) return false;
    lfm_error *const err = c->err;
    lfm_error ignored = {0}; /* what is not supported is reported when it is needed */
    schema_list kept = {0};
    c->n_tries++;
    c->err = &ignored;
    bool empty = is_flat_empty(c, base, items, n, &kept);
    if (!empty && c->status == LFM_OK) {
        schema_facts f = {0};
        schema_read_facts(c, &f, &kept);
        empty = c->status == LFM_OK && f.types == TYPE_OBJECT && excludes_key(c, &kept);
        schema_drop_facts(&f);
    }
    free(kept.at);
    c->err = err;
    if (c->status == LFM_ERR_MEMORY) {
        err_no_memory(err, "the schema");
        return false;
    }
    empty = empty && c->status == LFM_OK;
    c->status = LFM_OK;
    return empty;
}

/* Would the branch add a key to objects whose members are listed? */
static bool adds_key(const schema_list *base, const schema_item *items, size_t n) {
    bool listed = false;
    for (size_t i = 0; i < base->n; i++) {
        const json_value *node = base->at[i].part == PART_BASE ? base->at[i].node : NULL;
        if (json_get(node, "additionalProperties") || json_get(node, "unevaluatedProperties")) {
            return false;
        }
        listed = listed || json_get(node, "properties");
    }
    for (size_t k = 0; k < n && listed; k++) {
        const schema_item *item = &items[k];
        const json_value *m = item->part == PART_NOT_VALUE ? item->of : item->node;
        bool named = item->part != PART_NOT_VALUE && item->part != PART_WITH;
        for (size_t i = 0; i < base->n && !named; i++) {
            const json_value *node = base->at[i].part == PART_BASE ? base->at[i].node : NULL;
            named = json_get_n(json_get(node, "properties"), m->key, m->key_len) != NULL;
        }
        if (!named) return true;
    }
    return false;
}

void schema_prune(schema_compiler *c, schema_branches *b, const schema_list *base) {
    bool adds = true; /* do all add keys? */
    size_t from = 0;
    for (size_t i = 0; i < b->n; from = b->ends[i++]) {
        const size_t n = b->ends[i] - from;
        adds = adds && (adds_key(base, b->items.at + from, n) ||
                        schema_is_empty(c, base, b->items.at + from, n));
    }
    schema_branches kept = {0};
    from = 0;
    for (size_t i = 0; i < b->n; from = b->ends[i++]) {
        const schema_item *items = b->items.at + from;
        const size_t n = b->ends[i] - from;
        if ((!adds && adds_key(base, items, n)) || schema_is_empty(c, base, items, n)) continue;
        for (size_t k = 0; k < n; k++) {
            add(c, &kept, items[k].node, items[k].part, items[k].of);
        }
        end(c, &kept);
    }
    schema_drop_branches(b);
    *b = kept;
}

/* ---- Complements ---------------------------------------------------------------------------- */

static bool key_is(const json_value *m, const char *name) {
    return m->key_len == strlen(name) && memcmp(m->key, name, m->key_len) == 0;
}

/* Add the keys that the other schemas name and this one leaves to additionalProperties. */
static void deny_others(schema_compiler *c, schema_branches *b, const json_value *node,
                        const json_value *more, const schema_list *base) {
    const json_value *own = json_get(node, "properties");
    if (more->kind == JSON_TRUE || json_get(node, "patternProperties")) return;
    for (size_t i = 0; i < base->n; i++) {
        const bool direct = base->at[i].part == PART_BASE;
        const json_value *list = direct ? json_get(base->at[i].node, "properties") : NULL;
        for (const json_value *m = list ? list->first : NULL; m; m = m->next) {
            if (!json_get_n(own, m->key, m->key_len)) {
                add_branch(c, b, more, PART_NOT_VALUE, m);
            }
        }
    }
}

static void deny_dependent(schema_compiler *c, schema_branches *b, const json_value *all) {
    for (const json_value *m = all->first; m; m = m->next) {
        for (const json_value *r = m->kind == JSON_ARRAY ? m->first : NULL; r; r = r->next) {
            add(c, b, m, PART_WITH, NULL);
            add_branch(c, b, r, PART_WITHOUT_NAME, NULL);
        }
        if (m->kind != JSON_ARRAY) {
            add(c, b, m, PART_WITH, NULL);
            add_branch(c, b, m, m->kind == JSON_STRING ? PART_WITHOUT_NAME : PART_NOT, NULL);
        }
    }
}

static void add_each(schema_compiler *c, schema_branches *b, const json_value *list,
                      schema_part part, const json_value *of) {
    for (const json_value *s = list->first; s; s = s->next) {
        add_branch(c, b, s, part, of);
    }
}

/* Add the branches of "not this keyword". */
static void deny_keyword(schema_compiler *c, schema_branches *b, const json_value *node,
                         const json_value *k, const schema_list *base) {
    size_t from = 0;
    if (key_is(k, "$ref") || key_is(k, "$dynamicRef") || key_is(k, "$recursiveRef")) {
        const json_value *target = schema_resolve(c, k);
        if (target) {
            add_branch(c, b, target, PART_NOT, NULL);
        }
    } else if (key_is(k, "allOf")) {
        add_each(c, b, k, PART_NOT, NULL);
    } else if (key_is(k, "anyOf")) {
        for (const json_value *s = k->first; s; s = s->next) {
            add(c, b, s, PART_NOT, NULL);
        }
        end(c, b);
    } else if (key_is(k, "oneOf")) {
        add_branch(c, b, node, PART_NOT_ONE_OF, NULL);
    } else if (key_is(k, "not")) {
        add_branch(c, b, k, PART_ALL, NULL);
    } else if (key_is(k, "if")) {
        add_branch(c, b, node, PART_NOT_IF, NULL);
    } else if (key_is(k, "required")) {
        add_each(c, b, k, PART_WITHOUT_NAME, NULL);
    } else if (key_is(k, "properties")) {
        for (const json_value *p = k->first; p; p = p->next) {
            if (p->kind != JSON_TRUE && (p->kind != JSON_OBJECT || p->n > 0)) {
                add_branch(c, b, p, PART_NOT_VALUE, p);
            }
        }
    } else if (key_is(k, "additionalProperties")) {
        deny_others(c, b, node, k, base);
    } else if (key_is(k, "dependentRequired") || key_is(k, "dependentSchemas") ||
               key_is(k, "dependencies")) {
        deny_dependent(c, b, k);
    } else if (k == schema_list_of(node)) {
        add_each(c, b, k, PART_NOT_ELEMENT, k);
    } else if (k == schema_rest_of(node, &from)) {
        add_branch(c, b, k, PART_SOME_NOT, node);
    } else if (key_is(k, "contains")) {
        const json_value *least = json_get(node, "minContains");
        if (!least || least->kind != JSON_NUMBER || least->number > 0) {
            add_branch(c, b, node, PART_FEW, NULL);
        }
        if (json_get(node, "maxContains")) {
            add_branch(c, b, node, PART_MANY, NULL);
        }
    } else if (key_is(k, "type") || key_is(k, "enum") || key_is(k, "const") ||
               key_is(k, "minimum") || key_is(k, "maximum") || key_is(k, "exclusiveMinimum") ||
               key_is(k, "exclusiveMaximum") || key_is(k, "minLength") || key_is(k, "maxLength") ||
               key_is(k, "minItems") || key_is(k, "maxItems") || key_is(k, "minProperties") ||
               key_is(k, "maxProperties")) {
        add_branch(c, b, k, PART_NOT_KEY, node);
    }
}

static void deny(schema_compiler *c, schema_branches *b, const json_value *node,
                 const schema_list *base) {
    unsigned hinted = 0;
    if (node->kind == JSON_FALSE) {
        end(c, b);
    } else if (node->kind != JSON_OBJECT && node->kind != JSON_TRUE) {
        schema_fail(c, node, "a schema must be an object, true or false");
    }
    if (node->kind != JSON_OBJECT) return;
    schema_check_keywords(c, node, &hinted);
    const bool alone = c->old_draft && json_get(node, "$ref");
    for (const json_value *k = node->first; k && c->status == LFM_OK; k = k->next) {
        if (!alone || key_is(k, "$ref")) {
            deny_keyword(c, b, node, k, base);
        }
    }
}

/* ---- Choices -------------------------------------------------------------------------------- */

static const json_value *list_of_schemas(schema_compiler *c, const json_value *node,
                                         const char *key) {
    const json_value *list = json_get(node, key);
    if (list->kind != JSON_ARRAY || list->n == 0) {
        schema_fail(c, list, "this must be a list of schemas");
    }
    return list;
}

/* What a schema that is only a reference refers to. */
static const json_value *follow(schema_compiler *c, const json_value *node) {
    for (int i = 0; i < 4 && node && json_get(node, "$ref"); i++) {
        node = schema_resolve(c, json_get(node, "$ref"));
    }
    return node;
}

static bool requires(const json_value *node, const char *key, size_t len) {
    const json_value *names = json_get(node, "required");
    for (const json_value *r = names ? names->first : NULL; r; r = r->next) {
        if (r->kind == JSON_STRING && r->len == len && memcmp(r->text, key, len) == 0) return true;
    }
    return false;
}

/* Do constants tell two schemas apart, their own or those of a required property?  A quick look
 * before schema_is_empty. */
static bool differ_plainly(const json_value *a, const json_value *b) {
    const json_value *x = json_get(a, "const");
    const json_value *y = json_get(b, "const");
    if (x && y) return !schema_same(x, y);
    if (json_get(a, "nullable") || json_get(b, "nullable")) return false;
    const json_value *others = json_get(b, "properties");
    const json_value *own = json_get(a, "properties");
    for (const json_value *p = own ? own->first : NULL; p; p = p->next) {
        x = json_get(p, "const");
        y = x ? json_get(json_get_n(others, p->key, p->key_len), "const") : NULL;
        if (x && y && (json_is(json_get(a, "type"), "object") ||
                       json_is(json_get(b, "type"), "object")) &&
            (requires(a, p->key, p->key_len) || requires(b, p->key, p->key_len)) &&
            !schema_same(x, y)) {
            return true;
        }
    }
    return false;
}

/* Exactly one: it, and not the others, as far as they do not exclude each other anyway. */
static void list_one_of(schema_compiler *c, schema_branches *b, const json_value *node,
                        const schema_list *base) {
    const json_value *list = list_of_schemas(c, node, "oneOf");
    if (list->n > MAX_ONE_OF) {
        schema_fail(c, list, "a oneOf of more than %d schemas is not supported", MAX_ONE_OF);
    }
    for (const json_value *s = list->first; s && c->status == LFM_OK; s = s->next) {
        add(c, b, s, PART_ALL, NULL);
        for (const json_value *o = list->first; o && c->status == LFM_OK; o = o->next) {
            const schema_item both[2] = {{s, PART_ALL, NULL}, {o, PART_ALL, NULL}};
            if (o != s && !differ_plainly(follow(c, s), follow(c, o)) &&
                !schema_is_empty(c, base, both, 2)) {
                add(c, b, o, PART_NOT, NULL);
            }
        }
        end(c, b);
    }
}

/* None, or two of them. */
static void list_not_one_of(schema_compiler *c, schema_branches *b, const json_value *node) {
    const json_value *list = list_of_schemas(c, node, "oneOf");
    for (const json_value *s = list->first; s; s = s->next) {
        add(c, b, s, PART_NOT, NULL);
    }
    end(c, b);
    for (const json_value *s = list->first; s && list->n <= MAX_PAIRS; s = s->next) {
        for (const json_value *o = s->next; o; o = o->next) {
            add(c, b, s, PART_ALL, NULL);
            add_branch(c, b, o, PART_ALL, NULL);
        }
    }
}

static void list_if(schema_compiler *c, schema_branches *b, const json_value *node, bool not) {
    const json_value *condition = json_get(node, "if");
    const char *const names[2] = {"then", "else"};
    for (int i = 0; i < 2; i++) {
        const json_value *result = json_get(node, names[i]);
        if (!result && not) continue;
        add(c, b, condition, i == 0 ? PART_ALL : PART_NOT, NULL);
        if (result) {
            add(c, b, result, not ? PART_NOT : PART_ALL, NULL);
        }
        end(c, b);
    }
}

static void list_dependent(schema_compiler *c, schema_branches *b, const json_value *m) {
    add_branch(c, b, m, PART_LACKS, NULL);
    add(c, b, m, PART_WITH, NULL);
    for (const json_value *r = m->kind == JSON_ARRAY ? m->first : NULL; r; r = r->next) {
        if (r->kind != JSON_STRING) {
            schema_fail(c, r, "this must be the name of a property");
            return;
        }
        add(c, b, r, PART_WITH_NAME, NULL);
    }
    if (m->kind != JSON_ARRAY) {
        add(c, b, m, m->kind == JSON_STRING ? PART_WITH_NAME : PART_ALL, NULL);
    }
    end(c, b);
}

void schema_list_branches(schema_compiler *c, schema_branches *b, const schema_item *choice,
                          const schema_list *base) {
    *b = (schema_branches){0};
    switch (choice->part) {
    case PART_ANY_OF:
        add_each(c, b, list_of_schemas(c, choice->node, "anyOf"), PART_ALL, NULL);
        break;
    case PART_ONE_OF: list_one_of(c, b, choice->node, base); break;
    case PART_NOT_ONE_OF: list_not_one_of(c, b, choice->node); break;
    case PART_IF: list_if(c, b, choice->node, false); break;
    case PART_NOT_IF: list_if(c, b, choice->node, true); break;
    case PART_DEPENDENT: list_dependent(c, b, choice->node); break;
    default: deny(c, b, choice->node, base); break;
    }
}
