/*
 * parse.c - statements, and the whole of a template.
 */

#include "jinja/parse/parser.h"
#include "jinja/values/limits.h"

#include <stdlib.h>
#include <string.h>

/* ---- Statements ----------------------------------------------------------------------------- */

/* Statements up to a tag whose name is one of ends[], which is then next; NULL ends the list.
 * Without `ends`, up to the end of the template. */
static node *body(parser *p, const char *const *ends);

/* The end of a tag that has a body; a colon is allowed, as in Python. */
static void need_body(parser *p) {
    parse_skip(p, ":");
    parse_need_end(p);
}

static node *body_until(parser *p, const char *end) {
    const char *const ends[] = {end, NULL};
    node *n = body(p, ends);
    p->at += !p->failed; /* the name of the tag that ends it */
    return n;
}

static node *set(parser *p, node *n) {
    n->a = parse_tuple(p, true, true, false);
    if (parse_skip(p, "=")) {
        n->b = parse_tuple(p, true, false, false);
        return n;
    }
    n->kind = NODE_SET_BLOCK;
    n->c = parse_filters(p, NULL, false);
    need_body(p);
    n->b = body_until(p, "endset");
    return n;
}

/* A target of `for` or `with`: unlike those of `set`, it has no attributes. */
static node *names_target(parser *p, bool in_brackets) {
    const token *t = p->at;
    node *target = parse_tuple(p, true, true, in_brackets);
    const node *first = !p->failed && target->kind == NODE_TUPLE ? target->a : target;
    for (const node *n = first; n && !p->failed; n = n->next) {
        if (n->kind == NODE_ATTRIBUTE_TARGET) {
            parse_fail(p, t, "only {%% set %%} can assign to an attribute");
        }
    }
    return target;
}

static node *loop(parser *p, node *n) {
    static const char *const ends[] = {"else", "endfor", NULL};
    p->loops++; /* from here on `loop` is not a name to assign to */
    n->a = names_target(p, false);
    if (!p->failed && !parse_skip_name(p, "in")) {
        parse_fail_expected(p, "'in'");
    }
    n->b = parse_tuple(p, false, false, false);
    n->c = parse_skip_name(p, "if") ? parse_expression(p, true) : NULL;
    if (parse_is_name(p, "recursive")) {
        parse_fail(p, p->at, "recursive loops are not supported");
    }
    need_body(p);
    n->d = body(p, ends);
    p->loops--;
    if (parse_skip_name(p, "else")) {
        need_body(p);
        n->e = body_until(p, "endfor");
    } else {
        p->at += !p->failed;
    }
    return n;
}

static node *condition(parser *p, node *n) {
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    node *const first = n;
    for (;;) {
        n->a = parse_tuple(p, false, false, false);
        need_body(p);
        n->d = body(p, ends);
        const token *t = p->at;
        if (p->failed || !parse_skip_name(p, "elif")) break;
        n->e = parse_new(p, NODE_IF, t);
        if (!n->e) return NULL;
        n = n->e;
        n->is_elif = true;
    }
    if (parse_skip_name(p, "else")) {
        need_body(p);
        n->e = body_until(p, "endif");
    } else {
        p->at += !p->failed;
    }
    return first;
}

static node *parameters(parser *p) {
    node *first = NULL;
    node **last = &first;
    bool defaults = false;
    int count = 0;
    parse_need(p, "(");
    while (!p->failed && !parse_is(p, ")")) {
        const token *t = p->at;
        if (++count > JINJA_MAX_ARGUMENTS) {
            parse_fail(p, t, "a macro has more than %d parameters", JINJA_MAX_ARGUMENTS);
        }
        node *n = parse_new(p, NODE_PARAMETER, t);
        const text name = parse_name(p);
        for (const node *other = first; other; other = other->next) {
            if (text_equal(other->literal.string, name)) {
                parse_fail(p, t, "this parameter is there twice");
            }
        }
        if (!n || p->failed) return NULL;
        n->name = parse_name_number(p, name);
        n->literal = value_string(name);
        n->a = parse_skip(p, "=") ? parse_expression(p, true) : NULL;
        if (defaults && !n->a) {
            parse_fail(p, t, "a parameter without a default follows one with a default");
        }
        defaults = n->a != NULL;
        *last = n;
        last = &n->next;
        if (!parse_is(p, ")")) {
            parse_need(p, ",");
        }
    }
    parse_need(p, ")");
    return first;
}

