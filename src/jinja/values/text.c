/*
 * text.c - strings of a template: bytes, and who wrote them.
 */
#include "jinja/values/run.h"

#include "base/utf8.h"

#include <string.h>

text text_data(const char *bytes, size_t len) {
    return (text){.ptr = bytes, .len = len};
}

text text_own(const char *bytes, size_t len) {
    return (text){.ptr = bytes, .len = len, .is_own = true};
}

text text_word(const char *word) {
    return text_data(word, strlen(word));
}

text text_part(text t, size_t at, size_t len) {
    t.ptr = t.ptr ? t.ptr + at : NULL;
    t.own = t.own ? t.own + at : NULL;
    t.len = len;
    return t;
}

bool text_equal(text a, text b) {
    return a.len == b.len && (!a.ptr || !b.ptr || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool text_is(text t, const char *word) {
    return text_equal(t, text_word(word));
}

int text_compare(text a, text b) {
    const size_t n = a.len < b.len ? a.len : b.len;
    const int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0; /* UTF-8 sorts by code points */
    return order != 0 ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
}

bool text_starts(text t, text with) {
    return t.len >= with.len && text_equal(text_part(t, 0, with.len), with);
}

bool text_ends(text t, text with) {
    return t.len >= with.len && text_equal(text_part(t, t.len - with.len, with.len), with);
}

bool text_byte_in(char c, const char *set) {
    return c && strchr(set, c);
}

size_t text_char_bytes(text t, size_t at) {
    uint32_t code = 0;
    const size_t n = utf8_decode(t.ptr + at, t.len - at, &code);
    return n > 0 ? n : 1; /* a byte that is not UTF-8 counts as a character */
}

/* Bytes of ASCII from `at` on, in steps of eight. */
static size_t ascii_run(text t, size_t at) {
    size_t n = 0;
    for (; t.ptr && t.len - at - n >= 8; n += 8) {
        uint64_t eight;
        memcpy(&eight, t.ptr + at + n, sizeof eight);
        if (eight & 0x8080808080808080u) break;
    }
    return n;
}

size_t text_chars(run *r, text t) {
    size_t n = 0;
    size_t slow = 0; /* characters that were read one by one */
    for (size_t i = 0; i < t.len;) {
        const size_t plain = ascii_run(t, i);
        n += plain > 0 ? plain : 1;
        slow += plain == 0;
        i += plain > 0 ? plain : text_char_bytes(t, i);
    }
    run_charge(r, t.len / 64 + slow / 8);
    return n;
}

size_t text_offset(run *r, text t, size_t chars) {
    size_t i = 0;
    size_t slow = 0;
    while (i < t.len && chars > 0) {
        const size_t plain =
            chars >= 8 ? ascii_run(text_part(t, 0, t.len - i < chars ? t.len : i + chars), i) : 0;
        i += plain > 0 ? plain : text_char_bytes(t, i);
        chars -= plain > 0 ? plain : 1;
        slow += plain == 0;
    }
    run_charge(r, i / 64 + slow / 8);
    return i;
}

size_t text_find(run *r, text t, text what, size_t from) {
    if (r->failed || from > t.len || what.len > t.len - from) return SIZE_MAX;
    if (what.len == 0) return from;
    /* memmem takes linear time.  Windows, because sanitizers look at all that it is given. */
    const size_t window = 4096 + 4 * what.len;
    for (size_t at = from; what.len <= t.len - at && !r->failed;) {
        const size_t n = t.len - at < window ? t.len - at : window;
        const char *found = memmem(t.ptr + at, n, what.ptr, what.len);
        const size_t next = found ? (size_t)(found - t.ptr) : at + n - what.len + 1;
        run_charge(r, 1 + (next - at + what.len) / 32);
        if (found) return next;
        at = next;
    }
    return SIZE_MAX;
}

/* ---- Buffers -------------------------------------------------------------------------------- */

static bool make_room(run *r, buffer *b, size_t n) {
    if (n <= b->cap - b->used) return true;
    if (n > JINJA_MAX_OUTPUT || b->used + n > JINJA_MAX_OUTPUT) {
        run_fail(r, NULL, "the text grows beyond %d MiB", JINJA_MAX_OUTPUT >> 20);
        r->status = LFM_ERR_UNSUPPORTED;
        return false;
    }
    const size_t cap = b->used + n + (b->used + n) / 2 + 32;
    char *bytes = run_get(r, 2 * cap);
    if (!bytes) return false;
    char *own = bytes + cap;
    if (b->used > 0) {
        memcpy(bytes, b->bytes, b->used);
        memcpy(own, b->own, b->used);
    }
    *b = (buffer){.bytes = bytes, .own = own, .used = b->used, .cap = cap};
    return true;
}

void buffer_add(run *r, buffer *b, text t) {
    if (r->failed || t.len == 0 || !make_room(r, b, t.len)) return;
    memcpy(b->bytes + b->used, t.ptr, t.len);
    if (t.own) {
        memcpy(b->own + b->used, t.own, t.len);
    } else {
        memset(b->own + b->used, t.is_own, t.len);
    }
    b->used += t.len;
}

void buffer_add_data(run *r, buffer *b, const char *bytes, size_t n) {
    buffer_add(r, b, text_data(bytes, n));
}

void buffer_add_word(run *r, buffer *b, const char *word) {
    buffer_add(r, b, text_word(word));
}

text buffer_text(buffer *b) {
    return (text){.ptr = b->bytes, .own = b->own, .len = b->used, .in = b};
}

text text_join(run *r, text a, text b) {
    if (b.len == 0) return a;
    if (a.len == 0) return b;
    buffer *in = a.in;
    const bool ends_there = in && a.ptr + a.len == in->bytes + in->used;
    if (!ends_there || b.len > in->cap - in->used) {
        in = run_get(r, sizeof *in);
        if (!in) return a;
        if (!make_room(r, in, a.len + b.len)) return a;
        buffer_add(r, in, a);
    }
    const size_t begin = in == a.in ? (size_t)(a.ptr - in->bytes) : 0;
    buffer_add(r, in, b);
    return text_part(buffer_text(in), begin, a.len + b.len);
}
