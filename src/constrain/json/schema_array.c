/*
 * schema_array.c - lists as rules.
 *
 * What must be counted (contains, and complements) makes a rule for each place in the list and each
 * count so far.
 */
#include "constrain/json/json_internal.h"

#include <stdlib.h>

enum { MAX_NEEDS = 3, MAX_RULES = 4096 };

/* Of the elements from `from` on, at least `min` and at most `max` satisfy a schema (or do not). */
typedef struct {
    const json_value *schema;
    bool negated;
    uint64_t from, min, max; /* max: UINT64_MAX = no limit */
} need;

typedef struct {
    schema_compiler *c;
    const schema_facts *f;
    need needs[MAX_NEEDS];
    size_t n_needs;
    uint64_t n_counts[MAX_NEEDS]; /* different counts, the last of which stands for more */
    uint64_t n_prefix;
    uint64_t last;                /* place; behind it all are alike */
    size_t id;
} list;

/* ---- Single elements ------------------------------------------------------------------------ */

/* Does unevaluatedItems of this schema concern element `i`?  What `contains` evaluates stays
 * unevaluated here, which is narrower. */
static bool is_unevaluated(schema_compiler *c, const schema_facts *f, const json_value *node,
                           size_t i) {
    for (size_t k = 0; k < f->n; k++) {
        const json_value *inner = f->items[k].node;
        size_t from = 0;
        if (!schema_within(c, f, node, inner)) continue;
        if (schema_rest_of(inner, &from) || i < from) return false;
        if (inner != node && json_get(inner, "unevaluatedItems")) return false;
    }
    return true;
}

/* Collect what every schema requires of element `i`; SIZE_MAX = any behind the first ones. */
static void collect(schema_compiler *c, const schema_facts *f, size_t i, schema_list *to) {
    for (size_t k = 0; k < f->n; k++) {
        const json_value *node = f->items[k].node;
        size_t from = 0;
        const json_value *rest = schema_rest_of(node, &from);
        const json_value *found = i < from ? schema_list_of(node)->first : rest;
        for (size_t j = 0; i < from && j < i; j++) {
            found = found->next;
        }
        if (found) {
            schema_push(c, to, (schema_item){found, PART_ALL, NULL});
        }
        const json_value *more = json_get(node, "unevaluatedItems");
        if (more && is_unevaluated(c, f, node, i)) {
            schema_push(c, to, (schema_item){more, PART_ALL, NULL});
        }
    }
    for (size_t k = 0; k < f->n_extras; k++) {
        const schema_item *item = &f->extras[k];
        const json_value *at = item->part == PART_NOT_ELEMENT ? item->of->first : NULL;
        for (size_t j = 0; at && j < i; j++) {
            at = at->next;
        }
        if (at && at == item->node) {
            schema_push(c, to, (schema_item){at, PART_NOT, NULL});
        }
    }
}

static void refer_element(schema_compiler *c, const schema_facts *f, size_t i) {
    schema_list items = {0};
    collect(c, f, i, &items);
    schema_refer(c, items.at, items.n);
    free(items.at);
}

static size_t longest_prefix(schema_compiler *c, const schema_facts *f) {
    size_t most = 0;
    for (size_t k = 0; k < f->n; k++) {
        const json_value *prefix = json_get(f->items[k].node, "prefixItems");
        size_t from = 0;
        if (prefix && prefix->kind != JSON_ARRAY) {
            schema_fail(c, prefix, "prefixItems must be a list of schemas");
            return 0;
        }
        schema_rest_of(f->items[k].node, &from);
        most = from > most ? from : most;
    }
    for (size_t k = 0; k < f->n_extras; k++) {
        const schema_item *item = &f->extras[k];
        most = item->part == PART_NOT_ELEMENT && item->of->n > most ? item->of->n : most;
    }
    return most;
}

/* Elements that must differ are compared while the text is written: '@' marks the bracket. */
static void open_list(schema_compiler *c, const schema_facts *f) {
    json_write_text(&c->out, f->unique && f->max_items > 1 ? "\"[\" @ " : "\"[\" ");
}

/* ---- Counting ------------------------------------------------------------------------------- */