/* The body of a macro or a call: a loop around it is not its own. */
static node *macro_body(parser *p, node *n, const char *end) {
    const int loops = p->loops;
    const bool catches = p->catches;
    p->loops = 0;
    p->catches = false;
    n->d = body_until(p, end);
    n->catches = p->catches;
    p->loops = loops;
    p->catches = catches;
    return n;
}

static node *macro(parser *p, node *n) {
    const text name = parse_name(p);
    n->name = parse_name_number(p, name);
    n->literal = value_string(name);
    n->a = parameters(p);
    need_body(p);
    return macro_body(p, n, "endmacro");
}

static node *caller(parser *p, node *n) {
    n->name = parse_name_number(p, text_own("caller", 6));
    n->literal = value_string(text_own("caller", 6));
    n->a = parse_is(p, "(") ? parameters(p) : NULL;
    const token *t = p->at;
    n->b = parse_expression(p, true);
    if (!p->failed && n->b->kind != NODE_CALL) {
        parse_fail(p, t, "{%% call %%} needs a call");
    }
    need_body(p);
    return macro_body(p, n, "endcall");
}

static node *with(parser *p, node *n) {
    node **target = &n->a;
    node **v = &n->b;
    for (bool more = true; more && !p->failed && p->at->kind != TOKEN_TAG_END;) {
        *target = names_target(p, true);
        parse_need(p, "=");
        *v = parse_expression(p, true);
        if (p->failed) return NULL;
        target = &(*target)->next;
        v = &(*v)->next;
        more = parse_skip(p, ",");
    }
    need_body(p);
    n->d = body_until(p, "endwith");
    return n;
}

static node *filtered(parser *p, node *n) {
    n->a = parse_filters(p, NULL, true);
    need_body(p);
    n->d = body_until(p, "endfilter");
    return n;
}

static node *generation(parser *p, node *n) {
    const int loops = p->loops;
    need_body(p);
    p->loops = 0; /* Jinja makes a function of the body */
    n->d = body_until(p, "endgeneration");
    p->loops = loops;
    return n;
}

static node *jump(parser *p, node *n) {
    if (p->loops == 0) {
        parse_fail(p, p->at - 1, "{%% %s %%} outside of a loop",
                   n->kind == NODE_BREAK ? "break" : "continue");
    }
    return n;
}

static node *statement(parser *p) {
    static const struct {
        const char *name;
        node_kind kind;
        node *(*parse)(parser *p, node *n);
    } tags[] = {
        {"set", NODE_SET, set},
        {"for", NODE_FOR, loop},
        {"if", NODE_IF, condition},
        {"macro", NODE_MACRO, macro},
        {"call", NODE_CALLER, caller},
        {"with", NODE_WITH, with},
        {"filter", NODE_FILTERED, filtered},
        {"generation", NODE_SCOPE, generation},
        {"break", NODE_BREAK, jump},
        {"continue", NODE_CONTINUE, jump},
    };
    const token *t = p->at;
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (!parse_skip_name(p, tags[i].name)) continue;
        node *n = parse_new(p, tags[i].kind, t);
        n = n ? tags[i].parse(p, n) : NULL;
        parse_need_end(p);
        return n;
    }
    parse_fail(p, t, t->kind == TOKEN_NAME ? "the tag '%.*s' is unknown" : "a tag has no name",
               (int)(t->len < 40 ? t->len : 40), t->ptr);
    return NULL;
}

static bool is_one_of(const parser *p, const char *const *ends) {
    bool is = false;
    for (; ends && *ends && !is; ends++) {
        is = parse_is_name(p, *ends);
    }
    return is;
}

