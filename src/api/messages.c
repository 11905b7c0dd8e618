/*
 * messages.c - a conversation as people give it -> as chat templates expect it.
 */
#include "api/messages.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

/* ---- Values --------------------------------------------------------------------------------- */

enum { BLOCK_VALUES = 128 };

struct messages_block {
    struct messages_block *before;
    size_t used;
    json_value values[BLOCK_VALUES];
};

static json_value *copy_value(chat_messages *m, const json_value *v) {
    if (!m->blocks || m->blocks->used == BLOCK_VALUES) {
        struct messages_block *b = calloc(1, sizeof *b);
        if (!b) return NULL;
        b->before = m->blocks;
        m->blocks = b;
    }
    json_value *copy = &m->blocks->values[m->blocks->used++];
    *copy = *v;
    copy->next = NULL;
    return copy;
}

/* A list or an object that is being made; a failed allocation leaves `failed`. */
typedef struct {
    chat_messages *m;
    json_value *whole;
    json_value *last;
    bool failed;
} builder;

static builder begin(chat_messages *m, const json_value *like) {
    builder b = {.m = m, .whole = copy_value(m, like)};
    b.failed = !b.whole;
    if (b.whole) {
        b.whole->first = NULL;
        b.whole->n = 0;
    }
    return b;
}

static json_value *add(builder *b, const json_value *v) {
    json_value *copy = b->failed || !v ? NULL : copy_value(b->m, v);
    if (!copy) {
        b->failed = true;
        return NULL;
    }
    if (b->last) {
        b->last->next = copy;
    } else {
        b->whole->first = copy;
    }
    b->last = copy;
    b->whole->n++;
    return copy;
}

static bool is_null(const json_value *v) {
    return !v || v->kind == JSON_NULL;
}

static bool key_is(const json_value *v, const char *key) {
    return v->key_len == strlen(key) && memcmp(v->key, key, v->key_len) == 0;
}

/* ---- Text that is written here -------------------------------------------------------------- */

static void write_text(chat_messages *m, const char *bytes, size_t n, char own) {
    json_write_raw(&m->text, bytes, n);
    for (size_t i = 0; i < n; i++) {
        json_write_raw(&m->own, &own, 1);
    }
}

static void write_marked(chat_messages *m, const jinja_text *t) {
    json_write_raw(&m->text, t->text, t->len);
    json_write_raw(&m->own, t->own, t->len);
}

static void write_string(chat_messages *m, const json_value *v) {
    if (v && v->kind == JSON_STRING) {
        write_text(m, v->text, v->len, 0);
    }
}

/* A string value of what was written since `from`.  Its pointer is set at the end, when the text no
 * longer moves: until then `len` is its length, and `text` NULL + its offset. */
static json_value written(const chat_messages *m, size_t from) {
    return (json_value){.kind = JSON_STRING,
                        .key = "content",
                        .key_len = 7,
                        .text = NULL,
                        .len = m->text.len - from,
                        .number = (double)from};
}

static void settle(chat_messages *m) {
    for (struct messages_block *b = m->blocks; b; b = b->before) {
        for (size_t i = 0; i < b->used; i++) {
            json_value *v = &b->values[i];
            if (v->kind == JSON_STRING && !v->text) {
                v->text = m->text.ptr + (size_t)v->number;
            }
        }
    }
    m->marks = (jinja_marks){.bytes = m->text.ptr, .own = m->own.ptr, .n = m->text.len};
}

/* ---- Tool calls ----------------------------------------------------------------------------- */

/* `arguments` that are a string of JSON, parsed; "" and null are no arguments. */
static lfm_status parse_arguments(chat_messages *m, const json_value *v, size_t i, size_t k,
                                  const json_value **out, lfm_error *err) {
    static const json_value none = {.kind = JSON_OBJECT, .key = "arguments", .key_len = 9};
    *out = v;
    if (v->kind == JSON_NULL || (v->kind == JSON_STRING && v->len == 0)) {
        *out = &none;
        return LFM_OK;
    }
    if (v->kind != JSON_STRING) return LFM_OK;
    json_doc *docs = grow_array(m->docs, &m->cap_docs, m->n_docs + 1, sizeof *docs);
    if (!docs) return err_no_memory(err, "the conversation");
    m->docs = docs;
    lfm_error why = {0};
    json_doc *doc = &docs[m->n_docs];
    *doc = (json_doc){0};
    const lfm_status st = json_parse(doc, v->text, v->len, &why);
    if (st != LFM_OK) {
        return err_set(err, st, "messages[%zu].tool_calls[%zu].function.arguments: %s", i, k,
                       why.text);
    }
    m->n_docs++;
    json_value *value = copy_value(m, doc->root->kind == JSON_NULL ? &none : doc->root);
    if (!value) return err_no_memory(err, "the conversation");
    value->key = v->key;
    value->key_len = v->key_len;
    *out = value;
    return LFM_OK;
}

