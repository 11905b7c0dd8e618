/*
 * test_token_pretok.c - cutting text into pieces, against a slow reading of the expression.
 */
#include "token/pretok.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* ---- Classes -------------------------------------------------------------------------------- */

static size_t encode(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 63));
        code >>= 6;
    }
    out[0] = (char)((0xf00u >> len & 0xf0u) | code);
    return len;
}

static unicode_class class_of(uint32_t code) {
    char text[4];
    size_t len = 0;
    const size_t n = encode(code, text);
    const unicode_class c = tok_char_class(text, n, &len);
    assert_int_equal(len, n);
    return c;
}

static void test_known_characters(void **state) {
    (void)state;
    static const struct {
        uint32_t code;
        unicode_class want;
    } cases[] = {
        {0, UNICODE_OTHER},        {'\t', UNICODE_SPACE},     {'\v', UNICODE_SPACE},
        {0x1c, UNICODE_OTHER},     {' ', UNICODE_SPACE},      {'!', UNICODE_OTHER},
        {'/', UNICODE_OTHER},      {'0', UNICODE_NUMBER},     {'9', UNICODE_NUMBER},
        {':', UNICODE_OTHER},      {'@', UNICODE_OTHER},      {'A', UNICODE_LETTER},
        {'Z', UNICODE_LETTER},     {'[', UNICODE_OTHER},      {'`', UNICODE_OTHER},
        {'a', UNICODE_LETTER},     {'z', UNICODE_LETTER},     {'{', UNICODE_OTHER},
        {0x7f, UNICODE_OTHER},     {0x85, UNICODE_SPACE},     {0xa0, UNICODE_SPACE},
        {0xaa, UNICODE_LETTER},    {0xb2, UNICODE_NUMBER},    {0xbd, UNICODE_NUMBER},
        {0xd7, UNICODE_OTHER},     {0xe9, UNICODE_LETTER},    {0x300, UNICODE_OTHER},
        {0x661, UNICODE_NUMBER},   {0x180e, UNICODE_OTHER},   {0x200a, UNICODE_SPACE},
        {0x200b, UNICODE_OTHER},   {0x2028, UNICODE_SPACE},   {0x2167, UNICODE_NUMBER},
        {0x3000, UNICODE_SPACE},   {0x3007, UNICODE_NUMBER},  {0x3042, UNICODE_LETTER},
        {0x4dff, UNICODE_OTHER},   {0x4e00, UNICODE_LETTER},  {0x9fff, UNICODE_LETTER},
        {0xa000, UNICODE_LETTER},  {0xac00, UNICODE_LETTER},  {0xd7a3, UNICODE_LETTER},
        {0xd7a4, UNICODE_OTHER},   {0xe000, UNICODE_OTHER},   {0xfeff, UNICODE_OTHER},
        {0xfffd, UNICODE_OTHER},   {0x1d7ce, UNICODE_NUMBER}, {0x1f600, UNICODE_OTHER},
        {0x1f100, UNICODE_NUMBER}, {0x20000, UNICODE_LETTER}, {0x10ffff, UNICODE_OTHER},
        /* new in Unicode 15.0, in 15.1, in 16.0 */
        {0x11f50, UNICODE_NUMBER}, {0x2ebf0, UNICODE_LETTER}, {0x10d4a, UNICODE_OTHER},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (class_of(cases[i].code) != cases[i].want) {
            fail_msg("U+%04X is of class %d", (unsigned)cases[i].code, class_of(cases[i].code));
        }
    }
}

/* Totals of Unicode 15.1: DerivedGeneralCategory.txt (L* and N*), PropList.txt (White_Space). */
static void test_totals(void **state) {
    (void)state;
    size_t n[4] = {0};
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code < 0xd800 || code > 0xdfff) {
            n[class_of(code)]++;
        }
    }
    assert_int_equal(n[UNICODE_LETTER], 136726);
    assert_int_equal(n[UNICODE_NUMBER], 1831);
    assert_int_equal(n[UNICODE_SPACE], 25);
}

static void test_invalid_bytes_are_single_others(void **state) {
    (void)state;
    static const char *const cases[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3\x28", "\xe0\x9f\xbf", "\xe6\x97",
        "\xe6\x97\x41", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98",
        "\xf0\x9f\x98\xc0", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe\xbf",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = 0;
        assert_int_equal(tok_char_class(cases[i], strlen(cases[i]), &len), UNICODE_OTHER);
        assert_int_equal(len, 1);
    }
    size_t len = 0; /* the end of the text cuts a character, not the end of the memory */
    assert_int_equal(tok_char_class("\xe6\x97\xa5", 2, &len), UNICODE_OTHER);
    assert_int_equal(len, 1);
}

