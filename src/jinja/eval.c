/*
 * eval.c - expressions.
 */
#include "jinja/interpreter.h"

static value comparison(run *r, const node *n) {
    value left = run_eval(r, n->a);
    for (const node *o = n->b; o && !r->failed; o = o->next) {
        const value right = run_eval(r, o->a);
        r->at = n->at;
        if (r->failed || !operator_compare(r, o->op, left, right)) return value_bool(false);
        left = right;
    }
    return value_bool(true);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

/* Evaluate arguments; `more`: room for that many further keywords. */
static arguments evaluate(run *r, const node *first, size_t more) {
    arguments a = {0};
    size_t n = more;
    for (const node *i = first; i; i = i->next) {
        n++;
    }
    a.values = run_get(r, (n + 1) * sizeof *a.values);
    a.keywords = run_get(r, (n + 1) * sizeof *a.keywords);
    for (const node *i = first; i && !r->failed; i = i->next) {
        if (i->has_keyword) {
            a.keywords[a.n_keywords++] = i->literal.string;
        }
        a.values[a.n++] = run_eval(r, i->a);
    }
    return a;
}

static value call(run *r, value callee, const arguments *a) {
    if (r->failed) return value_none;
    value v = value_none;
    if (run_enter(r)) {
        switch (callee.kind) {
        case VALUE_MACRO: v = r->call_macro(r, callee.macro, a); break;
        case VALUE_NATIVE: v = native_call(r, callee.native, value_none, a); break;
        case VALUE_METHOD: v = native_call(r, callee.method->native, callee.method->self, a); break;
        case VALUE_UNDEFINED: run_fail_undefined(r, callee); break;
        default: run_fail(r, &callee, "a %s cannot be called", value_type(callee)); break;
        }
    }
    run_leave(r);
    return v;
}

value run_call_node(run *r, const node *n, const value *caller) {
    const value callee = run_eval(r, n->a);
    arguments a = evaluate(r, n->b, 1);
    if (r->failed) return value_none;
    if (caller) {
        a.keywords[a.n_keywords++] = text_own("caller", 6);
        a.values[a.n++] = *caller;
    }
    r->at = n->at;
    return call(r, callee, &a);
}

/* Apply a filter or a test of the program to a value. */
value run_native_node(run *r, const node *n, value self) {
    const arguments a = evaluate(r, n->b, 0);
    if (r->failed) return value_none;
    r->at = n->at;
    const text name = n->literal.string;
    const native *f = native_find(n->kind == NODE_TEST ? native_tests() : native_filters(), name);
    if (!f) {
        return run_fail(r, NULL, "the %s '%.*s' is unknown",
                        n->kind == NODE_TEST ? "test" : "filter",
                        (int)(name.len < 40 ? name.len : 40), name.ptr);
    }
    return native_call(r, f, self, &a);
}

/* ---- Expressions ---------------------------------------------------------------------------- */

static value items_of(run *r, const node *n, value_kind kind) {
    value out = value_list(r, kind, 0);
    for (const node *i = n->a; i && !r->failed; i = i->next) {
        list_add(r, &out, run_eval(r, i));
    }
    return out;
}

static value members_of(run *r, const node *n) {
    value out = value_dict(r, VALUE_DICT);
    const node *v = n->b;
    for (const node *k = n->a; k && v && !r->failed; k = k->next, v = v->next) {
        const value key = run_eval(r, k);
        const value item = run_eval(r, v);
        r->at = n->at;
        if (!r->failed && value_is_key(r, key)) {
            dict_put(r, out.members, key, item);
        }
    }
    return out;
}

static value joined(run *r, const node *n) {
    text all = text_data("", 0);
    for (const node *i = n->a; i && !r->failed; i = i->next) {
        all = text_join(r, all, value_str(r, run_eval(r, i)));
    }
    return value_string(all);
}

static value either(run *r, const node *n) {
    if (value_truth(run_eval(r, n->b))) return run_eval(r, n->a);
    if (n->c) return run_eval(r, n->c);
    return value_undefined(text_word("an inline if without else is false, so it is undefined"));
}

static value slice(run *r, const node *n) {
    const value v = run_eval(r, n->a);
    const value from = n->b ? run_eval(r, n->b) : value_none;
    const value to = n->c ? run_eval(r, n->c) : value_none;
    const value step = n->d ? run_eval(r, n->d) : value_none;
    r->at = n->at;
    return r->failed ? value_none : lookup_slice(r, v, from, to, step);
}

static value eval(run *r, const node *n) {
    value a = value_none;
    switch (n->kind) {
    case NODE_LITERAL: return n->literal;
    case NODE_NAME: return variable_get(r, n->name);
    case NODE_LIST: return items_of(r, n, VALUE_LIST);
    case NODE_TUPLE: return items_of(r, n, VALUE_TUPLE);
    case NODE_DICT: return members_of(r, n);
    case NODE_CONCAT: return joined(r, n);
    case NODE_COMPARE: return comparison(r, n);
    case NODE_EITHER: return either(r, n);
    case NODE_SLICE: return slice(r, n);
    case NODE_CALL: return run_call_node(r, n, NULL);
    default: break;
    }
    a = run_eval(r, n->a);
    if (r->failed) return value_none;
    switch (n->kind) {
    case NODE_NOT: return value_bool(!value_truth(a));
    case NODE_AND: return value_truth(a) ? run_eval(r, n->b) : a;
    case NODE_OR: return value_truth(a) ? a : run_eval(r, n->b);
    case NODE_FILTER:
    case NODE_TEST: return run_native_node(r, n, a);
    default: break;
    }
    const value b = n->kind == NODE_BINARY || n->kind == NODE_ITEM ? run_eval(r, n->b) : value_none;
    if (r->failed) return value_none;
    r->at = n->at;
    switch (n->kind) {
    case NODE_NEGATE: return operator_sign(r, a, true);
    case NODE_PLUS: return operator_sign(r, a, false);
    case NODE_BINARY: return operator_apply(r, n->op, a, b);
    case NODE_ATTRIBUTE: return lookup_attribute(r, a, n->literal.string);
    default: return lookup_item(r, a, b);
    }
}

value run_eval(run *r, const node *n) {
    value v = value_none;
    run_charge(r, 1);
    if (run_enter(r)) {
        r->at = n->at;
        v = eval(r, n);
    }
    run_leave(r);
    return r->failed ? value_none : v;
}
