/*
 * test_cli_editor.c - keys, texts, and the picture on a small terminal.
 */
#include "base/rng.h"
#include "base/utf8.h"
#include "cli/lineedit/char_width.h"
#include "cli/lineedit/editor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *old_lines[] = {"first", "second line", "third\nwith two"};
static const history past = {.lines = old_lines, .n = 3};

static editor_event type(editor *e, const char *bytes) {
    editor_event event = EDITOR_MORE;
    for (const char *p = bytes; *p; p++) {
        event = editor_feed(e, *p);
    }
    return event;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void test_keys(void **state) {
    (void)state;
    static const struct {
        const char *keys, *text;
        size_t cursor;
    } cases[] = {
        {"abc", "abc", 3},
        {"abc\x02\x02X", "aXbc", 2},
        {"abc\001X\005Y", "XabcY", 5},
        {"abc\033[D\033[DX", "aXbc", 2},
        {"abc\033OD\033OC\033[H\033[3~", "bc", 0},
        {"abc\x7f\x08", "a", 1},
        {"one two\x17", "one ", 4},
        {"one two\x17\x19\x19", "one twotwo", 10},
        {"one two\033b\033b\033d", " two", 0},
        {"one-two\033\x7f", "one-", 4},
        {"one two\001\x0b", "", 0},
        {"one two\x15\x19!", "one two!", 8},
        {"ab\x14", "ba", 2},
        {"a\xc3\xa4\x14", "\xc3\xa4" "a", 3},
        {"\xe6\xbc\xa2\xe5\xad\x97\x7f", "\xe6\xbc\xa2", 3},
        {"\xe6\xbc\xa2\xe5\xad\x97\x02\x04", "\xe6\xbc\xa2", 3},
        {"a\x0a" "b", "a\nb", 3},
        {"a\033\rb", "a\nb", 3},
        {"abc\nd\033[AX", "aXbc\nd", 2},
        {"a\nbcd\033[A\033[BX", "a\nbXcd", 4},
        {"\033[A", "third\nwith two", 14},
        {"\033[A\033[A\033[A", "second line", 11}, /* first to the line above, within the text */
        {"new\x10\x10\x10\x10\x10\x10", "first", 5},
        {"new\x10\x0e", "new", 3},
        {"new\x10\x10\x10\x0e\x0e\x0e", "new", 3},
        {"\x12sec\033[C!", "second line!", 12},
        {"\x12zzz\033[C!", "!", 1},
        {"x\x12line\x07y", "xy", 2},
        {"\x12i\x12\x12\033[C", "first", 5},
        {"\033[200~a\rb\r\nc\033[201~d", "a\nb\ncd", 6},
        {"\033[200~\x03\x04\033[Ax\tz\033[201~", "x\tz", 3},
        {"\"\"\"a\rb", "\"\"\"a\nb", 6},
        {"\xff\xc3(\x80z", "(z", 2},
        {"a\033[99;99~b\033Qc", "abc", 3},
        {"a\033[1;5Db", "ba", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        editor e = {.past = &past};
        type(&e, cases[i].keys);
        if (strcmp(e.text ? e.text : "", cases[i].text) != 0 || e.cursor != cases[i].cursor) {
            fail_msg("case %zu: '%s' with the cursor at %zu", i, e.text, e.cursor);
        }
        editor_drop(&e);
    }
}

static void test_events(void **state) {
    (void)state;
    static const struct {
        const char *keys;
        editor_event event;
    } cases[] = {
        {"a\r", EDITOR_DONE}, {"\x04", EDITOR_END}, {"a\001\x04", EDITOR_MORE},
        {"a\x03", EDITOR_CANCEL}, {"\x07", EDITOR_EXTERNAL}, {"\x0c", EDITOR_CLEAR},
        {"\x1a", EDITOR_SUSPEND}, {"\"\"\"a\r", EDITOR_MORE}, {"\"\"\"a\r\"\"\"\r", EDITOR_DONE},
        {"\x12sec\r", EDITOR_DONE}, {"\x12sec\x03", EDITOR_MORE},
        {"\033[200~a\r", EDITOR_MORE}, {"\033[200~a\033[201~\r", EDITOR_DONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        editor e = {.past = &past};
        const editor_event event = type(&e, cases[i].keys);
        if (event != cases[i].event) {
            fail_msg("case %zu: event %d", i, (int)event);
        }
        editor_drop(&e);
    }
}

static void test_message(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "plain"}, {"", ""}, {"\"\"\"a\nb\"\"\"", "a\nb"}, {"\"\"\"\na\n\"\"\"", "a"},
        {"\"\"\"\"\"\"", ""}, {"\"\"\"open", "\"\"\"open"}, {"\"\"\"\n\n\"\"\"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        editor e = {0};
        const char *message = NULL;
        size_t n = 0;
        editor_set(&e, cases[i][0], strlen(cases[i][0]));
        editor_message(&e, &message, &n);
        if (n != strlen(cases[i][1]) || memcmp(message, cases[i][1], n) != 0) {
            fail_msg("case %zu: '%.*s'", i, (int)n, message);
        }
        editor_drop(&e);
    }
}

static void test_escape_alone(void **state) {
    (void)state;
    editor e = {.past = &past};
    type(&e, "\x12sec\033");
    editor_idle(&e);
    assert_false(e.searching);
    type(&e, "[");
    assert_string_equal(e.text, "second line[");
    editor_drop(&e);
}

/* ---- A terminal ----------------------------------------------------------------------------- */

enum { ROWS = 200, MAX_COLUMNS = 40 };

typedef struct {
    uint32_t cell[ROWS][MAX_COLUMNS]; /* 0 = blank, 1 = the right half of a wide character */
    size_t row, column, columns;
    bool hangs; /* behind the last column */
} screen;

static void put(screen *s, uint32_t c) {
    const size_t width = char_width(c);
    if (width == 0) {
        return;
    }
    if (s->hangs || s->column + width > s->columns) {
        s->row++;
        s->column = 0;
        s->hangs = false;
    }
    assert_true(s->row < ROWS);
    s->cell[s->row][s->column] = c;
    if (width == 2) {
        s->cell[s->row][s->column + 1] = 1;
    }
    s->hangs = s->column + width == s->columns;
    s->column += s->hangs ? width - 1 : width;
}

static void erase_below(screen *s) {
    memset(&s->cell[s->row][s->column], 0, (MAX_COLUMNS - s->column) * sizeof(uint32_t));
    memset(&s->cell[s->row + 1], 0, (ROWS - s->row - 1) * sizeof s->cell[0]);
}

/* The controls that are used, and no others. */
static void show(screen *s, const char *bytes, size_t n) {
    for (size_t i = 0; i < n;) {
        unsigned long count = 0;
        char *end = NULL;
        uint32_t c = 0;
        if (bytes[i] == '\r') {
            s->column = 0;
            s->hangs = false;
            i++;
        } else if (bytes[i] == '\n') {
            s->row++;
            s->hangs = false;
            i++;
        } else if (bytes[i] == '\033') {
            assert_int_equal(bytes[i + 1], '[');
            count = strtoul(bytes + i + 2, &end, 10);
            switch (*end) {
            case 'A':
                assert_true(count <= s->row);
                s->row -= count;
                break;
            case 'C':
                s->column += count;
                assert_true(s->column < s->columns);
                break;
            case 'J': erase_below(s); break;
            case 'm': break;
            default: fail_msg("control %c", *end);
            }
            s->hangs = *end == 'm' && s->hangs;
            i = (size_t)(end - bytes) + 1;
        } else {
            const size_t len = utf8_decode(bytes + i, n - i, &c);
            assert_true(len > 0 && c >= 32);
            put(s, c);
            i += len;
        }
    }
}

static void draw(editor *e, screen *s) {
    json_out out = {0};
    editor_draw(e, &out, "> ", ". ", s->columns, true, false);
    show(s, out.ptr, out.len);
    json_out_free(&out);
}

/* Whatever keys came, the picture is the one of the text alone. */
static void test_pictures(void **state) {
    (void)state;
    static const char *const keys[] = {
        "a", "b", " ", "\xc3\xa9", "\xe6\xbc\xa2", "e\xcc\x81", "\xf0\x9f\x98\x80", "0123456789",
        "\033[D", "\033[C", "\033[A", "\033[B", "\x7f", "\x04", "\x17", "\x0a", "\001", "\005",
        "\x19", "\t", "\x10", "\x0e", "\x0b", "\x14", "\033[200~x\ry\033[201~", "\xff",
        "\x12l", "\033[C", "\x12s\r",
    };
    static screen live, fresh;
    for (uint64_t run = 0; run < 60; run++) {
        editor e = {.past = &past};
        memset(&live, 0, sizeof live);
        live.columns = 7 + run % 30;
        for (uint64_t step = 0; step < 200; step++) {
            const uint64_t key = rng_at(run, step) % (sizeof keys / sizeof *keys);
            if (e.len > 300) {
                editor_clear(&e);
                memset(live.cell, 0, sizeof live.cell);
                live.row = live.column = 0;
                live.hangs = false;
            }
            type(&e, keys[key]);
            draw(&e, &live);
            if (e.n_key == 0) {
                assert_true(utf8_valid(e.text ? e.text : "", e.len));
            }
            assert_true(e.cursor <= e.len);
            assert_true(e.cursor == e.len || ((unsigned char)e.text[e.cursor] & 0xc0) != 0x80);
            if (e.searching) {
                continue;
            }
            editor copy = {.past = &past};
            editor_set(&copy, e.text ? e.text : "", e.len);
            copy.cursor = e.cursor;
            memset(&fresh, 0, sizeof fresh);
            fresh.columns = live.columns;
            draw(&copy, &fresh);
            const bool same = live.row == fresh.row && live.column == fresh.column &&
                              memcmp(live.cell, fresh.cell, sizeof live.cell) == 0;
            if (!same) {
                fail_msg("run %u, step %u, key %u: the picture of '%s' (cursor %zu)",
                         (unsigned)run, (unsigned)step, (unsigned)key, e.text, e.cursor);
            }
            editor_drop(&copy);
        }
        editor_drop(&e);
    }
}

/* Where the cursor is: known pictures. */
static void test_cursor(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t cursor, columns, row, column;
    } cases[] = {
        {"", 0, 10, 0, 2}, {"abc", 1, 10, 0, 3}, {"12345678", 8, 10, 1, 0},
        {"12345678", 7, 10, 0, 9}, {"123456789", 8, 10, 1, 0}, {"a\nb", 2, 10, 1, 2},
        {"12345678\nx", 8, 10, 0, 9}, {"12345678\nx", 9, 10, 1, 2},
        {"1234567\xe6\xbc\xa2", 10, 10, 1, 2}, {"\t|", 1, 10, 0, 6}, {"\033|", 1, 10, 0, 4},
    };
    static screen s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        editor e = {0};
        memset(&s, 0, sizeof s);
        s.columns = cases[i].columns;
        editor_set(&e, cases[i].text, strlen(cases[i].text));
        e.cursor = cases[i].cursor;
        draw(&e, &s);
        if (s.row != cases[i].row || s.column != cases[i].column) {
            fail_msg("case %zu: %zu, %zu", i, s.row, s.column);
        }
        editor_drop(&e);
    }
}

static void test_widths(void **state) {
    (void)state;
    static const struct {
        uint32_t c;
        unsigned width;
    } cases[] = {
        {'a', 1}, {0xe9, 1}, {0xad, 1}, {0x301, 0}, {0x200d, 0}, {0x1100, 2}, {0x1160, 0},
        {0x6f22, 2}, {0xff21, 2}, {0xff71, 1}, {0x1f600, 2}, {0x2603, 1}, {0xac00, 2},
        {0x10ffff, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (char_width(cases[i].c) != cases[i].width) {
            fail_msg("U+%04X is %u wide", (unsigned)cases[i].c, char_width(cases[i].c));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_events),
        cmocka_unit_test(test_message),  cmocka_unit_test(test_escape_alone),
        cmocka_unit_test(test_pictures), cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
