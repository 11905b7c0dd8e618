/*
 * chat.c - the family's chat templates, written in C.
 *
 * A template is one row of `rules`: all of them are ChatML with small differences.  The templates
 * belong to the model maker; this file has only fingerprints of their texts, and what they do.
 *
 * Where the official templates produce a text, this code produces the same bytes: tojson is
 * Python's json.dumps (but numbers stay as they were written), trim is Python's str.strip.  Where
 * they stop with an error, some harmless inputs are accepted: a system message without content,
 * null for a field that may be absent, and arguments of a tool call as a string of JSON, which the
 * OpenAI interface has.  Content that is an object, a number or a truth value is refused by the
 * templates that know lists of parts: they print an object's keys or nothing, which is never
 * intended.  CONTINUE_FINAL_MESSAGE_TAG, a signal between a Python function and the LFM2.5-8B
 * template, is plain text here.
 */
#include "token/chat.h"

#include "base/grow.h"
#include "base/markers.h"
#include "base/utf8.h"
#include "token/chat_python.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    bool parts;         /* content is text, a list of parts, or nothing; else text or any JSON */
    bool empty_system;  /* a system message without text is still a turn */
    bool tool_markers;  /* tool lists and tool answers stand between control tokens */
    bool calls;         /* `thinking` and `tool_calls` are rendered */
    const char *forget; /* thoughts are dropped before the last message of this role; NULL = kept */
} rule;

static const rule rules[] = {
    [CHAT_NONE] = {.name = "", .parts = true, .empty_system = true},
    [CHAT_UNKNOWN] = {.name = "unknown", .parts = true, .empty_system = true},
    [CHAT_CHATML] = {.name = "chatml", .parts = true, .empty_system = true},
    [CHAT_LFM2] = {.name = "lfm2", .tool_markers = true},
    [CHAT_LFM25_INSTRUCT] = {.name = "lfm2.5-instruct", .forget = "assistant"},
    [CHAT_LFM25_THINKING] = {.name = "lfm2.5-thinking", .parts = true, .calls = true,
                             .forget = "user"},
};

const char *chat_template_name(chat_template t) {
    return rules[t].name;
}

/* ---- Recognising ---------------------------------------------------------------------------- */

/* fingerprint() of templates found in the family's GGUF files.  Plain ChatML comes bare, with BOS,
 * or with a default for add_generation_prompt, and with its newlines escaped or literal. */
static const struct {
    uint64_t print;
    chat_template template;
} known[] = {
    {0x66111a8377e23a5au, CHAT_LFM2},
    {0x5fc2e7a053d65e40u, CHAT_LFM25_INSTRUCT},
    {0x4b79be9b5964c66du, CHAT_LFM25_THINKING},
    {0x6f3fafb257d2a842u, CHAT_CHATML}, {0x2522cd93431a3aceu, CHAT_CHATML},
    {0x21bcc4cab7c52c5au, CHAT_CHATML}, {0x75f3112dbe85e0c6u, CHAT_CHATML},
    {0x60eb6f7777e6c6b1u, CHAT_CHATML}, {0x4c91e53b42b2bc47u, CHAT_CHATML},
    {0xf7195c1147baa309u, CHAT_CHATML}, /* the synthetic models of tools/mkmodel */
};

/* Length of a {% generation %} or {% endgeneration %} tag at p, or 0.  They mark what training may
 * learn from and print nothing; some tools remove them. */
static size_t generation_tag(const char *p, size_t n) {
    static const char *const words[] = {"{%", "-", "end", "generation", "-", "%}"};
    static const bool required[] = {true, false, false, true, false, true};
    size_t i = 0;
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        const size_t len = strlen(words[w]);
        while (w != 3 && i < n && p[i] == ' ') { /* no space inside "endgeneration" */
            i++;
        }
        if (len <= n - i && memcmp(p + i, words[w], len) == 0) {
            i += len;
        } else if (required[w]) {
            return 0;
        }
    }
    return i;
}

/* FNV-1a (Fowler, Noll, Vo) of the text without generation tags, spaces at the ends of lines,
 * and empty lines. */
static uint64_t fingerprint(const char *text, size_t len) {
    uint64_t hash = 0xcbf29ce484222325u;
    uint64_t solid = hash; /* hash up to the last character that counts */
    bool empty = true;
    for (size_t i = 0; i <= len;) {
        const size_t tag = i < len && text[i] == '{' ? generation_tag(text + i, len - i) : 0;
        const char c = i < len ? text[i] : '\n';
        if (tag == 0) {
            hash = (c == '\n' ? solid ^ '\n' : hash ^ (unsigned char)c) * 0x100000001b3u;
        }
        if (tag == 0 && c == '\n') {
            solid = empty ? solid : hash;
            hash = solid;
            empty = true;
        } else if (tag == 0 && c != ' ' && c != '\t' && c != '\r') {
            solid = hash;
            empty = false;
        }
        i += tag > 0 ? tag : 1;
    }
    return solid;
}