/* ---- Pieces --------------------------------------------------------------------------------- */

/* Cut `text` and compare with `want`, in which pieces are divided by '|'. */
static void test_pieces(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"Hello world", "Hello| world"},
        {"I'm you'RE they'll we'Ve", "I|'m| you|'RE| they|'ll| we|'Ve"},
        {"don't he'd It'S", "don|'t| he|'d| It|'S"},
        {"'single' 'sun'", "'s|ingle|'| '|sun|'"},
        {"'re 'x 'l '", "'re| '|x| '|l| '"},
        {"'r", "'r"},
        {"a'\u017f", "a|'\u017f"},
        {"12345 6", "123|45| |6"},
        {"\u0661\u0662\u0663\u0664x", "\u0661\u0662\u0663|\u0664|x"},
        {"x=1;\n\ny", "x|=|1|;\n\n|y"},
        {" !?\r\n\r\n x", " !?\r\n\r\n| x"},
        {"a  b", "a| | b"},
        {"a   !", "a|  | !"},
        {"a \t b", "a| \t| b"},
        {"a\tb", "a|\tb"},
        {"a \tb", "a| |\tb"},
        {"a  1", "a| | |1"},
        {"a  ", "a|  "},
        {"a \n b", "a| \n| b"},
        {"a \n \r\n  b", "a| \n \r\n| | b"},
        {"a\n", "a|\n"},
        {"\nabc", "\n|abc"},
        {"!abc", "!abc"},
        {"!!abc", "!!|abc"},
        {"\u00a0abc \u00a0abc", "\u00a0abc| |\u00a0abc"},
        {"\u3000\u3000\u65e5", "\u3000|\u3000\u65e5"},
        {"e\u0301a", "e|\u0301a"},
        {"\U0001f600\U0001f600 \U0001f600", "\U0001f600\U0001f600| \U0001f600"},
        {"\xff\xfe" "a", "\xff\xfe|a"},
        {"\xff" "a", "\xff" "a"},
        {" \xff\n", " \xff\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = cases[i].text;
        const char *want = cases[i].want;
        while (*text) {
            const size_t len = tok_next_piece(text, strlen(text));
            const size_t want_len = strcspn(want, "|");
            if (len != want_len || memcmp(text, want, len) != 0) {
                fail_msg("'%s': a piece of %zu bytes, not %zu, at '%s'", cases[i].text, len,
                         want_len, text);
            }
            text += len;
            want += want_len + (want[want_len] == '|');
        }
        assert_int_equal(*want, '\0');
    }
}

/* ---- A slow reading of the expression ------------------------------------------------------- */

/* Characters for made-up texts, and their kind: l letter, n number, s space, b line break, o other.
 * Kinds have members of several lengths.  No two of them join to a third character. */
static const struct {
    const char *text;
    char kind;
} letters[] = {
    {"a", 'l'}, {"s", 'l'}, {"T", 'l'}, {"r", 'l'}, {"E", 'l'}, {"l", 'l'}, {"L", 'l'}, {"v", 'l'},
    {"\u017f", 'l'}, {"\u65e5", 'l'}, {"\U00020000", 'l'}, {"7", 'n'}, {"\u0663", 'n'},
    {"\u2167", 'n'}, {" ", 's'}, {"\t", 's'}, {"\u00a0", 's'}, {"\u3000", 's'}, {"\r", 'b'},
    {"\n", 'b'}, {"'", 'o'}, {"!", 'o'}, {"\u0301", 'o'}, {"\U0001f600", 'o'}, {"\xff", 'o'},
    {"\xe6\x97", 'p'}, /* two bad bytes: two others */
};

#define MAX_CHARS 24

typedef struct {
    char kind[2 * MAX_CHARS];
    char ascii[2 * MAX_CHARS]; /* lower case, 0 when it is not ASCII */
    size_t bytes[2 * MAX_CHARS];
    size_t n;
} characters;

static bool in(char kind, const char *kinds) {
    return kind != 0 && strchr(kinds, kind) != NULL;
}

/* End of the longest run of `kinds` from `i` on. */
static size_t run(const characters *c, size_t i, const char *kinds) {
    while (i < c->n && in(c->kind[i], kinds)) {
        i++;
    }
    return i;
}

