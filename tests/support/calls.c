/*
 * calls.c - the tool calls of a text as one JSON text.
 */
#include "calls.h"

#include "answer/answer_calls.h"
#include "base/markers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ok(lfm_status st) {
    if (st != LFM_OK) {
        fputs("calls: out of memory\n", stderr);
        abort();
    }
}

static void write_calls(json_out *out, size_t *n_calls, const tool_calls *list) {
    for (size_t i = 0; i < list->n; i++) {
        json_write_text(out, *n_calls > 0 ? ", " : "");
        ++*n_calls;
        json_write_text(out, "{\"name\": ");
        json_write_string(out, list->all[i].name, list->all[i].name_len);
        json_write_text(out, ", \"arguments\": ");
        json_write_raw(out, list->all[i].arguments, list->all[i].arguments_len);
        json_write_text(out, "}");
    }
}

bool calls_read(json_out *out, size_t *n_calls, const char *text, size_t n) {
    tool_calls list = {0};
    bool read = false;
    size_t n_lost = 0;
    const lfm_status st = tool_calls_read(&list, text, n, &read, &n_lost, NULL);
    write_calls(out, n_calls, &list);
    out->failed = out->failed || st != LFM_OK;
    tool_calls_drop(&list);
    return read;
}

/* Length of the marker at the beginning of a text; 0 = there is none. */
static size_t marker_at(const char *p, size_t n, const char *marker) {
    const size_t len = strlen(marker);
    return n >= len && memcmp(p, marker, len) == 0 ? len : 0;
}

void calls_answer_make(calls_answer *a, const char *tools, const char *text, size_t n, size_t piece,
                       size_t cut) {
    answer_calls c = {0};
    answer_text to = {0};
    json_out shown = {0};
    *a = (calls_answer){.is_steady = true};
    ok(json_finish(&shown, NULL));
    ok(answer_calls_begin(&c, tools, NULL));
    for (size_t i = 0, len = 0; i < n; i += len) {
        const size_t start = marker_at(text + i, n - i, TOOL_CALL_START);
        len = start ? start : marker_at(text + i, n - i, TOOL_CALL_END);
        if (len > 0) {
            ok(answer_calls_mark(&c, &to, start > 0, NULL));
        } else {
            while (i + len < n && len < piece && (len == 0 || i + len != cut) &&
                   !marker_at(text + i + len, n - i - len, TOOL_CALL_START) &&
                   !marker_at(text + i + len, n - i - len, TOOL_CALL_END)) {
                len++;
            }
            ok(answer_calls_add(&c, &to, text + i, len, NULL));
        }
        a->is_steady = a->is_steady && to.settled >= shown.len;
        if (to.settled > shown.len) {
            json_write_raw(&shown, to.text.ptr + shown.len, to.settled - shown.len);
        }
    }
    ok(answer_calls_end(&c, &to, NULL));
    ok(answer_text_end(&to, NULL));
    a->is_steady = a->is_steady && shown.len <= to.text.len &&
                   memcmp(to.text.ptr, shown.ptr, shown.len) == 0;
    json_write_text(&a->calls, "[");
    write_calls(&a->calls, &a->n_calls, &c.list);
    json_write_text(&a->calls, "]");
    a->n_unread = c.n_unread;
    a->n_lost = c.n_lost;
    a->gave_up = c.gave_up;
    a->has_undefined = c.undefined != NULL;
    a->content = to.text;
    to.text = (json_out){0};
    json_out_free(&shown);
    answer_text_drop(&to);
    answer_calls_drop(&c);
}

void calls_answer_drop(calls_answer *a) {
    json_out_free(&a->calls);
    json_out_free(&a->content);
}
