/*
 * chat.c - conversations -> tokens.
 */
#include "api/internal.h"
#include "api/messages.h"

#include <stdlib.h>
#include <string.h>

static lfm_status append_prefill(jinja_text *t, const char *prefill, lfm_error *err) {
    const size_t len = strlen(prefill);
    char *text = realloc(t->text, t->len + len + 1);
    if (text) {
        t->text = text;
        memcpy(text + t->len, prefill, len + 1);
    }
    char *own = realloc(t->own, t->len + len + 1);
    if (own) {
        t->own = own;
        memset(own + t->len, 0, len);
    }
    if (!text || !own) return err_no_memory(err, "the prompt");
    t->len += len;
    return LFM_OK;
}

static lfm_status render_once(const lfm_model *m, const json_value *conversation, bool drop_null,
                              bool *has_null, jinja_text *out, lfm_error *err) {
    chat_messages ready = {0};
    lfm_status st = messages_prepare(&ready, conversation, &m->template, drop_null, err);
    *has_null = ready.has_null;
    if (st == LFM_OK) {
        st = template_render(&m->template, &ready.conversation, &ready.marks, out, err);
    }
    messages_drop(&ready);
    return st;
}

/* Some templates write content that is null, others cannot: those get the message without it. */
static lfm_status render(const lfm_model *m, const json_value *conversation, jinja_text *out,
                         lfm_error *err) {
    lfm_error why = {0};
    bool has_null = false;
    lfm_status st = render_once(m, conversation, false, &has_null, out, &why);
    if (st == LFM_OK) return st;
    if (has_null && render_once(m, conversation, true, &has_null, out, NULL) == LFM_OK) {
        return LFM_OK;
    }
    return err_set(err, st, "%s", why.text);
}

static void clear(int32_t **tokens, size_t *n, char **text, lfm_error *err) {
    err_clear(err);
    *tokens = NULL;
    *n = 0;
    if (text) {
        *text = NULL;
    }
}

/* Render a conversation and tokenize it; the rest as in lfm_chat_tokenize. */
static lfm_status tokenize(const lfm_model *m, const json_value *conversation, const char *prefill,
                           int32_t **tokens, size_t *n, char **text, size_t *text_len,
                           lfm_error *err) {
    jinja_text rendered = {0};
    tok_list list = {0};
    lfm_status st = render(m, conversation, &rendered, err);
    if (st == LFM_OK && prefill && prefill[0]) st = append_prefill(&rendered, prefill, err);
    if (st == LFM_OK) {
        st = tok_encode_own(m->tok, rendered.text, rendered.own, rendered.len, &list, err);
    }
    if (st == LFM_OK) {
        *tokens = list.ids;
        *n = list.n;
        list = (tok_list){0};
    }
    if (st == LFM_OK && text) {
        *text = rendered.text;
        *text_len = rendered.len;
        rendered.text = NULL;
    }
    jinja_text_free(&rendered);
    tok_list_free(&list);
    return st;
}

lfm_status lfm_chat_tokenize(const lfm_model *m, const char *json, size_t json_len,
                             const char *prefill, int32_t **tokens, size_t *n, char **text,
                             size_t *text_len, lfm_error *err) {
    json_doc doc = {0};
    clear(tokens, n, text, err);
    lfm_status st = json_parse(&doc, json, json_len, err);
    if (st == LFM_OK) st = tokenize(m, doc.root, prefill, tokens, n, text, text_len, err);
    json_doc_free(&doc);
    return st;
}

/* {"messages": [{"role": .., "content": ..}, ..]} as values [2 + 3 * n]; values[0] is the whole.
 * They point into `messages`. */
static void build_conversation(json_value *values, const lfm_message *messages, size_t n) {
    json_value *next = values + 2;
    values[0] = (json_value){.kind = JSON_OBJECT, .first = &values[1], .n = 1};
    values[1] = (json_value){
        .kind = JSON_ARRAY, .key = "messages", .key_len = 8, .n = n, .first = n > 0 ? next : NULL};
    for (size_t i = 0; i < n; i++, next += 3) {
        const lfm_message *m = &messages[i];
        next[0] = (json_value){
            .kind = JSON_OBJECT, .first = &next[1], .n = 2, .next = i + 1 < n ? next + 3 : NULL};
        next[1] = (json_value){.kind = JSON_STRING,
                               .key = "role",
                               .key_len = 4,
                               .text = m->role,
                               .len = strlen(m->role),
                               .next = &next[2]};
        next[2] = (json_value){.kind = JSON_STRING,
                               .key = "content",
                               .key_len = 7,
                               .text = m->text ? m->text : "",
                               .len = m->len};
    }
}

lfm_status lfm_chat_tokenize_messages(const lfm_model *m, const lfm_message *messages,
                                      size_t n_messages, const char *prefill, int32_t **tokens,
                                      size_t *n, char **text, size_t *text_len, lfm_error *err) {
    clear(tokens, n, text, err);
    json_value *values = calloc(2 + 3 * n_messages, sizeof *values);
    if (!values) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu messages", n_messages);
    build_conversation(values, messages, n_messages);
    const lfm_status st = tokenize(m, values, prefill, tokens, n, text, text_len, err);
    free(values);
    return st;
}

const char *lfm_chat_warning(const lfm_model *m) {
    return m->template.warning;
}
