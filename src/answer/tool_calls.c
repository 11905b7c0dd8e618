/*
 * tool_calls.c - parsing tool calls: Python calls -> JSON, in one pass.
 *
 * The reader keeps only the stack of open brackets and writes JSON as it goes.  A JSON parser then
 * rejects the rest, such as an argument that is given twice.
 */
#include "answer/tool_calls.h"

#include "base/grow.h"
#include "base/json.h"
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

/* Skip blanks, and `c` if it comes next; was it there? */
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

/* Read a name; returns its length, 0 = no name.  The name of a function may have dots, and begin
 * with a digit. */
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

/* Can a value end before `p`?  Only blanks may come before a delimiter or the end. */
static bool can_end(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
        p++;
    }
    return p == end || strchr(",)]}:", *p);
}

/* The value of `n` hexadecimal digits; false when one of them is not a digit. */
static bool read_hex(const char *p, size_t n, uint32_t *code) {
    *code = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = p[i];
        const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return false;
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

/* Read an escape of Python or JSON, after its backslash, and append the character. */
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
            low < 0xe000) { /* a surrogate pair of JSON */
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
        r->p++; /* a line continuation */
    } else if (simple && c) {
        json_write_raw(text, &to[simple - from], 1);
        r->p++;
    } else if (strchr("\\'\"/", c) && c) {
        json_write_raw(text, r->p++, 1);
    } else {
        json_write_text(text, "\\"); /* not an escape: keep both characters, as Python does */
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
    if (!digits || *stop != '\0' || value - value != 0 || !can_end(r->p, r->end)) return false;
    const char *begin = text + (text[0] == '+');
    const char *number = begin + (*begin == '-');
    const size_t whole = strspn(number, "0123456789");
    const size_t fraction = number[whole] == '.' ? strspn(number + whole + 1, "0123456789") : 1;
    if (whole > 0 && fraction > 0 && !(number[0] == '0' && whole > 1)) {
        json_write_text(r->out, begin); /* valid JSON as it is */
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
    if (r->p == r->end) return false;
    if (*r->p == '\'' || *r->p == '"') return write_string(r);
    return strchr("+-.0123456789", *r->p) && *r->p ? read_number(r) : read_word(r);
}

/* Read the key of a dictionary and its colon.  Keys other than strings become strings. */
static bool read_key(reader *r) {
    skip_blanks(r);
    if (r->p < r->end && (*r->p == '\'' || *r->p == '"')) {
        if (!write_string(r)) return false;
    } else {
        json_out *kept = r->out;
        json_out key = {0};
        r->out = &key;
        const bool good = read_scalar(r);
        r->out = kept;
        json_write_string(kept, key.ptr ? key.ptr : "", key.len);
        json_out_free(&key);
        if (!good) return false;
    }
    json_write_text(r->out, ": ");
    return pass(r, ':');
}

/* Read a value, nested ones included; `closers` is the stack of closing brackets. */
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
                if (!pass(r, ',')) return false;
                if (peek(r, closers[depth - 1])) {
                    continue; /* a trailing comma */
                }
                json_write_text(r->out, ", ");
            }
            if (depth > 0 && closers[depth - 1] == '}' && !read_key(r)) return false;
            skip_blanks(r);
            const char c = r->p < r->end ? *r->p : '\0';
            first = c == '[' || c == '(' || c == '{';
            if (first) {
                if (depth == MAX_DEPTH) return false;
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
    if (n == 0 || !pass(r, '(')) return false;
    json_write_text(r->out, "{\"name\": ");
    json_write_string(r->out, name, n);
    json_write_text(r->out, ", \"arguments\": {");
    for (bool first = true; !pass(r, ')'); first = false) {
        if (!first && (!pass(r, ',') || peek(r, ')'))) {
            if (peek(r, ')')) {
                continue; /* a trailing comma */
            }
            return false;
        }
        json_write_text(r->out, first ? "" : ", ");
        n = read_name(r, false, &name);
        if (n == 0 || !pass(r, '=')) return false;
        json_write_string(r->out, name, n);
        json_write_text(r->out, ": ");
        if (!read_value(r)) return false;
    }
    json_write_text(r->out, "}}");
    return true;
}

/* {"name": .., "arguments": {..}}: JSON calls, which some prompts ask for. */
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

/* Write "[CALL, CALL]" as JSON; false when the text is not a list of calls, or memory ran out. */
static bool read_list(json_out *list, const char *text, size_t n) {
    reader r = {text, text + n, list};
    const bool bracket = pass(&r, '[');
    size_t found = 0;
    bool good = utf8_valid(text, n);
    json_write_text(list, "[");
    while (good && !(bracket && pass(&r, ']'))) {
        if (found > 0) {
            good = pass(&r, ',');
            if (bracket && peek(&r, ']')) continue;
            json_write_text(list, ", ");
        }
        good = good && (peek(&r, '{') ? read_object(&r) : read_call(&r));
        found += good;
        skip_blanks(&r);
        if (!bracket && r.p == r.end) break;
    }
    json_write_text(list, "]");
    skip_blanks(&r);
    return good && found > 0 && r.p == r.end && !list->failed;
}

/* Append a call, given as {"name": .., "arguments": {..}}. */
static lfm_status append(tool_calls *list, const json_value *call, lfm_error *err) {
    const json_value *name = json_get(call, "name");
    json_out arguments = {0};
    lfm_tool_call *grown = grow_array(list->all, &list->cap, list->n + 1, sizeof *grown);
    if (!grown) return err_no_memory(err, "tool calls");
    list->all = grown;
    char *copy = malloc(name->len + 1);
    json_write_value(&arguments, json_get(call, "arguments"));
    if (!copy || json_finish(&arguments, NULL) != LFM_OK) {
        free(copy);
        json_out_free(&arguments);
        return err_no_memory(err, "tool calls");
    }
    memcpy(copy, name->text, name->len);
    copy[name->len] = '\0';
    list->all[list->n++] = (lfm_tool_call){copy, name->len, arguments.ptr, arguments.len};
    return LFM_OK;
}

static void drop_from(tool_calls *list, size_t first) {
    while (list->n > first) {
        list->n--;
        free((char *)(uintptr_t)list->all[list->n].name);
        free((char *)(uintptr_t)list->all[list->n].arguments);
    }
}

lfm_status tool_calls_read(tool_calls *list, const char *text, size_t n, bool *read,
                           lfm_error *err) {
    const size_t before = list->n;
    json_out json = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    *read = read_list(&json, text, n) && json_parse(&doc, json.ptr, json.len, &why) == LFM_OK;
    lfm_status st = LFM_OK;
    if (json.failed || why.status == LFM_ERR_MEMORY) st = err_no_memory(err, "tool calls");
    for (const json_value *v = *read ? doc.root->first : NULL; v && st == LFM_OK; v = v->next) {
        st = append(list, v, err);
    }
    if (st != LFM_OK) {
        *read = false;
        drop_from(list, before);
    }
    json_doc_free(&doc);
    json_out_free(&json);
    return st;
}

void tool_calls_drop(tool_calls *list) {
    drop_from(list, 0);
    free(list->all);
    *list = (tool_calls){0};
}
