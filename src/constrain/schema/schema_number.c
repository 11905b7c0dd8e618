/*
 * schema_number.c - numbers within limits, as rules over their digits.
 *
 * Limits are compared digit by digit: a number with as many digits as the limit repeats its digits
 * up to a place where it differs in the right direction, and is free from there on.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/gbnf/gbnf_write.h"

#include <stdio.h>
#include <string.h>

#define FREE_FRACTION "(\".\" [0-9]+)?"

static void write_digit_class(json_out *out, char lo, char hi) {
    char text[16];
    snprintf(text, sizeof text, lo == hi ? "\"%c\"" : "[%c-%c]", lo, hi);
    json_write_text(out, text);
}

static void write_free_digits(json_out *out, size_t n) {
    char text[32];
    if (n > 0) {
        snprintf(text, sizeof text, " [0-9]{%zu}", n);
        json_write_text(out, text);
    }
}

/* Begin an alternative, and count it. */
static void next(json_out *out, size_t *n) {
    json_write_text(out, (*n)++ > 0 ? " | " : "");
}

/* ---- Whole numbers of one length ------------------------------------------------------------ */

/* The digits before `at`, as a literal. */
static void write_beginning(json_out *out, const char *digits, size_t at) {
    if (at > 0) {
        gbnf_write_literal(out, digits, at);
        json_write_text(out, " ");
    }
}

/* Numbers of the length of `low` that are at least it, or above; and at most `high`, or below, when
 * both share `common` digits and the limits are between the next ones. */
static void write_above(json_out *out, const char *low, size_t from, size_t *n) {
    const size_t len = strlen(low);
    for (size_t i = len; i-- > from;) { /* leaves the limit at digit i */
        if (low[i] < '9') {
            next(out, n);
            write_beginning(out, low, i);
            write_digit_class(out, (char)(low[i] + 1), '9');
            write_free_digits(out, len - i - 1);
        }
    }
}

static void write_below(json_out *out, const char *high, size_t from, size_t *n) {
    const size_t len = strlen(high);
    for (size_t i = from; i < len; i++) {
        const char least = i == 0 && len > 1 ? '1' : '0';
        if (high[i] > least) {
            next(out, n);
            write_beginning(out, high, i);
            write_digit_class(out, least, (char)(high[i] - 1));
            write_free_digits(out, len - i - 1);
        }
    }
}

static void write_exactly(json_out *out, const char *digits, size_t *n) {
    next(out, n);
    gbnf_write_literal(out, digits, strlen(digits));
}

/* low <= x <= high, all of one length; low <= high. */
static void write_between(json_out *out, const char *low, const char *high, size_t *n) {
    const size_t len = strlen(low);
    size_t same = 0;
    while (same < len && low[same] == high[same]) {
        same++;
    }
    write_exactly(out, low, n);
    if (same == len) return;
    write_above(out, low, same + 1, n);
    if (low[same] + 1 < high[same]) {
        next(out, n);
        write_beginning(out, low, same);
        write_digit_class(out, (char)(low[same] + 1), (char)(high[same] - 1));
        write_free_digits(out, len - same - 1);
    }
    write_below(out, high, same + 1, n);
    write_exactly(out, high, n);
}

/* Whole numbers from low to high (NULL: unlimited), without leading zeros. */
static void write_range(json_out *out, const char *low, const char *high, size_t *n) {
    char nines[MAX_DIGITS + 2];
    char ten[MAX_DIGITS + 2];
    const size_t low_len = strlen(low);
    const size_t high_len = high ? strlen(high) : low_len;
    if (high && (low_len > high_len || (low_len == high_len && strcmp(low, high) > 0))) return;
    if (high && low_len == high_len) {
        write_between(out, low, high, n);
        return;
    }
    memset(nines, '9', low_len);
    nines[low_len] = '\0';
    write_between(out, low, nines, n);
    if (!high) {
        char text[48];
        next(out, n);
        snprintf(text, sizeof text, "[1-9] [0-9]{%zu,}", low_len);
        json_write_text(out, text);
        return;
    }
    for (size_t len = low_len + 1; len < high_len; len++) {
        next(out, n);
        json_write_text(out, "[1-9]");
        write_free_digits(out, len - 1);
    }
    memset(ten, '0', high_len);
    ten[0] = '1';
    ten[high_len] = '\0';
    write_between(out, ten, high, n);
}

