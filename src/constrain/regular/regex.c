/*
 * regex.c - regular expressions, as JSON Schema's `pattern` has them, as regular languages.
 *
 * ECMA-262 without back references.  A lookahead, a lookbehind, \b, \B and anchors inside put a
 * mark at their place; what the mark requires of the text before and behind it is intersected with
 * the rest, and then marks are hidden.
 */
#include "constrain/regular/regex.h"

#include "base/utf8.h"
#include "constrain/engine/charset.h"
#include "constrain/regular/properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RANGES = 2048, MAX_CODE = 0x10ffff, MAX_DEPTH = 64, MAX_PIECES = 8192 };

/* A group that is open; the first is the whole. */
typedef struct {
    char look;          /* '>' lookahead, '<' lookbehind, 0 other */
    bool negated;
    bool anchored;      /* the alternative began with ^ */
    bool ended;         /* ... and has had its $ */
    bool at_start;      /* nothing but ^ stands before it */
    size_t first;       /* of its pieces */
    regular_id others;  /* alternatives before this one */
    /* of the whole, of lookaheads and lookbehinds: */
    regular_id required; /* of the places of marks */
    uint32_t n_marks;
} group;

typedef struct {
    regular_store *s;
    const char *p, *end, *start;
    group groups[MAX_DEPTH];
    size_t depth;       /* groups[0..depth] are open */
    regular_id pieces[MAX_PIECES]; /* of the alternatives of open groups */
    size_t n_pieces;
    bool has_atom;      /* something that can be repeated came last */
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

/* \p{..} or \P{..} at the current place; false when it is something else. */
static bool read_property(regex *r, charset *s) {
    const char *name = r->p + 3;
    if (r->end - r->p < 4 || r->p[0] != '\\' || (r->p[1] | 0x20) != 'p' || r->p[2] != '{') {
        return false;
    }
    const char *close = memchr(name, '}', (size_t)(r->end - name));
    const size_t n = close ? regex_property(s->at + s->n, MAX_RANGES - s->n, name,
                                            (size_t)(close - name), r->p[1] == 'P') : 0;
    if (n == 0) {
        fail(r, "unknown property of characters");
        return true;
    }
    s->n += n;
    r->p = close + 1;
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
        fail(r, c >= '1' && c <= '9' ? "backreferences are not supported" : "unknown escape");
        return 0;
    }
}

/* ---- Pieces --------------------------------------------------------------------------------- */

static void add_piece(regex *r, regular_id piece) {
    if (r->n_pieces == MAX_PIECES) {
        fail(r, "this pattern is too long");
        return;
    }
    r->pieces[r->n_pieces++] = piece;
}

static void add_set(regex *r, charset *s, bool negated) {
    s->n = charset_normalise(s->at, s->n, negated);
    add_piece(r, regular_set(r->s, s->at, s->n));
    r->has_atom = true;
}

/* The innermost group with marks of its own. */
static group *marked_group(regex *r) {
    size_t i = r->depth;
    while (i > 0 && !r->groups[i].look) {
        i--;
    }
    return &r->groups[i];
}

/* Put a mark here. */
static regular_id add_mark(regex *r) {
    group *g = marked_group(r);
    if (g->n_marks == REGULAR_MAX_MARKS) {
        fail(r, "there are too many lookarounds, boundaries and anchors");
        return REGULAR_EMPTY;
    }
    const regular_id mark = regular_mark(r->s, g->n_marks++);
    add_piece(r, mark);
    r->has_atom = false;
    return mark;
}

/* Nowhere stands the mark between such texts. */
static void forbid(regex *r, regular_id before, regular_id mark, regular_id behind) {
    group *g = marked_group(r);
    const regular_id bad = regular_cat(r->s, before, regular_cat(r->s, mark, behind));
    g->required = regular_and(r->s, g->required, regular_not(r->s, bad));
}

/* Require that the texts behind a mark here are in a language, or those before it, or are not. */
static void look(regex *r, char direction, bool negated, regular_id language) {
    regular_id bad = regular_veil(r->s, language);
    bad = negated ? bad : regular_not(r->s, bad);
    const regular_id mark = add_mark(r);
    forbid(r, direction == '<' ? bad : REGULAR_ALL, mark, direction == '<' ? REGULAR_ALL : bad);
}

/* Lookaheads do not see what is before them, nor lookbehinds what is behind. */
static void check_view(regex *r, char direction) {
    const group *g = marked_group(r);
    if (g->look && g->look != direction && !(g->look == '>' && g->at_start)) {
        fail(r, "this is not supported inside a lookaround of the other direction");
    }
}

