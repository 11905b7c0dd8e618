/*
 * tool_calls_scalar.c - numbers, words and strings of Python -> JSON.
 */
#include "answer/tool_calls_scalar.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The value of a digit; 99 = it is none. */
static unsigned digit_of(char c) {
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                  : 99;
}

/* ---- Numbers -------------------------------------------------------------------------------- */

/* The length of a run of digits, with underscores between them. */
static size_t digits(const char *p, size_t n, unsigned base) {
    size_t i = 0;
    while (i < n && (digit_of(p[i]) < base || (p[i] == '_' && i > 0))) {
        i++;
    }
    return i;
}

static void write_digits(json_out *out, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '_') {
            json_write_raw(out, p + i, 1);
        }
    }
}

/* Write the value of digits in a base of up to 16; false when they are too many. */
static bool write_based(json_out *out, const char *p, size_t n, unsigned base) {
    enum { MOST = 64, LIMBS = 9, LIMB = 1000000000 }; /* 16^64 < 10^(9 * 9) */
    uint32_t limbs[LIMBS] = {0};
    size_t n_limbs = 1;
    char text[16];
    if (n > MOST) return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t carry = p[i] == '_' ? 0 : digit_of(p[i]);
        for (size_t k = 0; k < n_limbs && p[i] != '_'; k++) {
            carry += (uint64_t)limbs[k] * base;
            limbs[k] = (uint32_t)(carry % LIMB);
            carry /= LIMB;
        }
        if (carry > 0) {
            limbs[n_limbs++] = (uint32_t)carry;
        }
    }
    for (size_t k = n_limbs; k-- > 0;) {
        snprintf(text, sizeof text, k + 1 == n_limbs ? "%u" : "%09u", (unsigned)limbs[k]);
        json_write_text(out, text);
    }
    return true;
}

/* 0x1F and its like, behind the zero; returns the length from the letter on. */
static size_t based_number(json_out *out, const char *p, size_t n) {
    const unsigned base = *p == 'x' || *p == 'X'   ? 16
                          : *p == 'o' || *p == 'O' ? 8
                          : *p == 'b' || *p == 'B' ? 2
                                                   : 0;
    const size_t len = base ? digits(p + 1, n - 1, base) : 0;
    return len > 0 && write_based(out, p + 1, len, base) ? 1 + len : 0;
}

size_t tool_calls_number(json_out *out, const char *p, size_t n) {
    const bool sign = n > 0 && (*p == '-' || *p == '+');
    size_t at = sign;
    if (sign && *p == '-') {
        json_write_text(out, "-");
    }
    if (n - at > 1 && p[at] == '0') {
        const size_t len = based_number(out, p + at + 1, n - at - 1);
        if (len > 0) return at + 1 + len;
    }
    size_t whole = digits(p + at, n - at, 10);
    const size_t behind = at + whole;
    const bool point = behind < n && p[behind] == '.';
    const size_t fraction = point ? digits(p + behind + 1, n - behind - 1, 10) : 0;
    if (whole + fraction == 0) return 0;
    for (; whole > 0 && (p[at] == '0' || p[at] == '_'); whole--) {
        at++;
    }
    json_write_text(out, whole == 0 ? "0" : "");
    write_digits(out, p + at, whole);
    json_write_text(out, fraction > 0 ? "." : "");
    at = behind + point;
    write_digits(out, p + at, fraction);
    at += fraction;
    if (at < n && (p[at] == 'e' || p[at] == 'E')) {
        const size_t signs = at + 1 < n && (p[at + 1] == '-' || p[at + 1] == '+');
        const size_t power = digits(p + at + 1 + signs, n - at - 1 - signs, 10);
        if (power > 0) {
            write_digits(out, p + at, 1 + signs + power);
            at += 1 + signs + power;
        }
    }
    return at;
}

bool tool_calls_word(json_out *out, const char *p, size_t n) {
    static const char *const words[][2] = {
        {"True", "true"}, {"False", "false"}, {"None", "null"}, {"true", "true"},
        {"false", "false"}, {"null", "null"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (n == strlen(words[i][0]) && memcmp(p, words[i][0], n) == 0) {
            json_write_text(out, words[i][1]);
            return true;
        }
    }
    return false;
}

/* ---- Strings -------------------------------------------------------------------------------- */

void tool_calls_content(json_out *out, const char *bytes, size_t n) {
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            char escaped[8];
            snprintf(escaped, sizeof escaped, c < 0x20 ? "\\u%04x" : "\\%c", c);
            json_write_raw(out, bytes + done, i - done);
            json_write_text(out, escaped);
            done = i + 1;
        }
    }
    json_write_raw(out, bytes + done, n - done);
}

/* The value of `n` digits; false when one of them is not a digit. */
static bool read_digits(const char *p, size_t n, unsigned base, uint32_t *code) {
    *code = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned digit = digit_of(p[i]);
        if (digit >= base) return false;
        *code = *code * base + digit;
    }
    return true;
}

/* \x1b, \u00e9, \U0001f600, \ud83d\ude00 (a surrogate pair of JSON) or \033; 0 = none of them. */
static size_t coded(const char *p, size_t n, uint32_t *code) {
    const size_t wanted = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    if (wanted == 0) { /* up to three octal digits */
        size_t len = 0;
        while (len < 3 && len < n && digit_of(p[len]) < 8) {
            len++;
        }
        return read_digits(p, len, 8, code) ? len : 0;
    }
    uint32_t low = 0;
    if (n <= wanted || !read_digits(p + 1, wanted, 16, code)) return 0;
    if (*p == 'u' && *code >= 0xd800 && *code < 0xdc00 && n >= 11 && p[5] == '\\' && p[6] == 'u' &&
        read_digits(p + 7, 4, 16, &low) && low >= 0xdc00 && low < 0xe000) {
        *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
        return 11;
    }
    return 1 + wanted;
}

size_t tool_calls_escape(json_out *out, const char *p, size_t n) {
    static const char from[] = "nrtbfva\\'\"/";
    static const char to[] = "\n\r\t\b\f\v\a\\'\"/";
    const char *simple = *p ? strchr(from, *p) : NULL;
    uint32_t code = 0;
    char utf8[4];
    const size_t len = simple ? 0 : coded(p, n, &code);
    const size_t n_utf8 = len > 0 ? utf8_encode(code, utf8) : 0;
    if (simple) {
        tool_calls_content(out, &to[simple - from], 1);
        return 1;
    }
    if (n_utf8 > 0) {
        tool_calls_content(out, utf8, n_utf8);
        return len;
    }
    if (*p == '\n') return 1;         /* a line that goes on */
    tool_calls_content(out, "\\", 1); /* no escape: both characters stay, as in Python */
    return 0;
}
