/*
 * choices.c - a list of allowed answers -> a grammar.
 */
#include "constrain/choices.h"

#include "base/json.h"
#include "base/utf8.h"

#include <stdio.h>

/* A byte inside a literal of GBNF. */
static void write_byte(json_out *out, char c) {
    if (c == '"' || c == '\\') {
        json_write_raw(out, "\\", 1);
    }
    if ((unsigned char)c < 0x20 || c == 0x7f) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)c);
        json_write_text(out, escape);
    } else {
        json_write_raw(out, &c, 1);
    }
}

lfm_status choices_to_gbnf(char **gbnf, const char *text, size_t len, lfm_error *err) {
    json_out out = {0};
    size_t n = 1;
    size_t n_bytes = 0; /* of the choice so far */
    *gbnf = NULL;
    if (!utf8_valid(text, len)) {
        return err_set(err, LFM_ERR_ARG, "the choices are not UTF-8");
    }
    json_write_text(&out, "root ::= \"");
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != ',') {
            const bool escape = text[i] == '\\' && i + 1 < len &&
                                (text[i + 1] == ',' || text[i + 1] == '\\');
            i += escape;
            write_byte(&out, text[i]);
            n_bytes++;
            continue;
        }
        if (n_bytes == 0) {
            json_out_free(&out);
            return err_set(err, LFM_ERR_ARG, "choice %zu is empty; write them as yes,no (and a "
                           "comma in one as \\,)", n);
        }
        json_write_text(&out, i < len ? "\" | \"" : "\"\n");
        n++;
        n_bytes = 0;
    }
    const lfm_status st = json_finish(&out, err);
    if (st != LFM_OK) {
        json_out_free(&out);
        return st;
    }
    *gbnf = out.ptr;
    return LFM_OK;
}
