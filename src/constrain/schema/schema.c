/*
 * schema.c - sets of schemas, and a rule for each.
 */
#include "constrain/schema/schema.h"

#include "constrain/engine/grow.h"
#include "constrain/gbnf/gbnf_write.h"
#include "constrain/schema/schema_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_SETS = 200000, MAX_OUT = 12 << 20 };

/* What every grammar has: any value, in one way of writing.  `never` matches nothing: a rule that
 * needs itself is removed with all that needs it. */
static const char common_rules[] =
    "never ::= \"x\" never\n"
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" (string \": \" value (\", \" string \": \" value)*)? \"}\"\n"
    "array ::= \"[\" (value (\", \" value)*)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1f] | \"\\\\\" [\"\\\\bfnrt] | "
    "\"\\\\u00\" (\"0\" [0-7bef] | \"1\" [0-9a-f])\n"
    "integer ::= \"0\" | \"-\"? [1-9] [0-9]*\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]*) (\".\" [0-9]+)? ([eE] [+-]? [0-9]+)?\n";

/* ---- Writing -------------------------------------------------------------------------------- */

void schema_write_key(json_out *out, const char *bytes, size_t n) {
    json_out json = {0};
    json_write_string(&json, bytes, n);
    gbnf_write_literal(out, json.ptr ? json.ptr : "", json.len);
    out->failed = out->failed || json.failed;
    json_out_free(&json);
}

