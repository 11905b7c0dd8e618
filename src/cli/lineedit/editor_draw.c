/*
 * editor_draw.c - the picture of a text on a terminal.
 *
 * The terminal wraps long lines itself, so that they can be copied whole.  We track the cursor.
 */
#include "cli/lineedit/editor.h"

#include "base/utf8.h"
#include "cli/lineedit/char_width.h"
#include "cli/shared/term.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    size_t row, column;
    size_t columns; /* of the terminal */
} place;

/* Move past a character. */
static void advance(place *p, uint32_t c) {
    if (c == '\n') {
        p->row++;
        p->column = 0;
        return;
    }
    const size_t width = char_width(c);
    if (p->column + width > p->columns) { /* the terminal wraps before it */
        p->row++;
        p->column = 0;
    }
    p->column += width;
}

static void advance_text(place *p, const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t c = '?';
        const size_t len = utf8_decode(text + i, n - i, &c);
        advance(p, c);
        i += len > 0 ? len : 1;
    }
}

static void draw_prompt(json_out *out, place *p, const char *prompt, bool color) {
    json_write_text(out, color ? "\033[2m" : "");
    json_write_text(out, prompt);
    json_write_text(out, color ? "\033[0m" : "");
    advance_text(p, prompt, strlen(prompt));
}

/* Draw a piece of text, made printable; a tab is four blanks. */
static void draw_text(json_out *out, place *p, const char *text, size_t n, const char *more,
                      bool color) {
    json_out shown = {0};
    for (size_t i = 0; i < n;) {
        const char *special = text + i + strcspn(text + i, "\n\t");
        const size_t len = (size_t)(special - (text + i)) < n - i ? (size_t)(special - (text + i))
                                                                  : n - i;
        shown.len = 0;
        term_escape(&shown, text + i, len);
        json_write_raw(out, shown.ptr ? shown.ptr : "", shown.len);
        advance_text(p, shown.ptr ? shown.ptr : "", shown.len);
        i += len;
        if (i < n && text[i] == '\n') {
            json_write_text(out, "\r\n");
            advance(p, '\n');
            draw_prompt(out, p, more, color);
            i++;
        } else if (i < n) {
            json_write_text(out, "    ");
            advance_text(p, "    ", 4);
            i++;
        }
    }
    json_out_free(&shown);
}

static void move(json_out *out, const char *direction, size_t n) {
    char text[40];
    if (n > 0) {
        snprintf(text, sizeof text, "\033[%zu%s", n, direction);
        json_write_text(out, text);
    }
}

/* After the last column a terminal delays the wrap: force it, so that the cursor is where the next
 * character goes. */
static void settle(json_out *out, place *p) {
    if (p->column == p->columns) {
        json_write_text(out, " \r");
        p->row++;
        p->column = 0;
    }
}

static void draw_search(const editor *e, json_out *out, place *p, bool color) {
    const char *line = e->match > 0 ? e->past->lines[e->past->n - e->match] : "";
    const size_t n = strcspn(line, "\n");
    draw_prompt(out, p, e->match > 0 || e->n_query == 0 ? "(search) " : "(not found) ", color);
    draw_text(out, p, e->query, e->n_query, "", color);
    draw_prompt(out, p, ": ", color);
    draw_text(out, p, line, n, "", color);
    settle(out, p);
}

void editor_draw(editor *e, json_out *out, const char *prompt, const char *more, size_t columns,
                 bool color, bool finish) {
    place p = {.columns = columns > 0 ? columns : 80};
    const char *text = e->text ? e->text : "";
    move(out, "A", e->row);
    json_write_text(out, "\r\033[J");
    if (e->searching) {
        draw_search(e, out, &p, color);
        e->row = p.row;
        return;
    }
    draw_prompt(out, &p, prompt, color);
    draw_text(out, &p, text, e->cursor, more, color);
    place cursor = p;
    if (cursor.column == cursor.columns && (e->cursor < e->len)) {
        cursor.row += text[e->cursor] != '\n';
        cursor.column = text[e->cursor] != '\n' ? 0 : cursor.columns - 1;
    }
    draw_text(out, &p, text + e->cursor, e->len - e->cursor, more, color);
    if (finish) {
        json_write_text(out, "\r\n");
        e->row = 0;
        return;
    }
    settle(out, &p);
    if (e->cursor == e->len) {
        cursor = p;
    }
    move(out, "A", p.row - cursor.row);
    json_write_text(out, "\r");
    move(out, "C", cursor.column);
    e->row = cursor.row;
}
