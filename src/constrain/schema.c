/*
 * schema.c - sets of schemas, and a rule for each.
 */
#include "constrain/schema.h"

#include "constrain/gbnf.h"
#include "constrain/grow.h"
#include "constrain/schema_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- Errors --------------------------------------------------------------------------------- */

/* A key in a JSON pointer (RFC 6901). */
static void write_pointer_part(json_out *out, const char *key, size_t len) {
    json_write_text(out, "/");
    for (size_t i = 0; i < len; i++) {
        if (key[i] == '~' || key[i] == '/') {
            json_write_text(out, key[i] == '~' ? "~0" : "~1");
        } else {
            json_write_raw(out, key + i, 1);
        }
    }
}

typedef struct {
    const json_value *at;
    size_t index; /* in its container */
} place;

/* Walk the tree in its order until `node`; only done for errors. */
static void write_path(json_out *out, const json_value *root, const json_value *node) {
    place *stack = NULL;
    size_t n = 0;
    size_t cap = 0;
    const json_value *at = root;
    size_t index = 0;
    json_write_text(out, "#");
    while (at && at != node) {
        if (at->first) { /* down */
            place *grown = grow_array(stack, &cap, n + 1, sizeof *grown);
            if (!grown) {
                break;
            }
            stack = grown;
            stack[n++] = (place){at, index};
            at = at->first;
            index = 0;
            continue;
        }
        while (at && !at->next && n > 0) { /* up */
            at = stack[--n].at;
            index = stack[n].index;
        }
        if (at == root) {
            at = NULL;
        }
        at = at ? at->next : NULL;
        index++;
    }
    for (size_t i = 1; at && i <= n; i++) {
        const place here = i < n ? stack[i] : (place){at, index};
        if (stack[i - 1].at->kind == JSON_OBJECT) {
            write_pointer_part(out, here.at->key, here.at->key_len);
        } else {
            char number[32];
            const int len = snprintf(number, sizeof number, "%zu", here.index);
            write_pointer_part(out, number, (size_t)len);
        }
    }
    free(stack);
}

void schema_fail(schema_compiler *c, const json_value *node, const char *format, ...) {
    char what[240];
    json_out path = {0};
    va_list args;
    if (c->status != LFM_OK) {
        return;
    }
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    write_path(&path, c->root, node);
    char shown[140];
    err_escape(shown, sizeof shown, path.ptr ? path.ptr : "", path.len);
    c->status = err_set(c->err, LFM_ERR_ARG, "%s: %s", shown, what);
    json_out_free(&path);
}

void schema_fail_memory(schema_compiler *c) {
    if (c->status == LFM_OK) {
        c->status = err_set(c->err, LFM_ERR_MEMORY, "out of memory for the schema");
    }
}

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

/* ---- References ----------------------------------------------------------------------------- */

/* The next part of a JSON pointer, with %XX, ~0 and ~1 undone; returns its length. */
static size_t read_part(const char **at, const char *end, char *part, size_t cap) {
    size_t n = 0;
    const char *p = *at;
    while (p < end && *p != '/' && n < cap) {
        char c = *p++;
        if (c == '%' && end - p >= 2) {
            const char hex[3] = {p[0], p[1], '\0'};
            char *stop = NULL;
            const long code = strtol(hex, &stop, 16);
            if (*stop == '\0') {
                c = (char)code;
                p += 2;
            }
        }
        if (c == '~' && p < end && (*p == '0' || *p == '1')) {
            c = *p++ == '0' ? '~' : '/';
        }
        part[n++] = c;
    }
    *at = p;
    return n;
}

static const json_value *find_child(const json_value *v, const char *part, size_t n) {
    if (v->kind == JSON_ARRAY) {
        size_t index = n > 0 && n < 9 ? 0 : SIZE_MAX;
        for (size_t i = 0; i < n && index != SIZE_MAX; i++) {
            index = part[i] >= '0' && part[i] <= '9' ? 10 * index + (size_t)(part[i] - '0')
                                                     : SIZE_MAX;
        }
        const json_value *child = v->first;
        while (child && index-- > 0) {
            child = child->next;
        }
        return child;
    }
    for (const json_value *m = v->kind == JSON_OBJECT ? v->first : NULL; m; m = m->next) {
        if (m->key_len == n && memcmp(m->key, part, n) == 0) {
            return m;
        }
    }
    return NULL;
}

