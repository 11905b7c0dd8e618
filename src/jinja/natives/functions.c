/*
 * functions.c - the functions that templates can call by name.
 */
#include "jinja/natives/native.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static value call_range(run *r, value self, const value *a) {
    (void)self;
    const bool one = a[1].kind == VALUE_ABSENT;
    const int64_t from = one ? 0 : argument_int(r, a[0], "an end of a range");
    const int64_t to = argument_int(r, one ? a[0] : a[1], "an end of a range");
    const int64_t step = a[2].kind == VALUE_ABSENT ? 1 : argument_int(r, a[2], "a step");
    if (r->failed) return value_none;
    if (step == 0) return run_fail(r, NULL, "the step of a range cannot be 0");
    value out = value_list(r, VALUE_RANGE, 0);
    char *word = run_get(r, 80);
    for (int64_t i = from; !r->failed && (step > 0 ? i < to : i > to);) {
        if (out.n == 100000) return run_fail(r, NULL, "a range has 100000 numbers at most");
        list_add(r, &out, value_int(i));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    if (r->failed) return value_none;
    run_charge(r, out.n / 8);
    if (step == 1) {
        snprintf(word, 80, "range(%lld, %lld)", (long long)from, (long long)to);
    } else {
        snprintf(word, 80, "range(%lld, %lld, %lld)", (long long)from, (long long)to,
                 (long long)step);
    }
    out.items->word = word;
    return out;
}

/* dict(..) and namespace(..): a dict or a list of pairs, then keywords. */
static value make_dict(run *r, value_kind kind, const arguments *a) {
    value out = value_dict(r, kind);
    const size_t n = a->n - a->n_keywords;
    if (n > 1) return run_fail(r, NULL, "only one argument may have no name");
    if (n == 1 && a->values[0].kind == VALUE_DICT) {
        const dict *d = a->values[0].members;
        for (size_t i = 0; i < d->n && !r->failed; i++) {
            dict_put(r, out.members, d->members[i].key, d->members[i].value);
        }
    } else if (n == 1 && a->values[0].kind == VALUE_UNDEFINED) {
        return run_fail_undefined(r, a->values[0]);
    } else if (n == 1) {
        const value items = value_items(r, a->values[0]);
        for (uint32_t i = 0; i < items.n && !r->failed; i++) {
            const value pair = value_items(r, items.items->items[i]);
            if (r->failed || pair.n != 2) return run_fail(r, NULL, "a pair must have two values");
            if (!value_is_key(r, pair.items->items[0])) return value_none;
            dict_put(r, out.members, pair.items->items[0], pair.items->items[1]);
        }
    }
    for (size_t k = 0; k < a->n_keywords && !r->failed; k++) {
        dict_put(r, out.members, value_string(a->keywords[k]), a->values[n + k]);
    }
    return out;
}

static value call_dict(run *r, value self, const arguments *a) {
    (void)self;
    return make_dict(r, VALUE_DICT, a);
}

static value call_namespace(run *r, value self, const arguments *a) {
    (void)self;
    return make_dict(r, VALUE_NAMESPACE, a);
}

static value call_raise(run *r, value self, const value *a) {
    (void)self;
    const text what = value_str(r, a[0]);
    return run_fail(r, NULL, "%.*s", (int)(what.len < 300 ? what.len : 300), what.ptr);
}

static value call_strftime(run *r, value self, const value *a) {
    (void)self;
    const text format = argument_text(r, a[0], "the format of a time");
    char pattern[128];
    char out[512];
    struct tm local;
    const time_t now = (time_t)r->now;
    if (r->failed) return value_none;
    if (format.len == 0) return value_word("");
    if (format.len >= sizeof pattern || !localtime_r(&now, &local)) {
        return run_fail(r, NULL, "the format of a time is too long");
    }
    memcpy(pattern, format.ptr, format.len);
    pattern[format.len] = '\0';
    /* The pattern comes from the template: strftime reads nothing but `local`. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    run_charge(r, 64);
    const size_t n = strftime(out, sizeof out, pattern, &local);
#pragma GCC diagnostic pop
    char *copy = run_get(r, n + 1);
    if (!copy) return value_none;
    memcpy(copy, out, n);
    return value_string(text_data(copy, n));
}

natives native_functions(void) {
    static const native functions[] = {
        {.name = "range",
         .function = call_range,
         .parameters = {"start", "stop", "step"},
         .required = 1},
        {.name = "dict", .any = call_dict},
        {.name = "namespace", .any = call_namespace},
        {.name = "raise_exception",
         .function = call_raise,
         .parameters = {"message"},
         .required = 1},
        {.name = "strftime_now",
         .function = call_strftime,
         .parameters = {"format"},
         .required = 1},
    };
    return NATIVES(functions);
}
