/*
 * regex.c - regular expressions, as JSON Schema's `pattern` has them, as GBNF.
 *
 * A regular expression (ECMA-262 without back references and lookaround) is nearly GBNF: groups,
 * alternatives and repetitions are copied, characters become their spelling in JSON.  So one pass
 * suffices, and its only state is the number of open groups.
 */
#include "constrain/schema/regex.h"

#include "base/utf8.h"
#include "constrain/engine/charset.h"
#include "constrain/gbnf/gbnf_write.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RANGES = 512, MAX_CODE = 0x10ffff };

typedef struct {
    json_out *out;
    const char *p, *end, *start;
    size_t depth;     /* open groups */
    bool has_atom;    /* something that can be repeated came last */
    bool anchored;    /* the top-level alternative began with ^ */
    bool ended;       /* ... and has had its $ */
    char *why;
    size_t why_cap;
    bool failed;
} regex;

typedef struct {
    char_range at[MAX_RANGES + 2];
    size_t n;
} charset;

static void fail(regex *r, const char *what) {
    if (!r->failed) {
        snprintf(r->why, r->why_cap, "%s, at character %zu of the pattern", what,
                 (size_t)(r->p - r->start) + 1);
    }
    r->failed = true;
}

/* ---- Characters ----------------------------------------------------------------------------- */

static void add_range(regex *r, charset *s, uint32_t lo, uint32_t hi) {
    if (s->n >= MAX_RANGES) {
        fail(r, "this class has too many characters");
        return;
    }
    s->at[s->n++] = (char_range){lo, hi};
}

static void add_digits(regex *r, charset *s) {
    add_range(r, s, '0', '9');
}

static void add_word(regex *r, charset *s) {
    add_digits(r, s);
    add_range(r, s, 'A', 'Z');
    add_range(r, s, 'a', 'z');
    add_range(r, s, '_', '_');
}

/* White space and line ends of ECMA-262. */
static void add_space(regex *r, charset *s) {
    static const char_range space[] = {
        {9, 13}, {' ', ' '}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
        {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff},
    };
    for (size_t i = 0; i < sizeof space / sizeof *space; i++) {
        add_range(r, s, space[i].lo, space[i].hi);
    }
}

/* \d and the like; false when `c` names no class. */
static bool add_class(regex *r, charset *s, char c) {
    charset named = {.n = 0};
    switch (c) {
    case 'd': case 'D': add_digits(r, &named); break;
    case 'w': case 'W': add_word(r, &named); break;
    case 's': case 'S': add_space(r, &named); break;
    default: return false;
    }
    named.n = charset_normalise(named.at, named.n, c < 'a');
    for (size_t i = 0; i < named.n; i++) {
        add_range(r, s, named.at[i].lo, named.at[i].hi);
    }
    return true;
}

/* Hexadecimal digits: exactly n of them. */
static uint32_t read_hex(regex *r, size_t n) {
    uint32_t code = 0;
    for (size_t i = 0; i < n; i++, r->p++) {
        const char c = r->p < r->end ? *r->p : '\0';
        const int digit = c >= '0' && c <= '9' ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) {
            fail(r, "this escape needs hexadecimal digits");
            return 0;
        }
        code = 16 * code + (uint32_t)digit;
    }
    return code;
}

/* One character at the current place, escapes included. */
static uint32_t read_character(regex *r) {
    uint32_t code = 0;
    if (*r->p != '\\') {
        const size_t n = utf8_decode(r->p, (size_t)(r->end - r->p), &code);
        if (n == 0) {
            fail(r, "this is not UTF-8");
            return 0;
        }
        r->p += n;
        return code;
    }
    if (++r->p == r->end) {
        fail(r, "the pattern ends in a backslash");
        return 0;
    }
    const char c = *r->p++;
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'v': return '\v';
    case '0': return 0;
    case 'x': return read_hex(r, 2);
    case 'u':
        if (r->p < r->end && *r->p == '{') {
            char *stop = NULL;
            const unsigned long value = strtoul(r->p + 1, &stop, 16);
            if (stop == r->p + 1 || stop >= r->end || *stop != '}' || value > MAX_CODE) {
                fail(r, "this is not a character");
                return 0;
            }
            r->p = stop + 1;
            return (uint32_t)value;
        }
        return read_hex(r, 4);
    default:
        if (strchr("^$\\.*+?()[]{}|/-\"'#&,:;<=>@_`~!% ", c) && c) {
            return (uint32_t)(unsigned char)c;
        }
        r->p -= 2;
        fail(r, c == 'b' || c == 'B'   ? "\\b and \\B are not supported"
                : c == 'p' || c == 'P' ? "Unicode property classes are not supported"
                : c >= '1' && c <= '9' ? "backreferences are not supported"
                                       : "unknown escape");
        return 0;
    }
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_code(regex *r, uint32_t code) {
    char text[24];
    if (code >= 0x20 && code < 0x7f && !strchr("[]^-\\\"", (int)code)) {
        text[0] = (char)code;
        text[1] = '\0';
    } else {
        snprintf(text, sizeof text, code < 0x100     ? "\\x%02x"
                                    : code < 0x10000 ? "\\u%04x"
                                                     : "\\U%08x", (unsigned)code);
    }
    json_write_text(r->out, text);
}