/* \b or \B. */
static void add_boundary(regex *r, bool negated) {
    charset word = {.n = 0};
    add_word(r, &word);
    word.n = charset_normalise(word.at, word.n, false);
    const regular_id letter = regular_set(r->s, word.at, word.n);
    const regular_id before = regular_veil(r->s, regular_cat(r->s, REGULAR_TEXT, letter));
    const regular_id behind = regular_veil(r->s, regular_cat(r->s, letter, REGULAR_TEXT));
    const regular_id no_before = regular_not(r->s, before);
    const regular_id no_behind = regular_not(r->s, behind);
    check_view(r, '<');
    check_view(r, '>');
    const regular_id mark = add_mark(r);
    forbid(r, before, mark, negated ? no_behind : behind);
    forbid(r, no_before, mark, negated ? behind : no_behind);
}

/* ---- Atoms ---------------------------------------------------------------------------------- */

static void read_class(regex *r) {
    charset s = {.n = 0};
    r->p++;
    const bool negated = r->p < r->end && *r->p == '^';
    r->p += negated;
    while (r->p < r->end && *r->p != ']' && !r->failed) {
        if (read_property(r, &s)) continue;
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
    add_set(r, &s, negated);
}

static void read_atom(regex *r) {
    charset s = {.n = 0};
    const char escape = *r->p == '\\' && r->p + 1 < r->end ? r->p[1] : '\0';
    if (*r->p == '[') {
        read_class(r);
    } else if (*r->p == '.') {
        r->p++;
        add_range(r, &s, '\n', '\n');
        add_range(r, &s, '\r', '\r');
        add_range(r, &s, 0x2028, 0x2029);
        add_set(r, &s, true);
    } else if (escape == 'b' || escape == 'B') {
        add_boundary(r, escape == 'B');
        r->p += 2;
    } else if (read_property(r, &s)) {
        add_set(r, &s, false);
    } else if (escape && add_class(r, &s, escape)) {
        r->p += 2;
        add_set(r, &s, false);
    } else {
        const uint32_t code = read_character(r);
        add_range(r, &s, code, code);
        add_set(r, &s, false);
    }
}

/* ---- Groups --------------------------------------------------------------------------------- */

static void begin_alternative(regex *r) {
    group *g = &r->groups[r->depth];
    r->has_atom = false;
    g->ended = false;
    g->anchored = false;
    if ((r->depth == 0 || (g->look && g->at_start)) && r->p < r->end && *r->p == '^') {
        g->anchored = true;
        r->p++;
    }
}

/* Join the pieces of an alternative, and it with the others. */
static void end_alternative(regex *r) {
    group *g = &r->groups[r->depth];
    /* A text begins and ends anywhere, unless anchors, or a lookaround, say otherwise. */
    const bool free_start = (r->depth == 0 && !g->anchored) || g->look == '<';
    const bool free_end = (r->depth == 0 || g->look == '>') && !g->ended;
    regular_id all = free_end ? REGULAR_TEXT : REGULAR_EMPTY;
    while (r->n_pieces > g->first) {
        all = regular_cat(r->s, r->pieces[--r->n_pieces], all);
    }
    all = regular_cat(r->s, free_start ? REGULAR_TEXT : REGULAR_EMPTY, all);
    g->others = regular_or(r->s, g->others, all);
}

static regular_id finish(regex *r, const group *g) {
    if (g->n_marks == 0) return g->others;
    return regular_hide(r->s, regular_and(r->s, g->others, g->required));
}

static void open_group(regex *r) {
    const size_t left = (size_t)(r->end - r->p);
    const group *outer = &r->groups[r->depth];
    group g = {
        .first = r->n_pieces, .required = REGULAR_ALL,
        .at_start = outer->anchored && r->n_pieces == outer->first &&
                    (r->depth == 0 || outer->at_start),
    };
    if (left > 1 && r->p[1] == '?') {
        const char kind = left > 2 ? r->p[2] : '\0';
        const bool behind = kind == '<' && left > 3 && (r->p[3] == '=' || r->p[3] == '!');
        const char *close = kind == '<' ? memchr(r->p, '>', left) : NULL;
        if (kind == ':') {
            r->p += 2;
        } else if (kind == '=' || kind == '!' || behind) {
            g.look = behind ? '<' : '>';
            g.negated = r->p[behind ? 3 : 2] == '!';
            check_view(r, g.look);
            r->p += behind ? 3 : 2;
        } else if (close) {
            r->p = close;
        } else {
            fail(r, "unknown kind of group");
        }
    }
    r->p++;
    if (r->depth + 1 == MAX_DEPTH) {
        fail(r, "groups are nested too deeply");
        return;
    }
    r->groups[++r->depth] = g;
    begin_alternative(r);
}

static void close_group(regex *r) {
    r->p++;
    if (r->depth == 0) {
        r->p--;
        fail(r, "this ')' closes nothing");
        return;
    }
    end_alternative(r);
    const group g = r->groups[r->depth--];
    if (g.look) {
        look(r, g.look, g.negated, finish(r, &g));
    } else {
        add_piece(r, g.others);
        r->has_atom = true;
    }
}

/* An anchor where it is not the first or the last of the whole. */
static void add_anchor(regex *r, char direction) {
    check_view(r, direction);
    look(r, direction, false, REGULAR_EMPTY);
    r->p++;
}

/* Is $ the last of an alternative of the whole or of a lookahead? */
static bool is_last(const regex *r) {
    const group *g = &r->groups[r->depth];
    const char next = r->p + 1 < r->end ? r->p[1] : '\0';
    return r->depth == 0 ? r->p + 1 == r->end || next == '|'
                         : g->look == '>' && (next == ')' || next == '|');
}

/* ---- Repetitions ---------------------------------------------------------------------------- */

/* At most four digits; false when there are none, or more. */
static bool read_count(regex *r, uint32_t *value) {
    int n = 0;
    *value = 0;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && n < 5; r->p++, n++) {
        *value = 10 * *value + (uint32_t)(*r->p - '0');
    }
    return n > 0 && n < 5;
}

