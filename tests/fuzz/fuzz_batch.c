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
    if (l->format != LINE_PLAIN) {
        FUZZ_CHECK(json_parse(&doc, out->ptr, out->len, NULL) == LFM_OK);
        FUZZ_CHECK(batch_line_done_id(&id, out->ptr, out->len) == done);
        FUZZ_CHECK(!done || (id.len == l->id.len && memcmp(id.ptr, l->id.ptr, id.len) == 0));
    }
    json_out_free(&id);
    json_doc_free(&doc);
}

static void check_answers(const batch_line *l, const char *text, size_t n) {
    const lfm_answer_state state = {
        .text = text,
        .text_len = n,
        .thoughts = text,
        .thoughts_len = n / 2,
        .finish = n % 2 ? LFM_FINISH_STOP : LFM_FINISH_LENGTH,
    };
    const batch_answer a = {.state = &state, .seed = 1234, .n_prompt = n};
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

static void check_conversation(const conversation *c) {
    json_out text = {0};
    json_doc doc = {0};
    FUZZ_CHECK(conversation_write(&text, c, NULL, NULL) == LFM_OK);
    FUZZ_CHECK(json_parse(&doc, text.ptr, text.len, NULL) == LFM_OK);
    json_doc_free(&doc);
    json_out_free(&text);
}

/* The turn of a session is over. */
static void end_turn(batch_line *l, const char *text, size_t n) {
    const lfm_answer_state state = {.said = text, .said_len = n};
    FUZZ_CHECK(batch_session_end_turn(l->session, &l->talk, false, &state, NULL) == LFM_OK);
    check_conversation(&l->session->talk);
}

/* Read the line and answer it; was it good? */
static bool read_line(const cli_options *o, batch_sessions *open, const json_out *system,
                      const char *text, size_t n) {
    batch_line l;
    lfm_error err = {0};
    const bool good = batch_line_read(&l, o, system, open, text, n, LINE_NUMBER, &err) == LFM_OK;
    if (good) {
        check_options(&l);
        FUZZ_CHECK((l.talk.n > 0) == !o->raw && !l.waits);
        check_conversation(&l.talk);
        if (l.session) {
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
    batch_sessions open = {0};
    json_write_text(&system, "Be \"brief\".");
    for (int i = 0; i < 3; i++) {
        if (!read_line(&o, data[0] & 32 ? &open : NULL, data[0] & 16 ? &system : NULL, text,
                       size - 1)) {
            break;
        }
    }
    batch_sessions_drop(&open);
    json_out_free(&system);
    return 0;
}