static uint64_t limit_of(schema_compiler *c, const json_value *v, uint64_t otherwise) {
    if (!v) return otherwise;
    if (v->kind != JSON_NUMBER || v->number < 0 || v->number > 1e6) {
        schema_fail(c, v, "this must be a whole number from 0 to 1000000");
        return otherwise;
    }
    return (uint64_t)v->number;
}

static void add_need(list *l, const json_value *at, need added) {
    if (added.min == 0 && added.max == UINT64_MAX) return;
    if (l->n_needs == MAX_NEEDS) {
        schema_fail(l->c, at, "more than %d schemas that some elements of a list satisfy are not "
                              "supported", MAX_NEEDS);
        return;
    }
    l->needs[l->n_needs++] = added;
}

static void read_needs(list *l) {
    const schema_facts *f = l->f;
    for (size_t i = 0; i < f->n + f->n_extras; i++) {
        const schema_item *item = i < f->n ? &f->items[i] : &f->extras[i - f->n];
        const json_value *node = item->node;
        const json_value *schema = json_get(node, "contains");
        size_t from = 0;
        switch (item->part) {
        case PART_SOME_NOT:
            schema_rest_of(item->of, &from);
            add_need(l, node, (need){node, true, from, 1, UINT64_MAX});
            break;
        case PART_FEW:
            add_need(l, node, (need){schema, false, 0, 0,
                                     limit_of(l->c, json_get(node, "minContains"), 1) - 1});
            break;
        case PART_MANY:
            add_need(l, node, (need){schema, false, 0,
                                     limit_of(l->c, json_get(node, "maxContains"), 0) + 1,
                                     UINT64_MAX});
            break;
        default:
            if (item->part != PART_BASE || !schema) break;
            add_need(l, schema, (need){schema, false, 0,
                                       limit_of(l->c, json_get(node, "minContains"), 1),
                                       limit_of(l->c, json_get(node, "maxContains"), UINT64_MAX)});
        }
    }
}

/* The number of the rule for the elements from `place` on, after some counts. */
static size_t rule_at(const list *l, uint64_t place, const uint64_t *counts) {
    uint64_t i = place;
    for (size_t k = 0; k < l->n_needs; k++) {
        i = i * l->n_counts[k] + counts[k];
    }
    return (size_t)i;
}

/* Write an element that meets the needs in the bits `hits`, and where to go on; false if there is
 * none after these counts. */
static bool write_hit(list *l, uint64_t place, const uint64_t *counts, unsigned hits,
                      schema_list *items) {
    uint64_t next[MAX_NEEDS] = {0};
    items->n = 0;
    collect(l->c, l->f, place < l->n_prefix ? (size_t)place : SIZE_MAX, items);
    for (size_t k = 0; k < l->n_needs; k++) {
        const need *d = &l->needs[k];
        const bool hit = hits >> k & 1;
        const bool limited = d->max != UINT64_MAX;
        const bool full = counts[k] == l->n_counts[k] - 1;
        if (hit && (full || place < d->from)) return false;
        next[k] = counts[k] + hit;
        if (hit || (limited && place >= d->from)) {
            schema_push(l->c, items, (schema_item){d->schema, hit != d->negated ? PART_ALL
                                                                               : PART_NOT, NULL});
        }
    }
    json_write_text(&l->c->out, place > 0 ? " | \", \" " : " | ");
    schema_refer(l->c, items->at, items->n);
    json_write_text(&l->c->out, " ");
    schema_write_name(&l->c->out, "e", l->id,
                      rule_at(l, place < l->last ? place + 1 : place, next));
    return true;
}

/* Write the rule for the elements from `place` on. */
static void write_place(list *l, uint64_t place, const uint64_t *counts, schema_list *items) {
    bool may_end = place >= l->f->min_items;
    for (size_t k = 0; k < l->n_needs; k++) {
        may_end = may_end && counts[k] >= l->needs[k].min;
    }
    schema_write_name(&l->c->out, "e", l->id, rule_at(l, place, counts));
    json_write_text(&l->c->out, may_end ? " ::= \"\"" : " ::= never");
    for (unsigned hits = 0; hits < 1u << l->n_needs && place < l->f->max_items; hits++) {
        write_hit(l, place, counts, hits, items);
    }
    json_write_text(&l->c->out, "\n");
}

