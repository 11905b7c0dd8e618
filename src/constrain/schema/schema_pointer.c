/*
 * schema_pointer.c - JSON pointers (RFC 6901): naming a place in a schema, and finding one.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Walk the tree in document order until `node`; only needed for errors. */
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
            if (!grown) break;
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
    if (c->status != LFM_OK) return;
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
        c->status = err_no_memory(c->err, "the schema");
    }
}

/* ---- References ----------------------------------------------------------------------------- */

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

const json_value *schema_resolve(schema_compiler *c, const json_value *ref) {
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
