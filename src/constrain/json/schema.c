/*
 * schema.c - a JSON schema -> a grammar: a rule for each set of schemas.
 */
#include "constrain/json/schema.h"

#include "constrain/json/json_internal.h"
#include "constrain/judge/same.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OUT = 12 << 20 };

/* ---- Values of the types -------------------------------------------------------------------- */

/* Keep of the barred values those that the rest allows; true if there are any of these types. */
static bool bars(schema_compiler *c, schema_facts *f, unsigned types) {
    bool any = false;
    size_t kept = 0;
    for (size_t i = 0; i < f->n_barred; i++) {
        const json_value *v = f->barred[i];
        if (schema_judge_facts(c, f, v) == VERDICT_NO) continue;
        f->barred[kept++] = v;
        any = any || (types & schema_type_of(v));
    }
    f->n_barred = kept;
    return any;
}

static void write_booleans(schema_compiler *c, const schema_facts *f) {
    bool allowed[2] = {true, true};
    for (size_t i = 0; i < f->n_barred; i++) {
        const json_kind kind = f->barred[i]->kind;
        if (kind == JSON_TRUE || kind == JSON_FALSE) {
            allowed[kind == JSON_TRUE] = false;
        }
    }
    json_write_text(&c->out, allowed[0] && allowed[1] ? "\"true\" | \"false\""
                             : allowed[0]             ? "\"false\""
                             : allowed[1]             ? "\"true\"" : "never");
}

/* Write numbers with a fraction whose whole part is at least `least`, and below that of `most`, or
 * below 10^9: with seven digits behind the point a double holds them. */
static void write_fractions_within(schema_compiler *c, const schema_limit *least,
                                   const schema_limit *most) {
    schema_facts whole = {.low = *least, .high = {.given = true, .whole = "1000000000"}};
    if (most->given && strlen(most->whole) < 10) {
        whole.high = *most;
        whole.high.fraction[0] = '\0';
    }
    whole.low.given = true;
    whole.low.negative = whole.low.exclusive = whole.high.negative = false;
    whole.high.exclusive = true;
    json_write_text(&c->out, "(");
    schema_write_number(c, &whole, true);
    json_write_text(&c->out, ") \".\" [0-9]{0,6} [1-9]");
}

/* Numbers that are not whole.  Those between a limit and the next whole number are left out, and
 * where more than limits is asked, all are. */
static void write_fractions(schema_compiler *c, const schema_facts *f) {
    const json_value *format = f->number_format;
    bool asks_more = format && !json_is(format, "float") && !json_is(format, "double");
    for (size_t i = 0; i < f->n; i++) {
        asks_more = asks_more || json_get(f->items[i].node, "multipleOf");
    }
    if (asks_more) {
        json_write_text(&c->out, "never");
        return;
    }
    const schema_limit zero = {.given = true, .whole = "0"};
    const bool above = !f->high.given || !f->high.negative;
    const bool below = !f->low.given || f->low.negative;
    if (above) {
        write_fractions_within(c, f->low.given && !f->low.negative ? &f->low : &zero, &f->high);
    }
    if (below) {
        json_write_text(&c->out, above ? " | \"-\" " : "\"-\" ");
        write_fractions_within(c, f->high.given && f->high.negative ? &f->high : &zero, &f->low);
    }
}

static int by_value(const void *a, const void *b) {
    return schema_compare(a, b);
}

/* Numbers between the barred ones. */
static void write_numbers(schema_compiler *c, const schema_facts *f) {
    const bool whole = !(f->types & TYPE_FRACTION);
    schema_limit *at = calloc(f->n_barred + 1, sizeof *at);
    size_t n = 0;
    if (!at) {
        schema_fail_memory(c);
        return;
    }
    for (size_t i = 0; i < f->n_barred; i++) {
        const json_value *v = f->barred[i];
        if (v->kind == JSON_NUMBER && schema_read_limit(&at[n], v, true)) {
            n++;
        } else if (v->kind == JSON_NUMBER) {
            schema_fail(c, v, "this number has too many digits to be excluded");
        }
    }
    if (n > 1) {
        qsort(at, n, sizeof *at, by_value);
    }
    schema_facts part = *f;
    for (size_t i = 0; i <= n && c->status == LFM_OK; i++) {
        /* Barred ones may lie outside the limits. */
        const bool lower = i > 0 && (!f->low.given || schema_compare(&at[i - 1], &f->low) >= 0);
        const bool upper = i < n && (!f->high.given || schema_compare(&at[i], &f->high) <= 0);
        part.low = lower ? at[i - 1] : f->low;
        part.high = upper ? at[i] : f->high;
        json_write_text(&c->out, i > 0 ? " | " : "");
        if (f->types & TYPE_INTEGER) {
            schema_write_number(c, &part, whole);
        } else {
            write_fractions(c, &part);
        }
    }
    free(at);
}

