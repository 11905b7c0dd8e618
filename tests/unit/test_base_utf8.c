/*
 * test_base_utf8.c - every code point, every short sequence, and every place to cut.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_scalar(uint32_t c) {
    return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

/* Known pairs first, so that encoder and decoder cannot be wrong together. */
static void test_decodes_known_characters(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t code;
    } rows[] = {
        {"A", 0x41},            {"\x7f", 0x7f},         {"\xc2\x80", 0x80},
        {"\xc3\xa9", 0xe9},     {"\xdf\xbf", 0x7ff},    {"\xe0\xa0\x80", 0x800},
        {"\xe2\x82\xac", 0x20ac}, {"\xed\x9f\xbf", 0xd7ff}, {"\xee\x80\x80", 0xe000},
        {"\xef\xbf\xbf", 0xffff}, {"\xf0\x90\x80\x80", 0x10000},
        {"\xf0\x9f\x98\x80", 0x1f600}, {"\xf4\x8f\xbf\xbf", 0x10ffff},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t n = strlen(rows[i].bytes);
        uint32_t code = 0;
        char out[4];
        assert_int_equal(utf8_decode(rows[i].bytes, n, &code), n);
        assert_int_equal(code, rows[i].code);
        assert_int_equal(utf8_encode(code, out), n);
        assert_memory_equal(out, rows[i].bytes, n);
    }
}

static void test_every_code_point_round_trips(void **state) {
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char bytes[5] = "\0\0\0\0A";
        uint32_t back = 0xffffffff;
        const size_t n = utf8_encode(c, bytes);
        if (!is_scalar(c)) {
            assert_int_equal(n, 0);
            continue;
        }
        assert_int_equal(n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        assert_int_equal(utf8_decode(bytes, 5, &back), n);
        assert_int_equal(back, c);
        for (size_t cut = 0; cut < n; cut++) { /* a cut character is none */
            back = 0xffffffff;
            assert_int_equal(utf8_decode(bytes, cut, &back), 0);
            assert_int_equal(back, 0xffffffff);
            assert_int_equal(utf8_complete(bytes, cut), 0);
        }
        assert_int_equal(utf8_complete(bytes, n), n);
    }
    assert_int_equal(utf8_encode(0xffffffff, (char[4]){0}), 0);
}

static void test_refuses_what_is_not_utf8(void **state) {
    (void)state;
    static const char *const rows[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xc3", "\xc3(", "\xe2\x82",
        "\xe2(\xa1", "\xf0\x9f\x98", "\xf0\x9f(\x80", "\xf0\x9f\x98(",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[16];
        uint32_t code = 0;
        assert_int_equal(utf8_decode(rows[i], strlen(rows[i]), &code), 0);
        snprintf(text, sizeof text, "ok%sok", rows[i]);
        assert_false(utf8_valid(text, strlen(text)));
    }
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
    assert_true(utf8_valid("\xf0\x9f\x98\x80 \xd0\xaf", 7));
    assert_false(utf8_valid("\xf0\x9f\x98\x80 \xd0\xaf", 6));
}

/* ---- Holding back --------------------------------------------------------------------------- */

/* All beginnings of characters, taken from the encoder: unfinished[n][bytes as a number]. */
static unsigned char *unfinished[4];

static uint32_t as_number(const char *p, size_t n) {
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | (unsigned char)p[i];
    }
    return v;
}

static int collect_beginnings(void **state) {
    (void)state;
    for (size_t n = 1; n < 4; n++) {
        unfinished[n] = calloc((size_t)1 << 8 * n, 1);
        assert_non_null(unfinished[n]);
    }
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        const size_t n = utf8_encode(c, bytes);
        for (size_t cut = 1; cut < n; cut++) {
            unfinished[cut][as_number(bytes, cut)] = 1;
        }
    }
    return 0;
}

static int drop_beginnings(void **state) {
    (void)state;
    for (size_t n = 1; n < 4; n++) {
        free(unfinished[n]);
    }
    return 0;
}

static void test_complete_holds_back_exactly_the_beginnings(void **state) {
    (void)state;
    static const unsigned char third[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                          0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5};
    size_t held[4] = {0};
    for (uint32_t ab = 0; ab < 0x10000; ab++) {
        for (size_t k = 0; k < sizeof third; k++) {
            const char p[5] = {'x', 'y', (char)(ab >> 8), (char)ab, (char)third[k]};
            size_t back = 0;
            for (size_t n = 1; n < 4; n++) {
                back = unfinished[n][as_number(p + 5 - n, n)] ? n : back;
            }
            assert_int_equal(utf8_complete(p, 5), 5 - back);
            assert_int_equal(utf8_complete(p + 2, 3), 3 - back);
            held[back]++;
        }
    }
    for (size_t n = 0; n < 4; n++) {
        assert_true(held[n] > 0);
    }
    assert_int_equal(utf8_complete("", 0), 0);
    assert_int_equal(utf8_complete("\x80\x80\x80\x80", 4), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodes_known_characters),
        cmocka_unit_test(test_every_code_point_round_trips),
        cmocka_unit_test(test_refuses_what_is_not_utf8),
        cmocka_unit_test_setup_teardown(test_complete_holds_back_exactly_the_beginnings,
                                        collect_beginnings, drop_beginnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
