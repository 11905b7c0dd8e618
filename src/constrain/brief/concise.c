/*
 * concise.c - a short notation for flat schemas -> JSON Schema.
 */
#include "constrain/brief/concise.h"

#include "base/json.h"
#include "base/utf8.h"

#include <string.h>

/* A piece of the text. */
typedef struct {
    const char *at;
    size_t n;
} span;

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static span trim(span s) {
    while (s.n > 0 && is_blank(s.at[0])) {
        s.at++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.at[s.n - 1])) {
        s.n--;
    }
    return s;
}

static bool is(span s, const char *word) {
    return s.n == strlen(word) && memcmp(s.at, word, s.n) == 0;
}

/* Split off the text before the first `c`, or all of it. */
static span cut(span *rest, char c) {
    const char *found = rest->n > 0 ? memchr(rest->at, c, rest->n) : NULL;
    const span first = {rest->at, found ? (size_t)(found - rest->at) : rest->n};
    const size_t used = first.n + (found ? 1 : 0);
    *rest = (span){rest->at + used, rest->n - used};
    return first;
}

typedef struct {
    span name, type, help;
    bool optional, list;
} field;

static lfm_status read_field(field *f, span text, lfm_error *err) {
    const span whole = text;
    span head = cut(&text, ':');
    *f = (field){.help = trim(text)};
    head = trim(head);
    f->name = head;
    for (size_t i = 0; i < head.n; i++) {
        if (is_blank(head.at[i])) {
            f->name.n = i;
            f->type = trim((span){head.at + i, head.n - i});
            break;
        }
    }
    span *last = f->type.n > 0 ? &f->type : &f->name;
    f->optional = last->n > 0 && last->at[last->n - 1] == '?';
    last->n -= f->optional;
    if (!f->optional && f->type.n > 0 && f->name.n > 0 && f->name.at[f->name.n - 1] == '?') {
        f->optional = true;
        f->name.n--;
    }
    f->list = f->type.n > 2 && memcmp(f->type.at + f->type.n - 2, "[]", 2) == 0;
    f->type.n -= f->list ? 2 : 0;
    if (f->name.n == 0) {
        return err_set(err, LFM_ERR_ARG, "a field has no name: '%.*s'",
                       (int)(whole.n < 60 ? whole.n : 60), whole.at);
    }
    return LFM_OK;
}

static lfm_status write_type(json_out *out, span type, lfm_error *err) {
    static const char *const names[][2] = {
        {"str", "string"}, {"string", "string"}, {"int", "integer"}, {"integer", "integer"},
        {"float", "number"}, {"number", "number"}, {"bool", "boolean"}, {"boolean", "boolean"},
    };
    if (type.n == 0) {
        json_write_text(out, "\"type\": \"string\"");
        return LFM_OK;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is(type, names[i][0])) {
            json_write_text(out, "\"type\": \"");
            json_write_text(out, names[i][1]);
            json_write_text(out, "\"");
            return LFM_OK;
        }
    }
    if (!memchr(type.at, '|', type.n)) {
        return err_set(err, LFM_ERR_ARG,
                       "'%.*s' is not a type; the types are str, int, float, bool, lists such as "
                       "str[], and choices such as yes|no",
                       (int)(type.n < 60 ? type.n : 60), type.at);
    }
    json_write_text(out, "\"enum\": [");
    for (bool first = true; first || type.n > 0; first = false) {
        const bool ends = type.n > 0 && type.at[type.n - 1] == '|';
        const span choice = trim(cut(&type, '|'));
        if (choice.n == 0 || (ends && type.n == 0)) {
            return err_set(err, LFM_ERR_ARG, "a choice is empty; write them as yes|no");
        }
        json_write_text(out, first ? "" : ", ");
        json_write_string(out, choice.at, choice.n);
    }
    json_write_text(out, "]");
    return LFM_OK;
}

static lfm_status write_field(json_out *out, const field *f, lfm_error *err) {
    json_write_string(out, f->name.at, f->name.n);
    json_write_text(out, f->list ? ": {\"type\": \"array\", \"items\": {" : ": {");
    const lfm_status st = write_type(out, f->type, err);
    json_write_text(out, f->list ? "}" : "");
    if (f->help.n > 0) {
        json_write_text(out, ", \"description\": ");
        json_write_string(out, f->help.at, f->help.n);
    }
    json_write_text(out, "}");
    return st;
}

lfm_status concise_to_schema(char **schema, const char *text, size_t len, lfm_error *err) {
    json_out out = {0};
    json_out required = {0};
    span rest = trim((span){text, len});
    const char separator = rest.n > 0 && memchr(rest.at, '\n', rest.n) ? '\n' : ',';
    size_t n = 0;
    lfm_status st = LFM_OK;
    *schema = NULL;
    if (!utf8_valid(text, len)) return err_set(err, LFM_ERR_ARG, "the schema is not UTF-8");
    json_write_text(&out, "{\"type\": \"object\", \"properties\": {");
    while (st == LFM_OK && rest.n > 0) {
        field f;
        const span part = trim(cut(&rest, separator));
        if (part.n == 0 && separator == '\n') continue;
        st = read_field(&f, part, err);
        if (st == LFM_OK) {
            json_write_text(&out, n++ > 0 ? ", " : "");
            st = write_field(&out, &f, err);
        }
        if (st == LFM_OK && !f.optional) {
            json_write_text(&required, required.len > 0 ? ", " : "");
            json_write_string(&required, f.name.at, f.name.n);
        }
    }
    if (st == LFM_OK && n == 0) {
        st = err_set(err, LFM_ERR_ARG, "no fields; write them as 'name, age int'");
    }
    json_write_text(&out, "}, \"required\": [");
    json_write_raw(&out, required.ptr ? required.ptr : "", required.len);
    json_write_text(&out, "], \"additionalProperties\": false}");
    if (st == LFM_OK && required.failed) st = err_no_memory(err, "the schema");
    if (st == LFM_OK) st = json_finish(&out, err);
    json_out_free(&required);
    if (st != LFM_OK) {
        json_out_free(&out);
        return st;
    }
    *schema = out.ptr;
    return LFM_OK;
}
