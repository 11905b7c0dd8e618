/*
 * run_show.c - printing the answer of `lfm run`: as text, as lines of JSON, or as one object.
 */
#include "cli/run/run_internal.h"

#include "cli/shared/answer_json.h"
#include "cli/shared/term.h"

#include <string.h>

/* ---- --jsonl -------------------------------------------------------------------------------- */

/* Append a line with new text, and the probabilities of the tokens since the last line. */
static void add_delta(run_state *r, json_out *line, const char *key, const char *text, size_t n) {
    json_begin_object(line, NULL);
    json_put_string(line, key, text, n);
    if (r->now->n_logprobs > r->n_logprobs_shown) {
        json_put_key(line, "logprobs");
        logprobs_write(line, r->now, r->n_logprobs_shown, r->model, "top");
        r->n_logprobs_shown = r->now->n_logprobs;
    }
    json_end_object(line);
    json_write_text(line, "\n");
}

static lfm_status show_deltas(run_state *r, bool ended, lfm_error *err) {
    const lfm_answer_state *a = r->now;
    stream *out = &r->out;
    json_out lines = {0};
    if (a->thoughts_settled > out->thoughts_shown) {
        add_delta(r, &lines, "reasoning_delta", a->thoughts + out->thoughts_shown,
                  a->thoughts_settled - out->thoughts_shown);
        out->thoughts_shown = a->thoughts_settled;
    }
    if (a->text_settled > out->shown) {
        add_delta(r, &lines, "delta", a->text + out->shown, a->text_settled - out->shown);
        out->shown = a->text_settled;
    }
    if (ended && a->n_logprobs > r->n_logprobs_shown) { /* of tokens without text */
        add_delta(r, &lines, "delta", "", 0);
    }
    lfm_status st = json_finish(&lines, err);
    if (st == LFM_OK) st = output_write(&out->out, lines.ptr, lines.len, err);
    json_out_free(&lines);
    return st;
}

static lfm_status show_object(run_state *r, lfm_error *err) {
    json_out object = {0};
    run_json(&object, r);
    lfm_status st = json_finish(&object, err);
    if (st == LFM_OK) st = output_write(&r->out.out, object.ptr, object.len, err);
    json_out_free(&object);
    return st;
}

/* ---- Text ----------------------------------------------------------------------------------- */

lfm_status run_show_new(run_state *r, lfm_error *err) {
    stream_thoughts(&r->out, r->now);
    if (r->o->jsonl) return show_deltas(r, false, err);
    return r->o->no_stream || r->o->json || r->o->extract ? LFM_OK
                                                          : stream_text(&r->out, r->now, err);
}

/* Print tool calls, one JSON object per line. */
static lfm_status show_calls(run_state *r, lfm_error *err) {
    json_out lines = {0};
    if (r->now->n_calls > 0 && r->text_len > 0 && !r->out.ends_line) {
        json_write_text(&lines, "\n");
    }
    for (size_t i = 0; i < r->now->n_calls; i++) {
        tool_call_write(&lines, &r->now->calls[i]);
        json_write_text(&lines, "\n");
    }
    lfm_status st = json_finish(&lines, err);
    if (st == LFM_OK && lines.len > 0) st = stream_bytes(&r->out, lines.ptr, lines.len, err);
    json_out_free(&lines);
    return st;
}

/* -x: find the first fenced block of code, up to and including its last newline. */
static bool find_code(const char *text, const char **code, size_t *n) {
    static const char fence[] = "```";
    const char *open = strncmp(text, fence, strlen(fence)) == 0 ? text : strstr(text, "\n```");
    const char *after = !open ? NULL : open == text ? text : open + 1;
    const char *line_end = after ? strchr(after + strlen(fence), '\n') : NULL;
    const char *close = line_end ? strstr(line_end, "\n```") : NULL;
    *code = close ? line_end + 1 : "";
    *n = close ? (size_t)(close - line_end) : 0;
    return close != NULL;
}

lfm_status run_show_end(run_state *r, lfm_error *err) {
    const bool as_json = r->o->json || r->o->jsonl;
    const bool extract = r->o->extract && !r->o->json;
    lfm_status st = r->o->jsonl ? show_deltas(r, true, err) : LFM_OK;
    r->text = r->now->text;
    r->text_len = r->now->text_len;
    if (extract) {
        r->no_code = !find_code(r->now->text, &r->text, &r->text_len);
    }
    if (st != LFM_OK || as_json) return st == LFM_OK ? show_object(r, err) : st;
    lfm_answer_state result = *r->now;
    result.text = r->text;
    result.text_settled = r->text_len;
    stream_thoughts(&r->out, &result);
    st = stream_text(&r->out, &result, err);
    const bool exact = r->o->no_newline || r->o->raw;
    const bool wanted = term_stopped() ? r->out.out.is_tty : !exact;
    if (st == LFM_OK && wanted && r->text_len > 0 && !r->out.ends_line) {
        st = stream_bytes(&r->out, "\n", 1, err);
    }
    return st == LFM_OK ? show_calls(r, err) : st;
}