/* {2}, {2,} or {2,5}. */
static bool read_counts(regex *r, uint32_t *min, uint32_t *max) {
    r->p++;
    if (!read_count(r, min)) return false;
    *max = *min;
    if (r->p < r->end && *r->p == ',') {
        r->p++;
        *max = REGULAR_ENDLESS;
        if (r->p < r->end && *r->p != '}' && !read_count(r, max)) return false;
    }
    if (*max < *min || r->p >= r->end || *r->p != '}') return false;
    r->p++;
    return true;
}

static void read_repeat(regex *r) {
    uint32_t min = *r->p == '+';
    uint32_t max = *r->p == '?' ? 1 : REGULAR_ENDLESS;
    if (!r->has_atom) {
        fail(r, "there is nothing to repeat here");
        return;
    }
    if (*r->p != '{') {
        r->p++;
    } else if (!read_counts(r, &min, &max)) {
        fail(r, "a repetition is {2}, {2,} or {2,5}, of at most 9999");
        return;
    }
    if (r->p < r->end && *r->p == '?') {
        r->p++; /* lazy repetitions match the same texts */
    }
    r->pieces[r->n_pieces - 1] = regular_loop(r->s, r->pieces[r->n_pieces - 1], min, max);
    r->has_atom = false;
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void read_next(regex *r) {
    const char c = *r->p;
    if (r->groups[r->depth].ended && c != '|' && c != ')') {
        fail(r, "nothing can follow this $");
    } else if (c == '|') {
        end_alternative(r);
        r->p++;
        begin_alternative(r);
    } else if (c == '(') {
        open_group(r);
    } else if (c == ')') {
        close_group(r);
    } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        read_repeat(r);
    } else if (c == '$' && is_last(r)) {
        r->groups[r->depth].ended = true;
        r->p++;
    } else if (c == '^' || c == '$') {
        add_anchor(r, c == '^' ? '<' : '>');
    } else if (c == ']' || c == '}') {
        fail(r, "this bracket closes nothing");
    } else {
        read_atom(r);
    }
}

bool regex_read(regular_store *s, regular_id *language, const char *pattern, size_t n, char *why,
                size_t why_cap) {
    regex *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(why, why_cap, "out of memory");
        return false;
    }
    *r = (regex){.s = s, .p = pattern, .start = pattern, .end = pattern + n, .why = why,
                 .why_cap = why_cap};
    r->groups[0].required = REGULAR_ALL;
    begin_alternative(r);
    while (r->p < r->end && !r->failed) {
        read_next(r);
    }
    if (r->depth > 0) {
        fail(r, "a '(' is never closed");
    }
    if (!r->failed) {
        end_alternative(r);
        *language = finish(r, &r->groups[0]);
    }
    if (regular_failed(s)) {
        fail(r, "this pattern needs too many states");
    }
    const bool ok = !r->failed;
    free(r);
    return ok;
}
