/*
 * decimal.c - numbers of JSON as decimal digits, exactly.
 */
#include "constrain/judge/decimal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Digits of a number without its sign and point, and where the point is. */
static bool read_digits(const json_value *v, char *digits, size_t *n, long *point) {
    const char *p = v->text;
    const char *end = p + v->len;
    long exponent = 0;
    long before = 0;
    bool after_point = false;
    *n = 0;
    p += p < end && *p == '-';
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            after_point = true;
            continue;
        }
        if (*n == 0 && *p == '0') { /* leading zeros only move the point */
            before -= after_point;
            continue;
        }
        if (*n == MAX_DIGITS) {
            if (*p != '0') return false;
            before += !after_point;
            continue;
        }
        digits[(*n)++] = *p;
        before += !after_point;
    }
    if (p < end) {
        exponent = strtol(p + 1, NULL, 10);
    }
    if (exponent > 1000 || exponent < -1000) return false;
    *point = before + exponent;
    return true;
}

bool schema_read_limit(schema_limit *limit, const json_value *v, bool exclusive) {
    char digits[MAX_DIGITS];
    size_t n = 0;
    long point = 0;
    if (!read_digits(v, digits, &n, &point)) return false;
    while (n > 0 && digits[n - 1] == '0') {
        n--;
    }
    point = n == 0 ? 0 : point;
    if (point > MAX_DIGITS || (point < 0 ? -point : 0) + (long)n > MAX_DIGITS) return false;
    *limit = (schema_limit){.given = true, .negative = v->text[0] == '-' && n > 0,
                            .exclusive = exclusive};
    size_t w = 0;
    for (long i = 0; i < point; i++) {
        limit->whole[w++] = i < (long)n ? digits[i] : '0';
    }
    if (w == 0) {
        limit->whole[w++] = '0';
    }
    size_t k = 0;
    for (long i = point; i < (long)n; i++) {
        limit->fraction[k++] = i < 0 ? '0' : digits[i];
    }
    return true;
}

static int compare_magnitudes(const schema_limit *a, const schema_limit *b) {
    const size_t n = strlen(a->whole);
    const size_t m = strlen(b->whole);
    if (n != m) return n < m ? -1 : 1;
    const int whole = strcmp(a->whole, b->whole);
    return whole ? whole : strcmp(a->fraction, b->fraction);
}

int schema_compare(const schema_limit *a, const schema_limit *b) {
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* Take the digits of `text` into a remainder, skipping leading zeros of a value. */
static uint64_t take_digits(uint64_t rest, const char *text, uint64_t by) {
    for (; *text; text++) {
        rest = (10 * rest + (uint64_t)(*text - '0')) % by;
    }
    return rest;
}

bool schema_divides(const schema_limit *b, const schema_limit *a, bool *known) {
    uint64_t by = 0;
    const size_t n = strlen(b->fraction);
    const size_t m = strlen(a->fraction);
    *known = !b->negative && strlen(b->whole) + (n > m ? n : m) <= 18;
    if (!*known) return false;
    for (const char *p = b->whole; *p; p++) {
        by = 10 * by + (uint64_t)(*p - '0');
    }
    for (size_t i = 0; i < (n > m ? n : m); i++) { /* both in units of the last place */
        by = 10 * by + (i < n ? (uint64_t)(b->fraction[i] - '0') : 0);
    }
    *known = by > 0;
    if (!*known) return false;
    uint64_t rest = take_digits(take_digits(0, a->whole, by), a->fraction, by);
    for (size_t i = m; i < n; i++) {
        rest = 10 * rest % by;
    }
    return rest == 0;
}
