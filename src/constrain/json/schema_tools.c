/*
 * schema_tools.c - a list of tools -> a grammar of calls.
 */
#include "constrain/json/json_internal.h"

#include "base/markers.h"
#include "constrain/gbnf/gbnf_write.h"

#include <stdio.h>
#include <stdlib.h>

/* Can answer/tool_calls.h read this name back?  Python's names, with dots and dashes. */
static bool is_function_name(const json_value *name) {
    bool good = name->len > 0 && name->text[0] != '.' && name->text[0] != '-';
    for (size_t i = 0; i < name->len; i++) {
        const char c = name->text[i];
        good = good && (c == '_' || c == '-' || c == '.' || (c >= '0' && c <= '9') ||
                        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (unsigned char)c >= 0x80);
    }
    return good;
}

/* Parameters that cannot be an object are a mistake, and no function without calls. */
static void check_type(schema_compiler *c, const json_value *parameters) {
    schema_list all = {0};
    schema_list base = {0};
    schema_list choices = {0};
    schema_facts f = {0};
    schema_push(c, &all, (schema_item){parameters, PART_ALL, NULL});
    schema_expand(c, &all, &base, &choices);
    if (c->status == LFM_OK) {
        schema_read_facts(c, &f, &base);
    }
    if (c->status == LFM_OK && parameters->kind != JSON_FALSE && !(f.types & TYPE_OBJECT)) {
        schema_fail(c, parameters, "parameters must be of type object");
    }
    schema_drop_facts(&f);
    free(all.at);
    free(base.at);
    free(choices.at);
}

/* Write the name of a function and its arguments in brackets. */
static void write_tool(schema_compiler *c, const json_value *tool) {
    const json_value *nested = json_get(tool, "function");
    const json_value *function = nested ? nested : tool;
    const json_value *name = json_get(function, "name");
    const json_value *parameters = json_get(function, "parameters");
    if (!name || name->kind != JSON_STRING || name->len == 0) {
        schema_fail(c, tool, "a tool must be an object with a name");
        return;
    }
    if (!is_function_name(name)) {
        schema_fail(c, name,
                    "the name of a function may have only letters, digits, '_', '-' and '.'");
        return;
    }
    gbnf_write_literal(&c->out, name->text, name->len);
    json_write_text(&c->out, " \"(\" ");
    if (parameters) {
        check_type(c, parameters);
        const schema_item both[2] = {{parameters, PART_ALL, NULL}, {parameters, PART_CALL, NULL}};
        schema_refer(c, both, 2);
    }
    json_write_text(&c->out, " \")\"\n");
}

void schema_write_tools(schema_compiler *c, bool only_one) {
    char name[48];
    size_t n = 0;
    if (c->root->kind != JSON_ARRAY || c->root->n == 0) {
        schema_fail(c, c->root, "tools must be a list");
        return;
    }
    json_write_text(&c->out, "root ::= " TOOL_CALL_START " \"[\" call ");
    json_write_text(&c->out, only_one ? "" : "(\", \" call){0,7} ");
    json_write_text(&c->out, "\"]\" " TOOL_CALL_END "\ncall ::= ");
    for (size_t i = 0; i < c->root->n; i++) {
        snprintf(name, sizeof name, "%scall-%zu", i > 0 ? " | " : "", i);
        json_write_text(&c->out, name);
    }
    json_write_text(&c->out, "\n");
    for (const json_value *t = c->root->first; t && c->status == LFM_OK; t = t->next, n++) {
        snprintf(name, sizeof name, "call-%zu ::= ", n);
        json_write_text(&c->out, name);
        write_tool(c, t);
    }
}
