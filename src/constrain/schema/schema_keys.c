/*
 * schema_keys.c - keys other than the named ones: what additionalProperties means.
 *
 * The names are sorted, so names with a common prefix are neighbours.  Each prefix has a rule: what
 * may follow it without completing one of the names.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"
#include "base/utf8.h"
#include "constrain/gbnf/gbnf_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a character of a key, escaped as in JSON, ends. */
static size_t key_step(const char *json, size_t n, size_t at) {
    if (json[at] == '\\' && at + 1 < n) return json[at + 1] == 'u' && at + 6 <= n ? at + 6 : at + 2;
    uint32_t code;
    const size_t len = utf8_decode(json + at, n - at, &code);
    return at + (len ? len : 1);
}

typedef struct {
    char *json; /* escaped, without quotes; owned by the list */
    size_t len;
} spelled;

static int by_spelling(const void *a, const void *b) {
    const spelled *x = a;
    const spelled *y = b;
    const size_t n = x->len < y->len ? x->len : y->len;
    const int order = n > 0 ? memcmp(x->json, y->json, n) : 0;
    return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* The escapes of the rule `char`. */
enum { N_ESCAPES = 34 };
static const char *const escapes[N_ESCAPES] = {
    "\\\"", "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u0001", "\\u0002", "\\u0003",
    "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\u000b", "\\u000e", "\\u000f", "\\u0010",
    "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017", "\\u0018",
    "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
};

static void write_class_character(json_out *out, const char *utf8, size_t n) {
    if (n == 1 && strchr("]^-\\", utf8[0])) {
        json_write_text(out, "\\");
    }
    if (n == 1 && (unsigned char)utf8[0] < 0x20) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)utf8[0]);
        json_write_text(out, escape);
    } else {
        json_write_raw(out, utf8, n);
    }
}

/* names[first..first+n) begin with the same `depth` bytes. */
typedef struct {
    size_t first, n, depth;
} node;

typedef struct {
    schema_compiler *c;
    json_out *rules;
    const spelled *names;
    size_t id;
    node *nodes; /* each becomes a rule */
    size_t n_nodes, cap;
} tree;

static void add_node(tree *t, node added) {
    node *grown = grow_array(t->nodes, &t->cap, t->n_nodes + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(t->c);
        return;
    }
    t->nodes = grown;
    t->nodes[t->n_nodes++] = added;
}

/* The characters with which the names of a node continue. */
typedef struct {
    json_out class_text; /* the unescaped ones, as in a character class */
    bool escaped[N_ESCAPES];
} taken;

static void take_character(taken *all, const char *json, size_t n) {
    if (json[0] != '\\') {
        write_class_character(&all->class_text, json, n);
        return;
    }
    for (size_t e = 0; e < N_ESCAPES; e++) {
        all->escaped[e] = all->escaped[e] ||
                          (strlen(escapes[e]) == n && memcmp(escapes[e], json, n) == 0);
    }
}

/* Any character that is not taken, and then any text. */
static void write_others(json_out *rules, const taken *all) {
    json_write_text(rules, "[^\"\\\\\\x00-\\x1f");
    json_write_raw(rules, all->class_text.ptr ? all->class_text.ptr : "", all->class_text.len);
    json_write_text(rules, "] char*");
    for (size_t e = 0; e < N_ESCAPES; e++) {
        if (!all->escaped[e]) {
            json_write_text(rules, " | ");
            gbnf_write_literal(rules, escapes[e], strlen(escapes[e]));
            json_write_text(rules, " char*");
        }
    }
}

/* Write the rule of node `at`: the end, if no name ends here; a character that no name has here; or
 * one that leads to another node. */
static void write_node(tree *t, size_t at) {
    const node here = t->nodes[at];
    const size_t end = here.first + here.n;
    bool is_name = false;
    json_out branches = {0};
    taken all = {0};
    for (size_t i = here.first, next; i < end; i = next) {
        const spelled *name = &t->names[i];
        next = i + 1;
        if (name->len == here.depth) {
            is_name = true;
            continue;
        }
        const size_t to = key_step(name->json, name->len, here.depth);
        while (next < end && t->names[next].len >= to &&
               memcmp(t->names[next].json, name->json, to) == 0) {
            next++;
        }
        json_write_text(&branches, " | ");
        gbnf_write_literal(&branches, name->json + here.depth, to - here.depth);
        json_write_text(&branches, " ");
        schema_write_name(&branches, "k", t->id, t->n_nodes);
        take_character(&all, name->json + here.depth, to - here.depth);
        add_node(t, (node){i, next - i, to});
    }
    schema_write_name(t->rules, "k", t->id, at);
    json_write_text(t->rules, is_name ? " ::= " : " ::= \"\" | ");
    write_others(t->rules, &all);
    json_write_raw(t->rules, branches.ptr ? branches.ptr : "", branches.len);
    json_write_text(t->rules, "\n");
    t->rules->failed = t->rules->failed || branches.failed || all.class_text.failed;
    json_out_free(&all.class_text);
    json_out_free(&branches);
}

/* Spell a key as it stands between its quotes. */
static bool spell(spelled *name, const schema_property *p) {
    json_out json = {0};
    json_write_string(&json, p->key, p->len);
    if (json.failed) {
        json_out_free(&json);
        return false;
    }
    memmove(json.ptr, json.ptr + 1, json.len - 2); /* without the quotes */
    *name = (spelled){json.ptr, json.len - 2};
    return true;
}

void schema_write_other_keys(schema_compiler *c, const schema_property *properties, size_t n,
                             size_t id, json_out *rules) {
    spelled *names = calloc(n, sizeof *names);
    size_t n_names = 0;
    while (names && n_names < n && spell(&names[n_names], &properties[n_names])) {
        n_names++;
    }
    if (n_names < n) {
        schema_fail_memory(c);
    } else {
        tree t = {.c = c, .rules = rules, .names = names, .id = id};
        qsort(names, n, sizeof *names, by_spelling);
        add_node(&t, (node){0, n, 0});
        for (size_t at = 0; at < t.n_nodes && c->status == LFM_OK; at++) { /* it grows */
            write_node(&t, at);
        }
        free(t.nodes);
    }
    for (size_t i = 0; i < n_names; i++) {
        free(names[i].json);
    }
    free(names);
}
