/*
 * case.c - changing the case of letters, by the rules of Unicode as Python applies them.
 */
#include "jinja/values/case.h"

#include "base/unicode/case_tables.h"
#include "base/utf8.h"

#include <string.h>

static bool is_ascii(char c) {
    return (unsigned char)c < 0x80;
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

/* ---- Characters ----------------------------------------------------------------------------- */

/* The last members are those of unicode_case_range. */
typedef struct {
    uint32_t code;
    size_t bytes; /* it has in the text */
    unicode_case_kind kind;
    bool ignorable;
    uint8_t special;
    int32_t becomes[3];
} character;

static void look_up(character *c) {
    size_t low = 0;
    size_t high = unicode_n_case_ranges;
    while (low < high) { /* the first range that does not end before it */
        const size_t mid = low + (high - low) / 2;
        if (unicode_case_ranges[mid].last < c->code) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    const unicode_case_range *range = &unicode_case_ranges[low];
    if (low == unicode_n_case_ranges || c->code < range->first) return;
    c->kind = (unicode_case_kind)range->kind;
    c->ignorable = range->ignorable;
    c->special = range->special;
    memcpy(c->becomes, range->becomes, sizeof c->becomes);
    if (c->kind == UNICODE_PAIRS) {
        const bool lower = (c->code - range->first) % 2 == 1;
        c->kind = lower ? UNICODE_LOWER : UNICODE_UPPER;
        c->becomes[CASE_UPPER] = c->becomes[CASE_TITLE] = lower ? -1 : 0;
        c->becomes[CASE_LOWER] = lower ? 0 : 1;
    }
}

/* A byte that is not UTF-8 has no case. */
static character character_at(text t, size_t at) {
    character c = {.kind = UNICODE_UNCASED};
    c.bytes = utf8_decode(t.ptr + at, t.len - at, &c.code);
    if (c.bytes > 0) {
        look_up(&c);
    } else {
        c.bytes = 1;
    }
    return c;
}

static character character_before(text t, size_t at) {
    size_t begin = at - 1;
    while (begin > 0 && at - begin < 4 && ((unsigned char)t.ptr[begin] & 0xc0) == 0x80) {
        begin--;
    }
    const character c = character_at(t, begin);
    return begin + c.bytes == at ? c : (character){.bytes = 1, .kind = UNICODE_UNCASED};
}

/* ---- Changing ------------------------------------------------------------------------------- */

enum { SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

/* A sigma ends a word when a letter with case comes before it and none after it, ignorable
 * characters (apostrophes, accents) aside. */
static bool is_final(text t, size_t at, size_t end) {
    character c = {.ignorable = true};
    while (at > 0 && c.ignorable) {
        c = character_before(t, at);
        at -= c.bytes;
    }
    if (c.ignorable || c.kind == UNICODE_UNCASED) return false;
    c.ignorable = true;
    while (end < t.len && c.ignorable) {
        c = character_at(t, end);
        end += c.bytes;
    }
    return c.ignorable || c.kind == UNICODE_UNCASED;
}

/* What a character becomes, in `bytes` if it changes.  All of it was written by whoever wrote the
 * character. */
static text change(text t, size_t at, character c, letter_case to, char *bytes) {
    text new = text_part(t, at, c.bytes);
    if (c.kind == UNICODE_UNCASED) return new;
    new.is_own = new.own ? new.own[0] : new.is_own;
    new.own = NULL;
    new.ptr = bytes;
    new.len = 0;
    const uint16_t *special = c.special > 0 ? unicode_special_cases[c.special - 1][to] : NULL;
    for (int i = 0; i < 3 && special && special[i] != 0; i++) {
        new.len += utf8_encode(special[i], bytes + new.len);
    }
    if (c.code == SIGMA && to == CASE_LOWER) {
        new.len = utf8_encode(is_final(t, at, at + c.bytes) ? FINAL_SIGMA : SMALL_SIGMA, bytes);
    } else if (new.len == 0) {
        new.len = utf8_encode((uint32_t)((int32_t)c.code + c.becomes[to]), bytes);
    }
    return new;
}

enum { PIECE_BYTES = 512 };

/* Change the ASCII characters at `at`, up to PIECE_BYTES; how many there are.  *inside: behind a
 * character that could get title case; so the next ones get lower case, by_word up to one without
 * case, else all of them. */
static size_t change_ascii(text t, size_t at, letter_case to, bool by_word, bool *inside,
                           char *bytes) {
    const size_t end = t.len - at < PIECE_BYTES ? t.len : at + PIECE_BYTES;
    bool is_inside = *inside;
    size_t n = 0;
    for (size_t i = at; i < end && is_ascii(t.ptr[i]); i++) {
        const char c = t.ptr[i];
        const bool lower = to == CASE_LOWER || (to == CASE_TITLE && is_inside);
        const bool changes = lower ? is_upper(c) : is_lower(c);
        bytes[n++] = (char)(c ^ (changes ? 0x20 : 0));
        is_inside = !by_word || is_lower(c) || is_upper(c);
    }
    *inside = is_inside;
    return n;
}

static text convert(run *r, text t, letter_case to, bool by_word) {
    if (t.len == 0) return t;
    buffer *out = run_get(r, sizeof *out);
    bool inside = false;
    char bytes[PIECE_BYTES];
    for (size_t i = 0, n = 0; i < t.len && !r->failed; i += n) {
        n = change_ascii(t, i, to, by_word, &inside, bytes);
        text new = text_part(t, i, n);
        new.ptr = bytes;
        if (n == 0) {
            const character c = character_at(t, i);
            new = change(t, i, c, to == CASE_TITLE && inside ? CASE_LOWER : to, bytes);
            n = c.bytes;
            inside = !by_word || c.kind != UNICODE_UNCASED;
        }
        buffer_add(r, out, new);
    }
    run_charge(r, t.len / 8);
    return r->failed ? t : buffer_text(out);
}

text text_to_case(run *r, text t, letter_case to) {
    return convert(r, t, to, true);
}

text text_capitalize(run *r, text t) {
    return convert(r, t, CASE_TITLE, false);
}

bool text_has_case(text t, letter_case wanted) {
    const unicode_case_kind good = wanted == CASE_UPPER ? UNICODE_UPPER : UNICODE_LOWER;
    bool has = false;
    for (size_t i = 0, n = 0; i < t.len; i += n) {
        const char byte = t.ptr[i];
        unicode_case_kind kind = is_upper(byte)   ? UNICODE_UPPER
                                 : is_lower(byte) ? UNICODE_LOWER
                                                  : UNICODE_UNCASED;
        n = 1;
        if (!is_ascii(byte)) {
            const character c = character_at(t, i);
            kind = c.kind;
            n = c.bytes;
        }
        if (kind != UNICODE_UNCASED && kind != good) return false;
        has = has || kind == good;
    }
    return has;
}
