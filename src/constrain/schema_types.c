/*
 * schema_types.c - objects, arrays and strings as rules.
 */
#include "constrain/schema_parts.h"

#include "base/utf8.h"
#include "constrain/gbnf.h"
#include "constrain/grow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Objects -------------------------------------------------------------------------------- */

typedef struct {
    const char *key;
    size_t len;
    bool required;
    bool taken;   /* while doubles are dropped */
} property;

typedef struct {
    schema_compiler *c;
    const schema_facts *f;
    property *at;      /* [n], in the order in which they are written */
    size_t n, cap;
    bool open;         /* others may follow */
    bool call;         /* a=1, b=2: arguments of a call in place of members */
    size_t id;         /* of the helper rules */
} object;

static int by_key(const void *a, const void *b) {
    const property *x = a;
    const property *y = b;
    const size_t n = x->len < y->len ? x->len : y->len;
    const int order = n > 0 ? memcmp(x->key, y->key, n) : 0;
    return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

static void add_property(object *o, const char *key, size_t len, bool required) {
    property *grown = grow_array(o->at, &o->cap, o->n + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(o->c);
        return;
    }
    o->at = grown;
    o->at[o->n++] = (property){key, len, required, false};
}

/* A key may be named by several schemas, and by `required` besides: keep the first of each, in
 * their order. */
static void drop_doubles(object *o) {
    property *sorted = malloc((o->n ? o->n : 1) * sizeof *sorted);
    size_t n = 0;
    if (!sorted) {
        schema_fail_memory(o->c);
        return;
    }
    for (size_t i = 0; i < o->n; i++) {
        sorted[i] = o->at[i];
    }
    qsort(sorted, o->n, sizeof *sorted, by_key);
    for (size_t i = 0; i < o->n; i++) { /* one of each, required if any is */
        if (n > 0 && by_key(&sorted[n - 1], &sorted[i]) == 0) {
            sorted[n - 1].required = sorted[n - 1].required || sorted[i].required;
        } else {
            sorted[n++] = sorted[i];
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++) {
        property *found = bsearch(&o->at[i], sorted, n, sizeof *sorted, by_key);
        if (found && !found->taken) {
            o->at[kept] = o->at[i];
            o->at[kept++].required = found->required;
            found->taken = true;
        }
    }
    o->n = kept;
    free(sorted);
}

static bool has_key(const json_value *properties, const property *p) {
    for (const json_value *m = properties ? properties->first : NULL; m; m = m->next) {
        if (m->key_len == p->len && memcmp(m->key, p->key, p->len) == 0) {
            return true;
        }
    }
    return false;
}

static void read_names(object *o) {
    const schema_facts *f = o->f;
    bool closed = false;
    bool opened = false;
    bool listed = false;
    for (size_t i = 0; i < f->n; i++) {
        const json_value *properties = json_get(f->items[i].node, "properties");
        const json_value *more = json_get(f->items[i].node, "additionalProperties");
        if (properties && properties->kind != JSON_OBJECT) {
            schema_fail(o->c, properties, "properties must be an object of schemas");
            return;
        }
        for (const json_value *m = properties ? properties->first : NULL; m; m = m->next) {
            add_property(o, m->key, m->key_len, false);
        }
        listed = listed || properties;
        closed = closed || (more && more->kind == JSON_FALSE);
        opened = opened || (more && more->kind != JSON_FALSE);
    }
    for (size_t i = 0; i < f->n; i++) {
        const json_value *required = json_get(f->items[i].node, "required");
        if (required && required->kind != JSON_ARRAY) {
            schema_fail(o->c, required, "required must be a list of names");
            return;
        }
        for (const json_value *m = required ? required->first : NULL; m; m = m->next) {
            if (m->kind != JSON_STRING) {
                schema_fail(o->c, m, "this must be the name of a property");
                return;
            }
            add_property(o, m->text, m->len, true);
        }
    }
    o->open = !closed && (opened || !listed);
}

/* The rule for the value of a property: what every schema says about it. */
static void refer_value(object *o, const property *p) {
    const schema_facts *f = o->f;
    schema_item *items = calloc(f->n ? f->n : 1, sizeof *items);
    size_t n = 0;
    if (!items) {
        schema_fail_memory(o->c);
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        const json_value *properties = json_get(f->items[i].node, "properties");
        const json_value *more = json_get(f->items[i].node, "additionalProperties");
        const json_value *found = NULL;
        for (const json_value *m = p && properties ? properties->first : NULL; m && !found;
             m = m->next) {
            found = m->key_len == p->len && memcmp(m->key, p->key, p->len) == 0 ? m : NULL;
        }
        if (found || more) {
            items[n++] = (schema_item){found ? found : more, PART_ALL};
        }
    }
    schema_refer(o->c, items, n);
    free(items);
}

static void write_member(object *o, const property *p) {
    if (o->call) {
        gbnf_write_literal(&o->c->out, p->key, p->len);
        json_write_text(&o->c->out, " \"=\" ");
    } else {
        schema_write_key(&o->c->out, p->key, p->len);
        json_write_text(&o->c->out, " \": \" ");
    }
    refer_value(o, p);
}

static void write_name(json_out *out, const char *prefix, size_t id, size_t i) {
    char name[64];
    snprintf(name, sizeof name, "%s%zu-%zu", prefix, id, i);
    json_write_text(out, name);
}

/* ---- Keys that are not among some ----------------------------------------------------------- */

/* Where a character of a key, escaped as in JSON, ends. */
static size_t key_step(const char *json, size_t n, size_t at) {
    if (json[at] == '\\' && at + 1 < n) {
        return json[at + 1] == 'u' && at + 6 <= n ? at + 6 : at + 2;
    }
    uint32_t code;
    const size_t len = utf8_decode(json + at, n - at, &code);
    return at + (len ? len : 1);
}

typedef struct {
    char *json; /* escaped, without quotes; owned by the list */
    size_t len;
} spelled;

static int by_spelling(const void *a, const void *b) {
    const spelled *x = a;
    const spelled *y = b;
    const size_t n = x->len < y->len ? x->len : y->len;
    const int order = n > 0 ? memcmp(x->json, y->json, n) : 0;
    return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* The escapes that the character rule has. */
static const char *const escapes[] = {
    "\\\"", "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u0001", "\\u0002", "\\u0003",
    "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\u000b", "\\u000e", "\\u000f", "\\u0010",
    "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017", "\\u0018",
    "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
};

static void write_class_character(json_out *out, const char *utf8, size_t n) {
    if (n == 1 && strchr("]^-\\", utf8[0])) {
        json_write_text(out, "\\");
    }
    if (n == 1 && (unsigned char)utf8[0] < 0x20) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)utf8[0]);
        json_write_text(out, escape);
    } else {
        json_write_raw(out, utf8, n);
    }
}

