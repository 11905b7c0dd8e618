/*
 * test_constrain_charset.c - sets of characters, against asking every character.
 */
#include "constrain/engine/charset.h"

#include "base/rng.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_CODES = 0x110000, MAX_RANGES = 40 };

static bool is_surrogate(uint32_t code) {
    return code >= 0xd800 && code < 0xe000;
}

/* Random ends, often at places where spellings change. */
static uint32_t random_code(uint64_t seed, uint64_t n) {
    static const uint32_t corners[] = {
        0, 0x7f, 0x80, 0xbf, 0xc0, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xd800, 0xdfff, 0xe000,
        0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff,
    };
    const uint64_t r = rng_at(seed, n);
    const uint32_t corner = corners[r % 20];
    const uint32_t near = corner + (uint32_t)(r >> 8 & 7) - 3;
    return r >> 20 & 1 ? (uint32_t)(r >> 24) % N_CODES : near < N_CODES ? near : corner;
}

/* Every character of `wanted` is spelled by exactly one piece, and no other text is. */
static void check_spelling(const char_range *ranges, size_t n, const uint8_t *wanted) {
    static uint8_t spelled[N_CODES];
    memset(spelled, 0, sizeof spelled);
    for (size_t i = 0; i < n; i++) {
        char_range rest = ranges[i];
        for (bool more = true; more;) {
            char_bytes b;
            const uint32_t upto = charset_spell(rest, &b);
            size_t n_texts = 1;
            assert_true(upto >= rest.lo && upto <= rest.hi);
            for (size_t k = 0; k < b.n; k++) {
                assert_true(b.lo[k] <= b.hi[k]);
                n_texts *= (size_t)(b.hi[k] - b.lo[k] + 1);
            }
            assert_int_equal(n_texts, upto - rest.lo + 1);
            for (uint32_t code = rest.lo; code <= upto; code++) {
                char text[4];
                assert_int_equal(utf8_encode(code, text), b.n);
                for (size_t k = 0; k < b.n; k++) {
                    assert_in_range((uint8_t)text[k], b.lo[k], b.hi[k]);
                }
                spelled[code]++;
            }
            more = upto < rest.hi;
            rest.lo = upto + 1;
        }
    }
    assert_memory_equal(spelled, wanted, N_CODES);
}

static void test_random_sets(void **state) {
    (void)state;
    static uint8_t wanted[N_CODES];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        char_range ranges[MAX_RANGES + 2];
        const size_t n = 1 + rng_at(seed, 0) % (seed % 3 ? 6 : MAX_RANGES);
        const bool negated = seed % 4 == 0;
        memset(wanted, negated, sizeof wanted);
        for (size_t i = 0; i < n; i++) {
            const uint32_t a = random_code(seed, 2 * i + 1);
            const uint32_t b = random_code(seed, 2 * i + 2);
            ranges[i] = (char_range){a < b ? a : b, a < b ? b : a};
            memset(wanted + ranges[i].lo, !negated, ranges[i].hi - ranges[i].lo + 1);
        }
        for (uint32_t code = 0xd800; code < 0xe000; code++) {
            wanted[code] = 0;
        }
        const size_t kept = charset_normalise(ranges, n, negated);
        assert_true(kept <= n + 2);
        for (size_t i = 0; i < kept; i++) {
            assert_true(ranges[i].lo <= ranges[i].hi && !is_surrogate(ranges[i].lo));
            assert_true(i == 0 || ranges[i].lo > ranges[i - 1].hi + 1 ||
                        ranges[i].lo == 0xe000);
        }
        check_spelling(ranges, kept, wanted);
    }
}

static void test_extremes(void **state) {
    (void)state;
    char_range all[3] = {{0, 0x10ffff}};
    assert_int_equal(charset_normalise(all, 1, false), 2);
    assert_int_equal(all[0].hi, 0xd7ff);
    assert_int_equal(all[1].lo, 0xe000);
    all[0] = (char_range){0, 0x10ffff};
    assert_int_equal(charset_normalise(all, 1, true), 0);
    all[0] = (char_range){0xd800, 0xdfff};
    assert_int_equal(charset_normalise(all, 1, false), 0);
    assert_int_equal(charset_normalise(all, 0, true), 2);
    all[0] = (char_range){'a', 'b'};
    all[1] = (char_range){0xd900, 0xd9ff};
    all[2] = (char_range){0xe123, 0xe124};
    assert_int_equal(charset_normalise(all, 3, false), 2);
    assert_int_equal(all[0].lo, 'a');
    assert_int_equal(all[1].lo, 0xe123);
    assert_int_equal(all[1].hi, 0xe124);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sets),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
