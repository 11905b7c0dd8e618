/*
 * native.c - calling the functions of the engine.
 */
#include "jinja/natives/native.h"

#include <string.h>

/* ---- Binding -------------------------------------------------------------------------------- */

static size_t n_parameters(const native *f) {
    size_t n = 0;
    while (n < NATIVE_MAX_PARAMETERS && f->parameters[n]) {
        n++;
    }
    return n;
}

/* Give each parameter its argument. */
static value call_bound(run *r, const native *f, value self, const arguments *a) {
    value slots[NATIVE_MAX_PARAMETERS] = {{0}}; /* ABSENT */
    const size_t n = n_parameters(f);
    const size_t n_positional = a->n - a->n_keywords;
    if (n_positional > n) {
        return run_fail(r, NULL, "%s takes at most %zu arguments, not %zu", f->name, n,
                        n_positional);
    }
    for (size_t i = 0; i < n_positional; i++) {
        slots[i] = a->values[i];
    }
    for (size_t k = 0; k < a->n_keywords; k++) {
        size_t i = 0;
        while (i < n && !text_is(a->keywords[k], f->parameters[i])) {
            i++;
        }
        if (i == n || slots[i].kind != VALUE_ABSENT) {
            return run_fail(r, NULL, "%s takes no argument '%.*s'%s", f->name,
                            (int)a->keywords[k].len, a->keywords[k].ptr, i < n ? " twice" : "");
        }
        slots[i] = a->values[n_positional + k];
    }
    for (int i = 0; i < f->required; i++) {
        if (slots[i].kind == VALUE_ABSENT) {
            return run_fail(r, NULL, "%s needs an argument '%s'", f->name, f->parameters[i]);
        }
    }
    return f->function(r, self, slots);
}

value native_call(run *r, const native *f, value self, const arguments *a) {
    value v = value_none;
    if (run_enter(r)) { /* map('map', ..) calls itself */
        v = f->any ? f->any(r, self, a) : call_bound(r, f, self, a);
    }
    run_leave(r);
    return r->failed ? value_none : v;
}

const native *native_find(natives table, text name) {
    for (size_t i = 0; i < table.n; i++) {
        const native *f = &table.list[i];
        if (name.len > 0 && name.ptr[0] == f->name[0] && text_is(name, f->name)) return f;
    }
    return NULL;
}

static void fail_type(run *r, value v, const char *what, const char *type) {
    if (v.kind == VALUE_UNDEFINED) {
        run_fail_undefined(r, v);
    } else {
        run_fail(r, &v, "%s must be %s, not %s", what, type,
                 v.kind == VALUE_BIG ? "one beyond 64 bits" : value_type(v));
    }
}

text argument_text(run *r, value v, const char *what) {
    if (v.kind == VALUE_STRING) return v.string;
    fail_type(r, v, what, "a string");
    return text_data("", 0);
}

int64_t argument_int(run *r, value v, const char *what) {
    if (v.kind == VALUE_INT || v.kind == VALUE_BOOL) return v.integer;
    fail_type(r, v, what, "an integer");
    return 0;
}