chat_template chat_recognise(const char *text, size_t len) {
    if (!text || len == 0) return CHAT_NONE;
    const uint64_t print = fingerprint(text, len);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].print == print) return known[i].template;
    }
    return CHAT_UNKNOWN;
}

/* ---- Thoughts -------------------------------------------------------------------------------- */

/* If there is a </think> after `from`, leave only what follows the last one, stripped. */
static void forget_thoughts(json_out *o, size_t from) {
    static const char mark[] = THINK_CLOSE;
    const size_t mark_len = sizeof mark - 1;
    size_t begin = 0;
    for (size_t i = from; !o->failed && i + mark_len <= o->len; i++) {
        if (o->ptr[i] == mark[0] && memcmp(o->ptr + i, mark, mark_len) == 0) {
            begin = i + mark_len;
        }
    }
    if (begin == 0) return;
    size_t end = begin; /* after the last character that is not a space */
    for (size_t i = begin; i < o->len;) {
        uint32_t c = 0;
        const size_t length = utf8_decode(o->ptr + i, o->len - i, &c);
        const bool space = chat_is_python_space(c);
        i += length > 0 ? length : 1;
        if (!space) {
            end = i;
        } else if (end == begin) {
            begin = end = i;
        }
    }
    memmove(o->ptr + from, o->ptr + begin, end - begin);
    o->len = from + (end - begin);
    o->ptr[o->len] = '\0';
}

/* ---- Pieces --------------------------------------------------------------------------------- */

/* The page being written.  What is written to `text` belongs to the current text piece until
 * control() ends it.  So adjacent text is one piece and is tokenised as a whole. */
typedef struct {
    json_out text;
    chat_text *out; /* its pieces; their pointers are set at the end, when the text no longer
                       moves */
    size_t done;    /* bytes that belong to a piece */
    const rule *rule;
    lfm_error *err;
} page;

static void end_piece(page *p, bool is_control) {
    chat_text *out = p->out;
    if (p->text.failed || p->done == p->text.len) return;
    chat_piece *grown = grow_array(out->pieces, &out->cap, out->n + 1, sizeof *grown);
    if (!grown) {
        p->text.failed = true;
        return;
    }
    out->pieces = grown;
    out->pieces[out->n++] = (chat_piece){.len = p->text.len - p->done, .control = is_control};
    p->done = p->text.len;
}

static void control(page *p, const char *marker) {
    end_piece(p, false);
    json_write_text(&p->text, marker);
    end_piece(p, true);
}

static void text(page *p, const char *bytes) {
    json_write_text(&p->text, bytes);
}

static lfm_status finish(page *p) {
    end_piece(p, false);
    const lfm_status st = json_finish(&p->text, p->err);
    if (st != LFM_OK) return st;
    chat_text *const out = p->out;
    out->text = p->text.ptr;
    out->len = p->text.len;
    out->text_cap = p->text.cap;
    p->text = (json_out){0};
    const char *at = out->text;
    for (size_t i = 0; i < out->n; i++) {
        out->pieces[i].ptr = at;
        at += out->pieces[i].len;
    }
    return LFM_OK;
}

/* ---- Messages ------------------------------------------------------------------------------- */

static bool is_string(const json_value *v) {
    return v && v->kind == JSON_STRING;
}

static bool is_absent(const json_value *v) {
    return !v || v->kind == JSON_NULL;
}

/* `i` is the index of the message in the list as given, the system message included. */
static lfm_status bad(const page *p, size_t i, const char *field, const char *what) {
    return err_set(p->err, LFM_ERR_ARG, "messages[%zu]%s%s %s", i, *field ? "." : "", field, what);
}

/* Content that is a list of {"type":"text","text":..} and other parts. */
static lfm_status write_parts(const page *p, json_out *o, const json_value *list, size_t i) {
    size_t k = 0;
    for (const json_value *item = list->first; item; item = item->next, k++) {
        const json_value *const type = json_get(item, "type");
        if (json_is(type, "image")) {
            json_write_text(o, "<image>");
        } else if (json_is(type, "text")) {
            const json_value *const words = json_get(item, "text");
            if (!is_string(words)) {
                return err_set(p->err, LFM_ERR_ARG, "messages[%zu].content[%zu].text %s", i, k,
                               words ? "must be a string" : "is missing");
            }
            json_write_raw(o, words->text, words->len);
        } else {
            json_write_value(o, item);
        }
    }
    return LFM_OK;
}

