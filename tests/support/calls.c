/*
 * calls.c - the tool calls of a text as one JSON text.
 */
#include "calls.h"

bool calls_read(json_out *out, size_t *n_calls, const char *text, size_t n) {
    tool_calls list = {0};
    bool read = false;
    const lfm_status st = tool_calls_read(&list, text, n, &read, NULL);
    for (size_t i = 0; i < list.n; i++) {
        json_write_text(out, *n_calls > 0 ? ", " : "");
        ++*n_calls;
        json_write_text(out, "{\"name\": ");
        json_write_string(out, list.all[i].name, list.all[i].name_len);
        json_write_text(out, ", \"arguments\": ");
        json_write_raw(out, list.all[i].arguments, list.all[i].arguments_len);
        json_write_text(out, "}");
    }
    out->failed = out->failed || st != LFM_OK;
    tool_calls_drop(&list);
    return read;
}
