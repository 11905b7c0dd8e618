/*
 * run.c - rendering: variables, statements, macros.
 */
#include "jinja/interpreter.h"
#include "jinja/jinja.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Blocks --------------------------------------------------------------------------------- */

static void run_body(run *r, const node *first);

/* Run a body with variables of its own, below `outer`. */
static void run_inside(run *r, const node *first) {
    scope *const before = r->scope;
    if (variable_scope(r, before)) {
        run_body(r, first);
    }
    r->scope = before;
}

/* What a body prints, as a text. */
static text capture(run *r, const node *first) {
    buffer *const before = r->out;
    buffer *out = run_get(r, sizeof *out);
    if (!out) return text_data("", 0);
    r->out = out;
    run_inside(r, first);
    r->out = before;
    return buffer_text(out);
}

/* What a target holds, as a value: the tuples of `for a, b in x if ..` are made anew. */
static value read_target(run *r, const node *target) {
    if (target->kind != NODE_TUPLE) return run_eval(r, target);
    value out = value_list(r, VALUE_TUPLE, 0);
    for (const node *t = target->a; t && !r->failed; t = t->next) {
        list_add(r, &out, read_target(r, t));
    }
    return out;
}

static value chosen_items(run *r, const node *n, value items) {
    value out = value_list(r, VALUE_LIST, 0);
    scope *const before = r->scope;
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        const value item = items.items->items[i];
        if (!variable_scope(r, before)) break;
        variable_assign(r, n->a, item);
        if (value_truth(run_eval(r, n->c)) && !r->failed) {
            list_add(r, &out, n->a->kind == NODE_TUPLE ? read_target(r, n->a) : item);
        }
    }
    r->scope = before;
    return out;
}

static size_t loop_depth(run *r) {
    const value outer = r->loop_name != UINT32_MAX ? variable_get(r, r->loop_name) : value_none;
    return outer.kind == VALUE_LOOP ? outer.loop->depth : 0;
}

static void run_for(run *r, const node *n) {
    value items = value_items(r, run_eval(r, n->b));
    if (n->c && !r->failed) {
        items = chosen_items(r, n, items);
    }
    if (r->failed) return;
    struct loop *l = run_get(r, sizeof *l);
    if (!l) return;
    *l = (struct loop){.items = items, .depth = loop_depth(r) + 1};
    const value self = {.kind = VALUE_LOOP, .loop = l};
    scope *const before = r->scope;
    bool completed = false; /* an iteration that reached its end */
    for (; l->i < items.n && !r->failed && r->jump != (int)NODE_BREAK; l->i++) {
        if (!variable_scope(r, before)) break;
        run_charge(r, 1);
        r->at = n->at;
        if (r->loop_name != UINT32_MAX) {
            variable_set(r, r->loop_name, self);
        }
        variable_assign(r, n->a, items.items->items[l->i]);
        r->jump = 0;
        run_body(r, n->d);
        completed = completed || r->jump == 0;
    }
    r->jump = 0;
    r->scope = before;
    if (!completed) { /* Jinja asks for this, not for whether there were items */
        run_inside(r, n->e);
    }
}

static void run_if(run *r, const node *n) {
    while (!r->failed) {
        if (value_truth(run_eval(r, n->a))) {
            run_body(r, n->d);
            return;
        }
        if (!n->e || n->e->kind != NODE_IF || !n->e->is_elif) break;
        n = n->e;
    }
    run_body(r, n->e);
}

static void run_with(run *r, const node *n) {
    const value none = value_none;
    value values = value_list(r, VALUE_LIST, 0);
    for (const node *v = n->b; v && !r->failed; v = v->next) {
        list_add(r, &values, run_eval(r, v));
    }
    scope *const before = r->scope;
    if (variable_scope(r, before)) {
        uint32_t i = 0;
        for (const node *t = n->a; t && !r->failed; t = t->next, i++) {
            variable_assign(r, t, i < values.n ? values.items->items[i] : none);
        }
        run_body(r, n->d);
    }
    r->scope = before;
}

/* ---- Macros --------------------------------------------------------------------------------- */

static value new_macro(run *r, const node *n) {
    struct macro *m = run_get(r, sizeof *m);
    if (!m) return value_none;
    *m = (struct macro){.definition = n, .outer = r->scope, .name = n->literal.string};
    return (value){.kind = VALUE_MACRO, .macro = m};
}