/* Rules for the strings (without their quotes) that are none of names[0..n): one for each distinct
 * beginning of `depth` bytes.  They go to `rules`; the first is named PREFIX. */
static void write_others(schema_compiler *c, json_out *rules, const spelled *names, size_t n,
                         size_t id) {
    typedef struct {
        size_t first, n, depth;
    } node;
    node *nodes = NULL;
    size_t n_nodes = 0;
    size_t cap = 0;
    nodes = grow_array(nodes, &cap, 1, sizeof *nodes);
    if (!nodes) {
        schema_fail_memory(c);
        return;
    }
    nodes[n_nodes++] = (node){0, n, 0};
    for (size_t at = 0; at < n_nodes && c->status == LFM_OK; at++) {
        const node here = nodes[at];
        bool is_name = false;
        json_out class_text = {0};
        json_out branches = {0};
        bool used[sizeof escapes / sizeof *escapes] = {false};
        for (size_t i = here.first; i < here.first + here.n;) {
            if (names[i].len == here.depth) {
                is_name = true;
                i++;
                continue;
            }
            const size_t end = key_step(names[i].json, names[i].len, here.depth);
            size_t j = i + 1;
            while (j < here.first + here.n && names[j].len >= end &&
                   memcmp(names[j].json, names[i].json, end) == 0) {
                j++;
            }
            node *grown = grow_array(nodes, &cap, n_nodes + 1, sizeof *grown);
            if (!grown) {
                schema_fail_memory(c);
                break;
            }
            nodes = grown;
            json_write_text(&branches, " | ");
            gbnf_write_literal(&branches, names[i].json + here.depth, end - here.depth);
            json_write_text(&branches, " ");
            write_name(&branches, "k", id, n_nodes);
            nodes[n_nodes++] = (node){i, j - i, end};
            if (names[i].json[here.depth] == '\\') {
                for (size_t e = 0; e < sizeof used; e++) {
                    used[e] = used[e] || (strlen(escapes[e]) == end - here.depth &&
                                          memcmp(escapes[e], names[i].json + here.depth,
                                                 end - here.depth) == 0);
                }
            } else {
                write_class_character(&class_text, names[i].json + here.depth, end - here.depth);
            }
            i = j;
        }
        write_name(rules, "k", id, at);
        json_write_text(rules, is_name ? " ::= " : " ::= \"\" | ");
        json_write_text(rules, "[^\"\\\\\\x00-\\x1f");
        json_write_raw(rules, class_text.ptr ? class_text.ptr : "", class_text.len);
        json_write_text(rules, "] char*");
        for (size_t e = 0; e < sizeof used; e++) {
            if (!used[e]) {
                json_write_text(rules, " | ");
                gbnf_write_literal(rules, escapes[e], strlen(escapes[e]));
                json_write_text(rules, " char*");
            }
        }
        json_write_raw(rules, branches.ptr ? branches.ptr : "", branches.len);
        json_write_text(rules, "\n");
        json_out_free(&class_text);
        json_out_free(&branches);
    }
    free(nodes);
}

