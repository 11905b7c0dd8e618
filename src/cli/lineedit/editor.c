/*
 * editor.c - keys, and what they do to a text.
 */
#include "cli/lineedit/editor.h"

#include "base/grow.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Keys that are not text, beyond the control characters. */
typedef enum {
    KEY_NONE, KEY_LEFT, KEY_RIGHT, KEY_UP, KEY_DOWN, KEY_HOME, KEY_END, KEY_DELETE, KEY_WORD_LEFT,
    KEY_WORD_RIGHT, KEY_KILL_WORD, KEY_RUB_WORD, KEY_NEWLINE, KEY_PASTE, KEY_PASTE_END, KEY_ESCAPE
} editor_key;

#define CTRL(letter) ((letter) & 31)
#define FENCE "\"\"\""

/* ---- Text ----------------------------------------------------------------------------------- */

static bool reserve(editor *e, size_t len) {
    char *grown = grow_array(e->text, &e->cap, len + 1, 1);
    if (!grown) {
        e->failed = true;
        return false;
    }
    e->text = grown;
    return true;
}

static void insert(editor *e, const char *bytes, size_t n) {
    if (reserve(e, e->len + n)) {
        memmove(e->text + e->cursor + n, e->text + e->cursor, e->len - e->cursor);
        memcpy(e->text + e->cursor, bytes, n);
        e->len += n;
        e->cursor += n;
        e->text[e->len] = '\0';
    }
}

static void erase(editor *e, size_t from, size_t to) {
    if (from < to) {
        memmove(e->text + from, e->text + to, e->len - to);
        e->len -= to - from;
        e->text[e->len] = '\0';
        e->cursor = from;
    }
}

static void take_copy(editor *e, char **to, const char *bytes, size_t n) {
    char *copy = malloc(n + 1);
    if (!copy) {
        e->failed = true;
        return;
    }
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    copy[n] = '\0';
    free(*to);
    *to = copy;
}

/* Erase, and keep a copy for C-y. */
static void kill_text(editor *e, size_t from, size_t to) {
    if (from < to) {
        take_copy(e, &e->killed, e->text + from, to - from);
        erase(e, from, to);
    }
}

void editor_set(editor *e, const char *text, size_t n) {
    e->len = 0;
    e->cursor = 0;
    if (reserve(e, n)) {
        e->text[0] = '\0';
        insert(e, text, n);
    }
}

void editor_clear(editor *e) {
    editor_set(e, "", 0);
    free(e->draft);
    e->draft = NULL;
    e->back = 0;
    e->searching = false;
    e->n_key = 0;
    e->pasting = false;
    e->row = 0;
}

void editor_drop(editor *e) {
    free(e->text);
    free(e->killed);
    free(e->draft);
    *e = (editor){0};
}

static bool starts_fence(const editor *e) {
    return e->text && e->len >= 3 && memcmp(e->text, FENCE, 3) == 0;
}

static bool ends_fence(const editor *e) {
    return e->len >= 6 && memcmp(e->text + e->len - 3, FENCE, 3) == 0;
}

void editor_message(const editor *e, const char **message, size_t *n) {
    *message = e->text ? e->text : "";
    *n = e->len;
    if (starts_fence(e) && ends_fence(e)) {
        *message += 3;
        *n -= 6;
        if (*n > 0 && **message == '\n') { /* drop the line breaks next to the fences */
            ++*message;
            --*n;
        }
        *n -= *n > 0 && (*message)[*n - 1] == '\n';
    }
}

/* ---- Places --------------------------------------------------------------------------------- */

/* The start of the character before, or after, the one at `at`.  Combining marks count as
 * characters: each can be removed alone. */
static size_t before(const editor *e, size_t at) {
    do {
        at -= at > 0;
    } while (at > 0 && ((unsigned char)e->text[at] & 0xc0) == 0x80);
    return at;
}

static size_t after(const editor *e, size_t at) {
    do {
        at += at < e->len;
    } while (at < e->len && ((unsigned char)e->text[at] & 0xc0) == 0x80);
    return at;
}

