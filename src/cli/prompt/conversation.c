/*
 * conversation.c - the messages of a conversation, from JSON and to JSON.
 */
#include "cli/prompt/conversation.h"

#include "base/grow.h"
#include "cli/shared/answer_json.h"

#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text, size_t n) {
    char *copy = malloc(n + 1);
    if (copy && n > 0) {
        memcpy(copy, text, n);
    }
    if (copy) {
        copy[n] = '\0';
    }
    return copy;
}

static void drop_message(chat_message *m) {
    free(m->role);
    free(m->text);
    json_out_free(&m->other);
    *m = (chat_message){0};
}

/* Append a message.  With a NULL role, `text` is the whole message as JSON. */
static lfm_status append(conversation *c, const char *role, size_t n_role, const char *text,
                         size_t n, lfm_error *err) {
    chat_message *grown = grow_array(c->messages, &c->cap, c->n + 1, sizeof *grown);
    if (!grown) return err_no_memory(err, "the conversation");
    c->messages = grown;
    chat_message m = {.role = role ? copy_text(role, n_role) : NULL, .text = copy_text(text, n),
                      .n = n};
    if (!m.text || (role && !m.role)) {
        drop_message(&m);
        return err_no_memory(err, "the conversation");
    }
    c->messages[c->n++] = m;
    return LFM_OK;
}

lfm_status conversation_add(conversation *c, const char *role, const char *text, size_t n,
                            lfm_error *err) {
    return append(c, role, strlen(role), text, n, err);
}

static void write_calls(json_out *other, const lfm_answer_state *answer) {
    json_write_text(other, ", ");
    json_begin_array(other, "tool_calls");
    for (size_t i = 0; i < answer->n_calls; i++) {
        json_begin_object(other, NULL);
        json_put_text(other, "type", "function");
        json_put_key(other, "function");
        tool_call_write(other, &answer->calls[i]);
        json_end_object(other);
    }
    json_end_array(other);
}

lfm_status conversation_add_answer(conversation *c, bool apart, const lfm_answer_state *answer,
                                   lfm_error *err) {
    lfm_status st = apart ? conversation_add(c, "assistant", answer->text, answer->text_len, err)
                          : conversation_add(c, "assistant", answer->said, answer->said_len, err);
    if (st != LFM_OK) return st;
    json_out *other = &c->messages[c->n - 1].other;
    if (apart && answer->thoughts_len > 0) {
        json_write_text(other, ", \"reasoning_content\": ");
        json_write_string(other, answer->thoughts, answer->thoughts_len);
    }
    if (answer->n_calls > 0) {
        write_calls(other, answer);
    }
    st = json_finish(other, err);
    if (st != LFM_OK) {
        conversation_pop(c);
    }
    return st;
}

void conversation_pop(conversation *c) {
    if (c->n > 0) {
        drop_message(&c->messages[--c->n]);
    }
}

void conversation_pop_first(conversation *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        drop_message(&c->messages[i]);
    }
    c->n -= n;
    memmove(c->messages, c->messages + n, c->n * sizeof *c->messages);
}

void conversation_clear(conversation *c) {
    while (c->n > 0) {
        conversation_pop(c);
    }
}

lfm_status conversation_set_system(conversation *c, const char *text, size_t n, lfm_error *err) {
    char *copy = text ? copy_text(text, n) : NULL;
    if (text && !copy) return err_no_memory(err, "the conversation");
    free(c->system);
    c->system = copy;
    c->n_system = n;
    return LFM_OK;
}

lfm_status conversation_set_tools(conversation *c, const tools_offered *tools, lfm_error *err) {
    c->tools.len = 0;
    if (tools->n > 0) {
        tools_write(&c->tools, tools, NULL);
    }
    return json_finish(&c->tools, err);
}

/* ---- From JSON ------------------------------------------------------------------------------ */

