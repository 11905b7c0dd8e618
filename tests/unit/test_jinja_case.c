/*
 * test_jinja_case.c - upper, lower and title case in templates, as Python 3.13 has them.
 */
#include "base/utf8.h"
#include "jinja/values/case.h"
#include "jinja/jinja.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Render a template that reads the text s. */
static jinja_text render(const char *template, const char *s, size_t len) {
    jinja_program *p = NULL;
    jinja_text out = {0};
    lfm_error err = {0};
    const json_value v = {.kind = JSON_STRING, .text = s, .len = len};
    const jinja_global global = {.name = "s", .value = &v};
    lfm_status st = jinja_parse(&p, template, strlen(template), &err);
    if (st == LFM_OK) st = jinja_render(p, &global, 1, NULL, 0, &out, &err);
    if (st != LFM_OK) fail_msg("%s: %s", template, err.text);
    jinja_free(p);
    return out;
}

static void check(const char *template, const char *s, const char *expected) {
    jinja_text out = render(template, s, strlen(s));
    if (strcmp(out.text, expected) != 0) {
        fail_msg("%s of \"%s\": \"%s\" instead of \"%s\"", template, s, out.text, expected);
    }
    jinja_text_free(&out);
}

static void test_changes_case(void **state) {
    (void)state;
    static const struct {
        const char *text, *upper, *lower, *title, *capitalize;
    } rows[] = {
        {"", "", "", "", ""},
        {"hello WORLD 12", "HELLO WORLD 12", "hello world 12",
         "Hello World 12", "Hello world 12"},
        {"they're o'NEILL", "THEY'RE O'NEILL", "they're o'neill",
         "They'Re O'Neill", "They're o'neill"},
        {"ß", "SS", "ß", "Ss", "Ss"},
        {"ŉ", "ʼN", "ŉ", "ʼN", "ʼN"},
        {"İ", "İ", "i\u0307", "İ", "İ"},
        {"ı", "I", "ı", "I", "I"},
        {"ǆ", "Ǆ", "ǆ", "ǅ", "ǅ"},
        {"ǅx", "ǄX", "ǆx", "ǅx", "ǅx"},
        {"Ǆ ǆ", "Ǆ Ǆ", "ǆ ǆ", "ǅ ǅ", "ǅ ǆ"},
        {"ﬃ ﬆ", "FFI ST", "ﬃ ﬆ", "Ffi St", "Ffi ﬆ"},
        {"\xce\x90\xce\xb0", "Ι\u0308\u0301Υ\u0308\u0301", "\xce\x90\xce\xb0",
         "\xce\x99\xcc\x88\xcc\x81\xce\xb0", "\xce\x99\xcc\x88\xcc\x81\xce\xb0"},
        {"ᾀ ᾼ ᾲ", "ἈΙ ΑΙ ᾺΙ", "ᾀ ᾳ ᾲ", "ᾈ ᾼ Ὰ\u0345", "ᾈ ᾳ ᾲ"},
        {"և", "ԵՒ", "և", "Եւ", "Եւ"},
        {"ა Ა", "Ა Ა", "ა ა", "ა Ა", "ა ა"},
        {"Ꭰ ꭰ ᏸ", "Ꭰ Ꭰ Ᏸ", "ꭰ ꭰ ᏸ", "Ꭰ Ꭰ Ᏸ", "Ꭰ ꭰ ᏸ"},
        {"ⓐ Ⓑ", "Ⓐ Ⓑ", "ⓐ ⓑ", "Ⓐ Ⓑ", "Ⓐ ⓑ"},
        {"ªº ⅷ", "ªº Ⅷ", "ªº ⅷ", "ªº Ⅷ", "ªº ⅷ"},
        {"𐐀𐐨 𐐨", "𐐀𐐀 𐐀", "𐐨𐐨 𐐨", "𐐀𐐨 𐐀", "𐐀𐐨 𐐨"},
        {"ÀÉÿ µ", "ÀÉŸ Μ", "àéÿ µ", "Àéÿ Μ", "Àéÿ µ"},
        {"éCOLE Über", "ÉCOLE ÜBER", "école über", "École Über", "École über"},
        {"\u0178 \u017f \u212a \u212b", "\u0178 S \u212a \u212b", "\u00ff \u017f k \u00e5",
         "\u0178 S \u212a \u212b", "\u0178 \u017f k \u00e5"},
        {"你好 mIX", "你好 MIX", "你好 mix", "你好 Mix", "你好 mix"},
        {"dž x1y", "DŽ X1Y", "dž x1y", "Dž X1Y", "Dž x1y"},
        {"ẞ straSSe", "ẞ STRASSE", "ß strasse", "ẞ Strasse", "ẞ strasse"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check("{{ s.upper() }}", rows[i].text, rows[i].upper);
        check("{{ s.lower() }}", rows[i].text, rows[i].lower);
        check("{{ s.title() }}", rows[i].text, rows[i].title);
        check("{{ s.capitalize() }}", rows[i].text, rows[i].capitalize);
    }
}

/* A sigma at the end of a word has a form of its own. */
static void test_lowers_a_final_sigma(void **state) {
    (void)state;
    static const struct {
        const char *text, *lower;
    } rows[] = {
        {"Σ", "σ"},
        {"ΑΣ", "ας"},
        {"ΑΣ.", "ας."},
        {"ΑΣ Α", "ας α"},
        {"ΑΣΑ", "ασα"},
        {"ΑΣΣ", "ασς"},
        {"ΣΑΣ", "σας"},
        {"Α'Σ", "α'ς"},
        {"Α'Σ'Α", "α'σ'α"},
        {"'Σ", "'σ"},
        {"1Σ", "1σ"},
        {"Α1Σ", "α1σ"},
        {"ΑΣ1", "ας1"},
        {"\xce\x91\xcc\x81\xce\xa3\xcc\x81", "\xce\xb1\xcc\x81\xcf\x82\xcc\x81"},
        {"\xce\x91\xcc\x81\xce\xa3\xcc\x81\xce\x91", "\xce\xb1\xcc\x81\xcf\x83\xcc\x81\xce\xb1"},
        {"ʰΣ", "ʰσ"},
        {"ΑʰΣ", "αʰς"},
        {"aΣʰ", "aςʰ"},
        {"ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ", "οδυσσευς σοφος"},
        {"\xce\x91\xce\xa3\xc2\xad", "\xce\xb1\xcf\x82\xc2\xad"},
        {"Α:Σ·", "α:ς·"},
        {"\xce\x91\xff\xce\xa3", "\xce\xb1\xff\xcf\x83"}, /* broken bytes are no letters */
        {"\xce\x91\x80\xce\xa3", "\xce\xb1\x80\xcf\x83"},
        {"\xce\x91\xce\xa3\xce", "\xce\xb1\xcf\x82\xce"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check("{{ s.lower() }}", rows[i].text, rows[i].lower);
    }
    check("{{ s.title() }}", "\u039f\u0394\u039f\u03a3 \u03a3\u039f\u03a3",
          "\u039f\u03b4\u03bf\u03c2 \u03a3\u03bf\u03c2");
    check("{{ s.capitalize() }}", "a\u03a3", "A\u03c2"); /* the first letter counts */
    check("{{ s.capitalize() }}", "\u03a3\u03a3", "\u03a3\u03c2");
    check("{{ s.upper() }}", "\u03c3\u03c2", "\u03a3\u03a3");
}

static void test_asks_for_case(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool upper, lower;
    } rows[] = {
        {"", false, false},
        {"1", false, false},
        {"A", true, false},
        {"a", false, true},
        {"AB1", true, false},
        {"Ab", false, false},
        {"aB", false, false},
        {"ab-c", false, true},
        {"ǅ", false, false},
        {"Aǅ", false, false},
        {"aǅ", false, false},
        {"ª", false, true},
        {"ʰ", false, true},
        {"Ⅷ", true, false},
        {"ⅷ", false, true},
        {"ΑΒ", true, false},
        {"αβ", false, true},
        {"ßa", false, true},
        {"ßA", false, false},
        {"你好", false, false},
        {"你A", true, false},
        {"Ა", true, false},
        {"ა", false, true},
        {"\xcd\x85", false, true},
        {"𝐀", true, false},
        {"𝐚", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check("{{ s.isupper() }}", rows[i].text, rows[i].upper ? "True" : "False");
        check("{{ s.islower() }}", rows[i].text, rows[i].lower ? "True" : "False");
    }
}

/* ---- All of Unicode ------------------------------------------------------------------------- */

/* FNV-1a */
static uint64_t add_hash(uint64_t hash, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static const uint64_t empty_hash = UINT64_C(0xcbf29ce484222325);

/* The hash of what a template makes of `before` + character + `after` for all characters but NUL,
 * in pieces that end in a space. */
static uint64_t hash_all(const char *template, const char *before, const char *after) {
    enum { PIECE = 4096 };
    static char bytes[PIECE * 16];
    uint64_t hash = empty_hash;
    for (uint32_t first = 0; first < 0x110000; first += PIECE) {
        size_t n = 0;
        for (uint32_t code = first > 0 ? first : 1; code < first + PIECE; code++) {
            char character[4];
            const int len = (int)utf8_encode(code, character);
            n += len == 0 ? 0
                          : (size_t)snprintf(bytes + n, sizeof bytes - n, "%s%.*s%s", before, len,
                                             character, after);
        }
        jinja_text out = render(template, bytes, n);
        hash = add_hash(hash, out.text, out.len);
        jinja_text_free(&out);
    }
    return hash;
}

/* The hashes are of what Python 3.13 makes of the same texts: the first one is that of
 * "".join(chr(c) + " " for c in range(1, 0x110000) if not 0xd800 <= c < 0xe000).upper() */
static void test_all_characters_are_as_in_python(void **state) {
    (void)state;
    assert_int_equal(hash_all("{{ s.upper() }}", "", " "), UINT64_C(0xaee2997ded24d278));
    assert_int_equal(hash_all("{{ s.lower() }}", "", " "), UINT64_C(0x137f1c66616b2dd4));
    assert_int_equal(hash_all("{{ s.title() }}", "", " "), UINT64_C(0x35c6622aa0060201));
    assert_int_equal(hash_all("{{ s.lower() }}", "A", "\u03a3 "), UINT64_C(0xd369a663b2de8c3f));
    assert_int_equal(hash_all("{{ s.lower() }}", "", "\u03a3 "), UINT64_C(0x4f386e021cf775bd));
}

/* The same for isupper ("U"), islower ("l") and neither ("-"). */
static void test_all_characters_have_the_case_of_python(void **state) {
    (void)state;
    uint64_t hash = empty_hash;
    for (uint32_t code = 1; code < 0x110000; code++) {
        char character[4];
        const size_t n = utf8_encode(code, character);
        const text t = text_data(character, n);
        const char *sign = text_has_case(t, CASE_UPPER)   ? "U"
                           : text_has_case(t, CASE_LOWER) ? "l"
                                                          : "-";
        hash = n > 0 ? add_hash(hash, sign, 1) : hash;
    }
    assert_int_equal(hash, UINT64_C(0x7e1f9043ef71575e));
}

/* ---- Long texts, and who wrote them --------------------------------------------------------- */

/* ASCII goes in pieces; words and marks go on across their borders. */
static void test_long_texts(void **state) {
    (void)state;
    enum { LEN = 3001 };
    char s[LEN];
    char title[LEN];
    for (size_t i = 0; i < LEN; i++) {
        s[i] = "aBcDeF "[i % 7];
        title[i] = "Abcdef "[i % 7];
    }
    jinja_text out = render("{{ s.title() ~ 'X'.lower() ~ (s ~ 'y').upper() }}", s, LEN);
    assert_int_equal(out.len, 2 * LEN + 2);
    assert_memory_equal(out.text, title, LEN);
    assert_int_equal(out.text[LEN], 'x');
    assert_string_equal(out.text + 2 * LEN, "EY");
    for (size_t i = 0; i < out.len; i++) {
        assert_int_equal(out.own[i], i == LEN || i == 2 * LEN + 1);
    }
    jinja_text_free(&out);
}

static void test_bytes_keep_their_writer(void **state) {
    (void)state;
    static const struct {
        const char *template, *s, *text, *own;
    } rows[] = {
        {"{{ ('ß' ~ s ~ 'x').upper() }}", "ßb", "SSSSBX", "110001"},
        {"{{ (s ~ 'ŉ').upper() }}", "a", "AʼN", "0111"},
        {"{{ (s ~ 'İ' ~ s).lower() }}", "İ", "i\u0307i\u0307i\u0307", "000111000"},
        {"{{ ('Α' ~ s).lower() }}", "Σ", "ας", "1100"},
        {"{{ ('Α' ~ s ~ '你').lower() }}", "你Σ", "α你σ你", "1100000111"},
        {"{{ (s ~ 'ΣA').title() }}", "ǆ", "ǅσa", "00111"},
        {"{{ (s ~ 'B').capitalize() }}", "ﬁa", "Fiab", "0001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        jinja_text out = render(rows[i].template, rows[i].s, strlen(rows[i].s));
        assert_string_equal(out.text, rows[i].text);
        assert_int_equal(out.len, strlen(rows[i].own));
        for (size_t k = 0; k < out.len; k++) {
            assert_int_equal(out.own[k], rows[i].own[k] - '0');
        }
        jinja_text_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_case),
        cmocka_unit_test(test_lowers_a_final_sigma),
        cmocka_unit_test(test_asks_for_case),
        cmocka_unit_test(test_all_characters_are_as_in_python),
        cmocka_unit_test(test_all_characters_have_the_case_of_python),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_bytes_keep_their_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
