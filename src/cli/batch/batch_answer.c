/*
 * batch_answer.c - writing the lines of `lfm batch`, and recognising them again.
 */
#include "cli/batch/batch_line.h"

#include <stdio.h>
#include <string.h>

/* That of a line whose id there was no memory for is null. */
static void write_id(json_out *out, const batch_line *l) {
    json_write_text(out, l->id.len > 0 && !l->id.failed ? l->id.ptr : "null");
}

static void write_usage(json_out *out, const batch_answer *a) {
    char text[200];
    snprintf(text, sizeof text, "{\"prompt_tokens\": %zu, \"cached_tokens\": %zu, "
             "\"completion_tokens\": %zu, \"reasoning_tokens\": %zu", a->n_prompt, a->n_reused,
             a->n_generated, a->n_reasoning);
    json_write_text(out, text);
    if (a->n_truncated > 0) {
        json_write_text(out, ", \"truncated_tokens\": ");
        json_write_int(out, (int64_t)a->n_truncated);
    }
    json_write_text(out, "}");
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

/* OpenAI's form: the arguments of a call are a text that is JSON. */
static void write_openai_calls(json_out *out, const batch_answer *a) {
    json_doc doc = {0};
    json_out list = {0};
    size_t i = 0;
    json_write_text(&list, "[");
    json_write_raw(&list, a->calls->ptr, a->calls->len);
    json_write_text(&list, "]");
    const bool ok = !list.failed && json_parse(&doc, list.ptr, list.len, NULL) == LFM_OK;
    json_write_text(out, ", \"tool_calls\": [");
    for (const json_value *v = ok ? doc.root->first : NULL; v; v = v->next) {
        const json_value *name = json_get(v, "name");
        json_out arguments = {0};
        char id[40];
        snprintf(id, sizeof id, "%s{\"id\": \"call_%zu\"", i > 0 ? ", " : "", i);
        i++;
        json_write_value(&arguments, json_get(v, "arguments"));
        json_write_text(out, id);
        json_write_text(out, ", \"type\": \"function\", \"function\": {\"name\": ");
        json_write_value(out, name);
        json_write_text(out, ", \"arguments\": ");
        json_write_string(out, arguments.ptr ? arguments.ptr : "", arguments.len);
        json_write_text(out, "}}");
        out->failed = out->failed || arguments.failed;
        json_out_free(&arguments);
    }
    json_write_text(out, "]");
    out->failed = out->failed || !ok;
    json_doc_free(&doc);
    json_out_free(&list);
}

static void write_openai(json_out *out, const batch_line *l, const batch_answer *a) {
    const bool cut = strcmp(a->finish, "length") == 0;
    const bool called = strcmp(a->finish, "tool_calls") == 0;
    json_write_text(out, "{\"custom_id\": ");
    write_id(out, l);
    json_write_text(out, ", \"response\": {\"status_code\": 200, \"body\": {\"object\": "
                    "\"chat.completion\", \"choices\": [{\"index\": 0, \"message\": {\"role\": "
                    "\"assistant\", \"content\": ");
    json_write_string(out, a->content, a->content_len);
    if (a->reasoning_len > 0) {
        json_write_text(out, ", \"reasoning_content\": ");
        json_write_string(out, a->reasoning, a->reasoning_len);
    }
    if (a->calls->len > 0) {
        write_openai_calls(out, a);
    }
    json_write_text(out, "}");
    if (a->logprobs) {
        json_write_text(out, ", \"logprobs\": {\"content\": ");
        logprobs_write(out, a->logprobs, 0, a->model, "top_logprobs");
        json_write_text(out, "}");
    }
    json_write_text(out, ", \"finish_reason\": ");
    json_write_text(out, cut ? "\"length\"}]" : called ? "\"tool_calls\"}]" : "\"stop\"}]");
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
    if (a->calls->len > 0) {
        json_write_text(out, ", \"tool_calls\": [");
        json_write_raw(out, a->calls->ptr, a->calls->len);
        json_write_text(out, "]");
    }
    json_write_text(out, ", \"finish_reason\": ");
    json_write_string(out, a->finish, strlen(a->finish));
    json_write_text(out, ", \"seed\": ");
    json_write_int(out, (int64_t)a->seed);
    json_write_text(out, ", \"usage\": ");
    write_usage(out, a);
    snprintf(timings, sizeof timings,
             ", \"timings\": {\"prefill_ms\": %.3f, \"decode_ms\": %.3f}",
             a->prefill_ms, a->decode_ms);
    json_write_text(out, timings);
    if (a->logprobs) {
        json_write_text(out, ", \"logprobs\": ");
        logprobs_write(out, a->logprobs, 0, a->model, "top");
    }
    json_write_text(out, "}\n");
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
