/*
 * lexer.c - splitting a template into text and tags, and tags into tokens.
 *
 * White space control is that of Jinja 3.1 with trim_blocks and lstrip_blocks: one line break after
 * a {% tag %} or a {# comment #} is dropped, and so are the blanks before them when nothing else is
 * on their line; `-` drops all white space on its side, `+` keeps it.
 */
#include "jinja/parse/lexer.h"

#include "base/grow.h"
#include "jinja/values/value.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    token_list *out;
    const char *p;
    size_t n, i;
    size_t counted; /* the place that `line` and `line_begin` speak of */
    uint32_t line;
    size_t line_begin;
    bool line_starts; /* what was read last ends in a line break */
    lfm_error *err;
} lexer;

static void find_place(lexer *x, size_t at) {
    if (at < x->counted) { /* a failure speaks of an earlier place */
        x->counted = 0;
        x->line = 1;
        x->line_begin = 0;
    }
    for (; x->counted < at; x->counted++) {
        if (x->p[x->counted] == '\n') {
            x->line++;
            x->line_begin = x->counted + 1;
        }
    }
}

static lfm_status fail(lexer *x, size_t at, const char *what) {
    find_place(x, at);
    return err_set(x->err, LFM_ERR_FORMAT, "chat template, line %u, column %zu: %s", x->line,
                   at - x->line_begin + 1, what);
}

static lfm_status add(lexer *x, token_kind kind, size_t at, size_t len) {
    token *grown = grow_array(x->out->tokens, &x->out->cap, x->out->n + 1, sizeof *grown);
    if (!grown) return err_no_memory(x->err, "the chat template");
    find_place(x, at);
    x->out->tokens = grown;
    grown[x->out->n++] = (token){.kind = kind,
                                 .ptr = x->p + at,
                                 .len = len,
                                 .line = x->line,
                                 .column = (uint32_t)(at - x->line_begin + 1)};
    return LFM_OK;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool at_word(const lexer *x, size_t at, const char *word) {
    const size_t len = strlen(word);
    return len <= x->n - at && memcmp(x->p + at, word, len) == 0;
}

/* ---- Inside tags ---------------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char peek(const lexer *x, size_t at) {
    return at < x->n ? x->p[at] : '\0';
}

static size_t after_digits(const lexer *x, size_t at) {
    while (is_digit(peek(x, at)) || (peek(x, at) == '_' && is_digit(peek(x, at + 1)))) {
        at++;
    }
    return at;
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '_';
}

static lfm_status number(lexer *x) {
    const size_t begin = x->i;
    size_t at = begin;
    bool real = false;
    if (peek(x, at) == '0' && text_byte_in(peek(x, at + 1), "xXoObB") && is_hex(peek(x, at + 2))) {
        at += 2;
        while (is_hex(peek(x, at))) {
            at++;
        }
    } else {
        const bool is_item = begin > 0 && x->p[begin - 1] == '.'; /* x.0.1 */
        at = after_digits(x, at);
        if (!is_item && peek(x, at) == '.' && is_digit(peek(x, at + 1))) {
            real = true;
            at = after_digits(x, at + 1);
        }
        const size_t sign = peek(x, at + 1) == '+' || peek(x, at + 1) == '-';
        if (!is_item && (peek(x, at) == 'e' || peek(x, at) == 'E') &&
            is_digit(peek(x, at + 1 + sign))) {
            real = true;
            at = after_digits(x, at + 1 + sign);
        }
    }
    x->i = at;
    return add(x, real ? TOKEN_FLOAT : TOKEN_INTEGER, begin, at - begin);
}

static lfm_status string(lexer *x) {
    const size_t begin = x->i;
    size_t at = begin + 1;
    while (at < x->n && x->p[at] != x->p[begin]) {
        at += x->p[at] == '\\' ? 2 : 1;
    }
    if (at >= x->n) return fail(x, begin, "a string without its closing quote");
    x->i = at + 1;
    return add(x, TOKEN_STRING, begin + 1, at - begin - 1);
}

static lfm_status operator(lexer *x, char *open, size_t *n_open) {
    static const char *const twos[] = {"//", "**", "==", "!=", ">=", "<="};
    size_t len = 1;
    for (size_t i = 0; i < sizeof twos / sizeof twos[0]; i++) {
        len = at_word(x, x->i, twos[i]) ? 2 : len;
    }
    const char c = x->p[x->i];
    const bool known = len == 2 || text_byte_in(c, "+-/*%~[](){}<>=.:|,;");
    if (!known) return fail(x, x->i, "unexpected character");
    if (c == '(' || c == '[' || c == '{') {
        if (*n_open == 64) return fail(x, x->i, "brackets are nested deeper than 64 levels");
        open[(*n_open)++] = c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
        if (*n_open == 0 || open[*n_open - 1] != c) return fail(x, x->i, "unexpected bracket");
        (*n_open)--;
    }
    x->i += len;
    return add(x, TOKEN_OPERATOR, x->i - len, len);
}

/* After the closing tag, whose `close` has two characters: what its sign or trim_blocks drops. */
static void close_tag(lexer *x, bool trim) {
    const char sign = x->p[x->i];
    x->i += sign == '-' || sign == '+' ? 3 : 2;
    const size_t begin = x->i;
    while (sign == '-' && x->i < x->n && is_blank(x->p[x->i])) {
        x->i++;
    }
    if (trim && sign != '-' && sign != '+' && peek(x, x->i) == '\n') {
        x->i++;
    }
    x->line_starts = x->i > begin && x->p[x->i - 1] == '\n';
}

/* Is the end of a tag here?  {{ }} knows no +. */
static bool closes(const lexer *x, const char *close) {
    const char sign = peek(x, x->i);
    const bool has_sign = sign == '-' || (sign == '+' && close[0] != '}');
    return at_word(x, x->i, close) || (has_sign && at_word(x, x->i + 1, close));
}

