/*
 * schema_values.c - the values of enum and const: which of them satisfy everything else.
 *
 * Patterns and formats are judged by the languages that grammars are made of, so a value is kept
 * only if it could have been generated.  What is not known counts as no.
 */
#include "constrain/json/json_internal.h"

#include "constrain/gbnf/gbnf_write.h"

#include <stdlib.h>
#include <string.h>

/* ---- Patterns and formats ------------------------------------------------------------------- */

struct schema_matcher {
    regular_store *s;
    regular_id texts;
    const char *source; /* the pattern or format that allows them */
    bool known;         /* they could be read */
};

void schema_drop_matcher(schema_compiler *c) {
    if (c->matcher) {
        regular_free(c->matcher->s);
        free(c->matcher);
        c->matcher = NULL;
    }
}

/* Read what a pattern or a format allows.  What is not supported is reported when it is needed. */
static void make_matcher(schema_compiler *c, const json_value *source, bool is_format) {
    lfm_error *const err = c->err;
    lfm_error ignored = {0};
    schema_matcher *m = calloc(1, sizeof *m);
    schema_drop_matcher(c);
    c->matcher = m;
    if (m) {
        m->s = regular_new();
    }
    if (!m || !m->s || c->status != LFM_OK) return;
    c->err = &ignored;
    m->source = source->text;
    m->texts = is_format ? schema_read_format(c, m->s, source)
                         : schema_read_pattern(c, m->s, source, source->text, source->len);
    m->known = c->status == LFM_OK && !regular_failed(m->s);
    c->err = err;
    c->status = LFM_OK;
}

static schema_verdict match(schema_compiler *c, const json_value *source, bool is_format,
                            const char *text, size_t n) {
    if (!c->matcher || c->matcher->source != source->text) {
        make_matcher(c, source, is_format);
    }
    const schema_matcher *m = c->matcher;
    if (!m || !m->known) return VERDICT_OPEN;
    const bool matches = regular_matches(m->s, m->texts, text, n);
    return regular_failed(m->s) ? VERDICT_OPEN : matches ? VERDICT_YES : VERDICT_NO;
}

/* Does a pattern name classes of Unicode, and the text have other characters than those of ASCII?
 * Some are unassigned, and a later Unicode decides about them. */
static bool asks_unicode(const char *pattern, size_t len, const char *text, size_t n) {
    bool classes = false;
    bool others = false;
    for (size_t i = 0; i + 1 < len; i++) {
        classes = classes || (pattern[i] == '\\' && (pattern[i + 1] | 32) == 'p');
    }
    for (size_t i = 0; i < n; i++) {
        others = others || (unsigned char)text[i] >= 0x80;
    }
    return classes && others;
}

static schema_verdict match_pattern(void *ctx, const char *pattern, size_t len, const char *text,
                                    size_t n) {
    const json_value p = {.kind = JSON_STRING, .text = pattern, .len = len};
    const schema_verdict verdict = match(ctx, &p, false, text, n);
    return verdict == VERDICT_NO && asks_unicode(pattern, len, text, n) ? VERDICT_OPEN : verdict;
}

/* Formats of strings may be generated in fewer ways than there are, so there is no "no". */
static schema_verdict match_format(void *ctx, const json_value *format, const json_value *v) {
    if (v->kind == JSON_NUMBER) return schema_has_number_format(format, v);
    if (!schema_knows_format(format)) return VERDICT_YES;
    return match(ctx, format, true, v->text, v->len) == VERDICT_YES ? VERDICT_YES : VERDICT_OPEN;
}

static const json_value *resolve(void *ctx, const json_value *ref) {
    return schema_resolve(ctx, ref);
}

static schema_verdict judge(schema_compiler *c, const json_value *schema, const char *only,
                            const json_value *v) {
    const schema_judge with = {c, resolve, match_pattern, match_format};
    return schema_judge_value(&with, schema, only, v);
}

/* ---- Items ---------------------------------------------------------------------------------- */

static bool fails(schema_compiler *c, const json_value *schema, const char *only,
                  const json_value *v) {
    return judge(c, schema, only, v) == VERDICT_NO;
}

static bool holds(schema_compiler *c, const json_value *schema, const char *only,
                  const json_value *v) {
    return judge(c, schema, only, v) == VERDICT_YES;
}

/* Not one keyword of a schema: judged by a schema of that keyword and those that change it. */
static bool fails_keyword(schema_compiler *c, const json_value *k, const json_value *of,
                          const json_value *v) {
    static const char *const helpers[] = {"exclusiveMinimum", "exclusiveMaximum", "nullable"};
    json_value members[4];
    const json_value schema = {.kind = JSON_OBJECT, .first = members};
    size_t n = 0;
    members[n++] = *k;
    for (size_t i = 0; i < 3; i++) {
        const json_value *m = json_get(of, helpers[i]);
        if (m && m != k && m->kind == JSON_TRUE) {
            members[n - 1].next = &members[n];
            members[n++] = *m;
        }
    }
    members[n - 1].next = NULL;
    return fails(c, &schema, NULL, v);
}

