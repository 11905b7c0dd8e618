/*
 * batch_answer.c - writing the output lines of `lfm batch`, and reading their ids with --resume.
 */
#include "cli/batch/batch_line.h"

#include "cli/shared/answer_json.h"

#include <stdio.h>

/* The id of the line; null when there was no memory for it. */
static void write_id(json_out *out, const batch_line *l) {
    json_write_text(out, l->id.len > 0 && !l->id.failed ? l->id.ptr : "null");
}

static void put_usage(json_out *out, const batch_answer *a) {
    json_begin_object(out, "usage");
    json_put_int(out, "prompt_tokens", (int64_t)a->n_prompt);
    json_put_int(out, "cached_tokens", (int64_t)a->n_reused);
    json_put_int(out, "completion_tokens", (int64_t)a->state->n_generated);
    json_put_int(out, "reasoning_tokens", (int64_t)a->state->n_reasoning);
    if (a->n_truncated > 0) {
        json_put_int(out, "truncated_tokens", (int64_t)a->n_truncated);
    }
    json_end_object(out);
}

/* Write the text with newlines and backslashes escaped, so that the answer is one line. */
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

/* OpenAI's format: the arguments of a call are a string that holds JSON. */
static void put_openai_calls(json_out *out, const lfm_answer_state *a) {
    json_begin_array(out, "tool_calls");
    for (size_t i = 0; i < a->n_calls; i++) {
        const lfm_tool_call *call = &a->calls[i];
        char id[40];
        snprintf(id, sizeof id, "call_%zu", i);
        json_begin_object(out, NULL);
        json_put_text(out, "id", id);
        json_put_text(out, "type", "function");
        json_begin_object(out, "function");
        json_put_string(out, "name", call->name, call->name_len);
        json_put_string(out, "arguments", call->arguments, call->arguments_len);
        json_end_object(out);
        json_end_object(out);
    }
    json_end_array(out);
}

static const char *openai_finish(lfm_finish finish) {
    return finish == LFM_FINISH_LENGTH || finish == LFM_FINISH_TOOL_CALLS ? lfm_finish_name(finish)
                                                                          : "stop";
}

static void write_openai(json_out *out, const batch_line *l, const batch_answer *a) {
    const lfm_answer_state *s = a->state;
    json_begin_object(out, NULL);
    json_put_key(out, "custom_id");
    write_id(out, l);
    json_begin_object(out, "response");
    json_put_int(out, "status_code", 200);
    json_begin_object(out, "body");
    json_put_text(out, "object", "chat.completion");
    json_begin_array(out, "choices");
    json_begin_object(out, NULL);
    json_put_int(out, "index", 0);
    json_begin_object(out, "message");
    json_put_text(out, "role", "assistant");
    json_put_string(out, "content", s->text, s->text_len);
    if (s->thoughts_len > 0) {
        json_put_string(out, "reasoning_content", s->thoughts, s->thoughts_len);
    }
    if (s->n_calls > 0) {
        put_openai_calls(out, s);
    }
    json_end_object(out);
    if (a->logprobs) {
        json_begin_object(out, "logprobs");
        json_put_key(out, "content");
        logprobs_write(out, s, 0, a->model, "top_logprobs");
        json_end_object(out);
    }
    json_put_text(out, "finish_reason", openai_finish(s->finish));
    json_end_object(out);
    json_end_array(out);
    put_usage(out, a);
    json_end_object(out);
    json_end_object(out);
    json_put_key(out, "error");
    json_write_text(out, "null");
    json_end_object(out);
    json_write_text(out, "\n");
}

static void write_object(json_out *out, const batch_line *l, const batch_answer *a) {
    const lfm_answer_state *s = a->state;
    json_begin_object(out, NULL);
    json_put_key(out, "id");
    write_id(out, l);
    json_put_string(out, "content", s->text, s->text_len);
    if (s->thoughts_len > 0) {
        json_put_string(out, "reasoning", s->thoughts, s->thoughts_len);
    }
    if (s->n_calls > 0) {
        json_begin_array(out, "tool_calls");
        for (size_t i = 0; i < s->n_calls; i++) {
            tool_call_write(out, &s->calls[i]);
        }
        json_end_array(out);
    }
    json_put_text(out, "finish_reason", lfm_finish_name(s->finish));
    json_put_int(out, "seed", (int64_t)a->seed);
    put_usage(out, a);
    json_begin_object(out, "timings");
    json_put_fixed(out, "prefill_ms", a->prefill_ms, 3);
    json_put_fixed(out, "decode_ms", a->decode_ms, 3);
    json_end_object(out);
    if (a->logprobs) {
        json_put_key(out, "logprobs");
        logprobs_write(out, s, 0, a->model, "top");
    }
    json_end_object(out);
    json_write_text(out, "\n");
}

void batch_line_answer(json_out *out, const batch_line *l, const batch_answer *a) {
    switch (l->format) {
    case LINE_PLAIN: write_plain(out, a->state->text, a->state->text_len); break;
    case LINE_OPENAI: write_openai(out, l, a); break;
    case LINE_OBJECT: write_object(out, l, a); break;
    }
}

void batch_line_error(json_out *out, const batch_line *l, int code, const char *message) {
    if (l->format == LINE_PLAIN) {
        json_write_text(out, "\n"); /* an empty line keeps the numbering; the error is on stderr */
        return;
    }
    const bool openai = l->format == LINE_OPENAI;
    json_begin_object(out, NULL);
    json_put_key(out, openai ? "custom_id" : "id");
    write_id(out, l);
    if (openai) {
        json_put_key(out, "response");
        json_write_text(out, "null");
    }
    json_begin_object(out, "error");
    json_put_int(out, "code", code);
    json_put_text(out, "message", message);
    json_end_object(out);
    json_end_object(out);
    json_write_text(out, "\n");
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
