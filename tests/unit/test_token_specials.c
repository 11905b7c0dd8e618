/*
 * test_token_specials.c - finding names in a text, against cutting it by one name after the other.
 */
#include "token/specials.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define MAX_NAMES 16
#define MAX_TEXT 64

typedef struct {
    char text[MAX_NAMES][16];
    uint32_t n;
} name_list;

static lfm_status init(tok_specials *s, const name_list *l, lfm_error *err) {
    tok_special *names = malloc(MAX_NAMES * sizeof *names); /* the automaton takes it over */
    assert_non_null(names);
    for (uint32_t i = 0; i < l->n; i++) {
        names[i] = (tok_special){l->text[i], (uint32_t)strlen(l->text[i]), (int32_t)i};
    }
    return tok_specials_init(s, names, l->n, "test.gguf", err);
}

/* owner[i]: -1, or the id of the name that byte i belongs to; starts[i]: one starts here.
 * The definition: names by length, then by id; each from left to right over what is free. */
static void slow_find(const name_list *l, const char *text, size_t n, int *owner, bool *starts) {
    for (size_t i = 0; i < n; i++) {
        owner[i] = -1;
        starts[i] = false;
    }
    for (size_t len = n; len > 0; len--) {
        for (uint32_t id = 0; id < l->n; id++) {
            if (strlen(l->text[id]) != len) {
                continue;
            }
            for (size_t i = 0; i + len <= n; i++) {
                bool is_free = memcmp(text + i, l->text[id], len) == 0;
                for (size_t k = 0; k < len; k++) {
                    is_free = is_free && owner[i + k] < 0;
                }
                for (size_t k = 0; is_free && k < len; k++) {
                    owner[i + k] = (int)id;
                    starts[i] = true;
                }
            }
        }
    }
}

static void compare(const tok_specials *s, const name_list *l, const char *text, size_t n) {
    int owner[MAX_TEXT];
    bool starts[MAX_TEXT];
    tok_match *got = NULL;
    size_t n_got = 0;
    size_t k = 0;
    slow_find(l, text, n, owner, starts);
    assert_int_equal(tok_specials_find(s, text, n, &got, &n_got, NULL), LFM_OK);
    for (size_t i = 0; i < n; i++) {
        if (!starts[i]) {
            continue;
        }
        if (k >= n_got || got[k].start != i || got[k].id != owner[i] ||
            got[k].len != strlen(l->text[owner[i]])) {
            fail_msg("'%.*s': no '%s' at byte %zu", (int)n, text, l->text[owner[i]], i);
        }
        k++;
    }
    assert_int_equal(k, n_got);
    free(got);
}

static void test_tables(void **state) {
    (void)state;
    static const struct {
        name_list names;
        const char *text;
        const char *want; /* id of each match, as a letter, at its first byte */
    } cases[] = {
        {{{"ab"}, 1}, "xabab", "-a-a-"},
        {{{"ab"}, 1}, "ba", "--"},
        {{{"ab", "abc"}, 2}, "abcab", "b--a-"},
        {{{"xab", "abcd"}, 2}, "xabcd", "-b---"},       /* not the leftmost */
        {{{"aa"}, 1}, "aaaaa", "a-a--"},
        {{{"ab", "bc"}, 2}, "abc", "a--"},              /* equal length: the lower id */
        {{{"bc", "ab"}, 2}, "abc", "-a-"},
        {{{"xyz", "yz", "wxy1", "z"}, 4}, "wxyz", "-a--"},
        {{{"wxyz", "yzzz", "z"}, 3}, "wxyzzz", "a---cc"}, /* shorter names in what is left */
        {{{"abcde", "bcdefg", "a", "cde"}, 4}, "abcdefg", "cb-----"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tok_specials s;
        tok_match *got = NULL;
        size_t n_got = 0;
        const size_t n = strlen(cases[i].text);
        char shown[MAX_TEXT];
        memset(shown, '-', n);
        shown[n] = '\0';
        assert_int_equal(init(&s, &cases[i].names, NULL), LFM_OK);
        assert_int_equal(tok_specials_find(&s, cases[i].text, n, &got, &n_got, NULL), LFM_OK);
        for (size_t k = 0; k < n_got; k++) {
            shown[got[k].start] = (char)('a' + got[k].id);
        }
        assert_string_equal(shown, cases[i].want);
        free(got);
        tok_specials_drop(&s);
    }
}

static void test_random_names(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        name_list l = {.n = 1 + rng_at(seed, 0) % MAX_NAMES};
        uint64_t k = 1;
        for (uint32_t i = 0; i < l.n; i++) {
            const size_t len = 1 + rng_at(seed, k++) % (1 + seed % 9);
            for (size_t c = 0; c < len; c++) {
                l.text[i][c] = (char)('a' + rng_at(seed, k++) % (2 + seed % 2));
            }
            for (uint32_t other = 0; other < i; other++) { /* drop repeated ones */
                if (strcmp(l.text[other], l.text[i]) == 0) {
                    l.n = i;
                }
            }
        }
        tok_specials s;
        assert_int_equal(init(&s, &l, NULL), LFM_OK);
        for (uint32_t i = 0; i < l.n; i++) {
            assert_int_equal(tok_specials_get(&s, l.text[i], strlen(l.text[i])), i);
        }
        for (int t = 0; t < 30; t++) {
            char text[MAX_TEXT];
            const size_t n = 1 + rng_at(seed, k++) % MAX_TEXT;
            for (size_t c = 0; c < n; c++) {
                text[c] = (char)('a' + rng_at(seed, k++) % (2 + seed % 3));
            }
            compare(&s, &l, text, n);
        }
        tok_specials_drop(&s);
    }
}

static void test_empty(void **state) {
    (void)state;
    tok_specials s;
    tok_match *got = NULL;
    size_t n_got = 7;
    assert_int_equal(tok_specials_init(&s, NULL, 0, "test.gguf", NULL), LFM_OK);
    assert_int_equal(tok_specials_find(&s, "abc", 3, &got, &n_got, NULL), LFM_OK);
    assert_int_equal(n_got, 0);
    assert_null(got);
    assert_int_equal(tok_specials_get(&s, "abc", 3), -1);
    tok_specials_drop(&s);
    tok_specials_drop(&s);
}

static void test_refused(void **state) {
    (void)state;
    const name_list twice = {{"ab", "c", "ab"}, 3};
    tok_specials s;
    lfm_error err = {0};
    assert_int_equal(init(&s, &twice, &err), LFM_ERR_FORMAT);
    assert_string_equal(err.text, "test.gguf: tokens 0 and 2 are both 'ab'");
    tok_specials_drop(&s);

    char *long_name = malloc(TOK_MAX_SPECIAL_BYTES + 1);
    tok_special *names = malloc(2 * sizeof *names);
    assert_non_null(long_name);
    assert_non_null(names);
    memset(long_name, 'x', TOK_MAX_SPECIAL_BYTES + 1);
    names[0] = (tok_special){long_name, TOK_MAX_SPECIAL_BYTES / 2, 0};
    names[1] = (tok_special){long_name, TOK_MAX_SPECIAL_BYTES / 2 + 1, 1};
    err = (lfm_error){0};
    assert_int_equal(tok_specials_init(&s, names, 2, "test.gguf", &err), LFM_ERR_UNSUPPORTED);
    tok_specials_drop(&s);
    free(long_name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_random_names),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
