/*
 * schema_sets.c - sets of schemas that a value must satisfy together, each with a number.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETS = 200000, MAX_ITEMS = 2000000 };

/* ---- What a schema consists of --------------------------------------------------------------- */

/* Add the choices of a schema. */
static void add_choices(schema_compiler *c, schema_list *choices, const json_value *node) {
    static const char *const dependent[] = {"dependentRequired", "dependentSchemas",
                                            "dependencies"};
    const json_value *not = json_get(node, "not");
    if (json_get(node, "anyOf")) {
        schema_push(c, choices, (schema_item){node, PART_ANY_OF, NULL});
    }
    if (json_get(node, "oneOf")) {
        schema_push(c, choices, (schema_item){node, PART_ONE_OF, NULL});
    }
    if (not) {
        schema_push(c, choices, (schema_item){not, PART_NOT, NULL});
    }
    if (json_get(node, "if") && (json_get(node, "then") || json_get(node, "else"))) {
        schema_push(c, choices, (schema_item){node, PART_IF, NULL});
    }
    for (size_t i = 0; i < sizeof dependent / sizeof *dependent; i++) {
        const json_value *list = json_get(node, dependent[i]);
        if (list && list->kind != JSON_OBJECT) {
            schema_fail(c, list, "this must be an object");
        }
        for (const json_value *m = list ? list->first : NULL; m; m = m->next) {
            schema_push(c, choices, (schema_item){m, PART_DEPENDENT, NULL});
        }
    }
}

static bool key_is(const json_value *m, const char *name) {
    return m->key_len == strlen(name) && memcmp(m->key, name, m->key_len) == 0;
}

/* Collect what a schema refers to, and itself where it has `properties`: in this order members of
 * objects are written. */
static void list_parts(schema_compiler *c, schema_list *parts, const json_value *node) {
    const schema_item own = {node, PART_BASE, NULL};
    for (const json_value *k = node->first; k && c->status == LFM_OK; k = k->next) {
        if (key_is(k, "$ref") || key_is(k, "$dynamicRef") || key_is(k, "$recursiveRef")) {
            const json_value *target = schema_resolve(c, k);
            if (target) {
                schema_push(c, parts, (schema_item){target, PART_ALL, NULL});
            }
        } else if (key_is(k, "allOf")) {
            schema_push_all(c, parts, k);
        } else if (key_is(k, "properties")) {
            schema_push(c, parts, own);
        }
    }
    schema_push(c, parts, own);
}

/* Put the parts that the list does not have behind item `i`. */
static void splice(schema_compiler *c, schema_list *all, size_t i, const schema_list *parts) {
    const size_t before = all->n;
    for (size_t k = 0; k < parts->n; k++) {
        schema_push(c, all, parts->at[k]);
    }
    const size_t n = all->n - before;
    if (n == 0 || before == i + 1) return;
    schema_item *tail = malloc(n * sizeof *tail);
    if (!tail) {
        schema_fail_memory(c);
        return;
    }
    memcpy(tail, all->at + before, n * sizeof *tail);
    memmove(all->at + i + 1 + n, all->at + i + 1, (before - i - 1) * sizeof *tail);
    memcpy(all->at + i + 1, tail, n * sizeof *tail);
    free(tail);
}

static void expand_one(schema_compiler *c, schema_list *all, size_t i, schema_list *base,
                       schema_list *choices) {
    const json_value *node = all->at[i].node;
    schema_list parts = {0};
    list_parts(c, &parts, node);
    if (parts.n == 1) {
        schema_push(c, base, parts.at[0]);
    } else {
        splice(c, all, i, &parts);
    }
    add_choices(c, choices, node);
    free(parts.at);
}