static void write_other_keys(object *o, json_out *rules) {
    spelled *names = calloc(o->n, sizeof *names);
    if (!names) {
        schema_fail_memory(o->c);
        return;
    }
    for (size_t i = 0; i < o->n; i++) {
        json_out json = {0};
        json_write_string(&json, o->at[i].key, o->at[i].len);
        if (json.failed) {
            schema_fail_memory(o->c);
            json_out_free(&json);
            break;
        }
        memmove(json.ptr, json.ptr + 1, json.len - 2); /* without the quotes */
        names[i] = (spelled){json.ptr, json.len - 2};
    }
    if (o->c->status == LFM_OK) {
        qsort(names, o->n, sizeof *names, by_spelling);
        write_others(o->c, rules, names, o->n, o->id);
    }
    for (size_t i = 0; i < o->n; i++) {
        free(names[i].json);
    }
    free(names);
}

/* ---- Members in their order ----------------------------------------------------------------- */

/* What may follow when the members before `i` are written: a..i when none was, b..i when one was.
 * The rules call each other along the list. */
static void write_rest(object *o, json_out *rules, size_t i) {
    schema_compiler *c = o->c;
    for (int first = 1; first >= 0; first--) {
        json_out kept = c->out; /* references are written to c->out: lend it another */
        c->out = (json_out){0};
        write_name(&c->out, first ? "a" : "b", o->id, i);
        json_write_text(&c->out, " ::= ");
        const char *comma = first ? "" : "\", \" ";
        if (i < o->n) {
            const bool optional = !o->at[i].required;
            json_write_text(&c->out, comma);
            write_member(o, &o->at[i]);
            json_write_text(&c->out, " ");
            write_name(&c->out, "b", o->id, i + 1);
            if (optional) {
                json_write_text(&c->out, " | ");
                write_name(&c->out, first ? "a" : "b", o->id, i + 1);
            }
        } else if (!o->open) {
            json_write_text(&c->out, "\"\"");
        } else {
            json_write_text(&c->out, first ? "(" : "(\", \" ");
            write_name(&c->out, "m", o->id, 0);
            json_write_text(&c->out, first ? " (\", \" " : "");
            if (first) {
                write_name(&c->out, "m", o->id, 0);
                json_write_text(&c->out, ")*)?");
            } else {
                json_write_text(&c->out, ")*");
            }
        }
        json_write_text(&c->out, "\n");
        json_write_raw(rules, c->out.ptr ? c->out.ptr : "", c->out.len);
        rules->failed = rules->failed || c->out.failed;
        json_out_free(&c->out);
        c->out = kept;
    }
}

/* Any further member. */
static void write_more(object *o, json_out *rules) {
    schema_compiler *c = o->c;
    json_out kept = c->out;
    c->out = (json_out){0};
    write_name(&c->out, "m", o->id, 0);
    if (o->n == 0) {
        json_write_text(&c->out, " ::= string \": \" ");
    } else {
        json_write_text(&c->out, " ::= \"\\\"\" ");
        write_name(&c->out, "k", o->id, 0);
        json_write_text(&c->out, " \"\\\": \" ");
    }
    refer_value(o, NULL);
    json_write_text(&c->out, "\n");
    json_write_raw(rules, c->out.ptr ? c->out.ptr : "", c->out.len);
    rules->failed = rules->failed || c->out.failed;
    json_out_free(&c->out);
    c->out = kept;
    if (o->n > 0) {
        write_other_keys(o, rules);
    }
}

