/*
 * schema_types.c - arrays and strings as rules.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/schema/regex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Arrays --------------------------------------------------------------------------------- */

/* Write the name of the rule for element `i`, or (SIZE_MAX) for any after prefixItems: what every
 * schema requires of it. */
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
    json_write_text(&c->out, f->unique && max > 1 ? "\"[\" @ " : "\"[\" ");
    /* The first elements one by one; each optional one encloses all that follow it. */
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
            schema_fail(c, f->format,
                        "this format is not supported; use date, time, date-time or uuid");
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
