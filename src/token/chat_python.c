/*
 * chat_python.c - how Python prints the values of a template.
 */
#include "token/chat_python.h"

#include "base/utf8.h"

#include <string.h>

/* Characters that Python's repr escapes as numbers: controls, separators, formats, private use.
 * Python also escapes unassigned characters; they are left out here, as they change with every
 * version of Unicode. */
static bool is_unprintable(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},
        {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
        {0x8e2, 0x8e2},     {0x1680, 0x1680},   {0x180e, 0x180e},   {0x2000, 0x200f},
        {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},   {0xe000, 0xf8ff},
        {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
        {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
    };
    size_t i = 0;
    while (i < sizeof ranges / sizeof ranges[0] && c > ranges[i].last) {
        i++;
    }
    return i < sizeof ranges / sizeof ranges[0] && c >= ranges[i].first &&
           !(c >= 0xe0100 && c <= 0xe01ef); /* variation selectors are marks */
}

static void write_hex(json_out *o, const char *head, uint32_t value, int digits) {
    json_write_text(o, head);
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        json_write_raw(o, &"0123456789abcdef"[value >> shift & 15], 1);
    }
}

/* repr() of a string: single quotes, unless only double ones need no escape. */
static void write_python_string(json_out *o, const char *bytes, size_t n) {
    const bool use_double = memchr(bytes, '\'', n) && !memchr(bytes, '"', n);
    const char quote = use_double ? '"' : '\'';
    json_write_raw(o, &quote, 1);
    for (size_t i = 0; i < n;) {
        uint32_t c = 0;
        const size_t length = utf8_decode(bytes + i, n - i, &c); /* > 0: the reader checked it */
        if (c == '\n' || c == '\r' || c == '\t') {
            json_write_text(o, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else if (c == '\\' || c == (unsigned char)quote) {
            json_write_text(o, "\\");
            json_write_raw(o, bytes + i, 1);
        } else if (!is_unprintable(c)) {
            json_write_raw(o, bytes + i, length);
        } else if (c < 0x100) {
            write_hex(o, "\\x", c, 2);
        } else {
            write_hex(o, c < 0x10000 ? "\\u" : "\\U", c, c < 0x10000 ? 4 : 8);
        }
        i += length > 0 ? length : 1;
    }
    json_write_raw(o, &quote, 1);
}

const json_style chat_python = {"None", "False", "True", write_python_string};

bool chat_is_python_space(uint32_t c) {
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}
