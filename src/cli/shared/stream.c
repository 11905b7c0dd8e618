/*
 * stream.c - printing an answer while it grows: text to the output, thoughts to standard error.
 */
#include "cli/shared/stream.h"

#include "base/json.h"
#include "cli/shared/term.h"

#include <stdio.h>

lfm_status stream_bytes(stream *s, const char *bytes, size_t n, lfm_error *err) {
    s->ends_line = n > 0 ? bytes[n - 1] == '\n' : s->ends_line;
    if (!s->out.is_tty) return output_write(&s->out, bytes, n, err);
    json_out text = {0};
    term_escape(&text, bytes, n);
    lfm_status st = json_finish(&text, err);
    if (st == LFM_OK) st = output_write(&s->out, text.ptr, text.len, err);
    json_out_free(&text);
    return st;
}

void stream_thoughts(stream *s, const lfm_answer_state *a) {
    const size_t n = a->thoughts_settled - s->thoughts_shown;
    if (n == 0 || !s->thoughts) return;
    const char *bytes = a->thoughts + s->thoughts_shown;
    fputs(s->dim ? "\033[2m" : "", stderr);
    for (size_t i = 0; i < n;) {
        term_shown shown;
        i += term_escape_one(&shown, bytes + i, n - i);
        fputs(shown.text, stderr);
    }
    fputs(s->dim ? "\033[0m" : "", stderr);
    s->thoughts_shown = a->thoughts_settled;
}

lfm_status stream_text(stream *s, const lfm_answer_state *a, lfm_error *err) {
    const size_t n = a->text_settled - s->shown;
    if (n == 0) return LFM_OK;
    if (s->shown == 0 && s->thoughts_shown > 0) {
        fputs("\n\n", stderr); /* a blank line ends the thoughts */
    }
    const lfm_status st = stream_bytes(s, a->text + s->shown, n, err);
    s->shown = a->text_settled;
    return st;
}
