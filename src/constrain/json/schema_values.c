/*
 * schema_values.c - the values of enum and const: which of them satisfy everything else.
 *
 * Patterns and formats are judged by the grammar that is made of them, so a value is kept only if
 * it could have been generated.  What is not known counts as no.
 */
#include "constrain/json/json_internal.h"

#include "constrain/engine/automaton.h"
#include "constrain/gbnf/compile.h"
#include "constrain/gbnf/gbnf_write.h"

#include <stdlib.h>
#include <string.h>

/* ---- Patterns and formats ------------------------------------------------------------------- */

struct schema_matcher {
    grammar g;
    automaton *a;
    const char *pattern; /* what it was made of */
};

void schema_drop_matcher(schema_compiler *c) {
    if (c->matcher) {
        automaton_free(c->matcher->a);
        grammar_free(&c->matcher->g);
        free(c->matcher);
        c->matcher = NULL;
    }
}

/* Make the automaton of the strings with a pattern or a format; without one nothing is known. */
static void make_matcher(schema_compiler *c, const schema_facts *f) {
    lfm_error *const err = c->err;
    const json_out kept = c->out;
    lfm_error ignored = {0};
    schema_matcher *m = calloc(1, sizeof *m);
    schema_drop_matcher(c);
    if (!m) return;
    m->pattern = f->pattern ? f->pattern->text : f->format->text;
    c->err = &ignored;
    c->out = (json_out){0};
    json_write_text(&c->out, "root ::= ");
    schema_write_string(c, f);
    json_write_text(&c->out, "\n");
    json_write_text(&c->out, schema_common_rules);
    json_write_text(&c->out, "number ::= never\n"); /* no string needs it */
    lfm_status st = c->status;
    if (st == LFM_OK) st = json_finish(&c->out, NULL);
    if (st == LFM_OK) st = gbnf_compile(&m->g, c->out.ptr, c->out.len, NULL);
    if (st == LFM_OK) st = automaton_new(&m->a, &m->g, NULL);
    json_out_free(&c->out);
    c->out = kept;
    c->err = err;
    c->status = LFM_OK;
    c->matcher = m;
    if (st != LFM_OK) {
        automaton_free(m->a);
        m->a = NULL;
    }
}

static schema_verdict match(schema_compiler *c, const schema_facts *f, const char *text,
                            size_t n) {
    const char *pattern = f->pattern ? f->pattern->text : f->format->text;
    json_out json = {0};
    if (!c->matcher || c->matcher->pattern != pattern) {
        make_matcher(c, f);
    }
    if (!c->matcher || !c->matcher->a) return VERDICT_OPEN;
    automaton *a = c->matcher->a;
    uint32_t state = a->start;
    automaton_pin pin = {0};
    lfm_status st = LFM_OK;
    json_write_string(&json, text, n);
    automaton_hold(a, &pin, &state, 1);
    for (size_t i = 0; i < json.len && st == LFM_OK && state != STATE_DEAD; i++) {
        st = automaton_step(a, &state, (uint8_t)json.ptr[i], &state, NULL);
    }
    const bool accepted = !json.failed && st == LFM_OK && state != STATE_DEAD &&
                          automaton_bits(a, state) & STATE_ACCEPTS;
    automaton_release(a, &pin);
    const bool known = !json.failed && st == LFM_OK;
    json_out_free(&json);
    return accepted ? VERDICT_YES : known && f->pattern ? VERDICT_NO : VERDICT_OPEN;
}

static schema_verdict match_pattern(void *ctx, const char *pattern, size_t len, const char *text,
                                    size_t n) {
    const json_value p = {.kind = JSON_STRING, .text = pattern, .len = len};
    const schema_facts f = {.pattern = &p, .max_length = UINT64_MAX};
    return match(ctx, &f, text, n);
}

/* Formats of strings may be generated in fewer ways than there are, so there is no "no". */
static schema_verdict match_format(void *ctx, const json_value *format, const json_value *v) {
    const schema_facts f = {.format = format, .max_length = UINT64_MAX};
    if (v->kind == JSON_NUMBER) return schema_has_number_format(format, v);
    return schema_knows_format(format) ? match(ctx, &f, v->text, v->len) : VERDICT_YES;
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
