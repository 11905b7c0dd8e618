/*
 * gbnf_write.c - bytes as a literal of a GBNF grammar.
 */
#include "constrain/gbnf/gbnf_write.h"

#include <stdio.h>

void gbnf_write_literal(json_out *out, const char *bytes, size_t n) {
    json_write_text(out, "\"");
    for (size_t i = 0; i < n; i++) {
        const unsigned char b = (unsigned char)bytes[i];
        if (b == '"' || b == '\\') {
            json_write_text(out, "\\");
        }
        if (b < 0x20 || b == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\x%02x", b);
            json_write_text(out, escape);
        } else {
            json_write_raw(out, bytes + i, 1);
        }
    }
    json_write_text(out, "\"");
}
