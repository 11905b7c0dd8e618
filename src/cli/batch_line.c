/*
 * batch_line.c - reading and writing the lines of `lfm batch`.
 */
#include "cli/batch_line.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading -------------------------------------------------------------------------------- */

static void write_message(json_out *json, const char *role, const char *text, size_t len) {
    json_write_text(json, "{\"role\": \"");
    json_write_text(json, role);
    json_write_text(json, "\", \"content\": ");
    json_write_string(json, text, len);
    json_write_text(json, "}");
}

/* --each: the line takes the place of {}. */
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

static lfm_status set_prompt(batch_line *l, const char *system, size_t system_len,
                             const char *text, size_t len, lfm_error *err) {
    json_out prompt = {0};
    put_each(&prompt, l->o.each, text, len);
    lfm_status st = json_finish(&prompt, err);
    if (st == LFM_OK && l->o.raw) {
        l->text = prompt;
        return LFM_OK;
    }
    if (st == LFM_OK && !utf8_valid(prompt.ptr, prompt.len)) {
        st = err_set(err, LFM_ERR_ARG, "the prompt is not UTF-8 text");
    }
    if (st == LFM_OK) {
        json_write_text(&l->conversation, "{\"messages\": [");
        if (system) {
            write_message(&l->conversation, "system", system, system_len);
            json_write_text(&l->conversation, ", ");
        }
        write_message(&l->conversation, "user", prompt.ptr, prompt.len);
        json_write_text(&l->conversation, "]}");
        st = json_finish(&l->conversation, err);
    }
    json_out_free(&prompt);
    return st;
}

static lfm_status set_number(opt_number *to, const json_value *v, double min, double max,
                             bool whole, lfm_error *err) {
    if (v->kind != JSON_NUMBER || v->number < min || v->number > max ||
        (whole && v->number != floor(v->number))) {
        return err_set(err, LFM_ERR_ARG, "\"%.*s\" must be a%s number from %g to %g",
                       (int)v->key_len, v->key, whole ? " whole" : "", min, max);
    }
    *to = (opt_number){v->number, true};
    return LFM_OK;
}

static char *copy_text(const json_value *v) {
    char *text = malloc(v->len + 1);
    if (text) {
        memcpy(text, v->text, v->len);
        text[v->len] = '\0';
    }
    return text;
}

static bool is_text(const json_value *v) {
    return v->kind == JSON_STRING && v->len > 0 && !memchr(v->text, 0, v->len);
}

/* "stop": a string or a list of them. */
static lfm_status set_stops(batch_line *l, const json_value *v, lfm_error *err) {
    const bool one = v->kind == JSON_STRING;
    if (v->kind == JSON_NULL) {
        return LFM_OK;
    }
    l->stops = calloc(one ? 1 : v->n + 1, sizeof *l->stops);
    if (!l->stops) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory");
    }
    for (const json_value *s = one ? v : v->first; s; s = one ? NULL : s->next) {
        if ((!one && v->kind != JSON_ARRAY) || !is_text(s)) {
            return err_set(err, LFM_ERR_ARG, "\"stop\" must be a text or a list of texts");
        }
        l->stops[l->n_stops] = copy_text(s);
        if (!l->stops[l->n_stops++]) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory");
        }
    }
    l->o.stops = (const char **)(void *)l->stops;
    l->o.n_stops = l->n_stops;
    return LFM_OK;
}

static bool key_is(const json_value *v, const char *name) {
    return v->key_len == strlen(name) && memcmp(v->key, name, v->key_len) == 0;
}

/* Numbers that a line may set; the first name is ours. */
static lfm_status set_option(batch_line *l, const json_value *v, bool *known, lfm_error *err) {
    cli_options *o = &l->o;
    const struct {
        const char *name, *other;
        opt_number *to;
        double min, max;
        bool whole;
    } rows[] = {
        {"n", "max_tokens", &o->n_predict, -1, 2147483647.0, true},
        {"max_completion_tokens", NULL, &o->n_predict, -1, 2147483647.0, true},
        {"temp", "temperature", &o->temp, 0, 1e6, false},
        {"top_k", NULL, &o->top_k, 0, 2147483647.0, true},
        {"top_p", NULL, &o->top_p, 0, 1, false},
        {"min_p", NULL, &o->min_p, 0, 1, false},
        {"repeat_penalty", NULL, &o->repeat_penalty, 0.001, 1000, false},
        {"presence_penalty", NULL, &o->presence_penalty, -1e4, 1e4, false},
        {"frequency_penalty", NULL, &o->frequency_penalty, -1e4, 1e4, false},
        {"seed", NULL, &o->seed, -1, 9007199254740991.0, true},
    };
    *known = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* In OpenAI's requests "n" counts answers. */
        if (l->form == LINE_OPENAI && i == 0 && key_is(v, "n")) {
            return v->kind == JSON_NUMBER && v->number == 1
                       ? LFM_OK
                       : err_set(err, LFM_ERR_UNSUPPORTED, "\"n\": one answer is all there is");
        }
        if (key_is(v, rows[i].name) || (rows[i].other && key_is(v, rows[i].other))) {
            return v->kind == JSON_NULL ? LFM_OK
                                        : set_number(rows[i].to, v, rows[i].min, rows[i].max,
                                                     rows[i].whole, err);
        }
    }
    if (key_is(v, "stop")) {
        return set_stops(l, v, err);
    }
    if (key_is(v, "prefill") && is_text(v)) {
        l->prefill = copy_text(v);
        l->o.prefill = l->prefill;
        return l->prefill ? LFM_OK : err_set(err, LFM_ERR_MEMORY, "out of memory");
    }
    *known = false;
    return LFM_OK;
}