static size_t count_characters(const json_value *v) {
    size_t n = 0;
    for (size_t i = 0; i < v->len; i++) {
        n += ((unsigned char)v->text[i] & 0xc0) != 0x80;
    }
    return n;
}

static int by_number(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Strings of the allowed lengths that no barred one has. */
static void write_other_lengths(schema_compiler *c, const schema_facts *f, json_out *rules) {
    uint64_t *lengths = calloc(f->n_barred + 1, sizeof *lengths);
    schema_facts part = *f;
    size_t n = 0;
    if (!lengths) {
        schema_fail_memory(c);
        return;
    }
    for (size_t i = 0; i < f->n_barred; i++) {
        if (f->barred[i]->kind == JSON_STRING) {
            lengths[n++] = count_characters(f->barred[i]);
        }
    }
    qsort(lengths, n, sizeof *lengths, by_number);
    for (size_t i = 0; i <= n; i++) {
        part.max_length = i < n && lengths[i] <= f->max_length ? lengths[i] - 1 : f->max_length;
        json_write_text(&c->out, i > 0 ? " | " : "");
        if ((i < n && lengths[i] == 0) || part.min_length > part.max_length) {
            json_write_text(&c->out, "never");
        } else {
            schema_write_string(c, &part, rules);
        }
        part.min_length = i < n && lengths[i] >= part.min_length ? lengths[i] + 1
                                                                 : part.min_length;
    }
    free(lengths);
}

/* Strings other than the barred ones: all of them, or with nothing but limits of their length those
 * that differ in length, too. */
static void write_other_strings(schema_compiler *c, const schema_facts *f, json_out *rules) {
    schema_property *names = calloc(f->n_barred + 1, sizeof *names);
    const size_t id = ++c->n_helpers;
    size_t n = 0;
    if (!names) {
        schema_fail_memory(c);
        return;
    }
    for (size_t i = 0; i < f->n_barred; i++) {
        const json_value *v = f->barred[i];
        bool is_new = v->kind == JSON_STRING;
        for (size_t k = 0; k < i && is_new; k++) {
            is_new = !schema_same(f->barred[k], v);
        }
        if (is_new) {
            names[n++] = (schema_property){.key = v->text, .len = v->len};
        }
    }
    if (f->pattern || f->format) {
        schema_write_string(c, f, rules);
    } else if (f->min_length > 0 || f->max_length != UINT64_MAX) {
        write_other_lengths(c, f, rules);
    } else {
        json_write_text(&c->out, "\"\\\"\" ");
        schema_write_name(&c->out, "k", id, 0);
        json_write_text(&c->out, " \"\\\"\"");
        schema_write_other_keys(c, names, n, id, rules);
    }
    free(names);
}

/* Lists or objects where some are barred: none, but for barring the empty list. */
static void write_containers(schema_compiler *c, schema_facts *f, unsigned type, json_out *rules) {
    bool never = false;
    for (size_t i = 0; i < f->n_barred; i++) {
        const json_value *v = f->barred[i];
        const bool empty_list = v->kind == JSON_ARRAY && v->n == 0;
        never = never || (!empty_list && schema_type_of(v) == type);
        f->min_items = empty_list && f->min_items == 0 ? 1 : f->min_items;
    }
    if (never) {
        json_write_text(&c->out, "never");
    } else if (type == TYPE_ARRAY) {
        schema_write_array(c, f, rules);
    } else {
        schema_write_object(c, f, rules);
    }
}

static void write_type(schema_compiler *c, schema_facts *f, unsigned type, json_out *rules) {
    switch (type) {
    case TYPE_OBJECT:
    case TYPE_ARRAY: write_containers(c, f, type, rules); break;
    case TYPE_STRING:
        if (bars(c, f, TYPE_STRING)) {
            write_other_strings(c, f, rules);
        } else {
            schema_write_string(c, f, rules);
        }
        break;
    case TYPE_FRACTION:
    case TYPE_INTEGER: write_numbers(c, f); break;
    case TYPE_BOOLEAN: write_booleans(c, f); break;
    default: json_write_text(&c->out, bars(c, f, TYPE_NULL) ? "never" : "\"null\""); break;
    }
}

static void write_types(schema_compiler *c, schema_facts *f, json_out *rules) {
    size_t n = 0;
    bars(c, f, TYPE_ANY);
    for (unsigned type = TYPE_OBJECT; type > 0; type >>= 1) {
        if (!(f->types & type) || (type == TYPE_INTEGER && f->types & TYPE_FRACTION)) continue;
        json_write_text(&c->out, n++ > 0 ? " | " : "");
        write_type(c, f, type, rules);
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}

/* ---- One set -------------------------------------------------------------------------------- */

static bool is_call(const schema_facts *f) {
    for (size_t i = 0; i < f->n_extras; i++) {
        if (f->extras[i].part == PART_CALL) return true;
    }
    return false;
}

/* Write what satisfies the facts, or the values of an enum that also satisfy the choices. */
static void write_base(schema_compiler *c, schema_list *base, const schema_list *choices,
                       json_out *rules) {
    schema_facts f = {0};
    if (base->n == 0) {
        json_write_text(&c->out, "value");
        return;
    }
    schema_read_facts(c, &f, base);
    /* Keywords imply their types where no `type` does. */
    const unsigned implied = f.typed || !(f.hinted & f.types) ? f.types : f.hinted & f.types;
    if (c->status != LFM_OK) {
        schema_drop_facts(&f);
        return;
    }
    if (is_call(&f)) {
        if (f.types & TYPE_OBJECT && !f.has_values) {
            schema_write_arguments(c, &f, rules);
        } else {
            json_write_text(&c->out, "never");
        }
    } else if (f.has_values) {
        schema_write_values(c, &f, choices);
    } else if (f.types == TYPE_ANY && f.hinted == 0 && f.n_extras == 0) {
        json_write_text(&c->out, "value");
    } else {
        f.types = implied;
        write_types(c, &f, rules);
    }
    schema_drop_facts(&f);
}

/* Write one choice: each of its branches, combined with everything else. */
static void write_choice(schema_compiler *c, const schema_list *base, const schema_list *choices,
                         size_t which) {
    schema_branches b = {0};
    schema_list set = {0};
    size_t from = 0;
    schema_list_branches(c, &b, &choices->at[which], base);
    if (choices->at[which].part == PART_NOT) {
        schema_prune(c, &b, base);
    }
    c->optional = true;
    for (size_t i = 0; i < b.n && c->status == LFM_OK; from = b.ends[i++]) {
        set.n = 0;
        for (size_t j = 0; j < base->n; j++) {
            schema_push(c, &set, base->at[j]);
        }
        for (size_t j = from; j < b.ends[i]; j++) {
            schema_push(c, &set, b.items.at[j]);
        }
        for (size_t j = 0; j < choices->n; j++) {
            if (j != which) {
                schema_push(c, &set, choices->at[j]);
            }
        }
        json_write_text(&c->out, i > 0 ? " | " : "");
        schema_refer(c, set.at, set.n);
    }
    if (b.n == 0) {
        json_write_text(&c->out, "never");
    }
    schema_drop_branches(&b);
    free(set.at);
}

static void drop_choice(schema_list *choices, size_t which) {
    for (choices->n--; which < choices->n; which++) {
        choices->at[which] = choices->at[which + 1];
    }
}

/* Drop choices that hold anyway, decide those that leave one branch, and say which of the others to
 * make first; SIZE_MAX = nothing satisfies the set. */
static size_t simplify(schema_compiler *c, schema_list *base, schema_list *choices) {
    size_t best = 0;
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; i < choices->n && c->status == LFM_OK;) {
        const schema_item choice = choices->at[i];
        const schema_item whole = {choice.node, PART_ALL, NULL};
        if (choice.part == PART_NOT && schema_is_empty(c, base, &whole, 1)) {
            drop_choice(choices, i);
            fewest = SIZE_MAX; /* numbers have moved: count again what matters */
            i = 0;
            continue;
        }
        schema_branches b = {0};
        schema_list_branches(c, &b, &choice, base);
        schema_prune(c, &b, base);
        const size_t n = b.n;
        if (n == 1) {
            schema_list all = {0};
            drop_choice(choices, i);
            for (size_t k = 0; k < base->n; k++) {
                schema_push(c, &all, base->at[k]);
            }
            for (size_t k = 0; k < b.ends[0]; k++) {
                schema_push(c, &all, b.items.at[k]);
            }
            base->n = 0;
            schema_expand(c, &all, base, choices);
            free(all.at);
            fewest = SIZE_MAX;
            i = 0;
        } else if (n < fewest) {
            fewest = n;
            best = i++;
        } else {
            i++;
        }
        schema_drop_branches(&b);
        if (n == 0) return SIZE_MAX;
    }
    return best;
}

static bool lists_values(const schema_list *base) {
    for (size_t i = 0; i < base->n; i++) {
        const json_value *node = base->at[i].part == PART_BASE ? base->at[i].node : NULL;
        if (json_get(node, "enum") || json_get(node, "const")) return true;
    }
    return false;
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
    c->optional = c->sets[index].optional;
    schema_expand(c, &all, &base, &choices);
    snprintf(head, sizeof head, "s%zu ::= ", index);
    json_write_text(&c->out, head);
    size_t which = 0;
    if (c->status == LFM_OK && !lists_values(&base) && schema_may_try(c) &&
        (choices.n > 1 || (choices.n == 1 && choices.at[0].part == PART_NOT))) {
        which = simplify(c, &base, &choices);
    }
    if (c->status == LFM_OK && which == SIZE_MAX) {
        json_write_text(&c->out, "never");
    } else if (c->status == LFM_OK && choices.n > 0 && !lists_values(&base)) {
        write_choice(c, &base, &choices, which);
    } else if (c->status == LFM_OK) {
        write_base(c, &base, &choices, &rules);
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

static bool names_old_draft(const json_value *schema) {
    const json_value *v = json_get(schema, "$schema");
    for (size_t i = 0; v && v->kind == JSON_STRING && i + 7 < v->len; i++) {
        if (memcmp(v->text + i, "draft-0", 7) == 0) return true;
    }
    return false;
}

/* Write the first rules, the common ones, and then those that they need. */
static lfm_status compile(char **gbnf, char **notes, const char *text, size_t len, bool tools,
                          bool only_one, lfm_error *err) {
    json_doc doc = {0};
    schema_compiler c = {.err = err, .tools = tools};
    *gbnf = NULL;
    if (notes) {
        *notes = NULL;
    }
    lfm_status st = json_parse(&doc, text, len, err);
    if (st != LFM_OK) return st;
    c.root = doc.root;
    c.old_draft = names_old_draft(c.root);
    schema_index_names(&c);
    if (tools) {
        schema_write_tools(&c, only_one);
    } else {
        json_write_text(&c.out, "root ::= ");
        schema_refer(&c, &(schema_item){c.root, PART_ALL, NULL}, 1);
        json_write_text(&c.out, "\n");
    }
    json_write_text(&c.out, schema_common_rules);
    schema_write_number_rules(&c);
    for (size_t i = 0; i < c.n_sets && c.status == LFM_OK; i++) { /* it grows */
        write_set(&c, i);
    }
    digits_write(&c.digits, &c.out);
    if (c.status == LFM_OK) {
        c.status = json_finish(&c.out, err);
    }
    if (c.status == LFM_OK) {
        c.status = json_finish(&c.notes, err);
    }
    if (c.status == LFM_OK) {
        *gbnf = c.out.ptr;
        c.out = (json_out){0};
    }
    if (c.status == LFM_OK && notes) {
        *notes = c.notes.ptr;
        c.notes = (json_out){0};
    }
    json_out_free(&c.out);
    json_out_free(&c.notes);
    schema_drop_matcher(&c);
    free(c.items);
    free(c.sets);
    free(c.slots);
    free(c.names);
    digits_drop(&c.digits);
    json_doc_free(&doc);
    return c.status;
}

lfm_status schema_to_gbnf(char **gbnf, char **notes, const char *text, size_t len,
                          lfm_error *err) {
    return compile(gbnf, notes, text, len, false, false, err);
}

lfm_status schema_tools_to_gbnf(char **gbnf, char **notes, const char *text, size_t len,
                                bool only_one, lfm_error *err) {
    return compile(gbnf, notes, text, len, true, only_one, err);
}