/* Bind positional arguments; what is left goes to varargs, where the macro reads it. */
static const node *bind_positional(run *r, const struct macro *m, const arguments *a) {
    const size_t n = a->n - a->n_keywords;
    const node *p = m->definition->a;
    size_t i = 0;
    for (; p && i < n && !r->failed; p = p->next, i++) {
        variable_set(r, p->name, a->values[i]);
    }
    value rest = value_list(r, VALUE_TUPLE, 0);
    for (size_t k = i; k < n && !r->failed; k++) {
        list_add(r, &rest, a->values[k]);
    }
    if (r->failed) return p;
    if (m->definition->catches && r->varargs_name != UINT32_MAX) {
        variable_set(r, r->varargs_name, rest);
    } else if (rest.n > 0) {
        run_fail(r, NULL, "the macro '%.*s' takes only %zu arguments", (int)m->name.len,
                 m->name.ptr, i);
    }
    return p;
}

static bool is_parameter(const node *p, text name) {
    while (p && !text_equal(p->literal.string, name)) {
        p = p->next;
    }
    return p != NULL;
}

static void bind_keywords(run *r, const struct macro *m, const node *unset, const arguments *a) {
    value rest = value_dict(r, VALUE_DICT);
    const size_t first = a->n - a->n_keywords;
    for (size_t i = 0; i < a->n_keywords && !r->failed; i++) {
        const text name = a->keywords[i];
        const value v = a->values[first + i];
        if (text_is(name, "caller") && r->caller_name != UINT32_MAX) {
            variable_set(r, r->caller_name, v);
        } else if (!is_parameter(unset, name)) {
            if (is_parameter(m->definition->a, name) || !m->definition->catches) {
                run_fail(r, NULL, "the macro '%.*s' takes no argument '%.*s'%s", (int)m->name.len,
                         m->name.ptr, (int)name.len, name.ptr,
                         is_parameter(m->definition->a, name) ? " twice" : "");
                return;
            }
            dict_put(r, rest.members, value_string(name), v);
        }
    }
    if (!r->failed && m->definition->catches && r->kwargs_name != UINT32_MAX) {
        variable_set(r, r->kwargs_name, rest);
    }
    /* Until its turn comes a parameter is undefined, even where it hides another variable. */
    for (const node *p = unset; p && !r->failed; p = p->next) {
        variable_set(r, p->name,
                     value_undefined(text_word("an argument of a macro was not given")));
    }
    for (const node *p = unset; p && !r->failed; p = p->next) {
        size_t i = 0;
        run_charge(r, a->n_keywords / 16);
        while (i < a->n_keywords && !text_equal(a->keywords[i], p->literal.string)) {
            i++;
        }
        if (i < a->n_keywords) {
            variable_set(r, p->name, a->values[first + i]);
        } else if (p->a) {
            variable_set(r, p->name, run_eval(r, p->a));
        }
    }
}

static value call_macro(run *r, const struct macro *m, const arguments *a) {
    scope *const before = r->scope;
    buffer *const out_before = r->out;
    buffer *out = run_get(r, sizeof *out);
    if (++r->calls > JINJA_MAX_CALLS && !r->failed) {
        run_fail_limit(r, "macros call each other too deeply");
    }
    if (!r->failed && variable_scope(r, m->outer)) {
        r->out = out;
        const node *unset = bind_positional(r, m, a);
        bind_keywords(r, m, unset, a);
        run_body(r, m->definition->d);
    }
    r->calls--;
    r->scope = before;
    r->out = out_before;
    return r->failed ? value_none : value_string(buffer_text(out));
}

static void run_caller(run *r, const node *n) {
    const value caller = new_macro(r, n);
    buffer_add(r, r->out, value_str(r, run_call_node(r, n->b, &caller)));
}

/* ---- Statements ----------------------------------------------------------------------------- */

static value filtered(run *r, const node *filter, text t) {
    if (!filter) return value_string(t);
    value v = value_none;
    if (run_enter(r)) {
        v = run_native_node(r, filter, filtered(r, filter->a, t));
    }
    run_leave(r);
    return v;
}

