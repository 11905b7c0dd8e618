/*
 * answer_json.c - parts of an answer as JSON: tool calls, log-probabilities.
 */
#include "cli/shared/answer_json.h"

void tool_call_write(json_out *out, const lfm_tool_call *call) {
    json_begin_object(out, NULL);
    json_put_string(out, "name", call->name, call->name_len);
    json_put_key(out, "arguments");
    json_write_raw(out, call->arguments, call->arguments_len);
    json_end_object(out);
}

/* Append the members of a token and its log-probability. */
static void put_token(json_out *out, const lfm_logprob *t, const lfm_model *m) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(m, t->token, &n);
    json_put_int(out, "id", t->token);
    json_put_string(out, "token", bytes, n);
    json_begin_array(out, "bytes");
    for (size_t i = 0; i < n; i++) {
        json_put_int(out, NULL, (unsigned char)bytes[i]);
    }
    json_end_array(out);
    json_put_real(out, "logprob", (double)t->logprob);
}

void logprobs_write(json_out *out, const lfm_answer_state *a, size_t first, const lfm_model *m,
                    const char *top) {
    json_write_text(out, "[");
    for (size_t i = first; i < a->n_logprobs; i++) {
        json_begin_object(out, NULL);
        put_token(out, &a->logprobs[i], m);
        json_begin_array(out, top);
        for (size_t j = 0; j < a->n_top; j++) {
            json_begin_object(out, NULL);
            put_token(out, &a->top[i * a->n_top + j], m);
            json_end_object(out);
        }
        json_end_array(out);
        json_end_object(out);
    }
    json_write_text(out, "]");
}