/* Write the characters of a set as JSON has them: plain, or as their only escape. */
static void write_set(regex *r, charset *s, bool negated) {
    size_t n_pieces = 0;
    s->n = charset_normalise(s->at, s->n, negated);
    json_write_text(r->out, "(");
    for (size_t i = 0; i < s->n; i++) {
        for (uint32_t c = s->at[i].lo; c <= s->at[i].hi && c < 0x5d; c++) {
            if (c < 0x20 || c == '"' || c == '\\') {
                const char byte = (char)c;
                json_out json = {0};
                json_write_string(&json, &byte, 1);
                json_write_text(r->out, n_pieces++ > 0 ? " | " : "");
                if (!json.failed) {
                    gbnf_write_literal(r->out, json.ptr + 1, json.len - 2);
                }
                r->out->failed = r->out->failed || json.failed;
                json_out_free(&json);
            }
        }
    }
    bool open = false;
    for (size_t i = 0; i < s->n; i++) {
        /* The ranges between the characters that are escaped. */
        static const uint32_t cuts[][2] = {{0x20, 0x21}, {0x23, 0x5b}, {0x5d, MAX_CODE}};
        for (size_t k = 0; k < 3; k++) {
            const uint32_t lo = s->at[i].lo > cuts[k][0] ? s->at[i].lo : cuts[k][0];
            const uint32_t hi = s->at[i].hi < cuts[k][1] ? s->at[i].hi : cuts[k][1];
            if (lo <= hi) {
                if (!open) {
                    json_write_text(r->out, n_pieces++ > 0 ? " | [" : "[");
                }
                open = true;
                write_code(r, lo);
                json_write_text(r->out, "-");
                write_code(r, hi);
            }
        }
    }
    json_write_text(r->out, open ? "])" : n_pieces > 0 ? ")" : "never)");
}

/* ---- Atoms ---------------------------------------------------------------------------------- */

static void read_class(regex *r) {
    charset s = {.n = 0};
    r->p++;
    const bool negated = r->p < r->end && *r->p == '^';
    r->p += negated;
    while (r->p < r->end && *r->p != ']' && !r->failed) {
        if (*r->p == '\\' && r->p + 1 < r->end && add_class(r, &s, r->p[1])) {
            r->p += 2;
            continue;
        }
        const bool is_backspace = *r->p == '\\' && r->p + 1 < r->end && r->p[1] == 'b';
        const uint32_t lo = is_backspace ? '\b' : read_character(r);
        r->p += is_backspace ? 2 : 0;
        uint32_t hi = lo;
        if (r->p + 1 < r->end && r->p[0] == '-' && r->p[1] != ']') {
            r->p++;
            hi = read_character(r);
        }
        if (hi < lo) {
            fail(r, "this range runs backwards");
        }
        add_range(r, &s, lo, hi);
    }
    if (r->p >= r->end) {
        fail(r, "this class is never closed");
        return;
    }
    r->p++;
    write_set(r, &s, negated);
}

static void read_atom(regex *r) {
    charset s = {.n = 0};
    if (*r->p == '[') {
        read_class(r);
    } else if (*r->p == '.') {
        r->p++;
        add_range(r, &s, '\n', '\n');
        add_range(r, &s, '\r', '\r');
        add_range(r, &s, 0x2028, 0x2029);
        write_set(r, &s, true);
    } else if (*r->p == '\\' && r->p + 1 < r->end && add_class(r, &s, r->p[1])) {
        r->p += 2;
        write_set(r, &s, false);
    } else {
        const uint32_t code = read_character(r);
        add_range(r, &s, code, code);
        write_set(r, &s, false);
    }
    json_write_text(r->out, " ");
    r->has_atom = true;
}

