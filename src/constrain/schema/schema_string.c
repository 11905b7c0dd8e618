/*
 * schema_string.c - strings as rules: patterns, formats and lengths together.
 *
 * They are intersected as regular languages.  When the automaton would need too many states,
 * texts are kept shorter than the schema asks.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/regular/regular.h"
#include "constrain/regular/formats.h"
#include "constrain/regular/regex.h"


enum { FEW_STATES = 256, MANY_STATES = 4096 };

bool schema_knows_format(const json_value *format) {
    return format->kind == JSON_STRING && regex_of_format(format->text, format->len) != NULL;
}

regular_id schema_read_pattern(schema_compiler *c, regular_store *s, const json_value *at,
                               const char *pattern, size_t n) {
    char why[160];
    regular_id language = REGULAR_NONE;
    if (c->status == LFM_OK && !regex_read(s, &language, pattern, n, why, sizeof why)) {
        schema_fail(c, at, "%s", why);
    }
    return language;
}

/* The whole texts of a format. */
regular_id schema_read_format(schema_compiler *c, regular_store *s, const json_value *format) {
    const char *regex = regex_of_format(format->text, format->len);
    json_out whole = {0};
    json_write_text(&whole, "^(?:");
    json_write_text(&whole, regex ? regex : "[^]*");
    json_write_text(&whole, ")$");
    if (whole.failed) {
        schema_fail_memory(c);
    }
    const regular_id language =
        whole.failed ? REGULAR_NONE : schema_read_pattern(c, s, format, whole.ptr, whole.len);
    json_out_free(&whole);
    return language;
}

regular_id schema_read_strings(schema_compiler *c, regular_store *s, const schema_item *items,
                               size_t n) {
    regular_id language = REGULAR_TEXT;
    for (size_t i = 0; i < n; i++) {
        const json_value *pattern = json_get(items[i].node, "pattern");
        const json_value *format = json_get(items[i].node, "format");
        if (pattern && pattern->kind == JSON_STRING) {
            const regular_id texts = schema_read_pattern(c, s, pattern, pattern->text,
                                                         pattern->len);
            language = regular_and(s, language, texts);
        }
        if (format && schema_knows_format(format)) {
            language = regular_and(s, language, schema_read_format(c, s, format));
        }
    }
    return language;
}

/* What the patterns and formats allow, but for the barred strings. */
static regular_id read_language(schema_compiler *c, regular_store *s, const schema_facts *f) {
    regular_id language = schema_read_strings(c, s, f->items, f->n);
    for (size_t i = 0; i < f->n_barred; i++) {
        const json_value *v = f->barred[i];
        if (v->kind == JSON_STRING) {
            language = regular_and(s, language, regular_not(s, regular_text(s, v->text, v->len)));
        }
    }
    return language;
}

/* Write the rules of texts of at most max_length characters; false when they are too many. */
static bool try_states(schema_compiler *c, const schema_facts *f, uint64_t max_length,
                       size_t max_states, json_out *rules) {
    regular_store *s = regular_new();
    if (!s) {
        schema_fail_memory(c);
        return true;
    }
    const uint32_t max = max_length > MANY_STATES ? REGULAR_ENDLESS : (uint32_t)max_length;
    regular_id language = read_language(c, s, f);
    language = regular_and(s, language,
                           regular_loop(s, REGULAR_ANY, (uint32_t)f->min_length, max));
    const bool done = c->status != LFM_OK ||
                      regular_write(s, language, max_states, "t", c->n_helpers, rules);
    regular_free(s);
    return done;
}

/* Write a language without lengths as its expressions are. */
static bool try_copy(schema_compiler *c, const schema_facts *f, json_out *rules) {
    regular_store *s = regular_new();
    json_out copy = {0};
    if (!s) {
        schema_fail_memory(c);
        return true;
    }
    const regular_id language = read_language(c, s, f);
    const bool done = !regular_failed(s) && regular_copy(s, language, &copy);
    if (done) {
        schema_write_name(rules, "t", c->n_helpers, 0);
        json_write_text(rules, " ::= ");
        json_write_raw(rules, copy.ptr ? copy.ptr : "", copy.len);
        json_write_text(rules, "\n");
        rules->failed = rules->failed || copy.failed;
    }
    json_out_free(&copy);
    regular_free(s);
    return done;
}

/* A length up to which texts can be counted: a state of the language for each character. */
static uint64_t countable(schema_compiler *c, const schema_facts *f) {
    regular_store *s = regular_new();
    if (!s) {
        schema_fail_memory(c);
        return 0;
    }
    const regular_id language = read_language(c, s, f);
    const size_t n_states = regular_count(s, language, MANY_STATES);
    regular_free(s);
    return n_states > 0 ? MANY_STATES / n_states - 1 : 0;
}

static void write_language(schema_compiler *c, const schema_facts *f, const json_value *at,
                           json_out *rules) {
    const bool counted = f->min_length > 0 || f->max_length != UINT64_MAX;
    const uint64_t max = f->max_length;
    bool done = (max < MANY_STATES || max == UINT64_MAX) &&
                try_states(c, f, max, counted ? MANY_STATES : FEW_STATES, rules);
    if (!done && !counted) {
        done = try_copy(c, f, rules) || try_states(c, f, max, MANY_STATES, rules);
    }
    if (!done && max != UINT64_MAX) {
        const uint64_t less = countable(c, f);
        done = less < max && less >= f->min_length && try_states(c, f, less, MANY_STATES, rules);
    }
    if (!done) {
        schema_fail(c, at, "this string needs more than %d states, of its patterns, formats and "
                           "lengths together", MANY_STATES);
    }
}

void schema_write_string(schema_compiler *c, const schema_facts *f, json_out *rules) {
    const json_value *at = f->pattern ? f->pattern : f->format;
    if (f->min_length > f->max_length) {
        json_write_text(&c->out, "never");
    } else if (at) {
        c->n_helpers++;
        json_write_text(&c->out, "\"\\\"\" ");
        schema_write_name(&c->out, "t", c->n_helpers, 0);
        json_write_text(&c->out, " \"\\\"\"");
        write_language(c, f, at, rules);
    } else if (f->min_length > 0 || f->max_length != UINT64_MAX) {
        json_write_text(&c->out, "\"\\\"\" char");
        schema_write_times(&c->out, f->min_length, f->max_length);
        json_write_text(&c->out, " \"\\\"\"");
    } else {
        json_write_text(&c->out, "string");
    }
}