/* Copy a member of a call or of its function; arguments are parsed. */
static lfm_status add_member(builder *b, const json_value *v, size_t i, size_t k,
                             lfm_error *err) {
    const json_value *use = v;
    const lfm_status st =
        key_is(v, "arguments") ? parse_arguments(b->m, v, i, k, &use, err) : LFM_OK;
    if (st == LFM_OK) add(b, use);
    return st;
}

static lfm_status add_function(builder *to, const json_value *function, size_t i, size_t k,
                               lfm_error *err) {
    builder b = begin(to->m, function);
    lfm_status st = LFM_OK;
    for (const json_value *v = function->first; v && st == LFM_OK && !b.failed; v = v->next) {
        st = add_member(&b, v, i, k, err);
    }
    if (st == LFM_OK) add(to, b.failed ? NULL : b.whole);
    return st;
}

static lfm_status add_call(builder *to, const json_value *call, size_t i, size_t k,
                           lfm_error *err) {
    builder b = begin(to->m, call);
    lfm_status st = LFM_OK;
    for (const json_value *v = call->first; v && st == LFM_OK && !b.failed; v = v->next) {
        const bool is_function = key_is(v, "function") && v->kind == JSON_OBJECT;
        st = is_function ? add_function(&b, v, i, k, err) : add_member(&b, v, i, k, err);
    }
    if (st == LFM_OK) add(to, b.failed ? NULL : b.whole);
    return st;
}

static lfm_status add_calls(builder *to, const json_value *calls, size_t i, lfm_error *err) {
    builder b = begin(to->m, calls);
    lfm_status st = LFM_OK;
    size_t k = 0;
    for (const json_value *c = calls->first; c && st == LFM_OK && !b.failed; c = c->next, k++) {
        st = c->kind == JSON_OBJECT ? add_call(&b, c, i, k, err) : LFM_OK;
        if (c->kind != JSON_OBJECT) {
            add(&b, c);
        }
    }
    if (st == LFM_OK) add(to, b.failed ? NULL : b.whole);
    return st;
}

/* ---- Messages ------------------------------------------------------------------------------- */

static const char *const thought_keys[] = {"reasoning_content", "thinking", "reasoning"};

static bool is_thought_key(const json_value *v) {
    return key_is(v, thought_keys[0]) || key_is(v, thought_keys[1]) || key_is(v, thought_keys[2]);
}

static const json_value *find_thoughts(const json_value *message) {
    for (size_t i = 0; i < 3; i++) {
        const json_value *v = json_get(message, thought_keys[i]);
        if (!is_null(v)) return v;
    }
    return NULL;
}

static void add_thoughts(builder *b, const json_value *v) {
    for (size_t i = 0; i < 3 && v; i++) {
        json_value *copy = add(b, v);
        if (!copy) return;
        copy->key = thought_keys[i];
        copy->key_len = strlen(thought_keys[i]);
    }
}

/* The content of a message with its tool calls behind it. */
static lfm_status add_content_and_calls(builder *b, const chat_template *t,
                                        const json_value *content, const json_value *calls,
                                        lfm_error *err) {
    const size_t from = b->m->text.len;
    jinja_text out = {0};
    const lfm_status st = template_write_calls(t, calls, &out, err);
    if (st == LFM_OK) {
        write_string(b->m, content);
        write_marked(b->m, &out);
        const json_value v = written(b->m, from);
        add(b, &v);
    }
    jinja_text_free(&out);
    return st;
}

/* The system prompt, or nothing, with the list of tools behind it. */
static void add_content_and_tools(builder *b, const json_value *content, const json_value *tools) {
    const size_t from = b->m->text.len;
    json_out list = {0};
    write_string(b->m, content);
    write_text(b->m, "\n", b->m->text.len > from, 0);
    json_write_text(&list, "List of tools: ");
    json_write_value(&list, tools);
    if (list.failed) {
        b->failed = true;
    } else {
        write_text(b->m, list.ptr, list.len, 0);
    }
    json_out_free(&list);
    const json_value v = written(b->m, from);
    add(b, &v);
}

typedef struct {
    const chat_template *t;
    const json_value *tools; /* to be written behind the system prompt; NULL = not */
    bool drop_null;
} preparation;

static lfm_status add_message(builder *to, const preparation *p, const json_value *message,
                              size_t i, lfm_error *err) {
    builder b = begin(to->m, message);
    const json_value *calls = json_get(message, "tool_calls");
    const json_value *content = json_get(message, "content");
    const bool assistant = json_is(json_get(message, "role"), "assistant");
    const bool has_calls = assistant && calls && calls->kind == JSON_ARRAY && calls->first;
    const bool plain_content = is_null(content) || content->kind == JSON_STRING;
    const bool inline_calls = has_calls && !p->t->has_calls && plain_content;
    const bool inline_tools = p->tools && i == 0 && plain_content;
    const json_value *thoughts = find_thoughts(message);
    const json_value *parsed = calls;
    lfm_status st = LFM_OK;
    for (const json_value *v = message->first; v && st == LFM_OK && !b.failed; v = v->next) {
        const bool is_content = key_is(v, "content");
        if (is_thought_key(v)) {
            add_thoughts(&b, thoughts);
            thoughts = NULL; /* once */
        } else if (key_is(v, "tool_calls") && v->kind == JSON_ARRAY) {
            st = add_calls(&b, v, i, err);
            parsed = b.last;
        } else if (is_content && (inline_calls || inline_tools)) {
            continue; /* below */
        } else if (v->kind != JSON_NULL || (is_content && !p->drop_null)) {
            to->m->has_null = to->m->has_null || v->kind == JSON_NULL;
            add(&b, v);
        }
    }
    if (st == LFM_OK && inline_calls && !b.failed) {
        st = add_content_and_calls(&b, p->t, content, parsed, err);
    } else if (st == LFM_OK && inline_tools && !b.failed) {
        add_content_and_tools(&b, content, p->tools);
    }
    if (st == LFM_OK) add(to, b.failed ? NULL : b.whole);
    return st;
}