static lfm_status write_content(const page *p, json_out *o, const json_value *content, size_t i) {
    if (is_string(content)) {
        json_write_raw(o, content->text, content->len);
    } else if (p->rule->parts && content && content->kind == JSON_ARRAY) {
        return write_parts(p, o, content, i);
    } else if (p->rule->parts && !is_absent(content)) {
        return bad(p, i, "content", "must be a string or a list of parts");
    } else if (!p->rule->parts && !content) {
        return bad(p, i, "content", "is missing; use \"\" for an empty message");
    } else if (!p->rule->parts) {
        json_write_value(o, content); /* null too: the official templates print it as it is */
    }
    return LFM_OK;
}

/* Write a call's argument: strings in single quotes, never escaped. */
static void write_argument(json_out *o, const json_value *v) {
    if (v->kind == JSON_STRING) {
        json_write_text(o, "'");
        json_write_raw(o, v->text, v->len);
        json_write_text(o, "'");
    } else if (v->kind == JSON_OBJECT) {
        json_write_value(o, v);
    } else {
        json_write_styled(o, v, &chat_python);
    }
}

static void write_arguments(json_out *o, const json_value *arguments) {
    for (const json_value *a = arguments->first; a; a = a->next) {
        json_write_raw(o, a->key, a->key_len);
        json_write_text(o, "=");
        write_argument(o, a);
        json_write_text(o, a->next ? ", " : "");
    }
}

/* Write call `k` of message `i` as name(argument=value, ..). */
static lfm_status write_call(page *p, const json_value *call, size_t i, size_t k) {
    static const char place[] = "messages[%zu].tool_calls[%zu].function.%s %s";
    const json_value *const function = json_get(call, "function");
    const json_value *const name = json_get(function, "name");
    const json_value *arguments = json_get(function, "arguments");
    json_doc doc = {0};
    if (!is_string(name)) {
        return err_set(p->err, LFM_ERR_ARG, place, i, k, "name",
                       name ? "must be a string" : "is missing");
    }
    if (is_string(arguments)) { /* the OpenAI interface wraps them in a string */
        lfm_error why = {0};
        const lfm_status st = json_parse(&doc, arguments->text, arguments->len, &why);
        if (st != LFM_OK) return err_set(p->err, st, place, i, k, "arguments:", why.text);
        arguments = doc.root;
    }
    const bool good = arguments && arguments->kind == JSON_OBJECT;
    if (good) {
        json_write_raw(&p->text, name->text, name->len);
        text(p, "(");
        write_arguments(&p->text, arguments);
        text(p, ")");
    }
    json_doc_free(&doc);
    return good ? LFM_OK
                : err_set(p->err, LFM_ERR_ARG, place, i, k, "arguments",
                          arguments ? "must be an object" : "is missing");
}

static lfm_status write_calls(page *p, const json_value *calls, size_t i) {
    if (calls->kind != JSON_ARRAY) return bad(p, i, "tool_calls", "must be a list");
    lfm_status st = LFM_OK;
    size_t k = 0;
    control(p, TOOL_CALL_START);
    text(p, "[");
    for (const json_value *call = calls->first; call && st == LFM_OK; call = call->next, k++) {
        st = write_call(p, call, i, k);
        text(p, call->next ? ", " : "");
    }
    text(p, "]");
    control(p, TOOL_CALL_END);
    return st;
}

/* Write message `i` as a turn.  `past`: drop its thoughts. */
static lfm_status write_message(page *p, const json_value *message, size_t i, bool past) {
    const json_value *const role = json_get(message, "role");
    const bool assistant = json_is(role, "assistant");
    const bool wrapped = p->rule->tool_markers && json_is(role, "tool");
    control(p, TURN_START);
    json_write_raw(&p->text, role->text, role->len);
    text(p, "\n");

    const json_value *const thinking = json_get(message, "thinking");
    if (p->rule->calls && assistant && !past && !is_absent(thinking)) {
        if (!is_string(thinking)) return bad(p, i, "thinking", "must be a string");
        control(p, THINK_OPEN);
        json_write_raw(&p->text, thinking->text, thinking->len);
        control(p, THINK_CLOSE);
    }

    if (wrapped) {
        control(p, "<|tool_response_start|>");
    }
    const size_t from = p->text.len;
    lfm_status st = write_content(p, &p->text, json_get(message, "content"), i);
    if (st == LFM_OK && assistant && past) {
        forget_thoughts(&p->text, from);
    }
    if (wrapped) {
        control(p, "<|tool_response_end|>");
    }

    const json_value *const calls = json_get(message, "tool_calls");
    if (st == LFM_OK && p->rule->calls && assistant && !is_absent(calls)) {
        st = write_calls(p, calls, i);
    }
    control(p, TURN_END);
    text(p, "\n");
    return st;
}