static const json_value *resolve(schema_compiler *c, const json_value *ref) {
    char part[1024];
    if (ref->kind != JSON_STRING || ref->len == 0 || ref->text[0] != '#' ||
        (ref->len > 1 && ref->text[1] != '/')) {
        schema_fail(c, ref, "only references within the schema are supported, such as "
                            "\"#/$defs/name\"");
        return NULL;
    }
    const json_value *v = c->root;
    const char *at = ref->text + 1;
    const char *end = ref->text + ref->len;
    while (v && at < end) {
        at++; /* the slash */
        const size_t n = read_part(&at, end, part, sizeof part);
        v = find_child(v, part, n);
    }
    if (!v) {
        schema_fail(c, ref, "there is nothing at %.*s", (int)(ref->len < 100 ? ref->len : 100),
                    ref->text);
    }
    return v;
}

/* ---- One set -------------------------------------------------------------------------------- */

/* A growing list of items. */
typedef struct {
    schema_item *at;
    size_t n, cap;
} item_list;

static void push(schema_compiler *c, item_list *list, schema_item item) {
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
static void push_all(schema_compiler *c, item_list *list, const json_value *array) {
    if (array->kind != JSON_ARRAY || array->n == 0) {
        schema_fail(c, array, "this must be a list of schemas");
        return;
    }
    for (const json_value *v = array->first; v && c->status == LFM_OK; v = v->next) {
        push(c, list, (schema_item){v, PART_ALL});
    }
}

/* Take schemas apart: what they refer to and are made of, in `all`; what is left of each in
 * `base`; choices that are still to be made in `choices`. */
static void expand(schema_compiler *c, item_list *all, item_list *base, item_list *choices) {
    for (size_t i = 0; i < all->n && c->status == LFM_OK; i++) {
        const schema_item item = all->at[i];
        if (item.node->kind == JSON_TRUE || item.node->kind == JSON_FALSE) {
            push(c, base, item);
            continue;
        }
        if (item.node->kind != JSON_OBJECT) {
            schema_fail(c, item.node, "a schema is an object, true or false");
            return;
        }
        if (item.part == PART_ANY_OF || item.part == PART_ONE_OF) {
            push(c, choices, item);
            continue;
        }
        if (item.part == PART_ALL) {
            const json_value *ref = json_get(item.node, "$ref");
            const json_value *all_of = json_get(item.node, "allOf");
            const json_value *target = ref ? resolve(c, ref) : NULL;
            if (target) {
                push(c, all, (schema_item){target, PART_ALL});
            }
            if (all_of) {
                push_all(c, all, all_of);
            }
            if (json_get(item.node, "anyOf")) {
                push(c, choices, (schema_item){item.node, PART_ANY_OF});
            }
            if (json_get(item.node, "oneOf")) {
                push(c, choices, (schema_item){item.node, PART_ONE_OF});
            }
        }
        push(c, base, (schema_item){item.node, PART_BASE});
    }
}

/* The first choice, each of its branches with everything else. */
static void write_choice(schema_compiler *c, const item_list *base, const item_list *choices) {
    const schema_item choice = choices->at[0];
    item_list branches = {0};
    item_list set = {0};
    push_all(c, &branches, json_get(choice.node, choice.part == PART_ANY_OF ? "anyOf" : "oneOf"));
    for (size_t i = 0; i < branches.n && c->status == LFM_OK; i++) {
        set.n = 0;
        for (size_t j = 0; j < base->n; j++) {
            push(c, &set, base->at[j]);
        }
        push(c, &set, branches.at[i]);
        for (size_t j = 1; j < choices->n; j++) {
            push(c, &set, choices->at[j]);
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

static bool says_nothing(const item_list *base) {
    for (size_t i = 0; i < base->n; i++) {
        if (base->at[i].node->kind == JSON_FALSE) {
            return false;
        }
    }
    return base->n == 0;
}

static void write_base(schema_compiler *c, const item_list *base, json_out *rules) {
    schema_facts f = {.items = base->at, .n = base->n};
    for (size_t i = 0; i < base->n; i++) {
        if (base->at[i].node->kind == JSON_FALSE) {
            json_write_text(&c->out, "never");
            return;
        }
    }
    if (says_nothing(base)) {
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
    item_list all = {0};
    item_list base = {0};
    item_list choices = {0};
    json_out rules = {0};
    char head[40];
    for (size_t i = 0; i < c->sets[index].n; i++) {
        push(c, &all, c->items[c->sets[index].first + i]);
    }
    expand(c, &all, &base, &choices);
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

/* ---- Calls of tools ------------------------------------------------------------------------- */

/* A name that is read back as it is (cli/toolcall.h): Python's, with dots and dashes. */
static bool is_function_name(const json_value *name) {
    bool good = name->len > 0 && name->text[0] != '.' && name->text[0] != '-';
    for (size_t i = 0; i < name->len; i++) {
        const char c = name->text[i];
        good = good && (c == '_' || c == '-' || c == '.' || (c >= '0' && c <= '9') ||
                        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (unsigned char)c >= 0x80);
    }
    return good;
}

/* The arguments of a function, and what comes before and after them. */
static void write_tool(schema_compiler *c, const json_value *tool) {
    const json_value *nested = json_get(tool, "function");
    const json_value *function = nested ? nested : tool;
    const json_value *name = json_get(function, "name");
    const json_value *parameters = json_get(function, "parameters");
    item_list all = {0};
    item_list base = {0};
    item_list choices = {0};
    json_out rules = {0};
    if (!name || name->kind != JSON_STRING || name->len == 0) {
        schema_fail(c, tool, "a tool is an object with a name");
        return;
    }
    if (!is_function_name(name)) {
        schema_fail(c, name, "the name of a function has letters, digits, '_', '-' and '.'");
        return;
    }
    if (parameters) {
        push(c, &all, (schema_item){parameters, PART_ALL});
        expand(c, &all, &base, &choices);
    }
    if (choices.n > 0) {
        schema_fail(c, parameters, "a choice between sets of parameters is not supported");
    }
    gbnf_write_literal(&c->out, name->text, name->len);
    json_write_text(&c->out, " \"(\" ");
    schema_facts f = {.items = base.at, .n = base.n};
    if (c->status == LFM_OK && base.n > 0) {
        schema_read_facts(c, &f);
    }
    if (c->status == LFM_OK && base.n > 0 && !(f.types & TYPE_OBJECT)) {
        schema_fail(c, parameters, "parameters must be of type object");
    }
    if (c->status == LFM_OK && base.n > 0) {
        schema_write_arguments(c, &f, &rules);
    }
    json_write_text(&c->out, " \")\"\n");
    json_write_raw(&c->out, rules.ptr ? rules.ptr : "", rules.len);
    if (rules.failed) {
        schema_fail_memory(c);
    }
    json_out_free(&rules);
    free(f.values);
    free(all.at);
    free(base.at);
    free(choices.at);
}

static void write_tools(schema_compiler *c, bool only_one) {
    char name[48];
    size_t n = 0;
    if (c->root->kind != JSON_ARRAY || c->root->n == 0) {
        schema_fail(c, c->root, "there must be a list of tools");
        return;
    }
    json_write_text(&c->out, "root ::= <|tool_call_start|> \"[\" call ");
    json_write_text(&c->out, only_one ? "" : "(\", \" call){0,7} ");
    json_write_text(&c->out, "\"]\" <|tool_call_end|>\ncall ::= ");
    for (size_t i = 0; i < c->root->n; i++) {
        snprintf(name, sizeof name, "%scall-%zu", i > 0 ? " | " : "", i);
        json_write_text(&c->out, name);
    }
    json_write_text(&c->out, "\n");
    for (const json_value *t = c->root->first; t && c->status == LFM_OK; t = t->next, n++) {
        snprintf(name, sizeof name, "call-%zu ::= ", n);
        json_write_text(&c->out, name);
        write_tool(c, t);
    }
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void write_many(schema_compiler *c) {
    write_tools(c, false);
}

static void write_one(schema_compiler *c) {
    write_tools(c, true);
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
