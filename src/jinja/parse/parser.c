/*
 * parser.c - moving over tokens, and failing.
 */
#include "jinja/parse/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void parse_fail(parser *p, const token *at, const char *format, ...) {
    if (p->failed) return;
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    p->failed = true;
    p->status = err_set(p->err, LFM_ERR_FORMAT, "chat template, line %u, column %u: %s", at->line,
                        at->column, what);
}

void *parse_get(parser *p, const token *at, size_t n) {
    jinja_memory *m = &p->program->memory;
    void *bytes = p->failed ? NULL : jinja_memory_get(m, n);
    if (!bytes && !p->failed && m->is_full) {
        parse_fail(p, at, "the template is too large");
    } else if (!bytes && !p->failed) {
        p->failed = true;
        p->status = err_no_memory(p->err, "the chat template");
    }
    return bytes;
}

node *parse_new(parser *p, node_kind kind, const token *at) {
    node *n = parse_get(p, at, sizeof *n);
    if (!n) return NULL;
    n->kind = kind;
    n->at = (run_place){at->line, at->column};
    return n;
}

static bool is_token(const token *t, token_kind kind, const char *word) {
    return t->kind == kind && t->len == strlen(word) && memcmp(t->ptr, word, t->len) == 0;
}

bool parse_is(const parser *p, const char *op) {
    return is_token(p->at, TOKEN_OPERATOR, op);
}

bool parse_is_name(const parser *p, const char *name) {
    return is_token(p->at, TOKEN_NAME, name);
}

bool parse_skip(parser *p, const char *op) {
    const bool is = parse_is(p, op);
    p->at += is;
    return is;
}

bool parse_skip_name(parser *p, const char *name) {
    const bool is = parse_is_name(p, name);
    p->at += is;
    return is;
}

void parse_fail_expected(parser *p, const char *what) {
    const token *t = p->at;
    const bool has_text = t->kind >= TOKEN_NAME && t->kind < TOKEN_END;
    parse_fail(p, t, "%s is expected, not %s%.*s", what, has_text ? "" : "the end",
               has_text ? (int)(t->len < 40 ? t->len : 40) : 0, t->ptr);
}

void parse_need(parser *p, const char *op) {
    if (!p->failed && !parse_skip(p, op)) {
        char what[8];
        snprintf(what, sizeof what, "'%s'", op);
        parse_fail_expected(p, what);
    }
}

void parse_need_end(parser *p) {
    if (p->failed) return;
    if (p->at->kind != TOKEN_TAG_END) {
        parse_fail_expected(p, "'%}'");
    } else {
        p->at++;
    }
}

text parse_name(parser *p) {
    if (p->failed || p->at->kind != TOKEN_NAME) {
        parse_fail_expected(p, "a name");
        return text_own("", 0);
    }
    const token *t = p->at++;
    return text_own(t->ptr, t->len);
}

uint32_t parse_name_number(parser *p, text name) {
    jinja_program *g = p->program;
    for (uint32_t i = 0; i < g->n_names; i++) {
        if (text_equal(g->names[i], name)) return i;
    }
    if (g->n_names == JINJA_MAX_NAMES) {
        parse_fail(p, p->at, "the template has more than %d variables", JINJA_MAX_NAMES);
        return 0;
    }
    if (g->n_names == g->cap_names) {
        const uint32_t cap = g->cap_names ? 2 * g->cap_names : 32;
        text *names = parse_get(p, p->at, cap * sizeof *names);
        if (!names) return 0;
        if (g->n_names > 0) {
            memcpy(names, g->names, g->n_names * sizeof *names);
        }
        g->names = names;
        g->cap_names = cap;
    }
    g->names[g->n_names] = name;
    return g->n_names++;
}
