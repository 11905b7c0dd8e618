/*
 * schema_text.c - names and keys in the text of a grammar, and its common rules.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/gbnf/gbnf_write.h"

#include <inttypes.h>
#include <stdio.h>

/* Rules of every grammar: any value, written in one way.  `never` matches nothing: a rule that
 * needs itself is removed, with all that need it. */
const char schema_common_rules[] =
    "never ::= \"x\" never\n"
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" (string \": \" value (\", \" string \": \" value)*)? \"}\"\n"
    "array ::= \"[\" (value (\", \" value)*)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1f] | \"\\\\\" [\"\\\\bfnrt] | "
    "\"\\\\u00\" (\"0\" [0-7bef] | \"1\" [0-9a-f])\n";

bool schema_is_name(const char *key, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const char c = key[i];
        if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (i > 0 && c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return len > 0;
}

void schema_write_name(json_out *out, const char *prefix, size_t id, size_t i) {
    char name[64];
    snprintf(name, sizeof name, "%s%zu-%zu", prefix, id, i);
    json_write_text(out, name);
}

void schema_write_key(json_out *out, const char *bytes, size_t n) {
    json_out json = {0};
    json_write_string(&json, bytes, n);
    gbnf_write_literal(out, json.ptr ? json.ptr : "", json.len);
    out->failed = out->failed || json.failed;
    json_out_free(&json);
}

void schema_write_times(json_out *out, uint64_t least, uint64_t most) {
    char text[64];
    if (least == 0 && most == UINT64_MAX) {
        json_write_text(out, "*");
    } else {
        snprintf(text, sizeof text, most == UINT64_MAX ? "{%" PRIu64 ",}" : "{%" PRIu64 ",%" PRIu64
                 "}", least, most);
        json_write_text(out, text);
    }
}
