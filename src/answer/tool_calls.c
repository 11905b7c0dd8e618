/*
 * tool_calls.c - parsing tool calls: lists of calls, between markers or not.
 *
 * A call that cannot be read costs only itself: the reader goes on where another one begins behind
 * a bracket and a comma.  A JSON parser has the last word on each call; it rejects an argument that
 * is given twice.
 */
#include "answer/tool_calls.h"

#include "answer/tool_calls_one.h"
#include "base/grow.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that may be read in vain: enough for any ambiguity in a call of some kilobytes, and about
 * 0.1 s for a hostile megabyte. */
enum { PATIENCE = 1 << 18, PATIENCE_PER_BYTE = 16 };

/* ---- Lists ---------------------------------------------------------------------------------- */

/* Append a call; `arguments` may be NULL. */
static lfm_status append(tool_calls *list, const json_value *name, const json_value *arguments,
                         lfm_error *err) {
    json_out text = {0};
    lfm_tool_call *grown = grow_array(list->all, &list->cap, list->n + 1, sizeof *grown);
    if (!grown) return err_no_memory(err, "tool calls");
    list->all = grown;
    char *copy = malloc(name->len + 1);
    if (arguments) {
        json_write_value(&text, arguments);
    } else {
        json_write_text(&text, "{}");
    }
    if (!copy || json_finish(&text, NULL) != LFM_OK) {
        free(copy);
        json_out_free(&text);
        return err_no_memory(err, "tool calls");
    }
    memcpy(copy, name->text, name->len);
    copy[name->len] = '\0';
    list->all[list->n++] = (lfm_tool_call){copy, name->len, text.ptr, text.len};
    return LFM_OK;
}

static void drop_from(tool_calls *list, size_t first) {
    while (list->n > first) {
        list->n--;
        free((char *)(uintptr_t)list->all[list->n].name);
        free((char *)(uintptr_t)list->all[list->n].arguments);
    }
}

/* Append {"name": .., "arguments": {..}}, which may say "parameters", may lack them, and may have
 * them in a string, as in OpenAI's interface; *good is false when it is none. */
static lfm_status append_json(tool_calls *list, const json_out *call, bool *good, lfm_error *err) {
    json_doc doc = {0};
    json_doc inner = {0};
    lfm_error why = {0};
    json_parse(&doc, call->ptr, call->len, &why);
    const json_value *name = json_get(doc.root, "name");
    const json_value *arguments = json_get(doc.root, "arguments");
    if (!arguments) {
        arguments = json_get(doc.root, "parameters");
    }
    if (arguments && arguments->kind == JSON_STRING) {
        json_parse(&inner, arguments->text, arguments->len, &why);
        arguments = inner.root ? inner.root : arguments;
    }
    *good = name && name->kind == JSON_STRING && name->len > 0 &&
            (!arguments || arguments->kind == JSON_OBJECT);
    lfm_status st = LFM_OK;
    if (why.status == LFM_ERR_MEMORY) st = err_no_memory(err, "tool calls");
    if (st == LFM_OK && *good) st = append(list, name, arguments, err);
    json_doc_free(&doc);
    json_doc_free(&inner);
    return st;
}

/* Read the call at *p and append it; *good is false when it is none.  *p is then behind it, or has
 * not moved where no call ends. */
static lfm_status read_call(tool_calls *list, tool_calls_text *t, const char **p, bool *good,
                            lfm_error *err) {
    json_out call = {0};
    const char *behind = tool_calls_one(t, *p, &call);
    lfm_status st = LFM_OK;
    *good = behind != NULL;
    if (t->no_memory || call.failed) st = err_no_memory(err, "tool calls");
    if (st == LFM_OK && *good) st = append_json(list, &call, good, err);
    *p = behind ? behind : *p;
    json_out_free(&call);
    return st;
}

/* ---- Between markers ------------------------------------------------------------------------ */

/* The next call in a list, when the one at `p` cannot be read; t->end = there is none. */
static const char *next_call(tool_calls_text *t, const char *p) {
    char before = '\0'; /* the latest character that is not blank */
    for (; p < t->end && t->patience > 0; p++) {
        if (*p == ',' && (before == ')' || before == '}')) {
            const char *next = tool_calls_skip(t, p + 1);
            if (tool_calls_begins(t, next, true)) return next;
        }
        before = strchr(" \t\r\n", *p) ? before : *p;
    }
    return t->end;
}

