/*
 * answer_calls.c - the tool calls in an answer: taking them out of its text.
 */
#include "answer/answer_calls.h"

#include "base/markers.h"

#include <string.h>

/* Bytes that may be looked at for bare calls, for each byte of the text and in all; while the text
 * grows, and at its end.  A hostile megabyte takes about half a second.  Only such a text reaches
 * these limits; what is left of it then stays text. */
enum { EARLY_EACH = 4, LATE_EACH = 32, ANY = 1 << 18, SHORT = 64 };

lfm_status answer_calls_begin(answer_calls *c, const char *tools, lfm_error *err) {
    lfm_error why = {0};
    if (!tools || !*tools) return LFM_OK;
    const lfm_status st = json_parse(&c->tools, tools, strlen(tools), &why);
    if (st != LFM_OK) return err_set(err, st, "the tools of the answer: %s", why.text);
    return c->tools.root->kind == JSON_ARRAY
               ? LFM_OK
               : err_set(err, LFM_ERR_ARG, "the tools of the answer must be a list");
}

void answer_calls_drop(answer_calls *c) {
    json_doc_free(&c->tools);
    tool_calls_drop(&c->list);
    json_out_free(&c->block);
    json_out_free(&c->held);
}

/* Look for calls of functions that were not offered, if any were. */
static void check_new(answer_calls *c) {
    for (; c->n_checked < c->list.n && !c->undefined && c->tools.root; c->n_checked++) {
        const lfm_tool_call *call = &c->list.all[c->n_checked];
        if (!tool_calls_offered(c->tools.root, call->name, call->name_len, false)) {
            c->undefined = call->name;
        }
    }
}

/* ---- Text ----------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Is the beginning of `held` an echo of the block?  Returns its length; 0 = no.  *open: it may
 * become one. */
static size_t find_echo(answer_calls *c, bool last, bool *open) {
    const char *want = c->block.ptr;
    size_t n_want = c->block.len;
    size_t at = 0;
    *open = false;
    while (n_want > 0 && is_blank(*want)) {
        want++;
        n_want--;
    }
    while (n_want > 0 && is_blank(want[n_want - 1])) {
        n_want--;
    }
    if (n_want == 0) return 0;
    while (at < c->held.len && is_blank(c->held.ptr[at])) {
        at++;
    }
    const size_t left = c->held.len - at;
    const size_t n = left < n_want ? left : n_want;
    c->n_read += n;
    const bool same = memcmp(c->held.ptr + at, want, n) == 0;
    *open = same && left < n_want && !last;
    return same && left >= n_want ? at + n_want : 0;
}

/* Does text from `at` on, which begins with '[', begin with calls?  *n_used bytes are theirs; 0 and
 * *open: more text will tell. */
static lfm_status find_bare(answer_calls *c, size_t at, bool last, size_t *n_used, bool *open,
                            lfm_error *err) {
    const size_t n = c->held.len - at;
    tool_calls_bare_result result = BARE_TEXT;
    *n_used = 0;
    *open = false;
    const size_t most = ANY + LATE_EACH * c->n_added;
    size_t patience = c->n_read < most ? most - c->n_read : 0;
    const size_t before = patience;
    const lfm_status st = tool_calls_bare(&c->list, c->tools.root, c->held.ptr + at, n, !last,
                                          &patience, &result, n_used, err);
    c->gave_up = c->gave_up || patience == 0;
    c->n_read += before - patience + *n_used;
    *open = result == BARE_OPEN;
    return st;
}

/* Is it worth while to look at `held` again, with these new bytes?  It cannot be at every byte. */
static bool is_due(const answer_calls *c, const char *bytes, size_t n) {
    return c->held.len <= SHORT || c->held.len >= 2 * c->n_tried ||
           (c->n_read < ANY + EARLY_EACH * c->n_added && memchr(bytes, ']', n));
}

/* Pass on what is held, but for calls and what may become one.  `last`: nothing may become one. */
static lfm_status pass_on(answer_calls *c, answer_text *to, bool last, lfm_error *err) {
    size_t at = 0;
    bool open = false;
    lfm_status st = LFM_OK;
    if (c->held.len == 0) return LFM_OK;
    if (c->may_echo) {
        at = find_echo(c, last, &open);
        c->may_echo = open;
    }
    while (st == LFM_OK && at < c->held.len && !open) {
        const char *p = c->held.ptr + at;
        const char *bracket = c->tools.root ? memchr(p, '[', c->held.len - at) : NULL;
        size_t n = bracket ? (size_t)(bracket - p) : c->held.len - at;
        if (n > 0) {
            st = answer_text_feed(to, p, n, err);
        } else if (to->at.phase != THOUGHTS_INSIDE && !to->stopped) {
            st = find_bare(c, at, last, &n, &open, err);
        }
        if (st == LFM_OK && n == 0 && !open) { /* a bracket that is text */
            n = 1;
            st = answer_text_feed(to, p, n, err);
        }
        at += n;
    }
    c->held.len -= at;
    memmove(c->held.ptr, c->held.ptr + at, c->held.len);
    c->n_tried = c->held.len;
    return st;
}

lfm_status answer_calls_add(answer_calls *c, answer_text *to, const char *bytes, size_t n,
                            lfm_error *err) {
    json_out *kept = c->inside ? &c->block : &c->held;
    json_write_raw(kept, bytes, n);
    c->n_added += n;
    const lfm_status st = json_finish(kept, err);
    return st == LFM_OK && !c->inside && is_due(c, bytes, n) ? pass_on(c, to, false, err) : st;
}

/* ---- Markers -------------------------------------------------------------------------------- */

/* The end of the text between markers, with the second of them or without. */
static lfm_status end_block(answer_calls *c, answer_text *to, bool marked, lfm_error *err) {
    const char *text = c->block.ptr;
    const size_t n = c->block.len;
    size_t n_lost = 0;
    bool read = false;
    lfm_status st = tool_calls_read(&c->list, text, n, &read, &n_lost, err);
    c->inside = false;
    c->n_lost += read ? n_lost : 0;
    c->n_unread += !read;
    check_new(c);
    if (st == LFM_OK && !read) {
        st = answer_text_feed(to, TOOL_CALL_START, strlen(TOOL_CALL_START), err);
        if (st == LFM_OK) st = answer_text_feed(to, text, n, err);
        if (st == LFM_OK && marked) {
            st = answer_text_feed(to, TOOL_CALL_END, strlen(TOOL_CALL_END), err);
        }
        c->block.len = 0;
    }
    return st;
}

lfm_status answer_calls_mark(answer_calls *c, answer_text *to, bool start, lfm_error *err) {
    lfm_status st = c->inside ? end_block(c, to, !start, err) : pass_on(c, to, true, err);
    c->may_echo = !start && c->block.len > 0;
    if (start) {
        c->inside = true;
        c->block.len = 0;
    }
    return st == LFM_OK ? json_finish(&c->block, err) : st;
}

lfm_status answer_calls_end(answer_calls *c, answer_text *to, lfm_error *err) {
    return c->inside ? end_block(c, to, false, err) : pass_on(c, to, true, err);
}