static void open_group(regex *r) {
    const size_t left = (size_t)(r->end - r->p);
    if (left > 1 && r->p[1] == '?') {
        const char *close = left > 2 && r->p[2] == '<' ? memchr(r->p, '>', left) : NULL;
        if (left > 2 && r->p[2] == ':') {
            r->p += 2;
        } else if (close && left > 3 && r->p[3] != '=' && r->p[3] != '!') {
            r->p = close;
        } else {
            fail(r, "lookahead and lookbehind are not supported");
        }
    }
    r->p++;
    r->depth++;
    r->has_atom = false;
    json_write_text(r->out, "(\"\" ");
}

/* At most four digits; -1 when there are none, or more. */
static int read_count(regex *r) {
    int value = 0;
    int n = 0;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && n < 5; r->p++, n++) {
        value = 10 * value + (*r->p - '0');
    }
    return n == 0 || n > 4 ? -1 : value;
}

/* {2}, {2,} or {2,5}. */
static bool read_counts(regex *r) {
    r->p++;
    const int min = read_count(r);
    int max = min;
    if (r->p < r->end && *r->p == ',') {
        r->p++;
        max = r->p < r->end && *r->p == '}' ? INT_MAX : read_count(r);
    }
    if (min < 0 || max < min || r->p >= r->end || *r->p != '}') return false;
    r->p++;
    return true;
}

static void read_repeat(regex *r) {
    if (!r->has_atom) {
        fail(r, "there is nothing to repeat here");
        return;
    }
    if (*r->p == '{') {
        const char *begin = r->p;
        if (!read_counts(r)) {
            fail(r, "a repetition is {2}, {2,} or {2,5}, of at most 9999");
            return;
        }
        r->out->len -= r->out->len > 0; /* remove the blank: what follows belongs to the atom */
        json_write_raw(r->out, begin, (size_t)(r->p - begin));
    } else {
        r->out->len -= r->out->len > 0;
        json_write_raw(r->out, r->p++, 1);
    }
    json_write_text(r->out, " ");
    if (r->p < r->end && *r->p == '?') {
        r->p++; /* lazy repetitions match the same texts */
    }
    r->has_atom = false;
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void begin_alternative(regex *r) {
    json_write_text(r->out, "\"\" ");
    r->has_atom = false;
    if (r->depth == 0) {
        r->ended = false;
        r->anchored = r->p < r->end && *r->p == '^';
        r->p += r->anchored;
        json_write_text(r->out, r->anchored ? "" : "char* ");
    }
}

static void end_alternative(regex *r) {
    if (r->depth == 0 && !r->ended) {
        json_write_text(r->out, "char* ");
    }
}

bool regex_to_gbnf(json_out *out, const char *pattern, size_t n, char *why, size_t why_cap) {
    regex r = {
        .out = out, .p = pattern, .start = pattern, .end = pattern + n, .why = why,
        .why_cap = why_cap,
    };
    begin_alternative(&r);
    while (r.p < r.end && !r.failed) {
        const char c = *r.p;
        if (r.ended && c != '|') {
            fail(&r, "$ is supported at the end only");
        } else if (c == '|') {
            end_alternative(&r);
            json_write_text(out, "| ");
            r.p++;
            begin_alternative(&r);
        } else if (c == '(') {
            open_group(&r);
        } else if (c == ')') {
            if (r.depth == 0) {
                fail(&r, "this ')' closes nothing");
            }
            r.depth -= r.depth > 0;
            r.p++;
            json_write_text(out, ") ");
            r.has_atom = true;
        } else if (c == '*' || c == '+' || c == '?' || c == '{') {
            read_repeat(&r);
        } else if (c == '$' && r.depth == 0) {
            r.p++;
            r.ended = true;
        } else if (c == '^' || c == '$') {
            fail(&r, "^ and $ are supported at the ends only");
        } else if (c == ']' || c == '}') {
            fail(&r, "this bracket closes nothing");
        } else {
            read_atom(&r);
        }
    }
    end_alternative(&r);
    if (r.depth > 0) {
        fail(&r, "a '(' is never closed");
    }
    return !r.failed;
}