static void write_value(json_out *out, const json_value *v) {
    json_out json = {0};
    json_write_value(&json, v);
    gbnf_write_literal(out, json.ptr ? json.ptr : "", json.len);
    out->failed = out->failed || json.failed;
    json_out_free(&json);
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
        if (other->node != items[i].node || other->part != items[i].part) {
            return false;
        }
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

/* The number of a set, which is new if nobody asked for it before. */
static size_t find_set(schema_compiler *c, const schema_item *items, size_t n) {
    if (2 * (c->n_sets + 1) > c->n_slots && !grow_slots(c)) {
        return 0;
    }
    size_t slot = (size_t)hash_items(items, n) & (c->n_slots - 1);
    for (; c->slots[slot]; slot = (slot + 1) & (c->n_slots - 1)) {
        if (same_set(c, &c->sets[c->slots[slot] - 1], items, n)) {
            return c->slots[slot] - 1;
        }
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

/* ---- One set -------------------------------------------------------------------------------- */

void schema_push(schema_compiler *c, schema_list *list, schema_item item) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i].node == item.node && list->at[i].part == item.part) {
            return; /* said before; a reference to itself says nothing */
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

/* The members of an array of schemas, as items. */
static void push_all(schema_compiler *c, schema_list *list, const json_value *array) {
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
            schema_fail(c, item.node, "a schema is an object, true or false");
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
                push_all(c, all, all_of);
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

/* The first choice, each of its branches with everything else. */
static void write_choice(schema_compiler *c, const schema_list *base, const schema_list *choices) {
    const schema_item choice = choices->at[0];
    schema_list branches = {0};
    schema_list set = {0};
    push_all(c, &branches, json_get(choice.node, choice.part == PART_ANY_OF ? "anyOf" : "oneOf"));
    for (size_t i = 0; i < branches.n && c->status == LFM_OK; i++) {
        set.n = 0;
        for (size_t j = 0; j < base->n; j++) {
            schema_push(c, &set, base->at[j]);
        }
        schema_push(c, &set, branches.at[i]);
        for (size_t j = 1; j < choices->n; j++) {
            schema_push(c, &set, choices->at[j]);
        }
        json_write_text(&c->out, i > 0 ? " | " : "");
        schema_refer(c, set.at, set.n);
    }
    free(branches.at);
    free(set.at);
}

static void write_values(schema_compiler *c, const schema_facts *f) {
    size_t n = 0;
    for (size_t i = 0; i < f->n_values && c->status == LFM_OK; i++) {
        if (schema_allows(c, f, f->values[i])) {
            json_write_text(&c->out, n++ > 0 ? " | " : "");
            write_value(&c->out, f->values[i]);
        }
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}

static void write_types(schema_compiler *c, const schema_facts *f, json_out *rules) {
    size_t n = 0;
    for (unsigned type = TYPE_OBJECT; type > 0; type >>= 1) {
        if (!(f->types & type) || (type == TYPE_INTEGER && f->types & TYPE_FRACTION)) {
            continue;
        }
        json_write_text(&c->out, n++ > 0 ? " | " : "");
        switch (type) {
        case TYPE_OBJECT: schema_write_object(c, f, rules); break;
        case TYPE_ARRAY: schema_write_array(c, f); break;
        case TYPE_STRING: schema_write_string(c, f); break;
        case TYPE_FRACTION: schema_write_number(c, f, false); break;
        case TYPE_INTEGER: schema_write_number(c, f, true); break;
        case TYPE_BOOLEAN: json_write_text(&c->out, "\"true\" | \"false\""); break;
        default: json_write_text(&c->out, "\"null\""); break;
        }
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}

static void write_base(schema_compiler *c, const schema_list *base, json_out *rules) {
    schema_facts f = {.items = base->at, .n = base->n};
    for (size_t i = 0; i < base->n; i++) {
        if (base->at[i].node->kind == JSON_FALSE) {
            json_write_text(&c->out, "never");
            return;
        }
    }
    if (base->n == 0) {
        json_write_text(&c->out, "value");
        return;
    }
    schema_read_facts(c, &f);
    if (c->status == LFM_OK && f.has_values) {
        write_values(c, &f);
    } else if (c->status == LFM_OK && f.types == TYPE_ANY && f.hinted == 0) {
        json_write_text(&c->out, "value");
    } else if (c->status == LFM_OK) {
        f.types = f.types == TYPE_ANY ? f.hinted : f.types;
        write_types(c, &f, rules);
    }
    free(f.values);
}

/* Write the rule of set `index`, and those that only it needs. */
static void write_set(schema_compiler *c, size_t index) {
    schema_list all = {0};
    schema_list base = {0};
    schema_list choices = {0};
    json_out rules = {0};
    char head[40];
    for (size_t i = 0; i < c->sets[index].n; i++) {
        schema_push(c, &all, c->items[c->sets[index].first + i]);
    }
    schema_expand(c, &all, &base, &choices);
    snprintf(head, sizeof head, "s%zu ::= ", index);
    json_write_text(&c->out, head);
    if (c->status == LFM_OK && choices.n > 0) {
        write_choice(c, &base, &choices);
    } else if (c->status == LFM_OK) {
        write_base(c, &base, &rules);
    }
    json_write_text(&c->out, "\n");
    json_write_raw(&c->out, rules.ptr ? rules.ptr : "", rules.len);
    if (c->out.failed || rules.failed) {
        schema_fail_memory(c);
    }
    if (c->out.len > MAX_OUT) {
        schema_fail(c, c->root, "the schema has too many combinations");
    }
    json_out_free(&rules);
    free(all.at);
    free(base.at);
    free(choices.at);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void write_many(schema_compiler *c) {
    schema_write_tools(c, false);
}

static void write_one(schema_compiler *c) {
    schema_write_tools(c, true);
}

static void write_root(schema_compiler *c) {
    json_write_text(&c->out, "root ::= ");
    schema_refer(c, &(schema_item){c->root, PART_ALL}, 1);
    json_write_text(&c->out, "\n");
}

/* The first rules, those that every grammar has, and then those that they need. */
static lfm_status compile(char **gbnf, const char *text, size_t len,
                          void (*begin)(schema_compiler *c), lfm_error *err) {
    json_doc doc = {0};
    schema_compiler c = {.err = err};
    *gbnf = NULL;
    lfm_status st = json_parse(&doc, text, len, err);
    if (st != LFM_OK) {
        return st;
    }
    c.root = doc.root;
    begin(&c);
    json_write_text(&c.out, common_rules);
    for (size_t i = 0; i < c.n_sets && c.status == LFM_OK; i++) { /* it grows */
        write_set(&c, i);
    }
    if (c.status == LFM_OK) {
        c.status = json_finish(&c.out, err);
    }
    if (c.status == LFM_OK) {
        *gbnf = c.out.ptr;
        c.out = (json_out){0};
    }
    json_out_free(&c.out);
    free(c.items);
    free(c.sets);
    free(c.slots);
    json_doc_free(&doc);
    return c.status;
}

lfm_status schema_to_gbnf(char **gbnf, const char *text, size_t len, lfm_error *err) {
    return compile(gbnf, text, len, write_root, err);
}

lfm_status schema_tools_to_gbnf(char **gbnf, const char *text, size_t len, bool only_one,
                                lfm_error *err) {
    return compile(gbnf, text, len, only_one ? write_one : write_many, err);
}