static bool in_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (unsigned char)c >= 0x80;
}

static size_t word_before(const editor *e, size_t at) {
    while (at > 0 && !in_word(e->text[at - 1])) {
        at--;
    }
    while (at > 0 && in_word(e->text[at - 1])) {
        at--;
    }
    return at;
}

static size_t word_after(const editor *e, size_t at) {
    while (at < e->len && !in_word(e->text[at])) {
        at++;
    }
    while (at < e->len && in_word(e->text[at])) {
        at++;
    }
    return at;
}

/* The start of the word for C-w, which ends at blanks only. */
static size_t blank_before(const editor *e, size_t at) {
    while (at > 0 && (e->text[at - 1] == ' ' || e->text[at - 1] == '\n')) {
        at--;
    }
    while (at > 0 && e->text[at - 1] != ' ' && e->text[at - 1] != '\n') {
        at--;
    }
    return at;
}

static size_t line_start(const editor *e, size_t at) {
    while (at > 0 && e->text[at - 1] != '\n') {
        at--;
    }
    return at;
}

static size_t line_end(const editor *e, size_t at) {
    while (at < e->len && e->text[at] != '\n') {
        at++;
    }
    return at;
}

/* Move the cursor a line up or down, keeping its column; false when there is no such line. */
static bool move_line(editor *e, bool up) {
    const size_t start = line_start(e, e->cursor);
    const size_t end = line_end(e, e->cursor);
    if (up ? start == 0 : end == e->len) return false;
    size_t n = 0;
    for (size_t at = start; at < e->cursor; at = after(e, at)) {
        n++;
    }
    size_t to = up ? line_start(e, start - 1) : end + 1;
    const size_t last = line_end(e, to);
    for (; n > 0 && to < last; n--) {
        to = after(e, to);
    }
    e->cursor = to;
    return true;
}

/* ---- History -------------------------------------------------------------------------------- */

static const char *past_line(const editor *e, size_t back) {
    return e->past->lines[e->past->n - back];
}

static void go_back(editor *e, size_t back) {
    if (!e->past || back > e->past->n || back == e->back) return;
    if (e->back == 0) {
        take_copy(e, &e->draft, e->text, e->len);
    }
    const char *line = back == 0 ? (e->draft ? e->draft : "") : past_line(e, back);
    e->back = back;
    editor_set(e, line, strlen(line));
}

/* Find the newest line that contains the query, from `from` lines back on. */
static void search(editor *e, size_t from) {
    for (size_t back = from; e->past && back >= 1 && back <= e->past->n; back++) {
        if (strstr(past_line(e, back), e->query)) {
            e->match = back;
            return;
        }
    }
}

static void end_search(editor *e, bool take) {
    e->searching = false;
    if (take && e->match > 0) {
        go_back(e, e->match);
    }
}