/* Write "List of tools: [..]"; a tool that is a string is copied verbatim. */
static void write_tools(page *p, const json_value *tools) {
    text(p, "List of tools: ");
    if (p->rule->tool_markers) {
        control(p, "<|tool_list_start|>");
    }
    text(p, "[");
    for (const json_value *tool = tools->first; tool; tool = tool->next) {
        if (tool->kind == JSON_STRING) {
            json_write_raw(&p->text, tool->text, tool->len);
        } else {
            json_write_value(&p->text, tool);
        }
        text(p, tool->next ? ", " : "");
    }
    text(p, "]");
    if (p->rule->tool_markers) {
        control(p, "<|tool_list_end|>");
    }
}

/* Write the first turn: the system message (may be NULL) and the tools (may be NULL). */
static lfm_status write_system(page *p, const json_value *message, const json_value *tools) {
    const json_value *const content = json_get(message, "content");
    json_out words = {0};
    lfm_status st = LFM_OK;
    if (!p->rule->parts && !is_absent(content) && !is_string(content)) {
        st = bad(p, 0, "content", "must be a string: this model's template takes no other system "
                 "message");
    } else if (!is_absent(content)) {
        st = write_content(p, &words, content, 0);
    }
    p->text.failed |= words.failed;
    if (st == LFM_OK && (words.len > 0 || tools || (message && p->rule->empty_system))) {
        control(p, TURN_START);
        text(p, "system\n");
        json_write_raw(&p->text, words.ptr, words.len);
        if (tools) {
            text(p, words.len > 0 ? "\n" : "");
            write_tools(p, tools);
        }
        control(p, TURN_END);
        text(p, "\n");
    }
    json_out_free(&words);
    return st;
}

/* Is every message an object with a role?  *last becomes the number of the last one whose role is
 * `role`, and stays as it is when there is none. */
static lfm_status check_messages(const page *p, const json_value *messages, const char *role,
                                 size_t *last) {
    if (!messages || messages->kind != JSON_ARRAY || !messages->first) {
        return err_set(p->err, LFM_ERR_ARG, "messages %s",
                       !messages ? "is missing: a conversation is {\"messages\": [..]}"
                       : messages->kind != JSON_ARRAY ? "must be a list"
                       : "is empty: a conversation needs at least one message");
    }
    size_t i = 0;
    for (const json_value *m = messages->first; m; m = m->next, i++) {
        const json_value *const v = json_get(m, "role");
        if (m->kind != JSON_OBJECT) return bad(p, i, "", "must be an object");
        if (!is_string(v)) return bad(p, i, "role", v ? "must be a string" : "is missing");
        if (role && json_is(v, role)) {
            *last = i;
        }
    }
    return LFM_OK;
}

static lfm_status write_conversation(page *p, const json_value *conversation, const char *bos,
                                     bool generation) {
    if (!conversation || conversation->kind != JSON_OBJECT) {
        return err_set(p->err, LFM_ERR_ARG,
                       "a conversation must be an object: {\"messages\": [..]}");
    }
    const json_value *const messages = json_get(conversation, "messages");
    const json_value *tools = json_get(conversation, "tools");
    size_t last = 0;
    lfm_status st = check_messages(p, messages, p->rule->forget, &last);
    if (st == LFM_OK && !is_absent(tools) && tools->kind != JSON_ARRAY) {
        st = err_set(p->err, LFM_ERR_ARG, "tools must be a list");
    }
    if (st != LFM_OK) return st;
    if (!is_absent(tools) && !tools->first) {
        tools = NULL;
    }
    control(p, bos);
    const json_value *m = messages->first;
    const bool system = json_is(json_get(m, "role"), "system");
    st = write_system(p, system ? m : NULL, is_absent(tools) ? NULL : tools);
    size_t i = system;
    for (m = system ? m->next : m; m && st == LFM_OK; m = m->next, i++) {
        st = write_message(p, m, i, i < last);
    }
    if (generation) {
        control(p, TURN_START);
        text(p, "assistant\n");
    }
    return st;
}

lfm_status chat_render(chat_text *out, chat_template t, const json_value *conversation,
                       const char *bos, bool generation, lfm_error *err) {
    *out = (chat_text){0};
    page p = {.out = out, .rule = &rules[t], .err = err};
    lfm_status st = write_conversation(&p, conversation, bos, generation);
    if (st == LFM_OK) st = finish(&p);
    if (st != LFM_OK) {
        json_out_free(&p.text);
        chat_text_free(out);
    }
    return st;
}

void chat_text_free(chat_text *c) {
    free(c->pieces);
    free(c->text);
    *c = (chat_text){0};
}
