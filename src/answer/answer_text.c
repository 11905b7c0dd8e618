/*
 * answer_text.c - bytes of tokens -> thoughts and text, up to a stop string.
 */
#include "answer/answer_text.h"

#include "base/markers.h"
#include "base/utf8.h"

#include <string.h>

/* Length of the longest suffix of `text` that is a proper prefix of `word`. */
static size_t overlap(const char *text, size_t n, const char *word) {
    const size_t len = strlen(word);
    for (size_t k = n < len ? n : len - 1; k > 0; k--) {
        if (memcmp(text + n - k, word, k) == 0) return k;
    }
    return 0;
}

/* Offset of `word` in text at or after `from`; SIZE_MAX = absent. */
static size_t find(const char *text, size_t n, size_t from, const char *word) {
    const char *at = from < n ? memmem(text + from, n - from, word, strlen(word)) : NULL;
    return at ? (size_t)(at - text) : SIZE_MAX;
}

/* ---- Thoughts ------------------------------------------------------------------------------- */

/* Decide whether the answer begins with thoughts; false while more bytes are needed.  White space
 * before the tag is skipped; without a tag it belongs to the answer. */
static bool decide_begin(answer_text *a, bool last) {
    bool undecided = false;
    const size_t n = thoughts_opening(a->raw.ptr + a->taken, a->raw.len - a->taken, &undecided);
    if (undecided && !last) return false;
    a->taken += n;
    a->at.phase = n > 0 ? THOUGHTS_INSIDE : THOUGHTS_TEXT;
    return true;
}

/* Move bytes from `raw` to `thoughts`, up to the closing tag; false while the tag has not come. */
static bool take_thoughts(answer_text *a, bool last) {
    const char *p = a->raw.ptr;
    size_t upto = a->taken + a->at.matched; /* a possible tag stays in `raw` */
    upto += thoughts_take(&a->at, p + upto, a->raw.len - upto);
    const bool ended = a->at.phase == THOUGHTS_BREAKS;
    if (last) {
        a->at.matched = 0; /* the possible tag was none */
    }
    const size_t held = ended ? sizeof THINK_CLOSE - 1 : a->at.matched;
    json_write_raw(&a->thoughts, p + a->taken, upto - held - a->taken);
    a->taken = ended ? upto : upto - held;
    return ended;
}

/* The line breaks between a thought and the answer belong to neither. */
static bool skip_breaks(answer_text *a) {
    while (a->taken < a->raw.len && a->raw.ptr[a->taken] == '\n') {
        a->taken++;
    }
    if (a->taken == a->raw.len) return false;
    a->at.phase = THOUGHTS_TEXT;
    return true;
}

static void take(answer_text *a, bool last) {
    bool on = a->raw.len > 0;
    if (!a->split && a->at.phase == THOUGHTS_BEGIN) {
        a->at.phase = THOUGHTS_TEXT;
    }
    while (on && a->at.phase != THOUGHTS_TEXT) {
        on = a->at.phase == THOUGHTS_BEGIN    ? decide_begin(a, last)
             : a->at.phase == THOUGHTS_INSIDE ? take_thoughts(a, last)
                                              : skip_breaks(a);
    }
    if (on) {
        json_write_raw(&a->text, a->raw.ptr + a->taken, a->raw.len - a->taken);
        a->taken = a->raw.len;
    }
}

/* ---- Stop strings --------------------------------------------------------------------------- */

/* Cut the text before the first stop string.  Nothing before `settled` can be part of one. */
static void cut_at_stop(answer_text *a) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < a->n_stops; i++) {
        const size_t at = find(a->text.ptr, a->text.len, a->settled, a->stops[i]);
        first = at < first ? at : first;
    }
    if (first != SIZE_MAX) {
        a->text.len = first;
        a->text.ptr[first] = '\0';
        a->settled = first;
        a->stopped = true;
    }
}

static void settle(answer_text *a) {
    if (a->stopped) return;
    const char *p = a->text.ptr + a->settled;
    const size_t n = a->text.len - a->settled;
    size_t held = 0;
    for (size_t i = 0; i < a->n_stops; i++) {
        const size_t k = overlap(p, n, a->stops[i]);
        held = k > held ? k : held;
    }
    a->settled += utf8_complete(p, n - held);
}

/* ---- Public --------------------------------------------------------------------------------- */

static void drop_half(json_out *text) {
    const size_t whole = utf8_complete(text->ptr, text->len);
    if (whole < text->len) {
        text->len = whole;
        text->ptr[whole] = '\0';
    }
}

void answer_text_drop_half(answer_text *a) {
    drop_half(&a->raw);
    drop_half(&a->thoughts);
    drop_half(&a->text);
    a->taken = a->taken < a->raw.len ? a->taken : a->raw.len;
}

static lfm_status add(answer_text *a, const char *bytes, size_t n, lfm_error *err) {
    json_write_raw(&a->raw, bytes, n);
    lfm_status st = json_finish(&a->raw, err);
    if (st == LFM_OK) {
        take(a, false);
        st = json_finish(&a->thoughts, err);
    }
    if (st == LFM_OK) {
        a->thoughts_settled = utf8_complete(a->thoughts.ptr, a->thoughts.len);
        st = json_finish(&a->text, err);
    }
    return st;
}

lfm_status answer_text_feed(answer_text *a, const char *bytes, size_t n, lfm_error *err) {
    if (a->stopped) return LFM_OK;
    const lfm_status st = add(a, bytes, n, err);
    if (st == LFM_OK) {
        cut_at_stop(a);
        settle(a);
    }
    return st;
}

void answer_text_begin(answer_text *a) {
    if (a->at.phase == THOUGHTS_BREAKS) {
        a->taken = a->raw.len; /* line breaks */
    }
    a->at.phase = THOUGHTS_TEXT;
}

lfm_status answer_text_prefill(answer_text *a, const char *bytes, size_t n, lfm_error *err) {
    const lfm_status st = add(a, bytes, n, err);
    if (st == LFM_OK) {
        a->settled = utf8_complete(a->text.ptr, a->text.len);
    }
    return st;
}

lfm_status answer_text_end(answer_text *a, lfm_error *err) {
    if (!a->stopped) {
        take(a, true);
    }
    lfm_status st = json_finish(&a->thoughts, err);
    if (st == LFM_OK) st = json_finish(&a->text, err);
    if (st == LFM_OK && !a->stopped) {
        cut_at_stop(a);
    }
    answer_text_drop_half(a);
    a->settled = a->text.len;
    a->thoughts_settled = a->thoughts.len;
    return st;
}

void answer_text_drop(answer_text *a) {
    json_out_free(&a->raw);
    json_out_free(&a->thoughts);
    json_out_free(&a->text);
}