/* Take a byte while searching; false when it ended the search and must still be handled. */
static bool feed_search(editor *e, char byte) {
    const bool rub = byte == 127 || byte == CTRL('h');
    if (byte == CTRL('r')) {
        search(e, e->match + 1);
    } else if (rub || (unsigned char)byte >= 32) {
        if (rub) {
            do {
                e->n_query -= e->n_query > 0;
            } while (e->n_query > 0 && ((unsigned char)e->query[e->n_query] & 0xc0) == 0x80);
        } else if (e->n_query + 1 < sizeof e->query) {
            e->query[e->n_query++] = byte;
        }
        e->query[e->n_query] = '\0';
        e->match = 0;
        search(e, 1);
    } else {
        const bool give_up = byte == CTRL('g') || byte == CTRL('c');
        end_search(e, !give_up);
        return give_up;
    }
    return true;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void swap_characters(editor *e) {
    const size_t at = e->cursor == e->len ? before(e, e->cursor) : e->cursor;
    const size_t first = before(e, at);
    const size_t end = after(e, at);
    char pair[16];
    if (first == at || at == end || end - first > sizeof pair) return;
    memcpy(pair, e->text + at, end - at);
    memcpy(pair + (end - at), e->text + first, at - first);
    memcpy(e->text + first, pair, end - first);
    e->cursor = end;
}

static void press(editor *e, editor_key key) {
    switch (key) {
    case KEY_LEFT: e->cursor = before(e, e->cursor); break;
    case KEY_RIGHT: e->cursor = after(e, e->cursor); break;
    case KEY_HOME: e->cursor = line_start(e, e->cursor); break;
    case KEY_END: e->cursor = line_end(e, e->cursor); break;
    case KEY_DELETE: erase(e, e->cursor, after(e, e->cursor)); break;
    case KEY_WORD_LEFT: e->cursor = word_before(e, e->cursor); break;
    case KEY_WORD_RIGHT: e->cursor = word_after(e, e->cursor); break;
    case KEY_KILL_WORD: kill_text(e, e->cursor, word_after(e, e->cursor)); break;
    case KEY_RUB_WORD: kill_text(e, word_before(e, e->cursor), e->cursor); break;
    case KEY_NEWLINE: insert(e, "\n", 1); break;
    case KEY_UP:
        if (!move_line(e, true)) {
            go_back(e, e->back + 1);
        }
        break;
    case KEY_DOWN:
        if (!move_line(e, false) && e->back > 0) {
            go_back(e, e->back - 1);
        }
        break;
    case KEY_PASTE:
        e->pasting = true;
        e->pasted = 0;
        break;
    case KEY_PASTE_END: e->pasting = false; break;
    case KEY_ESCAPE:
    case KEY_NONE: break;
    }
}

static editor_event press_enter(editor *e) {
    if (starts_fence(e) && !ends_fence(e)) {
        press(e, KEY_NEWLINE);
        return EDITOR_MORE;
    }
    return EDITOR_DONE;
}

static editor_event press_control(editor *e, char byte) {
    switch (byte) {
    case '\r': return press_enter(e);
    case '\n': press(e, KEY_NEWLINE); break;
    case '\t': insert(e, "\t", 1); break;
    case CTRL('a'): press(e, KEY_HOME); break;
    case CTRL('b'): press(e, KEY_LEFT); break;
    case CTRL('c'): return EDITOR_CANCEL;
    case CTRL('d'):
        if (e->len == 0) return EDITOR_END;
        press(e, KEY_DELETE);
        break;
    case CTRL('e'): press(e, KEY_END); break;
    case CTRL('f'): press(e, KEY_RIGHT); break;
    case CTRL('g'): return EDITOR_EXTERNAL;
    case CTRL('h'):
    case 127: erase(e, before(e, e->cursor), e->cursor); break;
    case CTRL('k'): kill_text(e, e->cursor, line_end(e, e->cursor)); break;
    case CTRL('l'): return EDITOR_CLEAR;
    case CTRL('n'): press(e, KEY_DOWN); break;
    case CTRL('p'): press(e, KEY_UP); break;
    case CTRL('r'):
        e->searching = true;
        e->n_query = 0;
        e->query[0] = '\0';
        e->match = 0;
        break;
    case CTRL('t'): swap_characters(e); break;
    case CTRL('u'): kill_text(e, line_start(e, e->cursor), e->cursor); break;
    case CTRL('w'): kill_text(e, blank_before(e, e->cursor), e->cursor); break;
    case CTRL('y'):
        if (e->killed) {
            insert(e, e->killed, strlen(e->killed));
        }
        break;
    case CTRL('z'): return EDITOR_SUSPEND;
    default: break;
    }
    return EDITOR_MORE;
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* The bytes that terminals send after Escape. */
static const struct {
    const char *bytes;
    editor_key key;
} sequences[] = {
    {"[A", KEY_UP}, {"[B", KEY_DOWN}, {"[C", KEY_RIGHT}, {"[D", KEY_LEFT}, {"[H", KEY_HOME},
    {"[F", KEY_END}, {"OA", KEY_UP}, {"OB", KEY_DOWN}, {"OC", KEY_RIGHT}, {"OD", KEY_LEFT},
    {"OH", KEY_HOME}, {"OF", KEY_END}, {"[1~", KEY_HOME}, {"[7~", KEY_HOME}, {"[4~", KEY_END},
    {"[8~", KEY_END}, {"[3~", KEY_DELETE}, {"[1;5C", KEY_WORD_RIGHT}, {"[1;5D", KEY_WORD_LEFT},
    {"[1;3C", KEY_WORD_RIGHT}, {"[1;3D", KEY_WORD_LEFT}, {"[200~", KEY_PASTE},
    {"[201~", KEY_PASTE_END}, {"b", KEY_WORD_LEFT}, {"f", KEY_WORD_RIGHT}, {"d", KEY_KILL_WORD},
    {"\177", KEY_RUB_WORD}, {"\b", KEY_RUB_WORD}, {"\r", KEY_NEWLINE}, {"\n", KEY_NEWLINE},
    {"[13;2u", KEY_NEWLINE}, {"[27;2;13~", KEY_NEWLINE},
};

/* Is an escape sequence complete?  ECMA-48: CSI parameters, then one byte from @ to ~. */
static bool is_complete(const char *key, size_t n) {
    const char last = key[n - 1];
    if (n < 2) return false;
    if (key[1] == '[') return n > 2 && last >= '@' && last <= '~';
    return key[1] == 'O' ? n == 3 : true;
}

static editor_key find_key(const char *bytes, size_t n) {
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        if (strlen(sequences[i].bytes) == n && memcmp(sequences[i].bytes, bytes, n) == 0) {
            return sequences[i].key;
        }
    }
    return KEY_NONE;
}

static void feed_escape(editor *e, char byte) {
    if (e->n_key < sizeof e->key) { /* of longer sequences only the last byte matters */
        e->key[e->n_key++] = byte;
    } else {
        e->key[e->n_key - 1] = byte;
    }
    if (is_complete(e->key, e->n_key)) {
        const editor_key key = find_key(e->key + 1, e->n_key - 1);
        e->n_key = 0;
        if (e->pasting && key != KEY_PASTE_END) {
            return; /* a pasted text cannot press keys */
        }
        if (e->searching && key != KEY_NONE) {
            end_search(e, true);
        }
        press(e, key);
    }
}

/* Insert text as whole characters; drop invalid bytes. */
static void feed_text(editor *e, char byte) {
    uint32_t code;
    e->key[e->n_key++] = byte;
    while (e->n_key > 0) {
        const size_t n = utf8_decode(e->key, e->n_key, &code);
        if (n == 0 && utf8_complete(e->key, e->n_key) == 0) {
            return; /* incomplete */
        }
        if (n > 0) {
            insert(e, e->key, n);
        }
        const size_t used = n > 0 ? n : 1;
        e->n_key -= used;
        memmove(e->key, e->key + used, e->n_key);
    }
}

static void feed_paste(editor *e, char byte) {
    if (byte == '\r' || byte == '\n') {
        if (byte == '\r' || e->pasted != '\r') { /* CR LF is one line break */
            insert(e, "\n", 1);
        }
    } else if (byte == '\t') {
        insert(e, "\t", 1);
    } else if ((unsigned char)byte >= 32 && byte != 127) {
        feed_text(e, byte);
    }
    e->pasted = byte;
}

editor_event editor_feed(editor *e, char byte) {
    if (e->n_key > 0 && e->key[0] == '\033') {
        feed_escape(e, byte);
        return EDITOR_MORE;
    }
    if (byte == '\033') {
        e->n_key = 0;
        e->key[e->n_key++] = byte;
        return EDITOR_MORE;
    }
    if (e->pasting) {
        feed_paste(e, byte);
        return EDITOR_MORE;
    }
    if (e->searching && feed_search(e, byte)) return EDITOR_MORE;
    if ((unsigned char)byte < 32 || byte == 127) {
        e->n_key = 0; /* drop an incomplete character */
        return press_control(e, byte);
    }
    feed_text(e, byte);
    return EDITOR_MORE;
}

void editor_idle(editor *e) {
    if (e->n_key == 1 && e->key[0] == '\033') {
        e->n_key = 0;
        if (e->searching) {
            end_search(e, true);
        }
    }
}
