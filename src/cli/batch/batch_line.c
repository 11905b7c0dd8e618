/*
 * batch_line.c - reading one line of `lfm batch`: a request as JSON, or plain text.
 */
#include "cli/batch/batch_line.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- The prompt ----------------------------------------------------------------------------- */

/* --each: put the line in place of {}. */
static void put_each(json_out *to, const char *each, const char *text, size_t len) {
    const char *at = each ? strstr(each, "{}") : NULL;
    if (!at) {
        json_write_raw(to, text, len);
        return;
    }
    json_write_raw(to, each, (size_t)(at - each));
    json_write_raw(to, text, len);
    json_write_text(to, at + 2);
}

lfm_status batch_line_render(batch_line *l, lfm_error *err) {
    json_out prompt = {0};
    put_each(&prompt, l->o.each, l->prompt.ptr, l->prompt.len);
    lfm_status st = json_finish(&prompt, err);
    if (st == LFM_OK && l->o.raw) {
        json_out_free(&l->text);
        l->text = prompt;
        return LFM_OK;
    }
    if (st == LFM_OK && !utf8_valid(prompt.ptr, prompt.len)) {
        st = err_set(err, LFM_ERR_ARG, "the prompt is not UTF-8 text");
    }
    if (l->has_prompt) {
        conversation_pop(&l->talk);
        l->has_prompt = false;
    }
    if (st == LFM_OK) st = conversation_add(&l->talk, "user", prompt.ptr, prompt.len, err);
    l->has_prompt = st == LFM_OK;
    json_out_free(&prompt);
    return st;
}

static lfm_status set_prompt(batch_line *l, const char *system, size_t system_len,
                             const char *text, size_t len, lfm_error *err) {
    lfm_status st = LFM_OK;
    if (l->session && l->session->talk.n > 0) {
        st = conversation_copy(&l->talk, &l->session->talk, err);
    } else if (system) {
        st = conversation_set_system(&l->talk, system, system_len, err);
    }
    if (st == LFM_OK) st = conversation_set_tools(&l->talk, &l->tools, err);
    json_write_raw(&l->prompt, text, len);
    if (st == LFM_OK) st = json_finish(&l->prompt, err);
    return st == LFM_OK ? batch_line_render(l, err) : st;
}

/* ---- Lines ---------------------------------------------------------------------------------- */

static lfm_status set_messages(batch_line *l, const json_value *messages, lfm_error *err) {
    if (l->o.raw) {
        return err_set(err, LFM_ERR_ARG, "\"messages\" needs the chat template, and --raw has "
                       "none");
    }
    if (l->session) {
        return err_set(err, LFM_ERR_ARG,
                       "a session keeps its own messages: give only the next \"prompt\"");
    }
    if (messages->kind != JSON_ARRAY || messages->n == 0) {
        return err_set(err, LFM_ERR_ARG, "\"messages\" must be a list of messages");
    }
    const lfm_status st = conversation_read(&l->talk, messages, err);
    return st == LFM_OK ? conversation_set_tools(&l->talk, &l->tools, err) : st;
}

/* "session": find the session that the line continues; l->waits when the session is busy. */
static lfm_status find_session(batch_line *l, const json_value *body, batch_sessions *named,
                               lfm_error *err) {
    const json_value *v = json_get(body, "session");
    if (!v) return LFM_OK;
    if (!batch_is_text(v)) return err_set(err, LFM_ERR_ARG, "\"session\" must be a name");
    if (!named || l->o.raw || l->o.resume) {
        const char *why = l->o.raw ? "with --raw"
                        : l->o.resume ? "with --resume: OUT lacks its earlier turns" : "here";
        return err_set(err, LFM_ERR_ARG, "\"session\" cannot be used %s", why);
    }
    char *name = batch_copy_text(v);
    l->session = name ? batch_sessions_get(named, name, err) : NULL;
    free(name);
    if (!l->session) return err_no_memory(err, "a session");
    l->waits = l->session->busy;
    if (l->session->talk.n > 0 && json_get(body, "system")) {
        return err_set(err, LFM_ERR_ARG,
                       "the session '%.60s' has already begun: its system prompt cannot change",
                       l->session->name);
    }
    return LFM_OK;
}