static lfm_status inside(lexer *x, const char *close, token_kind end) {
    const size_t begin = x->i;
    char open[64];
    size_t n_open = 0;
    lfm_status st = LFM_OK;
    while (st == LFM_OK) {
        while (x->i < x->n && is_blank(x->p[x->i])) {
            x->i++;
        }
        if (x->i >= x->n) return fail(x, begin, "the tag before this is not closed");
        const char c = x->p[x->i];
        if (n_open == 0 && closes(x, close)) break;
        if (is_letter(c)) {
            const size_t at = x->i;
            while (is_letter(peek(x, x->i)) || is_digit(peek(x, x->i))) {
                x->i++;
            }
            st = add(x, TOKEN_NAME, at, x->i - at);
        } else if (is_digit(c)) {
            st = number(x);
        } else if (c == '\'' || c == '"') {
            st = string(x);
        } else {
            st = operator(x, open, &n_open);
        }
    }
    if (st == LFM_OK) st = add(x, end, x->i, 0);
    if (st == LFM_OK) close_tag(x, end == TOKEN_TAG_END);
    return st;
}

/* ---- Between tags --------------------------------------------------------------------------- */

/* Add the text from `begin` to `end`, where a tag with this sign begins.  `strip`: blanks before
 * it go when nothing else is on their line. */
static lfm_status text_before(lexer *x, size_t begin, size_t end, char sign, bool strip) {
    size_t last = end;
    while (last > begin && is_blank(x->p[last - 1])) {
        last--;
    }
    if (sign != '-') {
        size_t line = end; /* begin of the line that the tag is on */
        while (line > begin && x->p[line - 1] != '\n') {
            line--;
        }
        const bool whole_line = line > begin || x->line_starts;
        last = strip && sign != '+' && whole_line && last <= line ? line : end;
    }
    return last > begin ? add(x, TOKEN_DATA, begin, last - begin) : LFM_OK;
}

/* Is `word` the only thing in the tag that begins at `at` (behind {% and its sign)?  *after: behind
 * the word. */
static bool tag_is(const lexer *x, size_t at, const char *word, size_t *after) {
    while (at < x->n && is_blank(x->p[at])) {
        at++;
    }
    if (!at_word(x, at, word)) return false;
    at += strlen(word);
    while (at < x->n && is_blank(x->p[at])) {
        at++;
    }
    *after = at;
    const size_t sign = peek(x, at) == '-' || peek(x, at) == '+';
    return at_word(x, at + sign, "%}");
}

static size_t sign_at(const lexer *x, size_t at) {
    return peek(x, at) == '-' || peek(x, at) == '+';
}

/* {% raw %} text {% endraw %}; x->i is behind {% and its sign. */
static lfm_status raw(lexer *x, size_t after) {
    const size_t begin = x->i;
    x->i = after;
    close_tag(x, false);
    const size_t first = x->i;
    for (size_t at = first; at < x->n; at++) {
        if (!at_word(x, at, "{%")) continue;
        const size_t sign = sign_at(x, at + 2);
        if (!tag_is(x, at + 2 + sign, "endraw", &after)) continue;
        const lfm_status st = text_before(x, first, at, sign ? x->p[at + 2] : ' ', true);
        x->i = after;
        close_tag(x, true);
        return st;
    }
    return fail(x, begin, "{% raw %} without {% endraw %}");
}

static lfm_status comment(lexer *x) {
    const size_t begin = x->i;
    while (x->i + 1 < x->n && !at_word(x, x->i, "#}")) {
        x->i++;
    }
    if (x->i + 1 >= x->n) return fail(x, begin, "a comment without its end");
    const size_t sign = x->i > begin && (x->p[x->i - 1] == '-' || x->p[x->i - 1] == '+');
    x->i -= sign;
    close_tag(x, true);
    return LFM_OK;
}

static lfm_status next_tag(lexer *x) {
    const size_t begin = x->i;
    size_t at = begin;
    while (at + 1 < x->n && !(x->p[at] == '{' && text_byte_in(x->p[at + 1], "{%#"))) {
        at++;
    }
    if (at + 1 >= x->n) {
        x->i = x->n;
        return add(x, TOKEN_DATA, begin, x->n - begin);
    }
    const char kind = x->p[at + 1];
    const size_t sign = sign_at(x, at + 2);
    size_t after = 0;
    lfm_status st = text_before(x, begin, at, sign ? x->p[at + 2] : ' ', kind != '{');
    x->i = at + 2 + sign;
    x->line_starts = false;
    if (st != LFM_OK) return st;
    if (kind == '#') return comment(x);
    if (kind == '%' && tag_is(x, x->i, "raw", &after) && x->p[after] != '+') return raw(x, after);
    st = add(x, kind == '{' ? TOKEN_PRINT_BEGIN : TOKEN_TAG_BEGIN, at, 2);
    if (st != LFM_OK) return st;
    return kind == '{' ? inside(x, "}}", TOKEN_PRINT_END) : inside(x, "%}", TOKEN_TAG_END);
}

lfm_status lex_split(token_list *out, const char *source, size_t len, lfm_error *err) {
    lexer x = {.out = out, .p = source, .n = len, .line = 1, .line_starts = true, .err = err};
    lfm_status st = LFM_OK;
    *out = (token_list){0};
    while (st == LFM_OK && x.i < x.n) {
        st = next_tag(&x);
    }
    if (st == LFM_OK) st = add(&x, TOKEN_END, x.n, 0);
    return st;
}

void lex_free(token_list *l) {
    free(l->tokens);
    *l = (token_list){0};
}
