/*
 * tool_calls.c - Python calls -> JSON, in one pass.
 *
 * The reader keeps only which brackets are open; everything else is written as it comes.
 */
#include "answer/tool_calls.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

typedef struct {
    const char *p, *end;
    json_out *out;
} reader;

static void skip_blanks(reader *r) {
    while (r->p < r->end && strchr(" \t\r\n", *r->p) && *r->p) {
        r->p++;
    }
}

/* Is `c` next?  Then it is passed. */
static bool pass(reader *r, char c) {
    skip_blanks(r);
    if (r->p < r->end && *r->p == c) {
        r->p++;
        return true;
    }
    return false;
}

static bool peek(reader *r, char c) {
    skip_blanks(r);
    return r->p < r->end && *r->p == c;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_name(char c, bool first) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80 || (!first && (is_digit(c) || c == '-'));
}

/* A name; its length, 0 when there is none.  That of a function may have dots, and begin with a
 * digit. */
static size_t read_name(reader *r, bool function, const char **name) {
    skip_blanks(r);
    *name = r->p;
    while (r->p < r->end && (is_name(*r->p, r->p == *name) ||
                             (function && (is_digit(*r->p) || (*r->p == '.' && r->p > *name))))) {
        r->p++;
    }
    return (size_t)(r->p - *name);
}

/* ---- Strings -------------------------------------------------------------------------------- */

/* May a value end before `p`?  After blanks comes what follows a value, or nothing. */
static bool can_end(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
        p++;
    }
    return p == end || strchr(",)]}:", *p);
}

/* The number that `n` hexadecimal digits stand for; false when one of them is none. */
static bool read_hex(const char *p, size_t n, uint32_t *code) {
    *code = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = p[i];
        const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) {
            return false;
        }
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

/* An escape of Python or JSON after its backslash; appends what it stands for. */
static void read_escape(reader *r, json_out *text) {
    static const char from[] = "nrtbfv0a";
    static const char to[] = "\n\r\t\b\f\v\0\a";
    const char c = *r->p;
    const char *simple = strchr(from, c);
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0 && (size_t)(r->end - r->p) > digits) {
        char utf8[4];
        uint32_t code = 0;
        uint32_t low = 0;
        const bool hex = read_hex(r->p + 1, digits, &code);
        size_t len = hex ? utf8_encode(code, utf8) : 0;
        size_t used = 1 + digits;
        if (hex && c == 'u' && code >= 0xd800 && code < 0xdc00 && r->end - r->p >= 11 &&
            r->p[5] == '\\' && r->p[6] == 'u' && read_hex(r->p + 7, 4, &low) && low >= 0xdc00 &&
            low < 0xe000) { /* JSON's pairs */
            len = utf8_encode(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), utf8);
            used = 11;
        }
        if (len > 0) {
            json_write_raw(text, utf8, len);
            r->p += used;
            return;
        }
    }
    if (c == '\n') {
        r->p++; /* a line that goes on */
    } else if (simple && c) {
        json_write_raw(text, &to[simple - from], 1);
        r->p++;
    } else if (strchr("\\'\"/", c) && c) {
        json_write_raw(text, r->p++, 1);
    } else {
        json_write_text(text, "\\"); /* as Python does: both characters stay */
    }
}

static bool read_string(reader *r, json_out *text) {
    const char quote = *r->p++;
    const bool triple = r->end - r->p >= 2 && r->p[0] == quote && r->p[1] == quote &&
                        !can_end(r->p + 1, r->end);
    r->p += triple ? 2 : 0;
    while (r->p < r->end) {
        if (*r->p == '\\' && r->p + 1 < r->end) {
            r->p++;
            read_escape(r, text);
            continue;
        }
        const bool at_end = triple ? r->end - r->p >= 3 && r->p[0] == quote && r->p[1] == quote &&
                                         r->p[2] == quote
                                   : *r->p == quote && can_end(r->p + 1, r->end);
        if (at_end) {
            r->p += triple ? 3 : 1;
            return true;
        }
        json_write_raw(text, r->p++, 1);
    }
    return false;
}