static lfm_status read_body(batch_line *l, const json_value *body, const json_out *system,
                            batch_sessions *named, lfm_error *err) {
    const json_value *prompt = json_get(body, "prompt");
    const json_value *messages = json_get(body, "messages");
    const json_value *own = json_get(body, "system");
    if (own && own->kind != JSON_STRING) {
        return err_set(err, LFM_ERR_ARG, "\"system\" must be a string");
    }
    lfm_status st = batch_keys_read(l, body, err);
    if (st == LFM_OK) st = find_session(l, body, named, err);
    if (st != LFM_OK || l->waits) return st;
    if (messages) return set_messages(l, messages, err);
    if (!prompt || prompt->kind != JSON_STRING) {
        return err_set(err, LFM_ERR_ARG, "no \"prompt\" and no \"messages\"");
    }
    const char *text = own ? own->text : system ? system->ptr : NULL;
    return set_prompt(l, text, own ? own->len : system ? system->len : 0, prompt->text, prompt->len,
                      err);
}

static lfm_status read_object(batch_line *l, const json_value *v, const json_out *system,
                              batch_sessions *named, lfm_error *err) {
    const json_value *custom = json_get(v, "custom_id");
    const json_value *id = custom ? custom : json_get(v, "id");
    l->format = custom ? LINE_OPENAI : l->format;
    if (id && (id->kind == JSON_STRING || id->kind == JSON_NUMBER)) {
        json_out_free(&l->id);
        json_write_value(&l->id, id);
        const lfm_status st = json_finish(&l->id, err);
        if (st != LFM_OK) return st;
    } else if (id) {
        return err_set(err, LFM_ERR_ARG, "\"id\" must be a string or a number");
    }
    if (!custom) return read_body(l, v, system, named, err);
    const json_value *body = json_get(v, "body");
    const json_value *url = json_get(v, "url");
    if (!body || body->kind != JSON_OBJECT) {
        return err_set(err, LFM_ERR_ARG, "there is no \"body\"");
    }
    if (url && !json_is(url, "/v1/chat/completions")) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "the url is not /v1/chat/completions");
    }
    return read_body(l, body, system, NULL, err);
}

lfm_status batch_line_read(batch_line *l, const cli_options *o, const json_out *system,
                           batch_sessions *named, const char *text, size_t len, size_t number,
                           lfm_error *err) {
    *l = (batch_line){.o = *o};
    json_write_int(&l->id, (int64_t)number);
    const lfm_status has_id = json_finish(&l->id, err);
    if (has_id != LFM_OK) return has_id;
    if (o->lines) {
        return set_prompt(l, system ? system->ptr : NULL, system ? system->len : 0, text, len, err);
    }
    json_doc doc = {0};
    l->format = LINE_OBJECT;
    lfm_status st = json_parse(&doc, text, len, err);
    if (st == LFM_OK && doc.root->kind == JSON_STRING) {
        st = set_prompt(l, system ? system->ptr : NULL, system ? system->len : 0, doc.root->text,
                        doc.root->len, err);
    } else if (st == LFM_OK && doc.root->kind == JSON_OBJECT) {
        st = read_object(l, doc.root, system, named, err);
    } else if (st == LFM_OK) {
        st = err_set(err, LFM_ERR_ARG,
                     "a line must be a JSON string or object; for plain text use --lines");
    }
    json_doc_free(&doc);
    return st;
}

void batch_line_drop(batch_line *l) {
    json_out_free(&l->id);
    json_out_free(&l->prompt);
    conversation_drop(&l->talk);
    json_out_free(&l->text);
    for (size_t i = 0; i < l->n_stops; i++) {
        free(l->stops[i]);
    }
    free(l->stops);
    free(l->prefill);
    json_out_free(&l->kwargs);
    free(l->bias);
    tools_drop(&l->tools);
    free(l->tool_choice);
    json_out_free(&l->grammar);
    *l = (batch_line){0};
}
