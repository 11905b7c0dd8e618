/*
 * fuzz_editor.c - any bytes as keys pressed in `lfm chat`.
 *
 * The first byte says how many of the next ones are the history, whose lines end with NUL.  The
 * text stays UTF-8 without control characters but newline and tab, with the cursor at a
 * character; what is drawn holds no escape sequence but those that the editor itself draws with.
 */
#include "fuzz.h"

#include "base/utf8.h"
#include "cli/lineedit/editor.h"

#include <string.h>

enum { MAX_LINES = 8, DRAW_EVERY = 16 };

static void check_text(const editor *e, bool plain_history) {
    const char *message = NULL;
    size_t n = 0;
    FUZZ_CHECK(!e->failed);
    FUZZ_CHECK(e->cursor <= e->len && e->len + (e->text != NULL) <= e->cap);
    FUZZ_CHECK(!e->text || e->text[e->len] == '\0');
    editor_message(e, &message, &n);
    FUZZ_CHECK(n <= e->len && (!e->text || (message >= e->text &&
                                            message + n <= e->text + e->len)));
    if (!plain_history) { /* a line of the history may hold anything, and be in the text now */
        return;
    }
    FUZZ_CHECK(e->len == 0 || utf8_valid(e->text, e->len));
    FUZZ_CHECK(e->cursor == e->len || ((unsigned char)e->text[e->cursor] & 0xc0) != 0x80);
    for (size_t i = 0; i < e->len; i++) {
        const unsigned char c = (unsigned char)e->text[i];
        FUZZ_CHECK((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t');
    }
}

/* Printable text, line ends, and CSI sequences that move, clear and dim. */
static void check_picture(const json_out *out) {
    FUZZ_CHECK(!out->failed);
    for (size_t i = 0; i < out->len;) {
        uint32_t code = 0;
        const size_t n = utf8_decode(out->ptr + i, out->len - i, &code);
        FUZZ_CHECK(n > 0);
        i += n;
        if (code == '\033') {
            FUZZ_CHECK(out->ptr[i] == '[');
            i += 1 + strspn(out->ptr + i + 1, "0123456789");
            FUZZ_CHECK(out->ptr[i] && strchr("ACJm", out->ptr[i]));
            i++;
        } else {
            FUZZ_CHECK((code >= 0x20 && (code < 0x7f || code >= 0xa0)) || code == '\r' ||
                       code == '\n');
        }
    }
}

static void draw(editor *e, size_t columns, bool finish) {
    json_out out = {0};
    editor_draw(e, &out, "> ", "  ", columns, columns % 2 == 0, finish);
    check_picture(&out);
    FUZZ_CHECK(e->row <= out.len); /* every row has something on it */
    json_out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *lines[MAX_LINES];
    history past = {.lines = lines};
    size_t at = size > 0 ? 1 : 0;
    const size_t n_history = size > 0 && data[0] < size ? data[0] : 0;
    char *copy = malloc(n_history + 1);
    bool plain = true;
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data + at, n_history);
    copy[n_history] = '\0';
    at += n_history;
    for (char *p = copy; p < copy + n_history && past.n < MAX_LINES; p += strlen(p) + 1) {
        lines[past.n++] = p;
        for (const char *c = p; *c; c++) {
            plain = plain && *c >= 0x20 && *c < 0x7f;
        }
    }
    editor e = {.past = past.n > 0 ? &past : NULL};
    const size_t columns = size % 37 + 1;
    for (; at < size; at++) {
        const editor_event event = editor_feed(&e, (char)data[at]);
        check_text(&e, plain);
        if (event == EDITOR_CLEAR) {
            editor_idle(&e);
        } else if (event == EDITOR_DONE || event == EDITOR_CANCEL) {
            draw(&e, columns, true);
            editor_clear(&e);
        }
        if (at % DRAW_EVERY == 0) {
            draw(&e, columns, false);
        }
    }
    draw(&e, columns, false);
    editor_drop(&e);
    free(copy);
    return 0;
}
