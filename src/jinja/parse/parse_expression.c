/*
 * parse_expression.c - expressions, with the precedences of Jinja 3.1.
 */
#include "jinja/parse/parser.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One level deeper; the caller's return type decides what a failure gives. */
static bool enter(parser *p) {
    if (++p->depth > 200) {
        parse_fail(p, p->at, "nested too deeply");
    }
    return !p->failed;
}

static node *leave(parser *p, node *n) {
    p->depth--;
    return p->failed ? NULL : n;
}

static node *new_pair(parser *p, node_kind kind, node *a, node *b, const token *at) {
    node *n = parse_new(p, kind, at);
    if (!n) return NULL;
    n->a = a;
    n->b = b;
    return n;
}

/* Append to a list of siblings; *last points at the end of the list. */
static void append(node ***last, node *n) {
    if (!n) return;
    **last = n;
    *last = &n->next;
}

/* ---- Literals ------------------------------------------------------------------------------- */

static bool hex_digits(const char *p, size_t n, uint32_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = p[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

/* The escape sequence behind a backslash at s[*i], as Python reads it; false = invalid.  Adds to
 * out[*n] and moves *i behind it. */
static bool unescape(const char *s, size_t len, size_t *i, char *out, size_t *n) {
    static const char names[] = "\\'\"abfnrtv";
    const char c = s[*i];
    const char *name = c ? strchr(names, c) : NULL;
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t code = 0;
    if (name) {
        out[(*n)++] = "\\'\"\a\b\f\n\r\t\v"[name - names];
        ++*i;
    } else if (c == '\n') { /* continues on the next line */
        ++*i;
    } else if (digits > 0) {
        if (digits > len - *i - 1 || !hex_digits(s + *i + 1, digits, &code)) return false;
        const size_t bytes = utf8_encode(code, out + *n);
        if (bytes == 0) return false;
        *n += bytes;
        *i += 1 + digits;
    } else if (c >= '0' && c <= '7') {
        size_t k = 0;
        for (; k < 3 && *i < len && s[*i] >= '0' && s[*i] <= '7'; k++, ++*i) {
            code = code << 3 | (uint32_t)(s[*i] - '0');
        }
        *n += utf8_encode(code, out + *n);
    } else if (c == 'N') {
        return false; /* names of characters */
    } else {
        out[(*n)++] = '\\'; /* unknown: the backslash stays */
    }
    return true;
}

static text string_literal(parser *p, const token *t) {
    char *out = parse_get(p, t, t->len + 1);
    size_t n = 0;
    if (!out) return text_own("", 0);
    for (size_t i = 0; i < t->len;) {
        if (t->ptr[i] != '\\') {
            out[n++] = t->ptr[i++];
            continue;
        }
        i++;
        if (!unescape(t->ptr, t->len, &i, out, &n)) {
            parse_fail(p, t, "an escape sequence of this string is not valid");
            break;
        }
    }
    return text_own(out, n);
}

static value number_literal(parser *p, const token *t) {
    char digits[512];
    size_t n = 0;
    if (t->len >= sizeof digits) {
        parse_fail(p, t, "a number has more than %zu digits", sizeof digits - 1);
        return value_int(0);
    }
    for (size_t i = 0; i < t->len; i++) {
        if (t->ptr[i] != '_') {
            digits[n++] = t->ptr[i];
        }
    }
    digits[n] = '\0';
    if (t->kind == TOKEN_FLOAT) return value_float(strtod(digits, NULL));
    const char kind = n > 1 ? (char)(digits[1] | 0x20) : '0';
    const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    const char *head = base == 10 ? digits : digits + 2;
    char *end = NULL;
    errno = 0;
    const long long i = strtoll(head, &end, base);
    if (*end || (digits[0] == '0' && base == 10 && i != 0)) {
        parse_fail(p, t, "'%.*s' is not a number", (int)(t->len < 40 ? t->len : 40), t->ptr);
    } else if (errno && base != 10) {
        parse_fail(p, t, "only decimal numbers can have more than 64 bits");
    }
    if (errno) { /* beyond 64 bits: kept as its digits */
        char *copy = parse_get(p, t, n + 1);
        if (!copy) return value_int(0);
        memcpy(copy, digits, n);
        return (value){.kind = VALUE_BIG, .string = text_data(copy, n)};
    }
    return value_int(i);
}

static node *literal(parser *p, value v, const token *at) {
    node *n = parse_new(p, NODE_LITERAL, at);
    if (n) {
        n->literal = v;
    }
    return n;
}

static node *string(parser *p) {
    const token *first = p->at;
    text all = string_literal(p, p->at++);
    while (p->at->kind == TOKEN_STRING && !p->failed) { /* adjacent ones are one */
        const text more = string_literal(p, p->at++);
        char *both = parse_get(p, first, all.len + more.len + 1);
        if (!both) return NULL;
        memcpy(both, all.ptr, all.len);
        memcpy(both + all.len, more.ptr, more.len);
        all = text_own(both, all.len + more.len);
    }
    return literal(p, value_string(all), first);
}

static node *list_literal(parser *p) {
    node *n = parse_new(p, NODE_LIST, p->at++);
    node **last = n ? &n->a : NULL;
    for (bool more = true; n && more && !p->failed && !parse_is(p, "]");) {
        append(&last, parse_expression(p, true));
        more = parse_skip(p, ",");
    }
    parse_need(p, "]");
    return n;
}

static node *mapping(parser *p) {
    node *n = parse_new(p, NODE_DICT, p->at++);
    node **key = n ? &n->a : NULL;
    node **v = n ? &n->b : NULL;
    for (bool more = true; n && more && !p->failed && !parse_is(p, "}");) {
        append(&key, parse_expression(p, true));
        parse_need(p, ":");
        append(&v, parse_expression(p, true));
        more = parse_skip(p, ",");
    }
    parse_need(p, "}");
    return n;
}

/* A name, or in a target `space.name`. */
static node *name(parser *p, bool target) {
    static const struct {
        const char *word;
        value value;
    } constants[] = {
        {"true", {.kind = VALUE_BOOL, .integer = 1}},
        {"True", {.kind = VALUE_BOOL, .integer = 1}},
        {"false", {.kind = VALUE_BOOL}},
        {"False", {.kind = VALUE_BOOL}},
        {"none", {.kind = VALUE_NONE}},
        {"None", {.kind = VALUE_NONE}},
    };
    const token *t = p->at++;
    const text word = text_own(t->ptr, t->len);
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        if (text_is(word, constants[i].word)) return literal(p, constants[i].value, t);
    }
    const bool attribute = target && parse_skip(p, ".");
    if (target && !attribute && p->loops > 0 && text_is(word, "loop")) {
        parse_fail(p, t, "'loop' belongs to the loop and cannot be assigned to");
    }
    node *n = parse_new(p, attribute ? NODE_ATTRIBUTE_TARGET : NODE_NAME, t);
    if (n) {
        n->name = parse_name_number(p, word);
        p->catches = p->catches || text_is(word, "varargs") || text_is(word, "kwargs");
    }
    if (n && attribute) {
        n->literal = value_string(parse_name(p));
    }
    return n;
}

static node *primary(parser *p, bool target) {
    const token *t = p->at;
    switch (t->kind) {
    case TOKEN_NAME: return name(p, target);
    case TOKEN_STRING: return string(p);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT: p->at++; return literal(p, number_literal(p, t), t);
    default: break;
    }
    if (parse_is(p, "[")) return list_literal(p);
    if (parse_is(p, "{")) return mapping(p);
    if (parse_skip(p, "(")) {
        node *n = parse_tuple(p, true, false, true);
        parse_need(p, ")");
        return n;
    }
    parse_fail(p, t, t->kind == TOKEN_OPERATOR ? "unexpected '%.*s'" : "an expression is missing",
               (int)t->len, t->ptr);
    return NULL;
}

node *parse_tuple(parser *p, bool with_if, bool simple, bool in_brackets) {
    const token *begin = p->at;
    node *first = NULL;
    node **last = &first;
    bool comma = false;
    if (!enter(p)) return leave(p, NULL);
    while (!p->failed) {
        const token_kind kind = p->at->kind;
        if (kind == TOKEN_PRINT_END || kind == TOKEN_TAG_END || parse_is(p, ")")) {
            break;
        }
        append(&last, simple ? primary(p, true) : parse_expression(p, with_if));
        if (!parse_skip(p, ",")) break;
        comma = true;
    }
    if (!comma && (first || p->failed)) return leave(p, first);
    if (!comma && !in_brackets) {
        parse_fail(p, p->at, "an expression is missing");
    }
    return leave(p, new_pair(p, NODE_TUPLE, first, NULL, begin));
}

/* ---- Behind a value ------------------------------------------------------------------------- */

node *parse_arguments(parser *p) {
    node *first = NULL;
    node **last = &first;
    bool keywords = false;
    int count = 0;
    parse_need(p, "(");
    while (!p->failed && !parse_is(p, ")")) {
        if (++count > JINJA_MAX_ARGUMENTS) {
            parse_fail(p, p->at, "a call has more than %d arguments", JINJA_MAX_ARGUMENTS);
        }
        if (parse_is(p, "*") || parse_is(p, "**")) {
            parse_fail(p, p->at, "* and ** in calls are not supported");
        }
        const bool keyword = p->at->kind == TOKEN_NAME && p->at[1].kind == TOKEN_OPERATOR &&
                             p->at[1].len == 1 && p->at[1].ptr[0] == '=';
        if (keywords && !keyword) {
            parse_fail(p, p->at, "an argument without a name follows one with a name");
        }
        const token *t = p->at;
        p->at += keyword ? 2 : 0;
        keywords = keywords || keyword;
        node *n = parse_new(p, NODE_OPERAND, t);
        const text word = text_own(t->ptr, keyword ? t->len : 0);
        for (const node *other = first; other; other = other->next) {
            if (keyword && other->has_keyword && text_equal(other->literal.string, word)) {
                parse_fail(p, t, "this argument is there twice");
            }
        }
        if (n) {
            n->a = parse_expression(p, true);
            n->has_keyword = keyword;
            n->literal = value_string(word);
        }
        append(&last, n);
        if (!parse_is(p, ")")) {
            parse_need(p, ",");
        }
    }
    parse_need(p, ")");
    return first;
}

static node *slice_part(parser *p) {
    return parse_is(p, ":") || parse_is(p, "]") || parse_is(p, ",") ? NULL
                                                                    : parse_expression(p, true);
}

static node *subscript(parser *p, node *of) {
    const token *t = p->at;
    if (parse_skip(p, ".")) {
        node *n = parse_new(p, p->at->kind == TOKEN_INTEGER ? NODE_ITEM : NODE_ATTRIBUTE, t);
        if (!n) return NULL;
        n->a = of;
        if (p->at->kind == TOKEN_INTEGER) {
            n->b = primary(p, false);
        } else {
            n->literal = value_string(parse_name(p));
        }
        return n;
    }
    parse_need(p, "[");
    node *n = parse_new(p, NODE_ITEM, t);
    if (!n) return NULL;
    n->a = of;
    if (parse_is(p, "]")) { /* x[]: an empty tuple is no key of anything */
        n->b = new_pair(p, NODE_TUPLE, NULL, NULL, t);
    } else {
        n->b = slice_part(p);
    }
    if (parse_skip(p, ":")) {
        n->kind = NODE_SLICE;
        n->c = slice_part(p);
        n->d = parse_skip(p, ":") ? slice_part(p) : NULL;
    } else if (parse_is(p, ",")) {
        node *tuple = new_pair(p, NODE_TUPLE, n->b, NULL, t);
        node **last = n->b ? &n->b->next : NULL;
        while (last && parse_skip(p, ",") && !parse_is(p, "]")) {
            append(&last, parse_expression(p, true));
        }
        n->b = tuple;
    }
    parse_need(p, "]");
    if (!p->failed && !n->b && n->kind == NODE_ITEM) {
        parse_fail(p, t, "an expression is missing");
    }
    return n;
}

static node *call(parser *p, node *callee) {
    const token *t = p->at;
    return new_pair(p, NODE_CALL, callee, parse_arguments(p), t);
}

node *parse_postfix(parser *p, node *n) {
    while (!p->failed) {
        if (parse_is(p, ".") || parse_is(p, "[")) {
            n = subscript(p, n);
        } else if (parse_is(p, "(")) {
            n = call(p, n);
        } else {
            break;
        }
    }
    return n;
}

node *parse_filters(parser *p, node *of, bool first_is_name) {
    while (!p->failed && (first_is_name || parse_skip(p, "|"))) {
        node *n = parse_new(p, NODE_FILTER, p->at);
        const text word = parse_name(p);
        if (!n || p->failed) return NULL;
        n->a = of;
        n->literal = value_string(word);
        n->b = parse_is(p, "(") ? parse_arguments(p) : NULL;
        of = n;
        first_is_name = false;
    }
    return of;
}

static node *test(parser *p, node *of) {
    const bool negated = parse_skip_name(p, "not");
    node *n = parse_new(p, NODE_TEST, p->at);
    const token *t = p->at;
    const text word = parse_name(p);
    if (!n || p->failed) return NULL;
    n->a = of;
    n->literal = value_string(word);
    const token_kind kind = p->at->kind;
    const bool value_follows = kind == TOKEN_STRING || kind == TOKEN_INTEGER ||
                               kind == TOKEN_FLOAT || parse_is(p, "[") || parse_is(p, "{") ||
                               (kind == TOKEN_NAME && !parse_is_name(p, "else") &&
                                !parse_is_name(p, "or") && !parse_is_name(p, "and"));
    if (parse_is(p, "(")) {
        n->b = parse_arguments(p);
    } else if (value_follows) {
        if (parse_is_name(p, "is")) {
            parse_fail(p, p->at, "tests cannot follow each other");
        }
        node *argument = parse_new(p, NODE_OPERAND, p->at);
        if (argument) {
            argument->a = parse_postfix(p, primary(p, false));
        }
        n->b = argument;
    }
    return negated ? new_pair(p, NODE_NOT, n, NULL, t) : n;
}

static node *filters_and_tests(parser *p, node *n) {
    while (!p->failed) {
        if (parse_is(p, "|")) {
            n = parse_filters(p, n, false);
        } else if (parse_skip_name(p, "is")) {
            n = test(p, n);
        } else if (parse_is(p, "(")) {
            n = call(p, n);
        } else {
            break;
        }
    }
    return n;
}

/* ---- Operators, from the tightest ----------------------------------------------------------- */

static node *unary(parser *p, bool with_filters) {
    const token *t = p->at;
    node *n = NULL;
    if (!enter(p)) return leave(p, NULL);
    if (parse_skip(p, "-")) {
        n = new_pair(p, NODE_NEGATE, unary(p, false), NULL, t);
    } else if (parse_skip(p, "+")) {
        n = new_pair(p, NODE_PLUS, unary(p, false), NULL, t);
    } else {
        n = primary(p, false);
    }
    n = parse_postfix(p, n);
    return leave(p, with_filters ? filters_and_tests(p, n) : n);
}

typedef struct {
    const char *sign;
    value_op op;
} sign_of;

/* The operator among signs[n] that is next, and take it; NULL = none. */
static const sign_of *take_sign(parser *p, const sign_of *signs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (parse_skip(p, signs[i].sign)) return &signs[i];
    }
    return NULL;
}