static bool has(const json_value *v, const char *key, size_t len) {
    return json_get_n(v, key, len) != NULL;
}

static bool depends(schema_compiler *c, const json_value *m, const json_value *v) {
    if (!has(v, m->key, m->key_len)) return true;
    if (m->kind == JSON_STRING) return has(v, m->text, m->len);
    if (m->kind != JSON_ARRAY) return holds(c, m, NULL, v);
    bool all = true;
    for (const json_value *r = m->first; r; r = r->next) {
        all = all && has(v, r->text, r->len);
    }
    return all;
}

static bool some_fails(schema_compiler *c, const schema_item *item, const json_value *v) {
    size_t from = 0;
    if (item->part == PART_SOME_NOT) {
        schema_rest_of(item->of, &from);
    } else {
        for (const json_value *s = item->of->first; s && s != item->node; s = s->next) {
            from++;
        }
    }
    for (const json_value *e = v->kind == JSON_ARRAY ? v->first : NULL; e; e = e->next) {
        if (from > 0) {
            from--;
        } else if (fails(c, item->node, NULL, e)) {
            return true;
        } else if (item->part == PART_NOT_ELEMENT) {
            return false;
        }
    }
    return false;
}

static bool count_fails(schema_compiler *c, const schema_item *item, const json_value *v) {
    const json_value *limit =
        json_get(item->node, item->part == PART_FEW ? "minContains" : "maxContains");
    double n = 0;
    for (const json_value *e = v->kind == JSON_ARRAY ? v->first : NULL; e; e = e->next) {
        const schema_verdict hit = judge(c, json_get(item->node, "contains"), NULL, e);
        if (hit == VERDICT_OPEN) return false;
        n += hit == VERDICT_YES;
    }
    return v->kind == JSON_ARRAY &&
           (item->part == PART_FEW ? n < (limit ? limit->number : 1) : n > limit->number);
}

static bool satisfies(schema_compiler *c, const schema_item *item, const json_value *v) {
    const json_value *node = item->node;
    const bool is_object = v->kind == JSON_OBJECT;
    switch (item->part) {
    case PART_ALL: return holds(c, node, NULL, v);
    case PART_BASE: return holds(c, node, "", v);
    case PART_NOT: return fails(c, node, NULL, v);
    case PART_ANY_OF: return holds(c, node, "anyOf", v);
    case PART_ONE_OF: return holds(c, node, "oneOf", v);
    case PART_NOT_ONE_OF: return fails(c, node, "oneOf", v);
    case PART_IF: return holds(c, node, "if", v);
    case PART_NOT_IF: return fails(c, node, "if", v);
    case PART_DEPENDENT: return depends(c, node, v);
    case PART_NOT_KEY: return fails_keyword(c, node, item->of, v);
    case PART_WITH: return has(v, node->key, node->key_len);
    case PART_WITHOUT: return is_object && !has(v, node->key, node->key_len);
    case PART_LACKS: return !has(v, node->key, node->key_len);
    case PART_WITH_NAME: return has(v, node->text, node->len);
    case PART_WITHOUT_NAME: return is_object && !has(v, node->text, node->len);
    case PART_NOT_VALUE:
        v = json_get_n(v, item->of->key, item->of->key_len);
        return v && fails(c, node, NULL, v);
    case PART_NOT_ELEMENT:
    case PART_SOME_NOT: return some_fails(c, item, v);
    case PART_FEW:
    case PART_MANY: return count_fails(c, item, v);
    default: return is_object; /* PART_CALL */
    }
}

/* ---- Values --------------------------------------------------------------------------------- */

schema_verdict schema_judge_facts(schema_compiler *c, const schema_facts *f, const json_value *v) {
    schema_verdict all = VERDICT_YES;
    for (size_t i = 0; i < f->n && all != VERDICT_NO; i++) {
        const schema_verdict one = judge(c, f->items[i].node, "", v);
        all = one == VERDICT_YES ? all : one;
    }
    return all;
}

void schema_write_values(schema_compiler *c, const schema_facts *f, const schema_list *choices) {
    size_t n = 0;
    for (size_t i = 0; i < f->n_values && c->status == LFM_OK; i++) {
        const json_value *v = f->values[i];
        bool good = f->types & schema_type_of(v);
        for (size_t k = 0; k < f->n && good; k++) {
            good = satisfies(c, &f->items[k], v);
        }
        for (size_t k = 0; k < f->n_extras && good; k++) {
            good = satisfies(c, &f->extras[k], v);
        }
        for (size_t k = 0; k < choices->n && good; k++) {
            good = satisfies(c, &choices->at[k], v);
        }
        if (good) {
            json_out json = {0};
            json_write_text(&c->out, n++ > 0 ? " | " : "");
            json_write_value(&json, v);
            gbnf_write_literal(&c->out, json.ptr ? json.ptr : "", json.len);
            c->out.failed = c->out.failed || json.failed;
            json_out_free(&json);
        }
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}