/* Keys of a request that say nothing about the answer. */
static bool is_idle(const batch_line *l, const json_value *v) {
    static const char *const ours[] = {"id", "prompt", "messages", "system", "tools"};
    static const char *const theirs[] = {"model", "messages", "tools", "user", "metadata", "store"};
    const bool openai = l->form == LINE_OPENAI;
    const size_t n = openai ? sizeof theirs / sizeof *theirs : sizeof ours / sizeof *ours;
    for (size_t i = 0; i < n; i++) {
        if (key_is(v, openai ? theirs[i] : ours[i])) {
            return true;
        }
    }
    return openai && key_is(v, "stream") && v->kind == JSON_FALSE;
}

static lfm_status set_messages(batch_line *l, const json_value *body, lfm_error *err) {
    const json_value *messages = json_get(body, "messages");
    const json_value *tools = json_get(body, "tools");
    if (l->o.raw) {
        return err_set(err, LFM_ERR_ARG, "\"messages\" needs the chat template, and --raw has "
                       "none");
    }
    json_write_text(&l->conversation, "{\"messages\": ");
    json_write_value(&l->conversation, messages);
    if (tools && tools->kind != JSON_NULL) {
        json_write_text(&l->conversation, ", \"tools\": ");
        json_write_value(&l->conversation, tools);
    }
    json_write_text(&l->conversation, "}");
    return json_finish(&l->conversation, err);
}

static lfm_status read_body(batch_line *l, const json_value *body, const json_out *system,
                            lfm_error *err) {
    const json_value *prompt = json_get(body, "prompt");
    const json_value *own = json_get(body, "system");
    if (own && own->kind != JSON_STRING) {
        return err_set(err, LFM_ERR_ARG, "\"system\" must be a text");
    }
    for (const json_value *v = body->first; v; v = v->next) {
        bool known = true;
        const lfm_status st = is_idle(l, v) ? LFM_OK : set_option(l, v, &known, err);
        if (st != LFM_OK || !known) {
            return st != LFM_OK ? st : err_set(err, LFM_ERR_ARG, "unknown key \"%.*s\"",
                                               (int)(v->key_len < 60 ? v->key_len : 60), v->key);
        }
    }
    if (json_get(body, "messages")) {
        return set_messages(l, body, err);
    }
    if (!prompt || prompt->kind != JSON_STRING) {
        return err_set(err, LFM_ERR_ARG, "there is no \"prompt\" and no \"messages\"");
    }
    const char *text = own ? own->text : system ? system->ptr : NULL;
    return set_prompt(l, text, own ? own->len : system ? system->len : 0, prompt->text, prompt->len,
                      err);
}

static lfm_status read_object(batch_line *l, const json_value *v, const json_out *system,
                              lfm_error *err) {
    const json_value *custom = json_get(v, "custom_id");
    const json_value *id = custom ? custom : json_get(v, "id");
    l->form = custom ? LINE_OPENAI : l->form;
    if (id && (id->kind == JSON_STRING || id->kind == JSON_NUMBER)) {
        json_out_free(&l->id);
        json_write_value(&l->id, id);
        const lfm_status st = json_finish(&l->id, err);
        if (st != LFM_OK) {
            return st;
        }
    } else if (id) {
        return err_set(err, LFM_ERR_ARG, "an id is a text or a number");
    }
    if (!custom) {
        return read_body(l, v, system, err);
    }
    const json_value *body = json_get(v, "body");
    const json_value *url = json_get(v, "url");
    if (!body || body->kind != JSON_OBJECT) {
        return err_set(err, LFM_ERR_ARG, "there is no \"body\"");
    }
    if (url && !json_is(url, "/v1/chat/completions") && !json_is(url, "/v1/completions")) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "the url is not /v1/chat/completions");
    }
    return read_body(l, body, system, err);
}

lfm_status batch_line_read(batch_line *l, const cli_options *o, const json_out *system,
                           const char *text, size_t len, size_t number, lfm_error *err) {
    *l = (batch_line){.o = *o};
    json_write_int(&l->id, (int64_t)number);
    const lfm_status named = json_finish(&l->id, err);
    if (named != LFM_OK) {
        return named;
    }
    if (o->lines) {
        return set_prompt(l, system ? system->ptr : NULL, system ? system->len : 0, text, len, err);
    }
    json_doc doc = {0};
    l->form = LINE_OBJECT;
    lfm_status st = json_parse(&doc, text, len, err);
    if (st == LFM_OK && doc.root->kind == JSON_STRING) {
        st = set_prompt(l, system ? system->ptr : NULL, system ? system->len : 0, doc.root->text,
                        doc.root->len, err);
    } else if (st == LFM_OK && doc.root->kind == JSON_OBJECT) {
        st = read_object(l, doc.root, system, err);
    } else if (st == LFM_OK) {
        st = err_set(err, LFM_ERR_ARG, "a line is a JSON text or object; --lines takes plain text");
    }
    json_doc_free(&doc);
    return st;
}