static node *power(parser *p) {
    static const sign_of signs[] = {{"**", OP_POWER}};
    node *n = unary(p, true);
    const token *t = p->at;
    while (!p->failed && take_sign(p, signs, 1)) {
        n = new_pair(p, NODE_BINARY, n, unary(p, true), t);
        if (n) {
            n->op = OP_POWER;
        }
    }
    return n;
}

static node *product(parser *p) {
    static const sign_of signs[] = {
        {"*", OP_MUL}, {"/", OP_DIV}, {"//", OP_FLOOR_DIV}, {"%", OP_MOD}};
    node *n = power(p);
    for (;;) {
        const token *t = p->at;
        const sign_of *s = p->failed ? NULL : take_sign(p, signs, 4);
        if (!s) return n;
        n = new_pair(p, NODE_BINARY, n, power(p), t);
        if (n) {
            n->op = s->op;
        }
    }
}

static node *concat(parser *p) {
    const token *t = p->at;
    node *n = product(p);
    if (p->failed || !parse_is(p, "~")) return n;
    node *all = new_pair(p, NODE_CONCAT, n, NULL, t);
    node **last = n ? &n->next : NULL;
    while (last && !p->failed && parse_skip(p, "~")) {
        append(&last, product(p));
    }
    return all;
}

static node *sum(parser *p) {
    static const sign_of signs[] = {{"+", OP_ADD}, {"-", OP_SUB}};
    node *n = concat(p);
    for (;;) {
        const token *t = p->at;
        const sign_of *s = p->failed ? NULL : take_sign(p, signs, 2);
        if (!s) return n;
        n = new_pair(p, NODE_BINARY, n, concat(p), t);
        if (n) {
            n->op = s->op;
        }
    }
}

