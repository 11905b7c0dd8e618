/*
 * schema_names.c - what references refer to: JSON pointers (RFC 6901), anchors, URIs of schemas.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON pointers -------------------------------------------------------------------------- */

/* Decode the next part of a JSON pointer (%XX, ~0 and ~1); returns its length. */
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
    return json_get_n(v, part, n);
}

static const json_value *follow(const json_value *from, const char *at, const char *end) {
    char part[1024];
    const json_value *v = from;
    while (v && at < end) {
        at++; /* the slash */
        const size_t n = read_part(&at, end, part, sizeof part);
        v = find_child(v, part, n);
    }
    return v;
}

/* ---- URIs ----------------------------------------------------------------------------------- */

typedef struct {
    const char *at;
    size_t n;
} span;

static span text_of(const json_value *v) {
    return v && v->kind == JSON_STRING ? (span){v->text, v->len} : (span){"", 0};
}

/* The text before the '#'. */
static span before_hash(span s) {
    const char *hash = s.n > 0 ? memchr(s.at, '#', s.n) : NULL;
    return (span){s.at, hash ? (size_t)(hash - s.at) : s.n};
}

/* How much of an absolute URI stands before its path; 0 = it is relative. */
static size_t authority(span s) {
    size_t n = 0;
    while (n < s.n && s.at[n] != ':' && s.at[n] != '/') {
        n++;
    }
    if (n == s.n || s.at[n] != ':' || n == 0) return 0;
    n++;
    if (s.n - n < 2 || memcmp(s.at + n, "//", 2) != 0) return n;
    for (n += 2; n < s.n && s.at[n] != '/';) {
        n++;
    }
    return n;
}

