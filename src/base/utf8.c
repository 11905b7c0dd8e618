/*
 * utf8.c - decoding by the table of well-formed sequences (Unicode 15, table 3-7).
 */
#include "base/utf8.h"

/* Bytes announced by a first byte; 0 for those that cannot begin a character. */
static size_t announced(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
         : first < 0xf5 ? 4 : 0;
}

/* May `second` follow `first`?  The second byte alone rules out overlong forms, surrogates and code
 * points above U+10FFFF; later bytes may be any continuation byte. */
static bool may_follow(unsigned char first, unsigned char second) {
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

/* How many of the first `n` bytes at p fit one character; *length is the number it needs. */
static size_t matching(const unsigned char *p, size_t n, size_t *length) {
    *length = announced(p[0]);
    if (*length == 0) return 0;
    size_t i = 1;
    while (i < *length && i < n && (i == 1 ? may_follow(p[0], p[1]) : p[i] >> 6 == 2)) {
        i++;
    }
    return i;
}

size_t utf8_decode(const char *p, size_t n, uint32_t *code) {
    const unsigned char *u = (const unsigned char *)p;
    size_t length = 0;
    if (n == 0 || matching(u, n, &length) != length || length == 0) return 0;
    uint32_t c = length == 1 ? u[0] : u[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        c = c << 6 | (u[i] & 0x3fu);
    }
    *code = c;
    return length;
}

size_t utf8_encode(uint32_t code, char *out) {
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80u | (code & 0x3fu));
        code >>= 6;
    }
    out[0] = (char)(lead[length] | code);
    return length;
}

bool utf8_valid(const char *p, size_t n) {
    size_t i = 0;
    while (i < n) {
        uint32_t code = 0;
        const size_t length = utf8_decode(p + i, n - i, &code);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

size_t utf8_complete(const char *p, size_t n) {
    const unsigned char *u = (const unsigned char *)p;
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const size_t at = n - back;
        if (u[at] >> 6 == 2) {
            continue; /* inside a character: its first byte is further back */
        }
        size_t length = 0;
        return matching(u + at, back, &length) == back && back < length ? at : n;
    }
    return n;
}
