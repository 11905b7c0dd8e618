/*
 * tool_calls_one.c - one call -> JSON: a machine that keeps the ways it did not go.
 *
 * Its state is small: the place in the text, the length of the output, and the innermost open
 * bracket.  Brackets are nodes that point to the one around them and never change, so a state can
 * be kept for every quote and gone back to.  A bracket whose meaning comes later ("{" of a set, "("
 * of a number) gets its byte in the output then.
 */
#include "answer/tool_calls_one.h"

#include "answer/tool_calls_scalar.h"
#include "base/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
    ARGUMENTS, /* a=1, b=2) */
    LIST,      /* 1, 2] */
    PAREN,     /* 1) so far: a value in brackets or a tuple */
    TUPLE,     /* 1, 2) */
    BRACE,     /* } or first element: a dictionary or a set */
    DICT,      /* 'a': 1} */
    SET        /* 1, 2} */
} bracket_kind;

/* What comes next. */
typedef enum {
    AT_FIRST,  /* an element or the closing bracket */
    AT_ITEM,   /* the same, behind a comma */
    AT_VALUE,
    IN_STRING,
    AT_COLON,
    AT_CHOICE, /* behind the first string of a BRACE: a colon, or as AFTER */
    AFTER,     /* a comma or the closing bracket */
    AT_END
} place;

#define NO_BRACKET UINT32_MAX

typedef struct {
    uint32_t around; /* the bracket around it, or NO_BRACKET */
    uint8_t kind, depth;
    size_t at; /* of its byte in the output */
} bracket;

/* A quote that ended its string and might not have; or a backslash that was taken for the escape of
 * a quote, which might end the string. */
typedef struct {
    const char *p;
    size_t out_len;
    uint32_t top, n_brackets;
    char quote;
    bool triple, escaped;
    uint8_t then;
} way;

typedef struct {
    tool_calls_text *t;
    const char *p;
    json_out *out;
    place at;
    char quote;   /* of the open string .. */
    bool triple;  /* .. which has three of them */
    bool escaped; /* .. or has one with a backslash inside */
    uint8_t then; /* the place behind it */
    uint32_t top; /* the innermost bracket */
    bool strict;  /* who writes one quote in a string with a backslash writes all of them so */

    bracket *brackets; // [n_brackets]
    size_t n_brackets, brackets_cap;
    way *ways; // [n_ways] that were not gone
    size_t n_ways, ways_cap;
} reader;

/* ---- Looking -------------------------------------------------------------------------------- */

/* The character at `p`; -1 at the end. */
static int look(tool_calls_text *t, const char *p) {
    t->seen = p > t->seen ? p : t->seen;
    if (p < t->end) return (unsigned char)*p;
    t->at_end = t->open;
    return -1;
}

