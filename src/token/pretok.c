/*
 * pretok.c - the llama-3 pre-tokenizer, written by hand: no recursion, no backtracking.
 *
 * Each alternative of the expression in pretok.h is one function below.  The two that look like
 * backtracking do not need it: \s*[\r\n]+ ends after the last line break of a run of white space,
 * and \s+(?!\S) leaves the last character of a run to what follows it.
 */
#include "token/pretok.h"

#include <stdbool.h>
#include <stdint.h>

/* Length of the well-formed character at p, and its code; 0 when there is none. */
static size_t decode(const uint8_t *p, size_t n, uint32_t *code) {
    const uint8_t lead = p[0];
    const size_t len = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    /* The range of the second byte excludes overlong forms, surrogates and code points above
     * U+10FFFF (Unicode, table 3-7). */
    const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) return 0;
    uint32_t c = lead & (0x7fu >> len);
    c = c << 6 | (p[1] & 63u);
    for (size_t i = 2; i < len; i++) {
        if (p[i] >> 6 != 2) return 0;
        c = c << 6 | (p[i] & 63u);
    }
    *code = c;
    return len;
}

static unicode_class class_of_code(uint32_t code) {
    /* most of Chinese and Japanese: no search */
    return code >= 0x4e00 && code < 0xa000 ? UNICODE_LETTER : unicode_class_of(code);
}

static unicode_class class_of_ascii(uint8_t c) {
    const uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'z'       ? UNICODE_LETTER
           : c >= '0' && c <= '9'             ? UNICODE_NUMBER
           : c == ' ' || (c >= 9 && c <= 13)  ? UNICODE_SPACE
                                              : UNICODE_OTHER;
}

static unicode_class class_at(const uint8_t *p, size_t n, size_t *len) {
    if (p[0] < 0x80) {
        *len = 1;
        return class_of_ascii(p[0]);
    }
    uint32_t code = 0;
    *len = decode(p, n, &code);
    if (*len == 0) {
        *len = 1;
        return UNICODE_OTHER;
    }
    return class_of_code(code);
}

unicode_class tok_char_class(const char *text, size_t n, size_t *len) {
    return class_at((const uint8_t *)text, n, len);
}

/* The first position at or after `pos` with a character of another class, or the end. */
static size_t skip_class(const uint8_t *p, size_t n, size_t pos, unicode_class wanted) {
    size_t len = 0;
    while (pos < n && class_at(p + pos, n - pos, &len) == wanted) {
        pos += len;
    }
    return pos;
}

static bool is_line_break(uint8_t c) {
    return c == '\r' || c == '\n';
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d), or 0.  The long s (U+017F) does not count as an s. */
static size_t contraction(const uint8_t *p, size_t n) {
    if (p[0] != '\'' || n < 2) return 0;
    const uint8_t a = p[1] | 0x20;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    const uint8_t b = n > 2 ? p[2] | 0x20 : 0;
    const bool pair = ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l');
    return pair ? 3 : 0;
}

/* [^\r\n\p{L}\p{N}]?\p{L}+, or 0.  `first` and `len` describe the first character. */
static size_t letters(const uint8_t *p, size_t n, unicode_class first, size_t len) {
    if (first == UNICODE_NUMBER || is_line_break(p[0])) return 0;
    const size_t end = skip_class(p, n, len, UNICODE_LETTER);
    return first == UNICODE_LETTER || end > len ? end : 0;
}

/* \p{N}{1,3}, when the first character is a number. */
static size_t numbers(const uint8_t *p, size_t n, size_t len) {
    size_t end = len;
    for (int i = 1; i < 3 && end < n && class_at(p + end, n - end, &len) == UNICODE_NUMBER; i++) {
        end += len;
    }
    return end;
}

/*  ?[^\s\p{L}\p{N}]+[\r\n]*, or 0. */
static size_t others(const uint8_t *p, size_t n) {
    const size_t start = p[0] == ' ' ? 1 : 0;
    size_t end = skip_class(p, n, start, UNICODE_OTHER);
    if (end == start) return 0;
    while (end < n && is_line_break(p[end])) {
        end++;
    }
    return end;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+, when the first character is white space. */
static size_t spaces(const uint8_t *p, size_t n) {
    size_t end = 0;        /* of the run */
    size_t last = 0;       /* where its last character starts */
    size_t line_break = 0; /* behind its last line break */
    size_t len = 0;
    while (end < n && class_at(p + end, n - end, &len) == UNICODE_SPACE) {
        if (is_line_break(p[end])) {
            line_break = end + 1;
        }
        last = end;
        end += len;
    }
    if (line_break > 0) return line_break;
    return end < n && last > 0 ? last : end;
}

size_t tok_next_piece(const char *text, size_t n) {
    const uint8_t *p = (const uint8_t *)text;
    size_t len = 0;
    const unicode_class first = class_at(p, n, &len);
    size_t piece = contraction(p, n);
    if (piece == 0) {
        piece = letters(p, n, first, len);
    }
    if (piece == 0 && first == UNICODE_NUMBER) {
        piece = numbers(p, n, len);
    }
    if (piece == 0) {
        piece = others(p, n);
    }
    return piece > 0 ? piece : spaces(p, n);
}