static size_t slow_contraction(const characters *c, size_t i) {
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    for (size_t e = 0; c->ascii[i] == '\'' && e < COUNT(endings); e++) {
        const size_t len = strlen(endings[e]);
        if (len < c->n - i && memcmp(c->ascii + i + 1, endings[e], len) == 0) {
            return i + 1 + len;
        }
    }
    return 0;
}

/* Where the piece that starts at character i ends: the alternatives in order, greedy parts from
 * long to short. */
static size_t slow_piece(const characters *c, size_t i) {
    size_t end = slow_contraction(c, i);
    if (end > 0) {
        return end;
    }
    for (size_t skip = in(c->kind[i], "so") ? 1 : 0; skip < 2; skip--) {
        end = run(c, i + skip, "l");
        if (end > i + skip) {
            return end;
        }
    }
    end = run(c, i, "n");
    if (end > i) {
        return end < i + 3 ? end : i + 3;
    }
    for (size_t skip = c->ascii[i] == ' ' ? 1 : 0; skip < 2; skip--) {
        end = run(c, i + skip, "o");
        if (end > i + skip) {
            return run(c, end, "b");
        }
    }
    const size_t all = run(c, i, "sb");
    for (size_t blank = all; blank + 1 > i; blank--) { /* \s*[\r\n]+ */
        if (run(c, blank, "b") > blank) {
            return run(c, blank, "b");
        }
    }
    for (end = all; end > i; end--) { /* \s+(?!\S) */
        if (end == c->n || in(c->kind[end], "sb")) {
            return end;
        }
    }
    return all;
}

static void add_character(characters *c, const char *text, char kind) {
    const size_t times = kind == 'p' ? 2 : 1;
    for (size_t k = 0; k < times; k++) {
        const uint8_t first = (uint8_t)text[0];
        c->kind[c->n] = kind == 'p' ? 'o' : kind;
        const bool upper = first >= 'A' && first <= 'Z';
        c->ascii[c->n] = (char)(first >= 0x80 ? 0 : upper ? first + 32 : first);
        c->bytes[c->n++] = strlen(text) / times;
    }
}

static void compare(const char *text, size_t n, const characters *c) {
    size_t at = 0;
    for (size_t i = 0; i < c->n;) {
        const size_t end = slow_piece(c, i);
        size_t want = 0;
        for (; i < end; i++) {
            want += c->bytes[i];
        }
        const size_t got = tok_next_piece(text + at, n - at);
        if (got != want) {
            fail_msg("'%.*s' at byte %zu: a piece of %zu bytes, not %zu", (int)n, text, at, got,
                     want);
        }
        at += got;
    }
    assert_int_equal(at, n);
}

static void compare_chosen(const size_t *chosen, size_t n_chosen) {
    characters c = {0};
    char text[4 * MAX_CHARS + 1];
    size_t n = 0;
    for (size_t k = 0; k < n_chosen; k++) {
        add_character(&c, letters[chosen[k]].text, letters[chosen[k]].kind);
        memcpy(text + n, letters[chosen[k]].text, strlen(letters[chosen[k]].text));
        n += strlen(letters[chosen[k]].text);
    }
    char *exact = malloc(n); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, text, n);
    compare(exact, n, &c);
    free(exact);
}

static void test_every_short_text(void **state) {
    (void)state;
    size_t chosen[4];
    size_t count = 0;
    for (size_t len = 1; len <= 4; len++) {
        size_t total = 1;
        for (size_t k = 0; k < len; k++) {
            total *= COUNT(letters);
        }
        for (size_t t = 0; t < total; t++, count++) {
            size_t rest = t;
            for (size_t k = 0; k < len; k++) {
                chosen[k] = rest % COUNT(letters);
                rest /= COUNT(letters);
            }
            compare_chosen(chosen, len);
        }
    }
    assert_int_equal(count, 26 + 26 * 26 + 26 * 26 * 26 + 26 * 26 * 26 * 26);
}

static void test_random_texts(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 100000; seed++) {
        size_t chosen[MAX_CHARS];
        const size_t n = 5 + rng_at(seed, 0) % (MAX_CHARS - 4);
        const size_t from = rng_at(seed, 1) % COUNT(letters); /* few kinds, so that runs appear */
        const size_t width = 1 + rng_at(seed, 2) % COUNT(letters);
        for (size_t k = 0; k < n; k++) {
            chosen[k] = (from + rng_at(seed, 3 + k) % width) % COUNT(letters);
        }
        compare_chosen(chosen, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_characters),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_invalid_bytes_are_single_others),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_every_short_text),
        cmocka_unit_test(test_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