static bool take_comparison(parser *p, value_op *op) {
    static const sign_of signs[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE},
                                    {">=", OP_GE}, {"<", OP_LT},  {">", OP_GT}};
    const sign_of *s = take_sign(p, signs, 6);
    if (s) {
        *op = s->op;
        return true;
    }
    if (parse_skip_name(p, "in")) {
        *op = OP_IN;
        return true;
    }
    if (parse_is_name(p, "not") && p->at[1].kind == TOKEN_NAME && p->at[1].len == 2 &&
        memcmp(p->at[1].ptr, "in", 2) == 0) {
        p->at += 2;
        *op = OP_NOT_IN;
        return true;
    }
    return false;
}

static node *comparison(parser *p) {
    const token *t = p->at;
    node *n = sum(p);
    value_op op = OP_EQ;
    node *all = NULL;
    node **last = NULL;
    while (!p->failed && take_comparison(p, &op)) {
        if (!all) {
            all = new_pair(p, NODE_COMPARE, n, NULL, t);
            last = all ? &all->b : NULL;
        }
        node *operand = parse_new(p, NODE_OPERAND, p->at);
        if (!operand || !last) return NULL;
        operand->op = op;
        operand->a = sum(p);
        append(&last, operand);
    }
    return all ? all : n;
}

static node *negation(parser *p) {
    const token *t = p->at;
    if (!parse_skip_name(p, "not")) return comparison(p);
    if (!enter(p)) return leave(p, NULL);
    return leave(p, new_pair(p, NODE_NOT, negation(p), NULL, t));
}

static node *conjunction(parser *p) {
    node *n = negation(p);
    const token *t = p->at;
    while (!p->failed && parse_skip_name(p, "and")) {
        n = new_pair(p, NODE_AND, n, negation(p), t);
    }
    return n;
}

static node *disjunction(parser *p) {
    node *n = conjunction(p);
    const token *t = p->at;
    while (!p->failed && parse_skip_name(p, "or")) {
        n = new_pair(p, NODE_OR, n, conjunction(p), t);
    }
    return n;
}

node *parse_expression(parser *p, bool with_if) {
    if (!enter(p)) return leave(p, NULL);
    node *n = disjunction(p);
    while (with_if && !p->failed && parse_is_name(p, "if")) {
        node *either = new_pair(p, NODE_EITHER, n, NULL, p->at++);
        if (!either) break;
        either->b = disjunction(p);
        either->c = parse_skip_name(p, "else") ? parse_expression(p, true) : NULL;
        n = either;
    }
    return leave(p, n);
}