/* Append a message that is_plain. */
static lfm_status read_plain(conversation *c, const json_value *v, lfm_error *err) {
    const json_value *role = v->first;
    const json_value *content = role->next;
    lfm_status st = append(c, role->text, role->len, content->text, content->len, err);
    if (st != LFM_OK) return st;
    json_out *other = &c->messages[c->n - 1].other;
    for (const json_value *m = content->next; m; m = m->next) {
        json_write_text(other, ", ");
        json_write_string(other, m->key, m->key_len);
        json_write_text(other, ": ");
        json_write_value(other, m);
    }
    return json_finish(other, err);
}

/* Does the message begin with "role" and "content", both strings? */
static bool is_plain(const json_value *v) {
    const json_value *role = v->kind == JSON_OBJECT ? v->first : NULL;
    const json_value *content = role ? role->next : NULL;
    return content && role == json_get(v, "role") && content == json_get(v, "content") &&
           role->kind == JSON_STRING && content->kind == JSON_STRING &&
           !memchr(role->text, 0, role->len);
}

lfm_status conversation_read(conversation *c, const json_value *list, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (const json_value *v = list->first; v && st == LFM_OK; v = v->next) {
        if (is_plain(v)) {
            st = read_plain(c, v, err);
            continue;
        }
        json_out whole = {0};
        json_write_value(&whole, v);
        st = json_finish(&whole, err);
        if (st == LFM_OK) st = append(c, NULL, 0, whole.ptr, whole.len, err);
        json_out_free(&whole);
    }
    return st;
}

lfm_status conversation_copy(conversation *to, const conversation *from, lfm_error *err) {
    conversation_drop(to);
    lfm_status st = conversation_set_system(to, from->system, from->n_system, err);
    for (size_t i = 0; i < from->n && st == LFM_OK; i++) {
        const chat_message *m = &from->messages[i];
        st = append(to, m->role, m->role ? strlen(m->role) : 0, m->text, m->n, err);
        if (st == LFM_OK) {
            json_out *other = &to->messages[to->n - 1].other;
            json_write_raw(other, m->other.ptr, m->other.len);
            st = json_finish(other, err);
        }
    }
    json_write_raw(&to->tools, from->tools.ptr, from->tools.len);
    return st == LFM_OK ? json_finish(&to->tools, err) : st;
}

/* ---- To JSON -------------------------------------------------------------------------------- */

static void write_message(json_out *json, const char *role, const char *text, size_t n,
                          const json_out *other) {
    json_write_text(json, "{\"role\": ");
    json_write_string(json, role, strlen(role));
    json_write_text(json, ", \"content\": ");
    json_write_string(json, text, n);
    if (other) {
        json_write_raw(json, other->ptr, other->len);
    }
    json_write_text(json, "}");
}

lfm_status conversation_write(json_out *json, const conversation *c, const char *kwargs,
                              lfm_error *err) {
    json_write_text(json, "{");
    if (kwargs) {
        json_write_text(json, "\"chat_template_kwargs\": ");
        json_write_text(json, kwargs);
        json_write_text(json, ", ");
    }
    if (c->tools.len > 0) {
        json_write_text(json, "\"tools\": ");
        json_write_raw(json, c->tools.ptr, c->tools.len);
        json_write_text(json, ", ");
    }
    json_write_text(json, "\"messages\": [");
    if (c->system) {
        write_message(json, "system", c->system, c->n_system, NULL);
    }
    for (size_t i = 0; i < c->n; i++) {
        const chat_message *m = &c->messages[i];
        json_write_text(json, i > 0 || c->system ? ", " : "");
        if (m->role) {
            write_message(json, m->role, m->text, m->n, &m->other);
        } else {
            json_write_raw(json, m->text, m->n);
        }
    }
    json_write_text(json, "]}");
    return json_finish(json, err);
}

void conversation_drop(conversation *c) {
    conversation_clear(c);
    free(c->messages);
    free(c->system);
    json_out_free(&c->tools);
    *c = (conversation){0};
}