static void write_counted(list *l, json_out *rules) {
    schema_compiler *c = l->c;
    const schema_facts *f = l->f;
    uint64_t n_rules = 1;
    uint64_t counts[MAX_NEEDS] = {0};
    schema_list items = {0};
    l->last = l->n_prefix > f->min_items ? l->n_prefix : f->min_items;
    for (size_t k = 0; k < l->n_needs; k++) {
        const need *d = &l->needs[k];
        l->n_counts[k] = (d->max != UINT64_MAX ? d->max : d->min) + 1;
        n_rules = l->n_counts[k] > MAX_RULES ? MAX_RULES + 1 : n_rules * l->n_counts[k];
        l->last = d->from > l->last ? d->from : l->last;
    }
    l->last = f->max_items != UINT64_MAX ? f->max_items : l->last > 0 ? l->last : 1;
    if (l->last >= MAX_RULES || n_rules > MAX_RULES || (l->last + 1) * n_rules > MAX_RULES) {
        schema_fail(c, l->needs[0].schema, "counting elements in a list as long as this needs more "
                                           "than %d rules", MAX_RULES);
        return;
    }
    open_list(c, f);
    schema_write_name(&c->out, "e", l->id, 0);
    json_write_text(&c->out, " \"]\"");
    json_out kept = c->out; /* references go to c->out: redirect it */
    c->out = (json_out){0};
    for (uint64_t i = 0; i < (l->last + 1) * n_rules && c->status == LFM_OK; i++) {
        uint64_t rest = i;
        for (size_t k = l->n_needs; k-- > 0;) {
            counts[k] = rest % l->n_counts[k];
            rest /= l->n_counts[k];
        }
        write_place(l, rest, counts, &items);
    }
    json_write_raw(rules, c->out.ptr ? c->out.ptr : "", c->out.len);
    rules->failed = rules->failed || c->out.failed;
    json_out_free(&c->out);
    c->out = kept;
    free(items.at);
}

/* ---- Whole lists ---------------------------------------------------------------------------- */

void schema_write_array(schema_compiler *c, const schema_facts *f, json_out *rules) {
    const size_t n_prefix = longest_prefix(c, f);
    const uint64_t min = f->min_items;
    const uint64_t max = f->max_items;
    size_t n_open = 0;
    list l = {.c = c, .f = f, .n_prefix = n_prefix};
    if (min > max) {
        json_write_text(&c->out, "never");
        return;
    }
    read_needs(&l);
    if (l.n_needs > 0) {
        l.id = ++c->n_helpers;
        write_counted(&l, rules);
        return;
    }
    open_list(c, f);
    /* The first elements one by one; each optional one encloses all that follow it. */
    for (size_t i = 0; i < n_prefix && i < max; i++) {
        if (i >= min) {
            json_write_text(&c->out, "(");
            n_open++;
        }
        json_write_text(&c->out, i > 0 ? "\", \" " : "");
        refer_element(c, f, i);
        json_write_text(&c->out, " ");
    }
    if (n_prefix < max) {
        const uint64_t least = min > n_prefix ? min - n_prefix : 0;
        const uint64_t most = max == UINT64_MAX ? max : max - n_prefix;
        if (n_prefix > 0) {
            json_write_text(&c->out, "(\", \" ");
            refer_element(c, f, SIZE_MAX);
            json_write_text(&c->out, ")");
            schema_write_times(&c->out, least, most);
        } else {
            json_write_text(&c->out, "(");
            refer_element(c, f, SIZE_MAX);
            json_write_text(&c->out, " (\", \" ");
            refer_element(c, f, SIZE_MAX);
            json_write_text(&c->out, ")");
            schema_write_times(&c->out, least > 0 ? least - 1 : 0,
                               most == UINT64_MAX ? most : most - 1);
            json_write_text(&c->out, least > 0 ? ")" : ")?");
        }
    }
    for (; n_open > 0; n_open--) {
        json_write_text(&c->out, ")?");
    }
    json_write_text(&c->out, " \"]\"");
}