/* ---- Values --------------------------------------------------------------------------------- */

static bool read_number(reader *r) {
    char text[64];
    size_t n = 0;
    char *stop = NULL;
    bool digits = false;
    for (; r->p < r->end && n + 1 < sizeof text && strchr("+-.0123456789eE_", *r->p) && *r->p;
         r->p++) {
        digits = digits || (*r->p >= '0' && *r->p <= '9');
        if (*r->p != '_') {
            text[n++] = *r->p;
        }
    }
    text[n] = '\0';
    const double value = strtod(text, &stop);
    if (!digits || *stop != '\0' || value - value != 0 || !can_end(r->p, r->end)) {
        return false;
    }
    const char *begin = text + (text[0] == '+');
    const char *number = begin + (*begin == '-');
    const size_t whole = strspn(number, "0123456789");
    const size_t fraction = number[whole] == '.' ? strspn(number + whole + 1, "0123456789") : 1;
    if (whole > 0 && fraction > 0 && !(number[0] == '0' && whole > 1)) {
        json_write_text(r->out, begin); /* JSON has it too */
    } else {
        char plain[40];
        snprintf(plain, sizeof plain, "%.17g", value);
        json_write_text(r->out, plain);
    }
    return true;
}

static bool read_word(reader *r) {
    static const char *const words[][2] = {
        {"True", "true"}, {"False", "false"}, {"None", "null"}, {"true", "true"},
        {"false", "false"}, {"null", "null"},
    };
    const char *name = NULL;
    const size_t n = read_name(r, false, &name);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (n == strlen(words[i][0]) && memcmp(name, words[i][0], n) == 0) {
            json_write_text(r->out, words[i][1]);
            return true;
        }
    }
    return false;
}

static bool write_string(reader *r) {
    json_out text = {0};
    const bool whole = read_string(r, &text);
    json_write_string(r->out, text.ptr ? text.ptr : "", text.len);
    r->out->failed = r->out->failed || text.failed;
    json_out_free(&text);
    return whole;
}

static bool read_scalar(reader *r) {
    skip_blanks(r);
    if (r->p == r->end) {
        return false;
    }
    if (*r->p == '\'' || *r->p == '"') {
        return write_string(r);
    }
    return strchr("+-.0123456789", *r->p) && *r->p ? read_number(r) : read_word(r);
}

/* The key of a dictionary, and its colon: JSON has strings only. */
static bool read_key(reader *r) {
    skip_blanks(r);
    if (r->p < r->end && (*r->p == '\'' || *r->p == '"')) {
        if (!write_string(r)) {
            return false;
        }
    } else {
        json_out *kept = r->out;
        json_out key = {0};
        r->out = &key;
        const bool good = read_scalar(r);
        r->out = kept;
        json_write_string(kept, key.ptr ? key.ptr : "", key.len);
        json_out_free(&key);
        if (!good) {
            return false;
        }
    }
    json_write_text(r->out, ": ");
    return pass(r, ':');
}

