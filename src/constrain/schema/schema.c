/*
 * schema.c - a JSON schema -> a grammar: a rule for each set of schemas.
 */
#include "constrain/schema/schema.h"

#include "constrain/gbnf/gbnf_write.h"
#include "constrain/schema/schema_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_OUT = 12 << 20 };

/* Rules of every grammar: any value, written in one way.  `never` matches nothing: a rule that
 * needs itself is removed, with all that need it. */
static const char common_rules[] =
    "never ::= \"x\" never\n"
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" (string \": \" value (\", \" string \": \" value)*)? \"}\"\n"
    "array ::= \"[\" (value (\", \" value)*)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1f] | \"\\\\\" [\"\\\\bfnrt] | "
    "\"\\\\u00\" (\"0\" [0-7bef] | \"1\" [0-9a-f])\n";

/* ---- One set -------------------------------------------------------------------------------- */

/* Write the first choice: each of its branches, combined with everything else. */
static void write_choice(schema_compiler *c, const schema_list *base, const schema_list *choices) {
    const schema_item choice = choices->at[0];
    schema_list branches = {0};
    schema_list set = {0};
    schema_push_all(c, &branches,
                    json_get(choice.node, choice.part == PART_ANY_OF ? "anyOf" : "oneOf"));
    for (size_t i = 0; i < branches.n && c->status == LFM_OK; i++) {
        set.n = 0;
        for (size_t j = 0; j < base->n; j++) {
            schema_push(c, &set, base->at[j]);
        }
        schema_push(c, &set, branches.at[i]);
        for (size_t j = 1; j < choices->n; j++) {
            schema_push(c, &set, choices->at[j]);
        }
        json_write_text(&c->out, i > 0 ? " | " : "");
        schema_refer(c, set.at, set.n);
    }
    free(branches.at);
    free(set.at);
}

static void write_value(json_out *out, const json_value *v) {
    json_out json = {0};
    json_write_value(&json, v);
    gbnf_write_literal(out, json.ptr ? json.ptr : "", json.len);
    out->failed = out->failed || json.failed;
    json_out_free(&json);
}

static void write_values(schema_compiler *c, const schema_facts *f) {
    size_t n = 0;
    for (size_t i = 0; i < f->n_values && c->status == LFM_OK; i++) {
        if (schema_allows(c, f, f->values[i])) {
            json_write_text(&c->out, n++ > 0 ? " | " : "");
            write_value(&c->out, f->values[i]);
        }
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}

static void write_types(schema_compiler *c, const schema_facts *f, json_out *rules) {
    size_t n = 0;
    for (unsigned type = TYPE_OBJECT; type > 0; type >>= 1) {
        if (!(f->types & type) || (type == TYPE_INTEGER && f->types & TYPE_FRACTION)) continue;
        json_write_text(&c->out, n++ > 0 ? " | " : "");
        switch (type) {
        case TYPE_OBJECT: schema_write_object(c, f, rules); break;
        case TYPE_ARRAY: schema_write_array(c, f); break;
        case TYPE_STRING: schema_write_string(c, f); break;
        case TYPE_FRACTION: schema_write_number(c, f, false); break;
        case TYPE_INTEGER: schema_write_number(c, f, true); break;
        case TYPE_BOOLEAN: json_write_text(&c->out, "\"true\" | \"false\""); break;
        default: json_write_text(&c->out, "\"null\""); break;
        }
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}

static void write_base(schema_compiler *c, const schema_list *base, json_out *rules) {
    schema_facts f = {.items = base->at, .n = base->n};
    for (size_t i = 0; i < base->n; i++) {
        if (base->at[i].node->kind == JSON_FALSE) {
            json_write_text(&c->out, "never");
            return;
        }
    }
    if (base->n == 0) {
        json_write_text(&c->out, "value");
        return;
    }
    schema_read_facts(c, &f);
    if (c->status == LFM_OK && f.has_values) {
        write_values(c, &f);
    } else if (c->status == LFM_OK && f.types == TYPE_ANY && f.hinted == 0) {
        json_write_text(&c->out, "value");
    } else if (c->status == LFM_OK) {
        f.types = f.types == TYPE_ANY ? f.hinted : f.types;
        write_types(c, &f, rules);
    }
    free(f.values);
}

/* Write the rule of set `index`, and the helper rules that only it needs. */
static void write_set(schema_compiler *c, size_t index) {
    schema_list all = {0};
    schema_list base = {0};
    schema_list choices = {0};
    json_out rules = {0};
    char head[40];
    for (size_t i = 0; i < c->sets[index].n; i++) {
        schema_push(c, &all, c->items[c->sets[index].first + i]);
    }
    schema_expand(c, &all, &base, &choices);
    snprintf(head, sizeof head, "s%zu ::= ", index);
    json_write_text(&c->out, head);
    if (c->status == LFM_OK && choices.n > 0) {
        write_choice(c, &base, &choices);
    } else if (c->status == LFM_OK) {
        write_base(c, &base, &rules);
    }
    json_write_text(&c->out, "\n");
    json_write_raw(&c->out, rules.ptr ? rules.ptr : "", rules.len);
    if (c->out.failed || rules.failed) {
        schema_fail_memory(c);
    }
    if (c->out.len > MAX_OUT) {
        schema_fail(c, c->root, "the schema has too many combinations");
    }
    json_out_free(&rules);
    free(all.at);
    free(base.at);
    free(choices.at);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static void write_many(schema_compiler *c) {
    schema_write_tools(c, false);
}

static void write_one(schema_compiler *c) {
    schema_write_tools(c, true);
}

static void write_root(schema_compiler *c) {
    json_write_text(&c->out, "root ::= ");
    schema_refer(c, &(schema_item){c->root, PART_ALL}, 1);
    json_write_text(&c->out, "\n");
}

/* Write the first rules, the common ones, and then those that they need. */
static lfm_status compile(char **gbnf, const char *text, size_t len,
                          void (*begin)(schema_compiler *c), lfm_error *err) {
    json_doc doc = {0};
    schema_compiler c = {.err = err};
    *gbnf = NULL;
    lfm_status st = json_parse(&doc, text, len, err);
    if (st != LFM_OK) return st;
    c.root = doc.root;
    begin(&c);
    json_write_text(&c.out, common_rules);
    schema_write_number_rules(&c);
    for (size_t i = 0; i < c.n_sets && c.status == LFM_OK; i++) { /* it grows */
        write_set(&c, i);
    }
    digits_write(&c.digits, &c.out);
    if (c.status == LFM_OK) {
        c.status = json_finish(&c.out, err);
    }
    if (c.status == LFM_OK) {
        *gbnf = c.out.ptr;
        c.out = (json_out){0};
    }
    json_out_free(&c.out);
    free(c.items);
    free(c.sets);
    free(c.slots);
    digits_drop(&c.digits);
    json_doc_free(&doc);
    return c.status;
}

lfm_status schema_to_gbnf(char **gbnf, const char *text, size_t len, lfm_error *err) {
    return compile(gbnf, text, len, write_root, err);
}

lfm_status schema_tools_to_gbnf(char **gbnf, const char *text, size_t len, bool only_one,
                                lfm_error *err) {
    return compile(gbnf, text, len, only_one ? write_one : write_many, err);
}