/* Python's names. */
static bool is_name(const property *p) {
    for (size_t i = 0; i < p->len; i++) {
        const char c = p->key[i];
        if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (i > 0 && c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return p->len > 0;
}

/* Write the name of a rule for everything between the brackets. */
static void write_members(schema_compiler *c, const schema_facts *f, json_out *rules, bool call) {
    object o = {.c = c, .f = f, .id = ++c->n_helpers, .call = call};
    read_names(&o);
    if (c->status == LFM_OK) {
        drop_doubles(&o);
    }
    o.open = o.open && !call; /* a function has the arguments that it has */
    for (size_t i = 0; call && i < o.n && c->status == LFM_OK; i++) {
        if (!is_name(&o.at[i])) {
            schema_fail(c, f->items[0].node, "'%.*s' cannot be the name of an argument",
                        (int)(o.at[i].len < 60 ? o.at[i].len : 60), o.at[i].key);
        }
    }
    for (size_t i = 0; i <= o.n && c->status == LFM_OK; i++) {
        const bool forbidden = i < o.n && !o.open && o.at[i].required;
        bool known = !forbidden;
        for (size_t k = 0; k < f->n && !known; k++) {
            known = has_key(json_get(f->items[k].node, "properties"), &o.at[i]);
        }
        if (!known) { /* required, and not allowed */
            schema_fail(c, f->items[0].node, "'%.*s' is required, but no property allows it",
                        (int)(o.at[i].len < 60 ? o.at[i].len : 60), o.at[i].key);
            break;
        }
        write_rest(&o, rules, i);
    }
    if (c->status == LFM_OK && o.open) {
        write_more(&o, rules);
    }
    write_name(&c->out, "a", o.id, 0);
    free(o.at);
}

void schema_write_object(schema_compiler *c, const schema_facts *f, json_out *rules) {
    json_write_text(&c->out, "\"{\" ");
    write_members(c, f, rules, false);
    json_write_text(&c->out, " \"}\"");
}

void schema_write_arguments(schema_compiler *c, const schema_facts *f, json_out *rules) {
    write_members(c, f, rules, true);
}

/* ---- Arrays --------------------------------------------------------------------------------- */

/* Element `i`, or (SIZE_MAX) any behind prefixItems: what every schema says about it. */
static void refer_element(schema_compiler *c, const schema_facts *f, size_t i) {
    schema_item *items = calloc(f->n ? f->n : 1, sizeof *items);
    size_t n = 0;
    if (!items) {
        schema_fail_memory(c);
        return;
    }
    for (size_t k = 0; k < f->n; k++) {
        const json_value *prefix = json_get(f->items[k].node, "prefixItems");
        const json_value *rest = json_get(f->items[k].node, "items");
        const json_value *found = prefix && i < prefix->n ? prefix->first : NULL;
        for (size_t j = 0; found && j < i; j++) {
            found = found->next;
        }
        if (found || rest) {
            items[n++] = (schema_item){found ? found : rest, PART_ALL};
        }
    }
    schema_refer(c, items, n);
    free(items);
}

static size_t longest_prefix(schema_compiler *c, const schema_facts *f) {
    size_t most = 0;
    for (size_t k = 0; k < f->n; k++) {
        const json_value *prefix = json_get(f->items[k].node, "prefixItems");
        const json_value *rest = json_get(f->items[k].node, "items");
        if (prefix && prefix->kind != JSON_ARRAY) {
            schema_fail(c, prefix, "prefixItems must be a list of schemas");
            return 0;
        }
        if (rest && rest->kind == JSON_ARRAY) {
            schema_fail(c, rest, "items must be a schema; a list is prefixItems");
            return 0;
        }
        most = prefix && prefix->n > most ? prefix->n : most;
    }
    return most;
}

static void write_count(json_out *out, uint64_t min, uint64_t max) {
    char text[64];
    if (max == UINT64_MAX) {
        snprintf(text, sizeof text, "{%" PRIu64 ",}", min);
    } else {
        snprintf(text, sizeof text, "{%" PRIu64 ",%" PRIu64 "}", min, max);
    }
    json_write_text(out, text);
}

void schema_write_array(schema_compiler *c, const schema_facts *f) {
    const size_t n_prefix = longest_prefix(c, f);
    const uint64_t min = f->min_items;
    const uint64_t max = f->max_items;
    size_t n_open = 0;
    if (min > max) {
        json_write_text(&c->out, "never");
        return;
    }
    json_write_text(&c->out, "\"[\" ");
    /* The first elements one by one, each optional one around all that follow it. */
    for (size_t i = 0; i < n_prefix && i < max; i++) {
        if (i >= min) {
            json_write_text(&c->out, "(");
            n_open++;
        }
        json_write_text(&c->out, i > 0 ? "\", \" " : "");
        refer_element(c, f, i);
        json_write_text(&c->out, " ");
    }
    if (n_prefix < max) {
        const uint64_t least = min > n_prefix ? min - n_prefix : 0;
        const uint64_t most = max == UINT64_MAX ? max : max - n_prefix;
        if (n_prefix > 0) {
            json_write_text(&c->out, "(\", \" ");
            refer_element(c, f, SIZE_MAX);
            json_write_text(&c->out, ")");
            write_count(&c->out, least, most);
        } else {
            json_write_text(&c->out, "(");
            refer_element(c, f, SIZE_MAX);
            json_write_text(&c->out, " (\", \" ");
            refer_element(c, f, SIZE_MAX);
            json_write_text(&c->out, ")");
            write_count(&c->out, least > 0 ? least - 1 : 0, most == UINT64_MAX ? most : most - 1);
            json_write_text(&c->out, least > 0 ? ")" : ")?");
        }
    }
    for (; n_open > 0; n_open--) {
        json_write_text(&c->out, ")?");
    }
    json_write_text(&c->out, " \"]\"");
}

/* ---- Strings -------------------------------------------------------------------------------- */

/* The days of the Gregorian calendar, leap years and all (RFC 3339: full-date). */
#define TWO_DIGITS "[0-9] [0-9]"
#define DATE_RULE                                                                                  \
    "(" TWO_DIGITS " " TWO_DIGITS " \"-\" ((\"01\"|\"03\"|\"05\"|\"07\"|\"08\"|\"10\"|\"12\") "    \
    "\"-\" (\"0\" [1-9] | [12] [0-9] | \"3\" [01]) | (\"04\"|\"06\"|\"09\"|\"11\") \"-\" "         \
    "(\"0\" [1-9] | [12] [0-9] | \"30\") | \"02-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8])) | "  \
    "(" TWO_DIGITS " (\"0\" [48] | [2468] [048] | [13579] [26]) | "                                \
    "(\"0\" [048] | [2468] [048] | [13579] [26]) \"00\") \"-02-29\")"
#define HOUR_RULE "([01] [0-9] | \"2\" [0-3])"
#define TIME_RULE                                                                                  \
    "(" HOUR_RULE " \":\" [0-5] [0-9] \":\" [0-5] [0-9] (\".\" [0-9]+)? "                         \
    "(\"Z\" | [+-] " HOUR_RULE " \":\" [0-5] [0-9]))"

static const char *format_rule(const json_value *format) {
    return json_is(format, "date") ? DATE_RULE
         : json_is(format, "time") ? TIME_RULE
         : json_is(format, "date-time") ? DATE_RULE " \"T\" " TIME_RULE
         : json_is(format, "uuid")
             ? "[0-9a-fA-F]{8} \"-\" ([0-9a-fA-F]{4} \"-\"){3} [0-9a-fA-F]{12}"
             : NULL;
}

void schema_write_string(schema_compiler *c, const schema_facts *f) {
    const bool counted = f->min_length > 0 || f->max_length != UINT64_MAX;
    char why[160];
    if ((f->pattern || f->format) && (counted || (f->pattern && f->format))) {
        schema_fail(c, f->pattern ? f->pattern : f->format,
                    "this together with other limits of the same string is not supported");
        return;
    }
    if (f->min_length > f->max_length) {
        json_write_text(&c->out, "never");
    } else if (f->format) {
        const char *rule = format_rule(f->format);
        if (!rule) {
            schema_fail(c, f->format, "this format is not supported; there are date, time, "
                                      "date-time and uuid");
            return;
        }
        json_write_text(&c->out, "\"\\\"\" ");
        json_write_text(&c->out, rule);
        json_write_text(&c->out, " \"\\\"\"");
    } else if (f->pattern) {
        json_write_text(&c->out, "\"\\\"\" (");
        if (!regex_to_gbnf(&c->out, f->pattern->text, f->pattern->len, why, sizeof why)) {
            schema_fail(c, f->pattern, "%s", why);
        }
        json_write_text(&c->out, ") \"\\\"\"");
    } else if (counted) {
        json_write_text(&c->out, "\"\\\"\" char");
        write_count(&c->out, f->min_length, f->max_length);
        json_write_text(&c->out, " \"\\\"\"");
    } else {
        json_write_text(&c->out, "string");
    }
}