/* Write a reference as it reads from a schema at `base` (RFC 3986, 5.2, without dots). */
static void write_uri(json_out *out, span base, span ref) {
    size_t keep = authority(base);
    base = before_hash(base);
    ref = before_hash(ref);
    if (ref.n == 0) {
        keep = base.n;
    } else if (authority(ref) > 0) {
        keep = 0;
    } else if (ref.at[0] != '/') {
        for (size_t i = keep; i < base.n; i++) {
            keep = base.at[i] == '/' ? i + 1 : keep;
        }
    }
    json_write_raw(out, base.at, keep);
    json_write_raw(out, ref.at, ref.n);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static const json_value *id_of(const json_value *node) {
    const json_value *id = json_get(node, "$id");
    id = id ? id : json_get(node, "id");
    return id && id->kind == JSON_STRING && id->len > 0 && id->text[0] != '#' ? id : NULL;
}

static void add_name(schema_compiler *c, const json_value *node, const json_value *base,
                     const json_value *name, bool is_id, bool is_dynamic) {
    if (!name || name->kind != JSON_STRING) return;
    schema_name *grown = grow_array(c->names, &c->names_cap, c->n_names + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(c);
        return;
    }
    c->names = grown;
    c->names[c->n_names++] = (schema_name){node, name, base, is_id, is_dynamic};
}

static void add_names(schema_compiler *c, const json_value *node, const json_value *base) {
    const json_value *id = json_get(node, "$id");
    const json_value *old = json_get(node, "id");
    add_name(c, node, base, id ? id : old, id_of(node) != NULL, false);
    add_name(c, node, base, json_get(node, "$anchor"), false, false);
    add_name(c, node, base, json_get(node, "$dynamicAnchor"), false, true);
}

void schema_index_names(schema_compiler *c) {
    struct {
        const json_value *next, *base;
    } open[JSON_MAX_DEPTH + 1];
    size_t n = 0;
    const json_value *node = c->root;
    const json_value *base = c->root;
    while (node && c->status == LFM_OK) {
        base = n > 0 ? open[n - 1].base : c->root;
        if (node->kind == JSON_OBJECT) {
            base = id_of(node) ? node : base;
            add_names(c, node, base);
        }
        if (n > 0) {
            open[n - 1].next = node->next;
        }
        if (node->first && n <= JSON_MAX_DEPTH) {
            open[n].base = base;
            open[n++].next = node->first;
        }
        while (n > 0 && !open[n - 1].next) {
            n--;
        }
        node = n > 0 ? open[n - 1].next : NULL;
    }
}

/* Is `inner` inside `outer`? */
static bool contains(const json_value *outer, const json_value *inner) {
    const json_value *open[JSON_MAX_DEPTH + 1];
    size_t n = 0;
    const json_value *at = outer;
    while (at && at != inner) {
        if (at->first && n <= JSON_MAX_DEPTH) {
            open[n++] = at;
            at = at->first;
            continue;
        }
        while (at != outer && !at->next && n > 0) {
            at = open[--n];
        }
        at = at == outer ? NULL : at->next;
    }
    return at != NULL;
}

/* The schema that the references in `node` start from. */
static const json_value *base_of(const schema_compiler *c, const json_value *node) {
    const json_value *base = c->root;
    for (size_t i = 0; i < c->n_names; i++) { /* in document order: the innermost is the last */
        if (c->names[i].is_id && contains(c->names[i].node, node)) {
            base = c->names[i].node;
        }
    }
    return base;
}

/* The URI of a schema with an $id, which may be relative to that of a schema around it. */
static void write_base_uri(const schema_compiler *c, json_out *out, const json_value *node) {
    const span root = text_of(id_of(c->root));
    if (node == c->root) {
        json_write_raw(out, root.at, before_hash(root).n);
    } else {
        write_uri(out, root, text_of(id_of(node)));
    }
}

/* The schema with this URI, seen from `base`. */
static const json_value *find_schema(const schema_compiler *c, const json_value *base, span ref) {
    json_out own = {0};
    json_out wanted = {0};
    const json_value *found = NULL;
    write_base_uri(c, &own, base);
    write_uri(&wanted, (span){own.ptr ? own.ptr : "", own.len}, ref);
    for (size_t i = 0; i < c->n_names && !found; i++) {
        json_out uri = {0};
        if (c->names[i].is_id) {
            write_base_uri(c, &uri, c->names[i].node);
        }
        if (uri.len > 0 && uri.len == wanted.len && memcmp(uri.ptr, wanted.ptr, uri.len) == 0) {
            found = c->names[i].node;
        }
        json_out_free(&uri);
    }
    json_out_free(&own);
    json_out_free(&wanted);
    return found;
}

/* The schema with an anchor inside `base`, of which there must be one where it is dynamic. */
static const json_value *find_anchor(schema_compiler *c, const json_value *base, span name,
                                     const json_value *ref) {
    const json_value *found = NULL;
    size_t n_dynamic = 0;
    for (size_t i = 0; i < c->n_names; i++) {
        const schema_name *s = &c->names[i];
        const bool hash = s->name->len > 0 && s->name->text[0] == '#'; /* "$id": "#name" */
        if (s->is_id || s->name->len - hash != name.n ||
            memcmp(s->name->text + hash, name.at, name.n) != 0) {
            continue;
        }
        n_dynamic += s->is_dynamic;
        found = !found && s->base == base ? s->node : found;
    }
    if (n_dynamic > 1 && ref->key_len == 11) { /* $dynamicRef */
        schema_fail(c, ref, "a dynamic reference with several targets is not supported");
        return NULL;
    }
    return found;
}

const json_value *schema_resolve(schema_compiler *c, const json_value *ref) {
    const span text = text_of(ref);
    const span uri = before_hash(text);
    if (ref->kind != JSON_STRING || text.n == 0) {
        schema_fail(c, ref, "a reference must be a text such as \"#/$defs/name\"");
        return NULL;
    }
    const json_value *v = base_of(c, ref);
    if (uri.n > 0) {
        v = find_schema(c, v, uri);
    }
    if (!v) {
        schema_fail(c, ref, "only references within the schema are supported, such as "
                            "\"#/$defs/name\"");
        return NULL;
    }
    const char *at = text.at + uri.n + (uri.n < text.n);
    const char *end = text.at + text.n;
    if (at < end && *at == '/') {
        v = follow(v, at, end);
    } else if (at < end) {
        v = find_anchor(c, v, (span){at, (size_t)(end - at)}, ref);
    }
    if (!v && c->status == LFM_OK) {
        schema_fail(c, ref, "there is nothing at %.*s", (int)(text.n < 100 ? text.n : 100),
                    text.at);
    }
    return v;
}

/* ---- Schemas in the same place -------------------------------------------------------------- */

/* Add what a schema refers to or consists of. */
static void add_parts(schema_compiler *c, schema_list *list, const json_value *node) {
    static const char *const refs[] = {"$ref", "$dynamicRef", "$recursiveRef"};
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    static const char *const singles[] = {"if", "then", "else"};
    static const char *const maps[] = {"dependentSchemas", "dependencies"};
    for (size_t i = 0; i < 3; i++) {
        const json_value *ref = json_get(node, refs[i]);
        const json_value *target = ref ? schema_resolve(c, ref) : NULL;
        const json_value *all = json_get(node, lists[i]);
        const json_value *one = json_get(node, singles[i]);
        if (target) {
            schema_push(c, list, (schema_item){target, PART_ALL, NULL});
        }
        for (const json_value *s = all ? all->first : NULL; s; s = s->next) {
            schema_push(c, list, (schema_item){s, PART_ALL, NULL});
        }
        if (one) {
            schema_push(c, list, (schema_item){one, PART_ALL, NULL});
        }
    }
    for (size_t i = 0; i < 2; i++) {
        const json_value *map = json_get(node, maps[i]);
        for (const json_value *s = map ? map->first : NULL; s; s = s->next) {
            schema_push(c, list, (schema_item){s, PART_ALL, NULL});
        }
    }
}

/* Do the facts say that a value satisfies this schema?  Only then it evaluates anything. */
static bool is_asserted(const schema_facts *f, const json_value *node) {
    for (size_t i = 0; i < f->n; i++) {
        if (f->items[i].node == node) return true;
    }
    return false;
}

bool schema_within(schema_compiler *c, const schema_facts *f, const json_value *outer,
                   const json_value *inner) {
    schema_list list = {0};
    bool found = false;
    schema_push(c, &list, (schema_item){outer, PART_ALL, NULL});
    for (size_t i = 0; i < list.n && !found && c->status == LFM_OK; i++) {
        if (!is_asserted(f, list.at[i].node)) continue;
        found = list.at[i].node == inner;
        add_parts(c, &list, list.at[i].node);
    }
    free(list.at);
    return found;
}