static void statement(run *r, const node *n) {
    r->at = n->at;
    switch (n->kind) {
    case NODE_TEXT: buffer_add(r, r->out, n->literal.string); break;
    case NODE_PRINT: buffer_add(r, r->out, value_str(r, run_eval(r, n->a))); break;
    case NODE_SET: {
        const value v = run_eval(r, n->b);
        r->at = n->at;
        if (!r->failed) variable_assign(r, n->a, v);
        break;
    }
    case NODE_SET_BLOCK: {
        const value v = filtered(r, n->c, capture(r, n->b));
        if (!r->failed) variable_assign(r, n->a, v);
        break;
    }
    case NODE_FOR: run_for(r, n); break;
    case NODE_IF: run_if(r, n); break;
    case NODE_MACRO: variable_set(r, n->name, new_macro(r, n)); break;
    case NODE_CALLER: run_caller(r, n); break;
    case NODE_FILTERED:
        buffer_add(r, r->out, value_str(r, filtered(r, n->a, capture(r, n->d))));
        break;
    case NODE_WITH: run_with(r, n); break;
    case NODE_SCOPE: run_inside(r, n->d); break;
    default: r->jump = (int)n->kind; break; /* break, continue */
    }
}

static void run_body(run *r, const node *first) {
    if (run_enter(r)) {
        for (const node *n = first; n && !r->failed && r->jump == 0; n = n->next) {
            run_charge(r, 1);
            statement(r, n);
        }
    }
    run_leave(r);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static uint32_t name_number(const jinja_program *p, const char *name) {
    uint32_t i = 0;
    while (i < p->n_names && !text_is(p->names[i], name)) {
        i++;
    }
    return i < p->n_names ? i : UINT32_MAX;
}

static void set_globals(run *r) {
    for (size_t i = 0; i < r->n_globals && !r->failed; i++) {
        const jinja_global *g = &r->globals[i];
        const uint32_t name = name_number(r->program, g->name);
        if (name == UINT32_MAX) continue;
        r->top[name] = g->value ? value_from_json(r, g->value)
                                : value_string(text_own(g->own, strlen(g->own)));
    }
}

static lfm_status copy_output(const buffer *from, jinja_text *out, lfm_error *err) {
    out->text = malloc(from->used + 1);
    out->own = malloc(from->used + 1);
    if (!out->text || !out->own) {
        jinja_text_free(out);
        return err_no_memory(err, "the prompt");
    }
    if (from->used > 0) {
        memcpy(out->text, from->bytes, from->used);
        memcpy(out->own, from->own, from->used);
    }
    out->text[from->used] = '\0';
    out->len = from->used;
    return LFM_OK;
}

static const native *find_filter(text name) {
    return native_find(native_filters(), name);
}

static const native *find_test(text name) {
    return native_find(native_tests(), name);
}

lfm_status jinja_render(const jinja_program *p, const jinja_global *globals, size_t n_globals,
                        const jinja_marks *marks, int64_t now, jinja_text *out, lfm_error *err) {
    buffer output = {0};
    run r = {.program = p,
             .globals = globals,
             .n_globals = n_globals,
             .marks = marks,
             .now = now,
             .out = &output,
             .memory = {.limit = JINJA_MAX_MEMORY},
             .err = err,
             .at = {1, 1},
             .find_filter = find_filter,
             .find_test = find_test,
             .call_macro = call_macro,
             .loop_name = name_number(p, "loop"),
             .caller_name = name_number(p, "caller"),
             .varargs_name = name_number(p, "varargs"),
             .kwargs_name = name_number(p, "kwargs")};
    *out = (jinja_text){0};
    r.top = run_get(&r, (p->n_names + 1) * sizeof *r.top);
    if (!r.failed) set_globals(&r);
    if (!r.failed) run_body(&r, p->body);
    const lfm_status st = r.failed ? r.status : copy_output(&output, out, err);
    jinja_memory_drop(&r.memory);
    return st;
}

void jinja_text_free(jinja_text *t) {
    free(t->text);
    free(t->own);
    *t = (jinja_text){0};
}

int64_t jinja_now(void) {
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    const long long seconds = fixed ? strtoll(fixed, &end, 10) : 0;
    return fixed && end != fixed && *end == '\0' ? seconds : (int64_t)time(NULL);
}