/* Behind a call that was read: the next one; t->end = there is none. */
static const char *behind_comma(tool_calls_text *t, const char *p) {
    p = tool_calls_skip(t, p);
    p = p < t->end && *p == ',' ? tool_calls_skip(t, p + 1) : t->end;
    return p < t->end && *p == ']' ? t->end : p;
}

lfm_status tool_calls_read(tool_calls *list, const char *text, size_t n, bool *read, size_t *n_lost,
                           lfm_error *err) {
    const size_t before = list->n;
    tool_calls_text t = {.end = text + n, .seen = text,
                         .patience = PATIENCE + PATIENCE_PER_BYTE * n};
    const char *p = tool_calls_skip(&t, text);
    lfm_status st = LFM_OK;
    *n_lost = 0;
    if (p < t.end && *p == '[') {
        t.bracket = true;
        p = tool_calls_skip(&t, p + 1);
    }
    const bool is_empty = p == t.end ? !t.bracket
                                     : t.bracket && *p == ']' &&
                                           tool_calls_skip(&t, p + 1) == t.end;
    if (is_empty || !utf8_valid(text, n)) {
        p = t.end;
    }
    while (p < t.end && st == LFM_OK) {
        const char *from = p;
        bool good = false;
        st = read_call(list, &t, &p, &good, err);
        *n_lost += !good;
        p = p > from ? behind_comma(&t, p) : next_call(&t, p);
    }
    if (st != LFM_OK) {
        drop_from(list, before);
    }
    *read = st == LFM_OK && (is_empty || list->n > before);
    return st;
}

/* ---- Without markers ------------------------------------------------------------------------ */

bool tool_calls_offered(const json_value *tools, const char *name, size_t n, bool part) {
    for (const json_value *t = tools ? tools->first : NULL; t; t = t->next) {
        const json_value *nested = json_get(t, "function");
        const json_value *own = json_get(nested ? nested : t, "name");
        if (own && own->kind == JSON_STRING && (part ? own->len >= n : own->len == n) &&
            memcmp(own->text, name, n) == 0) {
            return true;
        }
    }
    return false;
}

/* One call after the other, up to the bracket; *p is then behind it.  *good is false when something
 * is no call, or one of a function that is not offered. */
static lfm_status read_bare(tool_calls *list, const json_value *tools, tool_calls_text *t,
                            const char **p, bool *good, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (*good = t->patience > 0; *good && st == LFM_OK;) {
        *p = tool_calls_skip(t, *p);
        const char *end = tool_calls_name(t, *p);
        *good = tool_calls_offered(tools, *p, (size_t)(end - *p), t->at_end);
        if (!*good) {
            t->at_end = false; /* whatever follows */
        }
        if (!*good || t->at_end) break;
        st = read_call(list, t, p, good, err);
        if (!*good) break;
        *p = tool_calls_skip(t, *p);
        if (*(*p)++ == ']') break;
        *p = tool_calls_skip(t, *p); /* behind a comma */
        if (**p == ']') {
            ++*p;
            break;
        }
    }
    return st;
}

lfm_status tool_calls_bare(tool_calls *list, const json_value *tools, const char *text, size_t n,
                           bool open, size_t *patience, tool_calls_bare_result *result,
                           size_t *n_used, lfm_error *err) {
    const size_t before = list->n;
    const char *p = text + 1;
    bool good = false;
    tool_calls_text t = {.end = text + n, .bracket = true, .bare = true, .open = open,
                         .seen = text, .patience = *patience};
    lfm_status st = read_bare(list, tools, &t, &p, &good, err);
    good = good && !t.at_end && utf8_valid(text, (size_t)(p - text));
    if (st != LFM_OK || !good) {
        drop_from(list, before);
    }
    *patience = t.patience;
    *n_used = good ? (size_t)(p - text) : 0;
    *result = good ? BARE_CALLS : t.at_end ? BARE_OPEN : BARE_TEXT;
    return st;
}

void tool_calls_drop(tool_calls *list) {
    drop_from(list, 0);
    free(list->all);
    *list = (tool_calls){0};
}
