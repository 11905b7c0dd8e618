/*
 * schema_types.c - strings as rules.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/schema/regex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void write_count(json_out *out, uint64_t min, uint64_t max) {
    char text[64];
    if (max == UINT64_MAX) {
        snprintf(text, sizeof text, "{%" PRIu64 ",}", min);
    } else {
        snprintf(text, sizeof text, "{%" PRIu64 ",%" PRIu64 "}", min, max);
    }
    json_write_text(out, text);
}

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

/* Formats with a meaning that is not supported yet, as opposed to those that mean nothing. */
static const char *const refused_formats[] = {
    "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri", "uri-reference",
    "uri-template", "iri", "iri-reference", "json-pointer", "relative-json-pointer", "regex",
    "duration", "byte", "base64", "base64url",
};

bool schema_knows_format(const json_value *format) {
    bool known = format_rule(format) != NULL;
    for (size_t i = 0; i < sizeof refused_formats / sizeof *refused_formats; i++) {
        known = known || json_is(format, refused_formats[i]);
    }
    return known;
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