/* A value with all that is in it; the stack holds the closing brackets. */
static bool read_value(reader *r) {
    char closers[MAX_DEPTH];
    size_t depth = 0;
    bool first = false; /* a bracket was just opened */
    do {
        if (depth > 0 && pass(r, closers[depth - 1])) {
            json_write_text(r->out, closers[--depth] == '}' ? "}" : "]");
            first = false;
        } else {
            if (depth > 0 && !first) {
                if (!pass(r, ',')) {
                    return false;
                }
                if (peek(r, closers[depth - 1])) {
                    continue; /* a comma at the end */
                }
                json_write_text(r->out, ", ");
            }
            if (depth > 0 && closers[depth - 1] == '}' && !read_key(r)) {
                return false;
            }
            skip_blanks(r);
            const char c = r->p < r->end ? *r->p : '\0';
            first = c == '[' || c == '(' || c == '{';
            if (first) {
                if (depth == MAX_DEPTH) {
                    return false;
                }
                closers[depth++] = c == '[' ? ']' : c == '(' ? ')' : '}';
                json_write_text(r->out, c == '{' ? "{" : "[");
                r->p++;
            } else if (!read_scalar(r)) {
                return false;
            }
        }
    } while (depth > 0);
    return true;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

/* f(a=1, b=2) */
static bool read_call(reader *r) {
    const char *name = NULL;
    size_t n = read_name(r, true, &name);
    if (n == 0 || !pass(r, '(')) {
        return false;
    }
    json_write_text(r->out, "{\"name\": ");
    json_write_string(r->out, name, n);
    json_write_text(r->out, ", \"arguments\": {");
    for (bool first = true; !pass(r, ')'); first = false) {
        if (!first && (!pass(r, ',') || peek(r, ')'))) {
            if (peek(r, ')')) {
                continue; /* a comma at the end */
            }
            return false;
        }
        json_write_text(r->out, first ? "" : ", ");
        n = read_name(r, false, &name);
        if (n == 0 || !pass(r, '=')) {
            return false;
        }
        json_write_string(r->out, name, n);
        json_write_text(r->out, ": ");
        if (!read_value(r)) {
            return false;
        }
    }
    json_write_text(r->out, "}}");
    return true;
}

/* {"name": .., "arguments": {..}}, as some prompts ask for. */
static bool read_object(reader *r) {
    json_out text = {0};
    json_doc doc = {0};
    lfm_error err = {0};
    reader inner = *r;
    inner.out = &text;
    bool good = read_value(&inner) && !text.failed &&
                json_parse(&doc, text.ptr, text.len, &err) == LFM_OK;
    r->p = inner.p;
    r->out->failed = r->out->failed || text.failed || err.status == LFM_ERR_MEMORY;
    const json_value *name = good ? json_get(doc.root, "name") : NULL;
    const json_value *arguments = good ? json_get(doc.root, "arguments") : NULL;
    arguments = good && !arguments ? json_get(doc.root, "parameters") : arguments;
    good = name && name->kind == JSON_STRING && (!arguments || arguments->kind == JSON_OBJECT);
    if (good) {
        json_write_text(r->out, "{\"name\": ");
        json_write_value(r->out, name);
        json_write_text(r->out, ", \"arguments\": ");
        if (arguments) {
            json_write_value(r->out, arguments);
        } else {
            json_write_text(r->out, "{}");
        }
        json_write_text(r->out, "}");
    }
    json_doc_free(&doc);
    json_out_free(&text);
    return good;
}

/* Nothing that no JSON reader would take: an argument that is given twice, for one. */
static bool is_json(json_out *calls) {
    json_out list = {0};
    json_doc doc = {0};
    lfm_error err = {0};
    json_write_text(&list, "[");
    json_write_raw(&list, calls->ptr ? calls->ptr : "", calls->len);
    json_write_text(&list, "]");
    const bool good = !calls->failed && !list.failed &&
                      json_parse(&doc, list.ptr, list.len, &err) == LFM_OK;
    calls->failed = calls->failed || list.failed || err.status == LFM_ERR_MEMORY;
    json_doc_free(&doc);
    json_out_free(&list);
    return good;
}

bool toolcall_read(json_out *out, size_t *n_calls, const char *text, size_t n) {
    json_out calls = {0};
    reader r = {text, text + n, &calls};
    const bool list = pass(&r, '[');
    size_t found = 0;
    bool good = utf8_valid(text, n);
    while (good && !(list && pass(&r, ']'))) {
        if (found > 0) {
            good = pass(&r, ',');
            if (list && peek(&r, ']')) {
                continue;
            }
            json_write_text(&calls, ", ");
        }
        good = good && (peek(&r, '{') ? read_object(&r) : read_call(&r));
        found += good;
        skip_blanks(&r);
        if (!list && r.p == r.end) {
            break;
        }
    }
    skip_blanks(&r);
    good = good && found > 0 && r.p == r.end && is_json(&calls);
    if (good) {
        json_write_text(out, *n_calls > 0 ? ", " : "");
        json_write_raw(out, calls.ptr, calls.len);
        *n_calls += found;
    }
    out->failed = out->failed || calls.failed;
    json_out_free(&calls);
    return good;
}
