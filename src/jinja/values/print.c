/*
 * print.c - values as text: str() and repr() of Python, and JSON as its json.dumps writes it.
 */
#include "jinja/values/run.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

static void add_hex(run *r, buffer *out, const char *head, uint32_t code, int digits) {
    char word[16];
    const int n = snprintf(word, sizeof word, "%s%0*" PRIx32, head, digits, code);
    buffer_add_data(r, out, word, (size_t)n);
}

/* repr() of a string: single quotes, unless only double ones need no escape. */
static void repr_string(run *r, buffer *out, text t) {
    const bool use_double = t.len > 0 && memchr(t.ptr, '\'', t.len) && !memchr(t.ptr, '"', t.len);
    const char quote = use_double ? '"' : '\'';
    buffer_add_data(r, out, &quote, 1);
    size_t done = 0; /* what was added */
    for (size_t i = 0; i < t.len && !r->failed;) {
        uint32_t c = 0xfffd; /* bytes that are not UTF-8 stay as they are */
        const size_t found = utf8_decode(t.ptr + i, t.len - i, &c);
        const size_t n = found > 0 ? found : 1;
        const bool escape = c == '\\' || c == (unsigned char)quote;
        if (escape || is_unprintable(c)) {
            buffer_add(r, out, text_part(t, done, i - done));
            done = i + n;
        }
        if (c == '\n' || c == '\r' || c == '\t') {
            buffer_add_word(r, out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else if (escape) {
            buffer_add_word(r, out, "\\");
            buffer_add(r, out, text_part(t, i, n));
        } else if (is_unprintable(c)) {
            add_hex(r, out,
                    c < 0x100     ? "\\x"
                    : c < 0x10000 ? "\\u"
                                  : "\\U",
                    c,
                    c < 0x100     ? 2
                    : c < 0x10000 ? 4
                                  : 8);
        }
        i += n;
    }
    buffer_add(r, out, text_part(t, done, t.len - done));
    buffer_add_data(r, out, &quote, 1);
}

/* The fewest digits that read back as the same number, and its power of ten: d = 0.DIGITS times
 * ten to the *exponent + 1.  Returns the number of digits. */
static int shortest_digits(double d, char *digits, int *exponent) {
    char word[32] = "";
    for (int n = 0; n < 17; n++) {
        snprintf(word, sizeof word, "%.*e", n, fabs(d));
        if (strtod(word, NULL) == fabs(d)) break;
    }
    const char *e = strchr(word, 'e');
    int n = 0;
    for (const char *p = word; p < e; p++) {
        if (*p != '.') {
            digits[n++] = *p;
        }
    }
    *exponent = (int)strtol(e + 1, NULL, 10);
    return n;
}

size_t value_float_text(double d, char *out) {
    if (isnan(d) || isinf(d)) {
        return (size_t)snprintf(out, VALUE_FLOAT_TEXT, "%s",
                                isnan(d) ? "nan"
                                : d < 0  ? "-inf"
                                         : "inf");
    }
    char digits[32] = "0";
    int exponent = 0;
    const int n = shortest_digits(d, digits, &exponent);
    const char *sign = signbit(d) ? "-" : "";
    const int whole = exponent + 1; /* digits before the point */
    if (exponent < -4 || exponent >= 16) {
        return (size_t)snprintf(out, VALUE_FLOAT_TEXT, "%s%c%s%.*se%c%02d", sign, digits[0],
                                n > 1 ? "." : "", n - 1, digits + 1, exponent < 0 ? '-' : '+',
                                abs(exponent));
    }
    if (exponent < 0) {
        return (size_t)snprintf(out, VALUE_FLOAT_TEXT, "%s0.%.*s%.*s", sign, -whole, "000", n,
                                digits);
    }
    if (n <= whole) {
        return (size_t)snprintf(out, VALUE_FLOAT_TEXT, "%s%.*s%.*s.0", sign, n, digits, whole - n,
                                "0000000000000000");
    }
    return (size_t)snprintf(out, VALUE_FLOAT_TEXT, "%s%.*s.%.*s", sign, whole, digits, n - whole,
                            digits + whole);
}

static void add_number(run *r, buffer *out, value v) {
    char word[VALUE_FLOAT_TEXT];
    if (v.kind == VALUE_BIG) {
        buffer_add(r, out, v.string);
    } else if (v.kind == VALUE_FLOAT) {
        buffer_add_data(r, out, word, value_float_text(v.real, word));
        run_charge(r, 64);
    } else {
        buffer_add_data(r, out, word, (size_t)snprintf(word, sizeof word, "%" PRId64, v.integer));
    }
}

static void repr_items(run *r, buffer *out, value v) {
    for (uint32_t i = 0; i < v.n && !r->failed; i++) {
        buffer_add_word(r, out, i > 0 ? ", " : "");
        value_repr(r, out, v.items->items[i]);
    }
}

static void repr_members(run *r, buffer *out, const dict *d) {
    buffer_add_word(r, out, "{");
    for (size_t i = 0; i < d->n && !r->failed; i++) {
        buffer_add_word(r, out, i > 0 ? ", " : "");
        value_repr(r, out, d->members[i].key);
        buffer_add_word(r, out, ": ");
        value_repr(r, out, d->members[i].value);
    }
    buffer_add_word(r, out, "}");
}

void value_repr(run *r, buffer *out, value v) {
    run_charge(r, 1);
    if (run_enter(r)) {
        switch (v.kind) {
        case VALUE_UNDEFINED: buffer_add_word(r, out, "Undefined"); break;
        case VALUE_NONE: buffer_add_word(r, out, "None"); break;
        case VALUE_BOOL: buffer_add_word(r, out, v.integer ? "True" : "False"); break;
        case VALUE_INT:
        case VALUE_BIG:
        case VALUE_FLOAT: add_number(r, out, v); break;
        case VALUE_STRING: repr_string(r, out, v.string); break;
        case VALUE_LIST:
            buffer_add_word(r, out, "[");
            repr_items(r, out, v);
            buffer_add_word(r, out, "]");
            break;
        case VALUE_TUPLE:
            buffer_add_word(r, out, "(");
            repr_items(r, out, v);
            buffer_add_word(r, out, v.n == 1 ? ",)" : ")");
            break;
        case VALUE_VIEW:
            buffer_add_word(r, out, v.items->word);
            buffer_add_word(r, out, "([");
            repr_items(r, out, v);
            buffer_add_word(r, out, "])");
            break;
        case VALUE_RANGE: buffer_add_word(r, out, v.items->word); break;
        case VALUE_DICT: repr_members(r, out, v.members); break;
        case VALUE_NAMESPACE:
            buffer_add_word(r, out, "<Namespace ");
            repr_members(r, out, v.members);
            buffer_add_word(r, out, ">");
            break;
        default: /* Python prints an address, which no prompt can want */
            run_fail(r, &v, "a %s cannot be printed", value_type(v));
            break;
        }
    }
    run_leave(r);
}

text value_str(run *r, value v) {
    if (v.kind == VALUE_STRING) return v.string;
    if (v.kind == VALUE_UNDEFINED) return text_data("", 0);
    buffer *out = run_get(r, sizeof *out);
    if (!out) return text_data("", 0);
    value_repr(r, out, v);
    return buffer_text(out);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void json_string(run *r, buffer *out, text t, bool ascii) {
    static const char names[] = "\"\\\b\f\n\r\t";
    buffer_add_word(r, out, "\"");
    size_t done = 0;
    for (size_t i = 0; i < t.len && !r->failed;) {
        uint32_t c = 0xfffd;
        const size_t found = utf8_decode(t.ptr + i, t.len - i, &c);
        const size_t n = found > 0 ? found : 1;
        const char *name = c > 0 && c < 0x80 ? strchr(names, (int)c) : NULL;
        if (name || c < 0x20 || (ascii && c >= 0x7f)) {
            buffer_add(r, out, text_part(t, done, i - done));
            done = i + n;
            if (name) {
                buffer_add_word(r, out, "\\");
                buffer_add_data(r, out, &"\"\\bfnrt"[name - names], 1);
            } else if (c < 0x10000) {
                add_hex(r, out, "\\u", c, 4);
            } else { /* a pair of surrogates */
                add_hex(r, out, "\\u", 0xd800 + ((c - 0x10000) >> 10), 4);
                add_hex(r, out, "\\u", 0xdc00 + ((c - 0x10000) & 0x3ff), 4);
            }
        }
        i += n;
    }
    buffer_add(r, out, text_part(t, done, t.len - done));
    buffer_add_word(r, out, "\"");
}

static void new_line(run *r, buffer *out, const json_form *form, int level) {
    if (!form->indent.ptr) return;
    buffer_add_word(r, out, "\n");
    run_charge(r, (size_t)level / 8);
    for (int i = 0; i < level && !r->failed; i++) {
        buffer_add(r, out, form->indent);
    }
}

static void json_any(run *r, buffer *out, value v, const json_form *form, int level);

static void json_key(run *r, buffer *out, value key, const json_form *form) {
    if (key.kind == VALUE_STRING) {
        json_string(r, out, key.string, form->ascii);
    } else if (key.kind == VALUE_NONE || value_is_number(key)) {
        buffer_add_word(r, out, "\"");
        json_any(r, out, key, form, 0);
        buffer_add_word(r, out, "\"");
    } else {
        run_fail(r, &key, "JSON has no keys of type %s", value_type(key));
    }
}

static int by_key(const void *a, const void *b) {
    const member *x = a;
    const member *y = b;
    return text_compare(x->key.string, y->key.string);
}

/* The members in order of their keys, which must be strings. */
static dict sorted_members(run *r, const dict *d) {
    dict out = {.members = run_get(r, (d->n + 1) * sizeof *out.members), .n = d->n};
    for (size_t i = 0; i < d->n && !r->failed; i++) {
        out.members[i] = d->members[i];
        if (d->members[i].key.kind != VALUE_STRING) {
            run_fail(r, NULL, "only keys that are strings can be sorted");
        }
    }
    if (!r->failed && d->n > 0) {
        run_charge(r, d->n);
        qsort(out.members, d->n, sizeof *out.members, by_key);
    }
    return out;
}

static void json_members(run *r, buffer *out, value v, const json_form *form, int level) {
    const dict d = form->sort ? sorted_members(r, v.members) : *v.members;
    buffer_add_word(r, out, "{");
    for (size_t i = 0; i < d.n && !r->failed; i++) {
        if (i > 0) {
            buffer_add(r, out, form->between);
        }
        new_line(r, out, form, level + 1);
        json_key(r, out, d.members[i].key, form);
        buffer_add(r, out, form->colon);
        json_any(r, out, d.members[i].value, form, level + 1);
    }
    if (d.n > 0) {
        new_line(r, out, form, level);
    }
    buffer_add_word(r, out, "}");
}

static void json_items(run *r, buffer *out, value v, const json_form *form, int level) {
    buffer_add_word(r, out, "[");
    for (uint32_t i = 0; i < v.n && !r->failed; i++) {
        if (i > 0) {
            buffer_add(r, out, form->between);
        }
        new_line(r, out, form, level + 1);
        json_any(r, out, v.items->items[i], form, level + 1);
    }
    if (v.n > 0) {
        new_line(r, out, form, level);
    }
    buffer_add_word(r, out, "]");
}

static void json_any(run *r, buffer *out, value v, const json_form *form, int level) {
    run_charge(r, 1);
    if (run_enter(r)) {
        switch (v.kind) {
        case VALUE_NONE: buffer_add_word(r, out, "null"); break;
        case VALUE_BOOL: buffer_add_word(r, out, v.integer ? "true" : "false"); break;
        case VALUE_FLOAT:
            if (isnan(v.real) || isinf(v.real)) {
                buffer_add_word(r, out,
                                isnan(v.real) ? "NaN"
                                : v.real < 0  ? "-Infinity"
                                              : "Infinity");
                break;
            }
            add_number(r, out, v);
            break;
        case VALUE_INT:
        case VALUE_BIG: add_number(r, out, v); break;
        case VALUE_STRING: json_string(r, out, v.string, form->ascii); break;
        case VALUE_LIST:
        case VALUE_TUPLE: json_items(r, out, v, form, level); break;
        case VALUE_DICT: json_members(r, out, v, form, level); break;
        default: run_fail(r, &v, "JSON has no values of type %s", value_type(v)); break;
        }
    }
    run_leave(r);
}

void value_json(run *r, buffer *out, value v, const json_form *form) {
    json_any(r, out, v, form, 0);
}