static bool is_blank(int c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *tool_calls_skip(tool_calls_text *t, const char *p) {
    while (is_blank(look(t, p))) {
        p++;
    }
    return p;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(int c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* The end of the name of an argument, which may be a keyword of Python. */
static const char *argument_name(tool_calls_text *t, const char *p) {
    const char *q = p;
    for (int c = look(t, q); is_letter(c) || (q > p && (is_digit(c) || c == '-'));) {
        c = look(t, ++q);
    }
    return q;
}

const char *tool_calls_name(tool_calls_text *t, const char *p) {
    const char *q = p;
    for (int c = look(t, q); is_letter(c) || is_digit(c) || (q > p && (c == '-' || c == '.'));) {
        c = look(t, ++q);
    }
    return q;
}

bool tool_calls_begins(tool_calls_text *t, const char *p, bool named) {
    if (look(t, p) == '{') return true;
    const char *open = tool_calls_skip(t, tool_calls_name(t, p));
    if (open == p || look(t, open) != '(') return false;
    if (!named) return true;
    const char *name = tool_calls_skip(t, open + 1);
    const char *behind = tool_calls_skip(t, argument_name(t, name));
    return look(t, name) == ')' || (behind > name && look(t, behind) == '=');
}

/* Is it the end of a call, as far as what follows tells? */
static bool call_ends(tool_calls_text *t, const char *p, bool named) {
    p = tool_calls_skip(t, p);
    int c = look(t, p);
    if (c == ',') {
        p = tool_calls_skip(t, p + 1);
        if (tool_calls_begins(t, p, named)) return true;
        c = t->bracket ? look(t, p) : ','; /* the list may end in a comma */
    }
    return !t->bracket ? c < 0 : c == ']' && (t->bare || tool_calls_skip(t, p + 1) == t->end);
}

/* Can a value end before `p`?  Only blanks may come before a delimiter. */
static bool can_end(tool_calls_text *t, const char *p) {
    const int c = look(t, tool_calls_skip(t, p));
    return c < 0 || (c > 0 && strchr(",)]}:", c));
}

/* Skip blanks, and `c` if it comes next; was it there? */
static bool pass(reader *r, char c) {
    r->p = tool_calls_skip(r->t, r->p);
    const bool there = look(r->t, r->p) == c;
    r->p += there;
    return there;
}

/* ---- Brackets ------------------------------------------------------------------------------- */

static bracket_kind kind_of(const reader *r) {
    return r->top == NO_BRACKET ? LIST : (bracket_kind)r->brackets[r->top].kind;
}

/* Make `b` the innermost bracket; false when it is too deep for JSON, or memory ran out. */
static bool push(reader *r, bracket b) {
    bracket *grown = NULL;
    if (r->n_brackets < NO_BRACKET) {
        grown = grow_array(r->brackets, &r->brackets_cap, r->n_brackets + 1, sizeof *grown);
    }
    if (!grown) {
        r->t->no_memory = true;
        return false;
    }
    r->brackets = grown;
    r->brackets[r->n_brackets] = b;
    r->top = (uint32_t)r->n_brackets++;
    return b.depth <= JSON_MAX_DEPTH;
}

static bool open_bracket(reader *r, bracket_kind kind, const char *json) {
    const uint8_t depth = r->top == NO_BRACKET ? 0 : r->brackets[r->top].depth;
    const bracket b = {r->top, (uint8_t)kind, (uint8_t)(depth + 1), r->out->len};
    json_write_text(r->out, json);
    r->at = AT_FIRST;
    return push(r, b);
}

/* The innermost bracket turns out to be of this kind. */
static bool become(reader *r, bracket_kind kind) {
    bracket b = r->brackets[r->top];
    b.kind = (uint8_t)kind;
    return push(r, b);
}

static char closer(bracket_kind kind) {
    return kind == LIST ? ']' : kind == ARGUMENTS || kind == PAREN || kind == TUPLE ? ')' : '}';
}

static void close_bracket(reader *r) {
    const bracket b = r->brackets[r->top];
    const bool is_object = b.kind == ARGUMENTS || b.kind == DICT || b.kind == BRACE;
    const bool is_value = b.kind == PAREN && r->at == AFTER; /* (1) is 1 */
    if (!r->out->failed) {
        r->out->ptr[b.at] = is_object ? '{' : is_value ? ' ' : '[';
    }
    json_write_text(r->out, is_object ? "}" : is_value ? " " : "]");
    r->top = b.around;
    r->at = b.around == NO_BRACKET ? AT_END : AFTER;
}

/* ---- Strings -------------------------------------------------------------------------------- */

/* Keep the other meaning of the quote, or the backslash before it, at r->p. */
static void keep_way(reader *r) {
    way *grown = grow_array(r->ways, &r->ways_cap, r->n_ways + 1, sizeof *grown);
    if (!grown) {
        r->t->no_memory = true;
        return;
    }
    r->ways = grown;
    r->ways[r->n_ways++] = (way){r->p,     r->out->len, r->top,     (uint32_t)r->n_brackets,
                                 r->quote, r->triple,   r->escaped, r->then};
}

static void end_string(reader *r, size_t n_quotes) {
    r->p += n_quotes;
    json_write_text(r->out, "\"");
    r->at = (place)r->then;
}

/* Go back to the latest way that was not gone, and go it; false when there is none. */
static bool go_back(reader *r) {
    tool_calls_text *t = r->t;
    if (r->n_ways == 0) return false;
    const way w = r->ways[--r->n_ways];
    const size_t n = (size_t)(t->seen - w.p) + 1;
    t->patience -= n < t->patience ? n : t->patience;
    if (t->patience == 0) return false;
    t->seen = w.p;
    r->p = w.p + 1;
    r->out->len = w.out_len;
    r->top = w.top;
    r->n_brackets = w.n_brackets;
    r->quote = w.quote;
    r->triple = w.triple;
    r->escaped = w.escaped;
    r->then = w.then;
    r->at = IN_STRING;
    tool_calls_content(r->out, w.p, 1);
    if (*w.p == '\\') {
        end_string(r, 1);
    }
    return true;
}

/* Begin the string at r->p, a quote. */
static void begin_string(reader *r, place then) {
    tool_calls_text *t = r->t;
    r->quote = *r->p++;
    r->triple = look(t, r->p) == r->quote && look(t, r->p + 1) == r->quote &&
                !can_end(t, r->p + 1); /* not '', which ends here */
    r->p += r->triple ? 2 : 0;
    r->escaped = false;
    r->then = (uint8_t)then;
    r->at = IN_STRING;
    json_write_text(r->out, "\"");
}

/* How many quotes end the string at r->p?  0 = it does not end there. */
static size_t closing_quotes(reader *r) {
    const char *p = r->p;
    if (look(r->t, p) != r->quote) return 0;
    if (!r->triple) return can_end(r->t, p + 1);
    return look(r->t, p + 1) == r->quote && look(r->t, p + 2) == r->quote ? 3 : 0;
}

/* An escape, behind its backslash. */
static void take_escape(reader *r) {
    const size_t left = (size_t)(r->t->end - r->p);
    const char *codes = strchr("xuU01234567", *r->p);
    if (codes && *codes && left < sizeof "ud83d\\ude00" - 1) {
        r->t->at_end = r->t->open;
    }
    r->p += tool_calls_escape(r->out, r->p, left);
}

static bool read_string(reader *r) {
    tool_calls_text *t = r->t;
    const char *run = r->p; /* characters that stay as they are */
    for (;; r->p++) {
        const int c = look(t, r->p);
        if (c >= 0 && c != '\\' && c != r->quote) continue;
        tool_calls_content(r->out, run, (size_t)(r->p - run));
        if (c < 0) return false;
        if (c == r->quote) {
            const size_t n_quotes = closing_quotes(r);
            const bool only = r->strict && r->escaped;
            if (n_quotes > 0 && !only) {
                keep_way(r);
            }
            if (n_quotes > 0) {
                end_string(r, n_quotes);
                return true;
            }
            if (only) return false;
            run = r->p;
            continue;
        }
        const int next = look(t, r->p + 1);
        if (next < 0) return false;
        if (next == r->quote && !r->triple) {
            if (can_end(t, r->p + 2)) {
                keep_way(r);
            }
            r->escaped = true;
        }
        r->p++;
        take_escape(r);
        run = r->p--;
    }
}

/* ---- Values --------------------------------------------------------------------------------- */

/* A number or a word. */
static bool read_scalar(reader *r) {
    const char *end = r->p;
    for (int c = look(r->t, end); is_letter(c) || is_digit(c) || (c > 0 && strchr("+-.", c));) {
        c = look(r->t, ++end);
    }
    const size_t n = (size_t)(end - r->p);
    const bool good = tool_calls_word(r->out, r->p, n) || tool_calls_number(r->out, r->p, n) == n;
    r->p = end;
    return good && n > 0 && can_end(r->t, end);
}

/* A number or a word that may be the key of a dictionary, which JSON has only as a string. */
static bool read_scalar_key(reader *r) {
    const size_t from = r->out->len;
    if (!read_scalar(r)) return false;
    json_write_text(r->out, "\"\"");
    if (!r->out->failed) {
        memmove(r->out->ptr + from + 1, r->out->ptr + from, r->out->len - from - 2);
        r->out->ptr[from] = '"';
    }
    return true;
}

static bool at_quote(reader *r) {
    const int c = look(r->t, r->p);
    return c == '\'' || c == '"';
}

static bool take_value(reader *r) {
    const bool first = kind_of(r) == BRACE;
    r->p = tool_calls_skip(r->t, r->p);
    const int c = look(r->t, r->p);
    if (at_quote(r)) {
        begin_string(r, first ? AT_CHOICE : AFTER);
        return true;
    }
    if (c == '[' || c == '(' || c == '{') {
        r->p++;
        return (!first || become(r, SET)) &&
               open_bracket(r, c == '[' ? LIST : c == '(' ? PAREN : BRACE, "[");
    }
    const char *from = r->p;
    const size_t from_out = r->out->len;
    if (!read_scalar(r)) return false;
    r->at = AFTER;
    if (!first) return true;
    const char *behind = tool_calls_skip(r->t, r->p);
    if (look(r->t, behind) != ':') return become(r, SET);
    r->p = from;
    r->out->len = from_out;
    r->at = AT_COLON;
    return become(r, DICT) && read_scalar_key(r);
}

/* ARGUMENT= */
static bool take_argument(reader *r) {
    const char *name = r->p;
    r->p = argument_name(r->t, name);
    json_write_text(r->out, "\"");
    tool_calls_content(r->out, name, (size_t)(r->p - name));
    json_write_text(r->out, "\": ");
    r->at = AT_VALUE;
    return r->p > name && pass(r, '=');
}

static bool take_item(reader *r) {
    const bracket_kind kind = kind_of(r);
    if (pass(r, closer(kind))) {
        close_bracket(r);
        return true;
    }
    json_write_text(r->out, r->at == AT_ITEM ? ", " : "");
    if (kind == ARGUMENTS) return take_argument(r);
    if (kind != DICT) return take_value(r);
    r->at = AT_COLON;
    if (!at_quote(r)) return read_scalar_key(r);
    begin_string(r, AT_COLON);
    return true;
}

static bool take_colon(reader *r) {
    json_write_text(r->out, ": ");
    r->at = AT_VALUE;
    return pass(r, ':');
}

static bool take_delimiter(reader *r) {
    const bracket_kind kind = kind_of(r);
    if (pass(r, ',')) {
        r->at = AT_ITEM;
        return kind != PAREN || become(r, TUPLE);
    }
    if (!pass(r, closer(kind))) return false;
    close_bracket(r);
    return true;
}

static bool step(reader *r) {
    switch (r->at) {
    case AT_FIRST:
    case AT_ITEM: return take_item(r);
    case AT_VALUE: return take_value(r);
    case IN_STRING: return read_string(r);
    case AT_COLON: return take_colon(r);
    case AT_CHOICE:
        r->p = tool_calls_skip(r->t, r->p);
        if (look(r->t, r->p) == ':') return become(r, DICT) && take_colon(r);
        r->at = AFTER;
        return become(r, SET);
    case AFTER: return take_delimiter(r);
    case AT_END: break;
    }
    return true;
}

/* ---- The call ------------------------------------------------------------------------------- */

/* The beginning of the call, up to its bracket. */
static bool begin(reader *r) {
    if (pass(r, '{')) return open_bracket(r, BRACE, "{");
    const char *name = r->p;
    const char *end = tool_calls_name(r->t, name);
    r->p = end;
    json_write_text(r->out, "{\"name\": ");
    json_write_string(r->out, name, (size_t)(end - name));
    json_write_text(r->out, ", \"arguments\": ");
    return end > name && pass(r, '(') && open_bracket(r, ARGUMENTS, "{");
}

/* `named`: what follows must begin as a call with named arguments.  A broken call may follow, too,
 * but where a string might go on instead, that comes first. */
static bool read_whole(reader *r, bool named) {
    bool good = begin(r);
    if (!good) return false; /* nothing to go back to */
    for (;;) {
        if (good && r->at == AT_END) {
            good = call_ends(r->t, r->p, named);
            if (good || r->t->at_end) return good && !r->t->at_end;
        } else if (good) {
            good = step(r);
        }
        if (r->t->at_end || r->t->no_memory || r->out->failed) return false;
        if (!good && !go_back(r)) return false;
        good = true;
    }
}

static void drop(reader *r) {
    free(r->brackets);
    free(r->ways);
}

const char *tool_calls_one(tool_calls_text *t, const char *p, json_out *out) {
    static const struct {
        bool strict, named;
    } tries[] = {{true, true}, {false, true}, {false, false}};
    const size_t from = out->len;
    for (size_t i = 0; i < 3; i++) {
        reader r = {.t = t, .p = p, .out = out, .top = NO_BRACKET, .strict = tries[i].strict};
        t->seen = p;
        const bool good = read_whole(&r, tries[i].named);
        const bool is_python = r.n_brackets > 0 && r.brackets[0].kind == ARGUMENTS;
        const size_t n = (size_t)(t->seen - p) + 1;
        drop(&r);
        if (good) {
            json_write_text(out, is_python ? "}" : "");
            return r.p;
        }
        out->len = from;
        t->patience -= n < t->patience ? n : t->patience;
        if (t->at_end || t->no_memory || out->failed || (t->bare && !tries[i].strict)) break;
    }
    return NULL;
}
