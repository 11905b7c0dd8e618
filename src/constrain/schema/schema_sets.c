/*
 * schema_sets.c - sets of schemas that a value must satisfy together, each with a number.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_SETS = 200000 };

/* ---- Lists of schemas ----------------------------------------------------------------------- */

void schema_push(schema_compiler *c, schema_list *list, schema_item item) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i].node == item.node && list->at[i].part == item.part) {
            return; /* already there; a reference to itself adds nothing */
        }
    }
    schema_item *grown = grow_array(list->at, &list->cap, list->n + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(c);
        return;
    }
    list->at = grown;
    list->at[list->n++] = item;
}

void schema_push_all(schema_compiler *c, schema_list *list, const json_value *array) {
    if (array->kind != JSON_ARRAY || array->n == 0) {
        schema_fail(c, array, "this must be a list of schemas");
        return;
    }
    for (const json_value *v = array->first; v && c->status == LFM_OK; v = v->next) {
        schema_push(c, list, (schema_item){v, PART_ALL});
    }
}

void schema_expand(schema_compiler *c, schema_list *all, schema_list *base, schema_list *choices) {
    for (size_t i = 0; i < all->n && c->status == LFM_OK; i++) {
        const schema_item item = all->at[i];
        if (item.node->kind == JSON_TRUE || item.node->kind == JSON_FALSE) {
            schema_push(c, base, item);
            continue;
        }
        if (item.node->kind != JSON_OBJECT) {
            schema_fail(c, item.node, "a schema must be an object, true or false");
            return;
        }
        if (item.part == PART_ANY_OF || item.part == PART_ONE_OF) {
            schema_push(c, choices, item);
            continue;
        }
        if (item.part == PART_ALL) {
            const json_value *ref = json_get(item.node, "$ref");
            const json_value *all_of = json_get(item.node, "allOf");
            const json_value *target = ref ? schema_resolve(c, ref) : NULL;
            if (target) {
                schema_push(c, all, (schema_item){target, PART_ALL});
            }
            if (all_of) {
                schema_push_all(c, all, all_of);
            }
            if (json_get(item.node, "anyOf")) {
                schema_push(c, choices, (schema_item){item.node, PART_ANY_OF});
            }
            if (json_get(item.node, "oneOf")) {
                schema_push(c, choices, (schema_item){item.node, PART_ONE_OF});
            }
        }
        schema_push(c, base, (schema_item){item.node, PART_BASE});
    }
}

/* ---- Sets ----------------------------------------------------------------------------------- */

static uint64_t hash_items(const schema_item *items, size_t n) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uintptr_t)items[i].node ^ (uint64_t)items[i].part) * 0xbf58476d1ce4e5b9u;
        h ^= h >> 29;
    }
    return h;
}

static bool same_set(const schema_compiler *c, const schema_set *set, const schema_item *items,
                     size_t n) {
    for (size_t i = 0; set->n == n && i < n; i++) {
        const schema_item *other = &c->items[set->first + i];
        if (other->node != items[i].node || other->part != items[i].part) return false;
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
    if (c->n_sets >= MAX_SETS) {
        schema_fail(c, items[0].node, "the schema has too many combinations (%d)", MAX_SETS);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        c->items[c->n_items + i] = items[i];
    }
    c->sets[c->n_sets] = (schema_set){c->n_items, n};
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
        bool is_new = items[i].node->kind != JSON_TRUE;
        for (size_t j = 0; j < n_kept && is_new; j++) {
            is_new = kept[j].node != items[i].node || kept[j].part != items[i].part;
        }
        never = never || items[i].node->kind == JSON_FALSE;
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
