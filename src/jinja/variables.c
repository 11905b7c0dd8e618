/*
 * variables.c - names of a template, and what they mean.
 */
#include "jinja/interpreter.h"

/* The variable of this scope, or NULL; *others grows by those before it. */
static binding *find(const scope *s, uint32_t name, size_t *others) {
    binding *b = s->first;
    for (; b && b->name != name; b = b->next) {
        ++*others;
    }
    return b;
}

value variable_get(run *r, uint32_t name) {
    size_t others = 0; /* that had to be looked at */
    for (const scope *s = r->scope; s; s = s->outer) {
        const binding *b = find(s, name, &others);
        if (b) {
            run_charge(r, others / 16);
            return b->value;
        }
    }
    run_charge(r, others / 16);
    if (r->top[name].kind != VALUE_ABSENT) return r->top[name];
    const text word = r->program->names[name];
    const native *f = native_find(native_functions(), word);
    if (f) return (value){.kind = VALUE_NATIVE, .native = f};
    buffer *what = run_get(r, sizeof *what);
    if (!what) return value_none;
    buffer_add_word(r, what, "'");
    buffer_add(r, what, word);
    buffer_add_word(r, what, "' is undefined");
    return value_undefined(buffer_text(what));
}

void variable_set(run *r, uint32_t name, value v) {
    if (!r->scope) {
        r->top[name] = v;
        return;
    }
    size_t others = 0;
    binding *b = find(r->scope, name, &others);
    run_charge(r, others / 16);
    if (b) {
        b->value = v;
        return;
    }
    b = run_get(r, sizeof *b);
    if (!b) return;
    *b = (binding){.name = name, .value = v, .next = r->scope->first};
    r->scope->first = b;
}

scope *variable_scope(run *r, scope *outer) {
    scope *s = run_get(r, sizeof *s);
    if (s) {
        s->outer = outer;
        r->scope = s;
    }
    return s;
}

void variable_assign(run *r, const node *target, value v) {
    if (target->kind == NODE_NAME) {
        variable_set(r, target->name, v);
    } else if (target->kind == NODE_ATTRIBUTE_TARGET) {
        const value space = variable_get(r, target->name);
        if (r->failed) return;
        if (space.kind != VALUE_NAMESPACE) {
            run_fail(r, NULL, "only attributes of a namespace can be set");
            return;
        }
        dict_put(r, space.members, target->literal, v);
    } else if (target->kind == NODE_TUPLE) {
        const value items = value_items(r, v);
        uint32_t i = 0;
        for (const node *t = target->a; t && !r->failed; t = t->next, i++) {
            if (i >= items.n) {
                run_fail(r, &v, "there are fewer than the expected values to unpack");
            } else {
                variable_assign(r, t, items.items->items[i]);
            }
        }
        if (!r->failed && i != items.n) {
            run_fail(r, &v, "there are more than the %u expected values to unpack", i);
        }
    } else {
        run_fail(r, NULL, "only names can be assigned to");
    }
}
