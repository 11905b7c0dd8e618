/*
 * test_base_error.c - errors are one printable line, and the first one wins.
 */
#include "base/arena.h"
#include "base/checked.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_escape(void **state) {
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } cases[] = {
        {"plain", 5, "plain"},
        {"a\033[31mb", 7, "a\\x1b[31mb"},
        {"nul\0l", 5, "nul\\x00l"},
        {"caf\xc3\xa9", 5, "caf\xc3\xa9"},
        {"bad\xff", 4, "bad\\xff"},
        {"c1\xc2\x9b", 4, "c1\\xc2\\x9b"},
        {"rtl\xe2\x80\xae", 6, "rtl\\xe2\\x80\\xae"},
        {"over\xc0\xaf", 6, "over\\xc0\\xaf"},
        {"surrogate\xed\xa0\x80", 12, "surrogate\\xed\\xa0\\x80"},
        {"cut\xe2\x82", 5, "cut\\xe2\\x82"},
        {"face \xf0\x9f\x98\x80", 9, "face \xf0\x9f\x98\x80"},
        {"last \xf4\x8f\xbf\xbf", 9, "last \xf4\x8f\xbf\xbf"},
        {"none \xf4\x90\x80\x80", 9, "none \\xf4\\x90\\x80\\x80"},
        {"five \xf8\x88\x80\x80", 9, "five \\xf8\\x88\\x80\\x80"},
        {"over\xe0\x9f\xbf", 7, "over\\xe0\\x9f\\xbf"},
        {"over\xf0\x8f\xbf\xbf", 8, "over\\xf0\\x8f\\xbf\\xbf"},
        {"\x1f ~\x7f\xc2\x9f\xc2\xa0", 8, "\\x1f ~\\x7f\\xc2\\x9f\xc2\xa0"},
        {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9", 9, "\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
        {"\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf", 9, "\\xe2\\x80\\xaa\\xe2\\x80\\xae\xe2\x80\xaf"},
        {"\xe2\x81\xa5\xe2\x81\xa6", 6, "\xe2\x81\xa5\\xe2\\x81\\xa6"},
        {"\xe2\x81\xa9\xe2\x81\xaa", 6, "\\xe2\\x81\\xa9\xe2\x81\xaa"},
    };
    char out[80];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t n = err_escape(out, sizeof out, cases[i].in, cases[i].n);
        assert_int_equal(n, strlen(cases[i].out));
        assert_string_equal(out, cases[i].out);
    }
    err_escape(out, 9, "0123456789", 10);
    assert_string_equal(out, "01234...");
    err_escape(out, 9, "01234567", 8);
    assert_string_equal(out, "01234567");
}

static void test_first_wins(void **state) {
    (void)state;
    lfm_error err = {0};
    assert_int_equal(err_set(&err, LFM_ERR_IO, "%s: %d", "first", 1), LFM_ERR_IO);
    assert_int_equal(err_set(&err, LFM_ERR_MEMORY, "second"), LFM_ERR_MEMORY);
    assert_int_equal(err.status, LFM_ERR_IO);
    assert_string_equal(err.text, "first: 1");
    assert_int_equal(err_set(NULL, LFM_ERR_ARG, "nobody listens"), LFM_ERR_ARG);
    err_clear(&err);
    assert_int_equal(err.status, LFM_OK);
    char longer[2000];
    memset(longer, 'x', sizeof longer);
    err_set(&err, LFM_ERR_ARG, "%.*s", (int)sizeof longer, longer);
    assert_true(strlen(err.text) < sizeof err.text);
}

static void test_checked(void **state) {
    (void)state;
    uint64_t v = 0;
    assert_true(add_u64(1, 2, &v) && v == 3);
    assert_false(add_u64(UINT64_MAX, 1, &v));
    assert_false(mul_u64(1ull << 32, 1ull << 32, &v));
    assert_true(align_u64(33, 32, &v) && v == 64);
    assert_true(align_u64(64, 32, &v) && v == 64);
    assert_false(align_u64(UINT64_MAX - 3, 32, &v));
    assert_true(span_fits(10, 0, 10));
    assert_true(span_fits(2, 8, 10));
    assert_false(span_fits(2, 9, 10));
    assert_false(span_fits(11, 0, 10));
    assert_false(span_fits(UINT64_MAX, UINT64_MAX, 10));
}

static void test_arena(void **state) {
    (void)state;
    arena count = {0};
    assert_null(arena_get(&count, 10, 7));
    assert_null(arena_get(&count, 1, 1));
    assert_int_equal(count.used, 192);
    arena a;
    assert_int_equal(arena_open(&a, count.used, NULL), LFM_OK);
    uint8_t *first = arena_get(&a, 10, 7);
    uint8_t *second = arena_get(&a, 1, 1);
    assert_int_equal((uintptr_t)first % ARENA_ALIGN, 0);
    assert_int_equal(second - first, 128);
    assert_int_equal(first[69] | second[0], 0);
    assert_false(a.overflow);
    assert_null(arena_get(&a, 1, 1));
    assert_true(a.overflow);
    arena_close(&a);
    arena_close(&a);
    count.overflow = false;
    assert_null(arena_get(&count, UINT64_MAX, 2));
    assert_true(count.overflow);
    lfm_error err = {0};
    for (uint64_t i = 0; i < 2; i++) { /* what was there is not left there */
        a = (arena){.base = (uint8_t *)&count, .size = 7, .used = 3};
        assert_int_equal(arena_open(&a, i ? 0 : UINT64_MAX, &err), LFM_ERR_MEMORY);
        assert_true(a.base == NULL && a.size == 0 && a.used == 0);
        arena_close(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_first_wins),
        cmocka_unit_test(test_checked),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