/* A system message for tools that nobody else would mention. */
static void add_system(builder *to, const json_value *tools) {
    static const json_value object = {.kind = JSON_OBJECT};
    static const json_value role = {
        .kind = JSON_STRING, .key = "role", .key_len = 4, .text = "system", .len = 6};
    builder b = begin(to->m, &object);
    add(&b, &role);
    add_content_and_tools(&b, NULL, tools);
    add(to, b.failed ? NULL : b.whole);
}

/* Is every message an object with a role? */
static lfm_status check_messages(const json_value *list, lfm_error *err) {
    if (!list || list->kind != JSON_ARRAY || !list->first) {
        return err_set(err, LFM_ERR_ARG, "messages %s",
                       !list ? "is missing: a conversation is {\"messages\": [..]}"
                       : list->kind != JSON_ARRAY
                           ? "must be a list"
                           : "is empty: a conversation needs at least one message");
    }
    size_t i = 0;
    for (const json_value *m = list->first; m; m = m->next, i++) {
        const json_value *role = json_get(m, "role");
        if (m->kind != JSON_OBJECT) {
            return err_set(err, LFM_ERR_ARG, "messages[%zu] must be an object", i);
        }
        if (!role || role->kind != JSON_STRING) {
            return err_set(err, LFM_ERR_ARG, "messages[%zu].role %s", i,
                           role ? "must be a string" : "is missing");
        }
    }
    return LFM_OK;
}

static lfm_status add_messages(builder *to, const preparation *p, const json_value *list,
                               lfm_error *err) {
    builder b = begin(to->m, list);
    lfm_status st = LFM_OK;
    size_t i = 0;
    if (p->tools && !json_is(json_get(list->first, "role"), "system")) {
        add_system(&b, p->tools);
        i = 1;
    }
    const preparation rest = {
        .t = p->t, .tools = i == 0 ? p->tools : NULL, .drop_null = p->drop_null};
    for (const json_value *v = list->first; v && st == LFM_OK && !b.failed; v = v->next, i++) {
        st = add_message(&b, &rest, v, i, err);
    }
    if (st == LFM_OK) add(to, b.failed ? NULL : b.whole);
    return st;
}

lfm_status messages_prepare(chat_messages *out, const json_value *conversation,
                            const chat_template *t, bool drop_null, lfm_error *err) {
    *out = (chat_messages){0};
    if (!conversation || conversation->kind != JSON_OBJECT) {
        return err_set(err, LFM_ERR_ARG, "a conversation must be an object: {\"messages\": [..]}");
    }
    const json_value *tools = json_get(conversation, "tools");
    lfm_status st = check_messages(json_get(conversation, "messages"), err);
    if (st == LFM_OK && !is_null(tools) && tools->kind != JSON_ARRAY) {
        st = err_set(err, LFM_ERR_ARG, "tools must be a list");
    }
    if (st != LFM_OK) return st;
    const bool inline_tools = !is_null(tools) && tools->first && !t->has_tools;
    const preparation p = {.t = t, .tools = inline_tools ? tools : NULL, .drop_null = drop_null};
    builder b = begin(out, conversation);
    for (const json_value *v = conversation->first; v && st == LFM_OK && !b.failed; v = v->next) {
        if (key_is(v, "messages")) {
            st = add_messages(&b, &p, v, err);
        } else if (v->kind != JSON_NULL) {
            add(&b, v);
        }
    }
    if (st == LFM_OK && (b.failed || out->text.failed || out->own.failed)) {
        st = err_no_memory(err, "the conversation");
    }
    if (st == LFM_OK) {
        settle(out);
        out->conversation = *b.whole;
    } else {
        messages_drop(out);
    }
    return st;
}

void messages_drop(chat_messages *m) {
    while (m->blocks) {
        struct messages_block *before = m->blocks->before;
        free(m->blocks);
        m->blocks = before;
    }
    for (size_t i = 0; i < m->n_docs; i++) {
        json_doc_free(&m->docs[i]);
    }
    free(m->docs);
    json_out_free(&m->text);
    json_out_free(&m->own);
    *m = (chat_messages){0};
}
