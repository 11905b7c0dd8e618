/*
 * charset.c - sets of characters, and the UTF-8 bytes that spell them.
 */
#include "constrain/engine/charset.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { SURROGATE_FIRST = 0xd800, SURROGATE_LAST = 0xdfff, CHARACTER_LAST = 0x10ffff };

static int by_start(const void *a, const void *b) {
    const char_range *x = a;
    const char_range *y = b;
    return x->lo < y->lo ? -1 : x->lo > y->lo ? 1 : x->hi < y->hi ? -1 : x->hi > y->hi;
}

/* Sort, and join what overlaps or touches. */
static size_t join(char_range *r, size_t n) {
    size_t kept = 0;
    if (n > 1) { /* an empty class has no array to sort */
        qsort(r, n, sizeof *r, by_start);
    }
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && r[i].lo <= r[kept - 1].hi + 1) {
            r[kept - 1].hi = r[i].hi > r[kept - 1].hi ? r[i].hi : r[kept - 1].hi;
        } else {
            r[kept++] = r[i];
        }
    }
    return kept;
}

/* Complement: what lies between the ranges, before the first and after the last. */
static size_t complement(char_range *r, size_t n) {
    uint32_t next = 0; /* first character that no range so far holds */
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const char_range used = r[i]; /* safe in place: the write index never passes the read
                                         index */
        if (used.lo > next) {
            r[kept++] = (char_range){next, used.lo - 1};
        }
        next = used.hi + 1;
    }
    if (next <= CHARACTER_LAST) {
        r[kept++] = (char_range){next, CHARACTER_LAST};
    }
    return kept;
}

static size_t cut_surrogates(char_range *r, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (r[i].hi < SURROGATE_FIRST || r[i].lo > SURROGATE_LAST) continue;
        const bool before = r[i].lo < SURROGATE_FIRST;
        const bool after = r[i].hi > SURROGATE_LAST;
        if (before && after) {
            memmove(r + i + 1, r + i, (n - i) * sizeof *r);
            r[i].hi = SURROGATE_FIRST - 1;
            r[++i].lo = SURROGATE_LAST + 1;
            n++;
        } else if (before) {
            r[i].hi = SURROGATE_FIRST - 1;
        } else if (after) {
            r[i].lo = SURROGATE_LAST + 1;
        } else {
            memmove(r + i, r + i + 1, (n - i - 1) * sizeof *r);
            n--;
            i--;
        }
    }
    return n;
}

size_t charset_normalise(char_range *ranges, size_t n, bool negated) {
    n = join(ranges, n);
    if (negated) {
        n = complement(ranges, n);
    }
    return cut_surrogates(ranges, n);
}

uint32_t charset_spell(char_range range, char_bytes *out) {
    static const uint32_t last[4] = {0x7f, 0x7ff, 0xffff, CHARACTER_LAST};
    size_t n = 1;
    while (range.lo > last[n - 1]) {
        n++;
    }
    const uint32_t hi = range.hi < last[n - 1] ? range.hi : last[n - 1];
    /* The last k bytes may be anything if whole blocks of 64^k characters lie in the range. */
    unsigned shift = 0;
    for (unsigned k = 1; k < n; k++) {
        const uint32_t block = 1u << 6 * k;
        if (range.lo % block == 0 && hi - range.lo >= block - 1) {
            shift = 6 * k;
        }
    }
    /* The byte before those may vary while the bytes before it stay the same. */
    uint32_t end = hi;
    if (shift / 6 + 1 < n) {
        const uint32_t around = range.lo | ((1u << (shift + 6)) - 1);
        end = around < hi ? around : hi;
    }
    const uint32_t upto = range.lo + ((end - range.lo + 1) >> shift << shift) - 1;
    out->n = n;
    char first[4] = {0};
    char final[4] = {0};
    utf8_encode(range.lo, first);
    utf8_encode(upto, final);
    memcpy(out->lo, first, 4);
    memcpy(out->hi, final, 4);
    return upto;
}