/* digits + 1, or - 1 (of more than zero). */
static void step(char *digits, int by) {
    size_t i = strlen(digits);
    const char over = by > 0 ? '9' : '0';
    while (i > 0 && digits[i - 1] == over) {
        digits[--i] = by > 0 ? '0' : '9';
    }
    if (i > 0) {
        digits[i - 1] = (char)(digits[i - 1] + by);
    } else if (by > 0) {
        memmove(digits + 1, digits, strlen(digits) + 1);
        digits[0] = '1';
    }
    if (digits[0] == '0' && digits[1] != '\0') {
        memmove(digits, digits + 1, strlen(digits));
    }
}

/* ---- Fractions ------------------------------------------------------------------------------ */

/* What may follow the whole part of a limit: fractions at least (above) or at most `f`, the limit
 * itself unless `strict`. */
static void write_fraction(json_out *out, const char *f, bool above, bool strict) {
    const size_t len = strlen(f);
    if (len == 0) {
        json_write_text(out, above && !strict ? FREE_FRACTION
                           : above            ? "\".\" \"0\"* [1-9] [0-9]*"
                           : strict           ? "never"
                                              : "(\".\" \"0\"+)?");
        return;
    }
    json_write_text(out, above ? "\".\" (" : "(\".\" (");
    size_t n = 0;
    for (size_t i = 0; i < len; i++) { /* leaves the limit at digit i */
        if (above ? f[i] < '9' : f[i] > '0') {
            next(out, &n);
            write_beginning(out, f, i);
            write_digit_class(out, above ? (char)(f[i] + 1) : '0',
                              above ? '9' : (char)(f[i] - 1));
            json_write_text(out, " [0-9]*");
        }
        if (!above && i > 0) { /* ends before it: less, because more digits follow */
            next(out, &n);
            gbnf_write_literal(out, f, i);
        }
    }
    if (!strict || above) {
        next(out, &n);
        gbnf_write_literal(out, f, len);
        json_write_text(out, !above ? " \"0\"*" : strict ? " \"0\"* [1-9] [0-9]*" : " [0-9]*");
    }
    json_write_text(out, above ? ")" : "))?");
}

/* One more alternative: a point, the first `len` digits of f, one in from..to, and any more. */
static void leave_fraction(json_out *out, size_t *n, const char *f, size_t len, char from,
                           char to) {
    next(out, n);
    json_write_text(out, "\".\" ");
    write_beginning(out, f, len);
    write_digit_class(out, from, to);
    json_write_text(out, " [0-9]*");
}

/* One more alternative: a point, these digits, and what may follow them. */
static void one_fraction(json_out *out, size_t *n, const char *f, size_t len, const char *more) {
    next(out, n);
    json_write_text(out, "\".\" ");
    gbnf_write_literal(out, f, len);
    json_write_text(out, more);
}

/* Fractions that are more than f and less than g, of `len` digits each, which differ first at
 * `same`; but not those that begin with all of f.  g has n_g digits of its own, then zeros. */
static void write_inside(json_out *out, size_t *n, const char *f, const char *g, size_t len,
                         size_t same, size_t n_g) {
    for (size_t i = len; i-- > same + 1;) { /* leaves f upwards */
        if (f[i] < '9') {
            leave_fraction(out, n, f, i, (char)(f[i] + 1), '9');
        }
    }
    if (f[same] + 1 < g[same]) {
        leave_fraction(out, n, f, same, (char)(f[same] + 1), (char)(g[same] - 1));
    }
    for (size_t i = same + 1; i < len; i++) { /* leaves g downwards, or ends before it */
        if (i < n_g) {
            one_fraction(out, n, g, i, "");
        }
        if (g[i] > '0') {
            leave_fraction(out, n, g, i, '0', (char)(g[i] - 1));
        }
    }
}

