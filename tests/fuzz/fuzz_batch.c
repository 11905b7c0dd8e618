/*
 * fuzz_batch.c - any bytes as a line of `lfm batch`: understood, or refused in one line.
 *
 * The first byte chooses the options.  The conversation of a good line is JSON, also when the line
 * comes again in its session, and so are tools and turns.  The line that answers it, or says what
 * is wrong with it, is one line, JSON unless the input was plain text, and carries the id by which
 * --resume knows it again.
 */
#include "fuzz.h"

#include "cli/batch/batch_line.h"

#include <math.h>
#include <string.h>

enum { LINE_NUMBER = 17 };

/* One line; as JSON, it has the id of `l`. */
static void check_output(const batch_line *l, const json_out *out, bool done) {
    json_doc doc = {0};
    json_out id = {0};
    FUZZ_CHECK(!out->failed && out->len > 0 && out->ptr[out->len - 1] == '\n');
    FUZZ_CHECK(memchr(out->ptr, '\n', out->len) == out->ptr + out->len - 1);
    if (l->form != LINE_PLAIN) {
        FUZZ_CHECK(json_parse(&doc, out->ptr, out->len, NULL) == LFM_OK);
        FUZZ_CHECK(batch_line_done_id(&id, out->ptr, out->len) == done);
        FUZZ_CHECK(!done || (id.len == l->id.len && memcmp(id.ptr, l->id.ptr, id.len) == 0));
    }
    json_out_free(&id);
    json_doc_free(&doc);
}

static void check_answers(const batch_line *l, const char *text, size_t n) {
    const json_out no_calls = {0};
    const batch_answer a = {
        .content = text, .content_len = n, .reasoning = text, .reasoning_len = n / 2,
        .finish = n % 2 ? "stop" : "length", .seed = 1234, .n_prompt = n, .calls = &no_calls,
    };
    json_out out = {0};
    batch_line_answer(&out, l, &a);
    check_output(l, &out, true);
    out.len = 0;
    batch_line_error(&out, l, 1, "what was wrong");
    check_output(l, &out, false);
    json_out_free(&out);
}

/* What a line may set. */
static void check_options(const batch_line *l) {
    const cli_options *o = &l->o;
    const opt_number *const numbers[] = {
        &o->n_predict, &o->temp, &o->top_k, &o->top_p, &o->min_p, &o->repeat_penalty,
        &o->presence_penalty, &o->frequency_penalty, &o->seed,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        FUZZ_CHECK(isfinite(numbers[i]->value));
    }
    FUZZ_CHECK(o->n_predict.value >= -1 && o->n_predict.value <= 2147483647.0);
    FUZZ_CHECK(o->top_k.value >= 0 && o->top_k.value <= 2147483647.0);
    FUZZ_CHECK(o->temp.value >= 0);
    for (size_t i = 0; i < o->n_stops; i++) {
        FUZZ_CHECK(o->stops[i][0] != '\0');
    }
}

static void check_json(const json_out *text) {
    json_doc doc = {0};
    FUZZ_CHECK(json_parse(&doc, text->ptr, text->len, NULL) == LFM_OK);
    json_doc_free(&doc);
}

/* The turn of a session is over. */
static void end_turn(const batch_line *l, const char *text, size_t n) {
    json_out list = {0};
    const json_out no_calls = {0};
    json_write_text(&list, "[");
    json_write_raw(&list, l->turn.ptr, l->turn.len);
    json_write_text(&list, "]");
    check_json(&list);
    FUZZ_CHECK(talk_add(l->talk, &l->turn, text, n, &no_calls, NULL) == LFM_OK);
    json_out_free(&list);
}

/* Read the line and answer it; was it good? */
static bool read_line(const cli_options *o, batch_talks *talks, const json_out *system,
                      const char *text, size_t n) {
    batch_line l;
    lfm_error err = {0};
    const bool good = batch_line_read(&l, o, system, talks, text, n, LINE_NUMBER, &err) == LFM_OK;
    if (good) {
        check_options(&l);
        FUZZ_CHECK((l.conversation.len > 0) == !o->raw && !l.waits);
        if (!o->raw) {
            check_json(&l.conversation);
        }
        if (l.tools.len > 0) {
            check_json(&l.tools);
        }
        if (l.talk) {
            end_turn(&l, text, n);
        }
    } else {
        FUZZ_CHECK_ERROR(err);
    }
    FUZZ_CHECK(l.id.len > 0);
    check_answers(&l, text, n);
    batch_line_drop(&l);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const each[] = {NULL, "{}", "say {} twice: {}", "nothing"};
    if (size == 0) {
        return 0;
    }
    const cli_options o = {
        .raw = data[0] & 1, .lines = data[0] & 2, .each = each[data[0] >> 2 & 3],
    };
    const char *text = (const char *)data + 1;
    json_out system = {0};
    batch_talks talks = {0};
    json_write_text(&system, "Be \"brief\".");
    for (int i = 0; i < 3; i++) {
        if (!read_line(&o, data[0] & 32 ? &talks : NULL, data[0] & 16 ? &system : NULL, text,
                       size - 1)) {
            break;
        }
    }
    talks_drop(&talks);
    json_out_free(&system);
    return 0;
}