void batch_line_drop(batch_line *l) {
    json_out_free(&l->id);
    json_out_free(&l->conversation);
    json_out_free(&l->text);
    for (size_t i = 0; i < l->n_stops; i++) {
        free(l->stops[i]);
    }
    free(l->stops);
    free(l->prefill);
    *l = (batch_line){0};
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* That of a line whose id there was no memory for is null. */
static void write_id(json_out *out, const batch_line *l) {
    json_write_text(out, l->id.len > 0 && !l->id.failed ? l->id.ptr : "null");
}

static void write_usage(json_out *out, const batch_answer *a) {
    char text[200];
    snprintf(text, sizeof text, "{\"prompt_tokens\": %zu, \"cached_tokens\": %zu, "
             "\"completion_tokens\": %zu, \"reasoning_tokens\": %zu}", a->n_prompt, a->n_reused,
             a->n_generated, a->n_reasoning);
    json_write_text(out, text);
}

/* Newlines and backslashes escaped, so that an answer stays one line. */
static void write_plain(json_out *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || text[i] == '\r' || text[i] == '\\') {
            json_write_text(out, text[i] == '\n' ? "\\n" : text[i] == '\r' ? "\\r" : "\\\\");
        } else {
            json_write_raw(out, text + i, 1);
        }
    }
    json_write_text(out, "\n");
}

static void write_openai(json_out *out, const batch_line *l, const batch_answer *a) {
    const bool cut = strcmp(a->finish, "length") == 0;
    json_write_text(out, "{\"custom_id\": ");
    write_id(out, l);
    json_write_text(out, ", \"response\": {\"status_code\": 200, \"body\": {\"object\": "
                    "\"chat.completion\", \"choices\": [{\"index\": 0, \"message\": {\"role\": "
                    "\"assistant\", \"content\": ");
    json_write_string(out, a->content, a->content_len);
    json_write_text(out, cut ? "}, \"finish_reason\": \"length\"}]" : "}, \"finish_reason\": "
                    "\"stop\"}]");
    json_write_text(out, ", \"usage\": ");
    write_usage(out, a);
    json_write_text(out, "}}, \"error\": null}\n");
}

void batch_line_answer(json_out *out, const batch_line *l, const batch_answer *a) {
    char timings[120];
    if (l->form == LINE_PLAIN) {
        write_plain(out, a->content, a->content_len);
        return;
    }
    if (l->form == LINE_OPENAI) {
        write_openai(out, l, a);
        return;
    }
    json_write_text(out, "{\"id\": ");
    write_id(out, l);
    json_write_text(out, ", \"content\": ");
    json_write_string(out, a->content, a->content_len);
    if (a->reasoning_len > 0) {
        json_write_text(out, ", \"reasoning\": ");
        json_write_string(out, a->reasoning, a->reasoning_len);
    }
    json_write_text(out, ", \"finish_reason\": ");
    json_write_string(out, a->finish, strlen(a->finish));
    json_write_text(out, ", \"seed\": ");
    json_write_int(out, (int64_t)a->seed);
    json_write_text(out, ", \"usage\": ");
    write_usage(out, a);
    snprintf(timings, sizeof timings,
             ", \"timings\": {\"prefill_ms\": %.3f, \"decode_ms\": %.3f}}\n",
             a->prefill_ms, a->decode_ms);
    json_write_text(out, timings);
}

void batch_line_error(json_out *out, const batch_line *l, int code, const char *message) {
    char number[24];
    if (l->form == LINE_PLAIN) {
        json_write_text(out, "\n"); /* the line stays in its place; what was wrong is on stderr */
        return;
    }
    json_write_text(out, l->form == LINE_OPENAI ? "{\"custom_id\": " : "{\"id\": ");
    write_id(out, l);
    json_write_text(out, l->form == LINE_OPENAI ? ", \"response\": null" : "");
    snprintf(number, sizeof number, "%d", code);
    json_write_text(out, ", \"error\": {\"code\": ");
    json_write_text(out, number);
    json_write_text(out, ", \"message\": ");
    json_write_string(out, message, strlen(message));
    json_write_text(out, "}}\n");
}

bool batch_line_done_id(json_out *id, const char *text, size_t len) {
    json_doc doc = {0};
    bool done = false;
    if (json_parse(&doc, text, len, NULL) == LFM_OK) {
        const json_value *custom = json_get(doc.root, "custom_id");
        const json_value *v = custom ? custom : json_get(doc.root, "id");
        const json_value *error = json_get(doc.root, "error");
        done = v && (!error || error->kind == JSON_NULL);
        if (done) {
            json_write_value(id, v);
        }
    }
    json_doc_free(&doc);
    return done;
}