/* Fractions from f to g, both given. */
static void write_fractions_between(json_out *out, const schema_limit *low,
                                    const schema_limit *high) {
    char f[MAX_DIGITS + 1];
    char g[MAX_DIGITS + 1];
    const size_t n_f = strlen(low->fraction);
    const size_t n_g = strlen(high->fraction);
    const size_t len = n_f > n_g ? n_f : n_g;
    size_t n = 0;
    memset(f, '0', len);
    memset(g, '0', len);
    memcpy(f, low->fraction, n_f);
    memcpy(g, high->fraction, n_g);
    f[len] = g[len] = '\0';
    size_t same = 0;
    while (same < len && f[same] == g[same]) {
        same++;
    }
    json_write_text(out, "(");
    if (n_f == 0 && !low->exclusive) { /* no fraction at all */
        next(out, &n);
        json_write_text(out, "\"\"");
    }
    if (same == len && n_f > 0) { /* the limits are equal */
        one_fraction(out, &n, low->fraction, n_f, " \"0\"*");
    } else if (same == len) {
        next(out, &n);
        json_write_text(out, "\".\" \"0\"+");
    } else {
        write_inside(out, &n, f, g, len, same, n_g);
        one_fraction(out, &n, f, len, low->exclusive ? " \"0\"* [1-9] [0-9]*" : " [0-9]*");
        if (!low->exclusive && n_f > 0) {
            one_fraction(out, &n, low->fraction, n_f, " \"0\"*");
        }
        if (!high->exclusive) {
            one_fraction(out, &n, high->fraction, n_g, " \"0\"*");
        }
    }
    json_write_text(out, ")");
}

/* ---- Magnitudes ----------------------------------------------------------------------------- */

/* Numbers of one sign: magnitudes from low (0 unless given) to high (unlimited unless given). */
static void write_magnitudes(json_out *out, const schema_limit *low, const schema_limit *high,
                             bool whole, size_t *n) {
    char first[MAX_DIGITS + 2];
    char last[MAX_DIGITS + 2];
    snprintf(first, sizeof first, "%s", low->given ? low->whole : "0");
    snprintf(last, sizeof last, "%s", high->given ? high->whole : "0");
    if (whole) {
        if (low->given && (low->fraction[0] || low->exclusive)) {
            step(first, 1);
        }
        if (high->given && high->exclusive && !high->fraction[0]) {
            if (strcmp(last, "0") == 0) return;
            step(last, -1);
        }
        write_range(out, first, high->given ? last : NULL, n);
        return;
    }
    if (high->given && strcmp(first, last) == 0) {
        next(out, n);
        gbnf_write_literal(out, first, strlen(first));
        json_write_text(out, " ");
        if (low->given) {
            write_fractions_between(out, low, high);
        } else {
            write_fraction(out, high->fraction, false, high->exclusive);
        }
        return;
    }
    next(out, n);
    gbnf_write_literal(out, first, strlen(first));
    json_write_text(out, " ");
    write_fraction(out, low->given ? low->fraction : "", true, low->given && low->exclusive);
    step(first, 1);
    if (high->given) {
        next(out, n);
        gbnf_write_literal(out, last, strlen(last));
        json_write_text(out, " ");
        write_fraction(out, high->fraction, false, high->exclusive);
        if (strcmp(last, "0") == 0) return;
        step(last, -1);
    }
    size_t inner = 0;
    next(out, n);
    json_write_text(out, "(");
    write_range(out, first, high->given ? last : NULL, &inner);
    json_write_text(out, inner > 0 ? ") " FREE_FRACTION : "never)");
}

/* Is there no number between low and high? */
static bool is_empty(const schema_limit *low, const schema_limit *high) {
    if (!low->given || !high->given) return false;
    const int order = schema_compare(low, high);
    return order > 0 || (order == 0 && (low->exclusive || high->exclusive));
}

void schema_write_number(schema_compiler *c, const schema_facts *f, bool whole) {
    const schema_limit none = {0};
    size_t n = 0;
    if (!f->low.given && !f->high.given) {
        json_write_text(&c->out, whole ? "integer" : "number");
        return;
    }
    if (is_empty(&f->low, &f->high)) {
        json_write_text(&c->out, "never");
        return;
    }
    /* Zero is written without a sign: negative numbers are below it. */
    const bool below = !f->low.given || f->low.negative;
    const bool above = !f->high.given || !f->high.negative;
    schema_limit zero = {.given = true, .exclusive = true, .whole = "0"};
    if (above) {
        const schema_limit *low = f->low.given && !f->low.negative ? &f->low : &none;
        write_magnitudes(&c->out, low, &f->high, whole, &n);
    }
    if (below) {
        const schema_limit *least = f->high.given && f->high.negative ? &f->high : &zero;
        next(&c->out, &n);
        json_write_text(&c->out, "\"-\" (");
        size_t inner = 0;
        write_magnitudes(&c->out, least, f->low.given ? &f->low : &none, whole, &inner);
        json_write_text(&c->out, inner > 0 ? ")" : "never)");
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}
