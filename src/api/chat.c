/*
 * chat.c - conversations -> tokens.
 */
#include "api/internal.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* Encode the pieces: control pieces become their tokens; the text between them is encoded as text,
 * even where it names a control token. */
static lfm_status encode_pieces(const lfm_model *m, const chat_text *c, tok_list *out,
                                lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < c->n && st == LFM_OK;) {
        const chat_piece *p = &c->pieces[i];
        const int32_t id = p->control ? tok_find(m->tok, p->ptr, p->len) : -1;
        if (id >= 0) {
            st = tok_push(out, id, err);
            i++;
            continue;
        }
        /* Join neighbouring text: the pre-tokenizer decides where to split it, not the pieces. */
        size_t len = p->len;
        for (i++; i < c->n && !c->pieces[i].control; i++) {
            len += c->pieces[i].len;
        }
        st = tok_encode(m->tok, p->ptr, len, false, out, err);
    }
    return st;
}

static lfm_status append_prefill(chat_text *c, const char *prefill, lfm_error *err) {
    const size_t len = strlen(prefill);
    const size_t old = c->len;
    char *text = realloc(c->text, old + len + 1);
    if (!text) return err_no_memory(err, "the prompt");
    for (size_t i = 0; i < c->n; i++) { /* the pieces point into the text */
        c->pieces[i].ptr = text + (c->pieces[i].ptr - c->text);
    }
    memcpy(text + old, prefill, len + 1);
    c->text = text;
    c->len = old + len;
    c->text_cap = old + len + 1;
    chat_piece *pieces = realloc(c->pieces, (c->n + 1) * sizeof *pieces);
    if (!pieces) return err_no_memory(err, "the prompt");
    c->pieces = pieces;
    c->cap = c->n + 1;
    c->pieces[c->n++] = (chat_piece){.ptr = text + old, .len = len};
    return LFM_OK;
}

static void clear(int32_t **tokens, size_t *n, char **text, lfm_error *err) {
    err_clear(err);
    *tokens = NULL;
    *n = 0;
    if (text) {
        *text = NULL;
    }
}

/* Render a conversation (chat_render) and tokenize it; the rest as in lfm_chat_tokenize. */
static lfm_status tokenize(const lfm_model *m, const json_value *conversation, const char *prefill,
                           int32_t **tokens, size_t *n, char **text, size_t *text_len,
                           lfm_error *err) {
    chat_text rendered = {0};
    tok_list list = {0};
    size_t bos_len = 0;
    const char *bos = tok_bytes(m->tok, tok_bos(m->tok), &bos_len);
    char bos_text[64] = "";
    if (bos_len < sizeof bos_text) {
        memcpy(bos_text, bos, bos_len);
    }
    lfm_status st = chat_render(&rendered, m->template, conversation, bos_text, true, err);
    if (st == LFM_OK && prefill && prefill[0]) st = append_prefill(&rendered, prefill, err);
    if (st == LFM_OK) st = encode_pieces(m, &rendered, &list, err);
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
    chat_text_free(&rendered);
    tok_list_free(&list);
    return st;
}

lfm_status lfm_chat_tokenize(const lfm_model *m, const char *json, size_t json_len,
                             const char *prefill, int32_t **tokens, size_t *n,
                             char **text, size_t *text_len, lfm_error *err) {
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
    values[1] = (json_value){.kind = JSON_ARRAY, .key = "messages", .key_len = 8, .n = n,
                             .first = n > 0 ? next : NULL};
    for (size_t i = 0; i < n; i++, next += 3) {
        const lfm_message *m = &messages[i];
        next[0] = (json_value){.kind = JSON_OBJECT, .first = &next[1], .n = 2,
                               .next = i + 1 < n ? next + 3 : NULL};
        next[1] = (json_value){.kind = JSON_STRING, .key = "role", .key_len = 4, .text = m->role,
                               .len = strlen(m->role), .next = &next[2]};
        next[2] = (json_value){.kind = JSON_STRING, .key = "content", .key_len = 7,
                               .text = m->text ? m->text : "", .len = m->len};
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
    switch (m->template) {
    case CHAT_NONE: return "the file has no chat template; using plain ChatML";
    case CHAT_UNKNOWN:
        return "the file's chat template is unknown to lfm; using plain ChatML";
    default: return "";
    }
}
