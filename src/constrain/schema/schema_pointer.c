/*
 * schema_pointer.c - naming a place in a schema: errors and notes.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NOTES = 4000 }; /* bytes */

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

/* The name of the tool that a place is in, from "#/3/...": "tool 'get': "; empty without one. */
static void name_tool(schema_compiler *c, char *out, size_t cap, const char *path) {
    size_t i = 0;
    out[0] = '\0';
    if (!c->tools || path[0] != '#' || path[1] != '/') return;
    i = (size_t)strtoul(path + 2, NULL, 10);
    const json_value *tool = c->root->first;
    for (; tool && i > 0; i--) {
        tool = tool->next;
    }
    const json_value *function = json_get(tool, "function");
    const json_value *name = json_get(function ? function : tool, "name");
    if (name && name->kind == JSON_STRING) {
        snprintf(out, cap, "tool '%.*s': ", (int)(name->len < 60 ? name->len : 60), name->text);
    }
}

/* Write where and what: "tool 'get': #/0/parameters: ..." */
static void describe(schema_compiler *c, json_out *out, const json_value *node, const char *what) {
    json_out path = {0};
    char tool[80];
    char shown[140];
    write_path(&path, c->root, node);
    err_escape(shown, sizeof shown, path.ptr ? path.ptr : "", path.len);
    name_tool(c, tool, sizeof tool, path.ptr ? path.ptr : "");
    json_write_text(out, tool);
    json_write_text(out, shown);
    json_write_text(out, ": ");
    json_write_text(out, what);
    json_out_free(&path);
}

void schema_fail(schema_compiler *c, const json_value *node, const char *format, ...) {
    char what[240];
    json_out text = {0};
    va_list args;
    if (c->status != LFM_OK) return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    describe(c, &text, node, what);
    c->status = err_set(c->err, LFM_ERR_ARG, "%s", text.ptr ? text.ptr : what);
    json_out_free(&text);
}

void schema_note(schema_compiler *c, const json_value *node, const char *format, ...) {
    char what[240];
    json_out text = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    describe(c, &text, node, what);
    json_write_text(&text, "\n");
    if (text.failed || c->notes.failed) {
        schema_fail_memory(c);
    } else if ((!c->notes.ptr || !strstr(c->notes.ptr, text.ptr)) && c->notes.len < MAX_NOTES) {
        json_write_raw(&c->notes, text.ptr, text.len);
    }
    json_out_free(&text);
}

void schema_fail_memory(schema_compiler *c) {
    if (c->status == LFM_OK) {
        c->status = err_no_memory(c->err, "the schema");
    }
}