static node *print(parser *p) {
    const token *t = p->at - 1;
    node *n = parse_new(p, NODE_PRINT, t);
    if (!n) return NULL;
    n->a = parse_tuple(p, true, false, false);
    if (!p->failed && p->at->kind != TOKEN_PRINT_END) {
        parse_fail_expected(p, "'}}'");
    }
    p->at += !p->failed;
    return n;
}

static node *data(parser *p) {
    node *n = parse_new(p, NODE_TEXT, p->at);
    if (n) {
        n->literal = value_string(text_own(p->at->ptr, p->at->len));
    }
    p->at++;
    return n;
}

static node *body(parser *p, const char *const *ends) {
    node *first = NULL;
    node **last = &first;
    const token *begin = p->at;
    if (++p->depth > 200) {
        parse_fail(p, p->at, "nested too deeply");
    }
    while (!p->failed && p->at->kind != TOKEN_END) {
        const token_kind kind = p->at->kind;
        if (kind == TOKEN_TAG_BEGIN) {
            p->at++;
            if (is_one_of(p, ends)) break;
        } else if (kind == TOKEN_PRINT_BEGIN) {
            p->at++;
        }
        node *n = kind == TOKEN_DATA          ? data(p)
                  : kind == TOKEN_PRINT_BEGIN ? print(p)
                                              : statement(p);
        if (p->failed) break;
        *last = n;
        last = &n->next;
    }
    if (!p->failed && ends && p->at->kind == TOKEN_END) {
        parse_fail(p, begin, "a tag before this is not closed: {%% %s %%} is missing",
                   ends[1] ? (ends[2] ? ends[2] : ends[1]) : ends[0]);
    }
    p->depth--;
    return first;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* Copy the source with \n as the only line end, and without the last one. */
static char *normalise(jinja_memory *m, const char *source, size_t len, size_t *out_len) {
    char *out = jinja_memory_get(m, len + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < len; i++) {
        if (source[i] == '\r' && i + 1 < len && source[i + 1] == '\n') continue;
        out[n++] = source[i] == '\r' ? '\n' : source[i];
    }
    *out_len = n > 0 && out[n - 1] == '\n' ? n - 1 : n;
    return out;
}

lfm_status jinja_parse(jinja_program **out, const char *source, size_t len, lfm_error *err) {
    *out = NULL;
    if (len > JINJA_MAX_SOURCE) {
        return err_set(err, LFM_ERR_FORMAT, "the chat template is longer than %d bytes",
                       JINJA_MAX_SOURCE);
    }
    jinja_program *g = calloc(1, sizeof *g);
    if (!g) return err_no_memory(err, "the chat template");
    g->memory.limit = JINJA_MAX_MEMORY;
    size_t n = 0;
    const char *clean = normalise(&g->memory, source, len, &n);
    g->source = text_own(clean, n);
    token_list tokens = {0};
    parser p = {.program = g, .err = err};
    lfm_status st =
        clean ? lex_split(&tokens, clean, n, err) : err_no_memory(err, "the chat template");
    if (st == LFM_OK) {
        p.at = tokens.tokens;
        g->body = body(&p, NULL);
        st = p.failed ? p.status : LFM_OK;
    }
    lex_free(&tokens);
    if (st == LFM_OK) {
        *out = g;
    } else {
        jinja_free(g);
    }
    return st;
}

void jinja_free(jinja_program *p) {
    if (!p) return;
    jinja_memory_drop(&p->memory);
    free(p);
}

static bool is_of_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool jinja_mentions(const jinja_program *p, const char *name) {
    const size_t len = strlen(name);
    for (size_t i = 0; i + len <= p->source.len; i++) {
        const bool begins = i == 0 || !is_of_name(p->source.ptr[i - 1]);
        const bool ends = i + len == p->source.len || !is_of_name(p->source.ptr[i + len]);
        if (begins && ends && memcmp(p->source.ptr + i, name, len) == 0) return true;
    }
    return false;
}
