/*
 * fuzz_term.c - any bytes of a model on their way to a terminal, in any pieces.
 *
 * The first bytes say where the tokens end.  What comes out holds no control character but newline
 * and tab, is UTF-8, and does not depend on the pieces.
 */
#include "fuzz.h"

#include "answer/answer_text.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/shared/term.h"

#include <string.h>

static void check_shown(const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        const size_t len = utf8_decode(p + i, n - i, &c);
        FUZZ_CHECK(len > 0);
        FUZZ_CHECK(c >= 0x20 || c == '\n' || c == '\t');
        FUZZ_CHECK(c < 0x7f || c >= 0xa0);
        FUZZ_CHECK((c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069));
        i += len;
    }
}

static void check_escape(const char *p, size_t n) {
    json_out out = {0};
    char line[64];
    lfm_error err = {0};
    term_escape(&out, p, n);
    FUZZ_CHECK(json_finish(&out, &err) == LFM_OK);
    check_shown(out.ptr, out.len);
    json_out_free(&out);
    FUZZ_CHECK(err_escape(line, sizeof line, p, n) == strlen(line));
    check_shown(line, strlen(line));
    FUZZ_CHECK(!strchr(line, '\n') && !strchr(line, '\t'));
}

/* Feed in pieces of the lengths that `cuts` tells, showing what is settled at once. */
static void run_answer(answer_text *a, const uint8_t *cuts, size_t n_cuts, const char *p,
                       size_t n) {
    lfm_error err = {0};
    size_t at = 0;
    for (size_t i = 0; at < n; i++) {
        const size_t want = n_cuts ? (size_t)cuts[i % n_cuts] % 7 + 1 : n;
        const size_t len = want < n - at ? want : n - at;
        FUZZ_CHECK(answer_text_feed(a, p + at, len, &err) == LFM_OK);
        FUZZ_CHECK(a->settled <= a->text.len);
        at += len;
    }
    FUZZ_CHECK(answer_text_end(a, &err) == LFM_OK);
    FUZZ_CHECK(a->settled == a->text.len);
}

static void check_pieces(const uint8_t *cuts, size_t n_cuts, const char *p, size_t n) {
    static const char *const stops[] = {"STOP", "\n\n", "aab"};
    answer_text whole = {.stops = stops, .n_stops = 3, .split = n % 2 == 0};
    answer_text parts = whole;
    run_answer(&whole, NULL, 0, p, n);
    run_answer(&parts, cuts, n_cuts, p, n);
    FUZZ_CHECK(whole.text.len == parts.text.len);
    FUZZ_CHECK(whole.text.len == 0 ||
               memcmp(whole.text.ptr, parts.text.ptr, whole.text.len) == 0);
    FUZZ_CHECK(whole.thoughts.len == parts.thoughts.len);
    FUZZ_CHECK(whole.stopped == parts.stopped);
    answer_text_drop(&whole);
    answer_text_drop(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const size_t n_cuts = size < 4 ? 0 : 4;
    const char *text = (const char *)data + n_cuts;
    check_escape(text, size - n_cuts);
    if (n_cuts > 0) {
        check_pieces(data, n_cuts, text, size - n_cuts);
    }
    return 0;
}
