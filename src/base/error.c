/*
 * error.c - filling the one error struct with printable text.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 character at p, or 0. */
static size_t character_length(const unsigned char *p, size_t n, uint32_t *code) {
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3
                     : p[0] >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2) return 0;
        c = c << 6 | (p[i] & 63u);
    }
    if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
    *code = c;
    return len;
}

/* Would this character control the terminal, or reorder the text around it? */
static bool is_dangerous(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The next character: its length, and whether it may be shown unescaped. */
static size_t next_character(const unsigned char *p, size_t n, bool *plain) {
    uint32_t code = 0;
    const size_t len = character_length(p, n, &code);
    *plain = len != 0 && !is_dangerous(code);
    return len == 0 ? 1 : len;
}

size_t err_escape(char *out, size_t cap, const char *bytes, size_t n) {
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)bytes;
    bool plain = false;
    size_t total = 0; /* length of everything, escaped */
    for (size_t i = 0; i < n && total < cap;) {
        const size_t step = next_character(p + i, n - i, &plain);
        total += plain ? step : 4 * step;
        i += step;
    }
    if (cap == 0) return 0;
    const size_t dots = total < cap ? 0 : cap - 1 < 3 ? cap - 1 : 3;
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        const size_t step = next_character(p + i, n - i, &plain);
        if (len + (plain ? step : 4 * step) + dots + 1 > cap) break;
        for (size_t j = i; j < i + step; j++) {
            if (plain) {
                out[len++] = (char)p[j];
            } else {
                out[len++] = '\\';
                out[len++] = 'x';
                out[len++] = hex[p[j] >> 4];
                out[len++] = hex[p[j] & 15];
            }
        }
        i += step;
    }
    memset(out + len, '.', dots);
    len += dots;
    out[len] = '\0';
    return len;
}

lfm_status err_set(lfm_error *err, lfm_status status, const char *format, ...) {
    if (!err || err->status != LFM_OK) return status;
    char raw[2 * sizeof err->text];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    const size_t len = n < 0 ? 0 : (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
    err->status = status;
    err_escape(err->text, sizeof err->text, raw, len);
    return status;
}

lfm_status err_no_memory(lfm_error *err, const char *what_for) {
    return err_set(err, LFM_ERR_MEMORY, "out of memory for %s", what_for);
}

void err_clear(lfm_error *err) {
    if (err) {
        err->status = LFM_OK;
        err->text[0] = '\0';
    }
}