void schema_expand(schema_compiler *c, schema_list *all, schema_list *base, schema_list *choices) {
    for (size_t i = 0; i < all->n && c->status == LFM_OK; i++) { /* it grows */
        const schema_item item = all->at[i];
        if (item.part >= PART_NOT) {
            schema_push(c, item.part <= PART_DEPENDENT ? choices : base, item);
        } else if (item.node->kind != JSON_OBJECT && item.node->kind != JSON_TRUE &&
                   item.node->kind != JSON_FALSE) {
            schema_fail(c, item.node, "a schema must be an object, true or false");
        } else if (item.node->kind == JSON_OBJECT && item.part == PART_ALL) {
            expand_one(c, all, i, base, choices);
        } else {
            schema_push(c, base, (schema_item){item.node, PART_BASE, NULL});
        }
    }
}

/* ---- Sets ----------------------------------------------------------------------------------- */

static uint64_t hash_items(const schema_item *items, size_t n) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < n; i++) {
        h ^= (uintptr_t)items[i].node + 3 * (uintptr_t)items[i].of + (uint64_t)items[i].part;
        h *= 0xbf58476d1ce4e5b9u;
        h ^= h >> 29;
    }
    return h;
}

static bool same_set(const schema_compiler *c, const schema_set *set, const schema_item *items,
                     size_t n) {
    for (size_t i = 0; set->n == n && i < n; i++) {
        const schema_item *other = &c->items[set->first + i];
        if (!schema_same_item(other, &items[i])) return false;
    }
    return set->n == n;
}

static bool grow_slots(schema_compiler *c) {
    const size_t n = c->n_slots ? 2 * c->n_slots : 256;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots) {
        schema_fail_memory(c);
        return false;
    }
    for (size_t i = 0; i < c->n_sets; i++) {
        size_t slot = (size_t)hash_items(c->items + c->sets[i].first, c->sets[i].n) & (n - 1);
        while (slots[slot]) {
            slot = (slot + 1) & (n - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    free(c->slots);
    c->slots = slots;
    c->n_slots = n;
    return true;
}

/* The number of a set; a new set gets the next one. */
static size_t find_set(schema_compiler *c, const schema_item *items, size_t n) {
    if (2 * (c->n_sets + 1) > c->n_slots && !grow_slots(c)) return 0;
    size_t slot = (size_t)hash_items(items, n) & (c->n_slots - 1);
    for (; c->slots[slot]; slot = (slot + 1) & (c->n_slots - 1)) {
        if (same_set(c, &c->sets[c->slots[slot] - 1], items, n)) return c->slots[slot] - 1;
    }
    schema_item *all = grow_array(c->items, &c->items_cap, c->n_items + n, sizeof *all);
    c->items = all ? all : c->items;
    schema_set *sets = grow_array(c->sets, &c->sets_cap, c->n_sets + 1, sizeof *sets);
    c->sets = sets ? sets : c->sets;
    if (!all || !sets) {
        schema_fail_memory(c);
        return 0;
    }
    if (c->n_sets >= MAX_SETS || c->n_items + n > MAX_ITEMS) {
        schema_fail(c, items[0].node, "the schema has too many combinations (%d)", MAX_SETS);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        c->items[c->n_items + i] = items[i];
    }
    c->sets[c->n_sets] = (schema_set){c->n_items, n, c->optional};
    c->n_items += n;
    c->slots[slot] = (uint32_t)++c->n_sets;
    return c->n_sets - 1;
}

void schema_refer(schema_compiler *c, const schema_item *items, size_t n) {
    char name[32];
    schema_item *kept = calloc(n ? n : 1, sizeof *kept);
    size_t n_kept = 0;
    bool never = false;
    if (!kept) {
        schema_fail_memory(c);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_kind kind = items[i].part <= PART_BASE ? items[i].node->kind : JSON_OBJECT;
        bool is_new = kind != JSON_TRUE;
        for (size_t j = 0; j < n_kept && is_new; j++) {
            is_new = !schema_same_item(&kept[j], &items[i]);
        }
        never = never || kind == JSON_FALSE;
        if (is_new) {
            kept[n_kept++] = items[i];
        }
    }
    if (never || n_kept == 0) {
        json_write_text(&c->out, never ? "never" : "value");
    } else {
        snprintf(name, sizeof name, "s%zu", find_set(c, kept, n_kept));
        json_write_text(&c->out, name);
    }
    free(kept);
}
