/*
 * value.c - making values, and comparing them as Python does.
 */
#include "jinja/values/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

value value_undefined(text what) {
    return (value){.kind = VALUE_UNDEFINED, .string = what};
}

value value_bool(bool b) {
    return (value){.kind = VALUE_BOOL, .integer = b};
}

value value_int(int64_t i) {
    return (value){.kind = VALUE_INT, .integer = i};
}

value value_float(double d) {
    return (value){.kind = VALUE_FLOAT, .real = d};
}

value value_string(text t) {
    return (value){.kind = VALUE_STRING, .string = t};
}

value value_word(const char *word) {
    return value_string(text_word(word));
}

/* ---- Lists and dicts ------------------------------------------------------------------------ */

value value_list(run *r, value_kind kind, size_t cap) {
    list *l = run_get(r, sizeof *l);
    if (l && cap > 0) {
        l->items = run_get(r, cap * sizeof *l->items);
        l->cap = l->items ? cap : 0;
    }
    return l ? (value){.kind = kind, .items = l} : value_none;
}

void list_add(run *r, value *v, value item) {
    list *l = v->items;
    if (r->failed) return;
    if (l->used == l->cap) {
        const size_t cap = l->cap < 8 ? 8 : 2 * l->cap;
        value *items = run_get(r, cap * sizeof *items);
        if (!items) return;
        if (l->used > 0) {
            memcpy(items, l->items, l->used * sizeof *items);
        }
        l->items = items;
        l->cap = cap;
    }
    l->items[l->used++] = item;
    v->n = (uint32_t)l->used;
}

/* Like text_join: a list that ends where its memory is free grows in place. */
value list_concat(run *r, value a, value b) {
    value joined = a;
    if (a.n != a.items->used || a.items->used + b.n > a.items->cap) {
        joined = value_list(r, a.kind, 2 * ((size_t)a.n + b.n));
        run_charge(r, a.n / 8);
        for (uint32_t i = 0; i < a.n && !r->failed; i++) {
            list_add(r, &joined, a.items->items[i]);
        }
    }
    joined.source = NULL;
    run_charge(r, b.n / 8);
    for (uint32_t i = 0; i < b.n && !r->failed; i++) {
        list_add(r, &joined, b.items->items[i]);
    }
    return joined;
}

value value_dict(run *r, value_kind kind) {
    dict *d = run_get(r, sizeof *d);
    return d ? (value){.kind = kind, .members = d} : value_none;
}

value *dict_find(run *r, const dict *d, value key) {
    run_charge(r, d->n / 16);
    for (size_t i = 0; i < d->n; i++) {
        if (value_equal(r, d->members[i].key, key)) return &d->members[i].value;
    }
    return NULL;
}

void dict_put(run *r, dict *d, value key, value v) {
    value *old = dict_find(r, d, key);
    if (r->failed) return;
    if (old) {
        *old = v;
        return;
    }
    if (d->n == d->cap) {
        const size_t cap = d->cap < 8 ? 8 : 2 * d->cap;
        member *members = run_get(r, cap * sizeof *members);
        if (!members) return;
        if (d->n > 0) {
            memcpy(members, d->members, d->n * sizeof *members);
        }
        d->members = members;
        d->cap = cap;
    }
    d->members[d->n++] = (member){key, v};
}

/* ---- From JSON ------------------------------------------------------------------------------ */

/* Python reads a number without point and exponent as an integer of any size, -0 as 0. */
static value number_from_json(const json_value *v) {
    if (memchr(v->text, '.', v->len) || memchr(v->text, 'e', v->len) ||
        memchr(v->text, 'E', v->len)) {
        return value_float(v->number);
    }
    int64_t i = 0;
    const bool negative = v->text[0] == '-';
    for (size_t k = negative; k < v->len; k++) {
        const int digit = v->text[k] - '0';
        if (__builtin_mul_overflow(i, 10, &i) ||
            __builtin_add_overflow(i, negative ? -digit : digit, &i)) {
            return (value){.kind = VALUE_BIG, .string = text_data(v->text, v->len)};
        }
    }
    return value_int(i);
}

static text string_from_json(const run *r, const json_value *v) {
    const jinja_marks *m = r->marks;
    text t = text_data(v->text, v->len);
    if (m && v->text >= m->bytes && v->text + v->len <= m->bytes + m->n) {
        t.own = m->own + (v->text - m->bytes);
    }
    return t;
}

/* JSON is at most JSON_MAX_DEPTH deep, so this recursion is bounded. */
value value_from_json(run *r, const json_value *v) {
    value out = value_none;
    if (v->kind == JSON_TRUE || v->kind == JSON_FALSE) {
        out = value_bool(v->kind == JSON_TRUE);
    } else if (v->kind == JSON_NUMBER) {
        out = number_from_json(v);
    } else if (v->kind == JSON_STRING) {
        out = value_string(string_from_json(r, v));
    } else if (v->kind == JSON_ARRAY) {
        out = value_list(r, VALUE_LIST, v->n);
        for (const json_value *item = v->first; item && !r->failed; item = item->next) {
            list_add(r, &out, value_from_json(r, item));
        }
    } else if (v->kind == JSON_OBJECT) {
        out = value_dict(r, VALUE_DICT);
        dict *d = r->failed ? NULL : out.members;
        if (d && v->n > 0) {
            d->members = run_get(r, v->n * sizeof *d->members);
            d->cap = d->members ? v->n : 0;
        }
        const json_value *item = d && d->members ? v->first : NULL;
        for (; item && !r->failed; item = item->next) {
            const value key = value_string(text_data(item->key, item->key_len));
            d->members[d->n++] = (member){key, value_from_json(r, item)}; /* keys differ */
        }
    }
    out.source = v;
    return out;
}

/* ---- Kinds ---------------------------------------------------------------------------------- */

bool value_is_number(value v) {
    return v.kind == VALUE_BOOL || v.kind == VALUE_INT || v.kind == VALUE_BIG ||
           v.kind == VALUE_FLOAT;
}

bool value_is_indexed(value v) {
    return v.kind == VALUE_LIST || v.kind == VALUE_TUPLE || v.kind == VALUE_RANGE;
}

bool value_is_list(value v) {
    return value_is_indexed(v) || v.kind == VALUE_ITERATOR || v.kind == VALUE_VIEW;
}

const char *value_type(value v) {
    static const char *const names[] = {[VALUE_ABSENT] = "nothing",
                                        [VALUE_UNDEFINED] = "Undefined",
                                        [VALUE_NONE] = "NoneType",
                                        [VALUE_BOOL] = "bool",
                                        [VALUE_INT] = "int",
                                        [VALUE_BIG] = "int",
                                        [VALUE_FLOAT] = "float",
                                        [VALUE_STRING] = "str",
                                        [VALUE_LIST] = "list",
                                        [VALUE_TUPLE] = "tuple",
                                        [VALUE_RANGE] = "range",
                                        [VALUE_ITERATOR] = "generator",
                                        [VALUE_VIEW] = "dict view",
                                        [VALUE_DICT] = "dict",
                                        [VALUE_NAMESPACE] = "Namespace",
                                        [VALUE_MACRO] = "Macro",
                                        [VALUE_NATIVE] = "function",
                                        [VALUE_METHOD] = "method",
                                        [VALUE_LOOP] = "LoopContext"};
    return names[v.kind];
}

bool value_truth(value v) {
    switch (v.kind) {
    case VALUE_ABSENT:
    case VALUE_UNDEFINED:
    case VALUE_NONE: return false;
    case VALUE_BOOL:
    case VALUE_INT: return v.integer != 0;
    case VALUE_FLOAT: return v.real != 0; /* NaN is true */
    case VALUE_STRING: return v.string.len > 0;
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_RANGE:
    case VALUE_VIEW: return v.n > 0;
    case VALUE_DICT: return v.members->n > 0;
    default: return true;
    }
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static int compare_big(text a, text b) {
    const bool negative = a.ptr[0] == '-';
    if (negative != (b.ptr[0] == '-')) return negative ? -1 : 1;
    const int order = a.len != b.len ? (a.len > b.len ? 1 : -1) : text_compare(a, b);
    return negative ? -order : order;
}

/* An integer against a double, without rounding the integer. */
static int compare_int_float(int64_t i, double d) {
    if (d >= 0x1p63) return -1;
    if (d < -0x1p63) return 1;
    const int64_t whole = (int64_t)d; /* toward zero */
    if (i != whole) return i < whole ? -1 : 1;
    const double rest = d - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

static int compare_big_float(text big, double d) {
    const bool negative = big.ptr[0] == '-';
    if (d >= -0x1p63 && d < 0x1p63) return negative ? -1 : 1;
    if (isinf(d)) return d < 0 ? 1 : -1;
    char digits[400]; /* d is an integer */
    const int n = snprintf(digits, sizeof digits, "%.0f", d);
    return compare_big(big, text_data(digits, (size_t)n));
}

/* Integers, at least one of them beyond 64 bits. */
static int compare_big_int(value a, value b) {
    if (a.kind == VALUE_BIG && b.kind == VALUE_BIG) return compare_big(a.string, b.string);
    if (a.kind == VALUE_BIG) return a.string.ptr[0] == '-' ? -1 : 1;
    return b.string.ptr[0] == '-' ? 1 : -1;
}

static int compare_with_float(value a, double d) {
    return a.kind == VALUE_BIG ? compare_big_float(a.string, d) : compare_int_float(a.integer, d);
}

/* -1, 0, 1, or VALUE_UNORDERED where one is NaN. */
static int compare_numbers(value a, value b) {
    const bool a_float = a.kind == VALUE_FLOAT;
    const bool b_float = b.kind == VALUE_FLOAT;
    if ((a_float && isnan(a.real)) || (b_float && isnan(b.real))) return VALUE_UNORDERED;
    if (a_float && b_float) return (a.real > b.real) - (a.real < b.real);
    if (b_float) return compare_with_float(a, b.real);
    if (a_float) return -compare_with_float(b, a.real);
    if (a.kind == VALUE_BIG || b.kind == VALUE_BIG) return compare_big_int(a, b);
    return (a.integer > b.integer) - (a.integer < b.integer);
}

static bool items_equal(run *r, value a, value b) {
    bool same = a.n == b.n;
    for (uint32_t i = 0; i < a.n && same && !r->failed; i++) {
        same = value_equal(r, a.items->items[i], b.items->items[i]);
    }
    return same;
}

static bool members_equal(run *r, const dict *a, const dict *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same && !r->failed; i++) {
        const value *other = dict_find(r, b, a->members[i].key);
        same = other && value_equal(r, a->members[i].value, *other);
    }
    return same;
}

bool value_equal(run *r, value a, value b) {
    run_charge(r, 1);
    if (value_is_number(a) && value_is_number(b)) return compare_numbers(a, b) == 0;
    if (a.kind != b.kind) return false;
    bool same = false;
    if (run_enter(r)) {
        switch (a.kind) {
        case VALUE_ABSENT:
        case VALUE_UNDEFINED:
        case VALUE_NONE: same = true; break;
        case VALUE_STRING:
            run_charge(r, a.string.len == b.string.len ? a.string.len / 64 : 0);
            same = text_equal(a.string, b.string);
            break;
        case VALUE_LIST:
        case VALUE_TUPLE:
        case VALUE_RANGE: same = items_equal(r, a, b); break;
        case VALUE_DICT: same = members_equal(r, a.members, b.members); break;
        case VALUE_NATIVE: same = a.native == b.native; break;
        case VALUE_METHOD:
            same = a.method->native == b.method->native &&
                   value_equal(r, a.method->self, b.method->self);
            break;
        default: same = a.items == b.items; break; /* the same object */
        }
    }
    run_leave(r);
    return same;
}

int value_compare(run *r, value a, value b, const char *sign) {
    if (value_is_number(a) && value_is_number(b)) return compare_numbers(a, b);
    if (a.kind == VALUE_STRING && b.kind == VALUE_STRING) {
        run_charge(r, (a.string.len < b.string.len ? a.string.len : b.string.len) / 64);
        return text_compare(a.string, b.string);
    }
    if ((a.kind == VALUE_LIST || a.kind == VALUE_TUPLE) && a.kind == b.kind) {
        int order = 0;
        if (run_enter(r)) {
            uint32_t i = 0;
            while (i < a.n && i < b.n && !r->failed &&
                   value_equal(r, a.items->items[i], b.items->items[i])) {
                i++;
            }
            order = i < a.n && i < b.n
                        ? value_compare(r, a.items->items[i], b.items->items[i], sign)
                        : (a.n > b.n) - (a.n < b.n);
        }
        run_leave(r);
        return order;
    }
    const value *culprit = a.source ? &a : &b;
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED) {
        culprit = a.kind == VALUE_UNDEFINED ? &a : &b;
    }
    run_fail(r, culprit, "'%s' is not supported between %s and %s", sign, value_type(a),
             value_type(b));
    return 0;
}

bool value_is_key(run *r, value v) {
    if (v.kind == VALUE_LIST || v.kind == VALUE_DICT) {
        run_fail(r, &v, "a %s cannot be a key of a dict", value_type(v));
        return false;
    }
    bool good = true;
    run_charge(r, v.kind == VALUE_TUPLE ? 1 + v.n / 8 : 0);
    for (uint32_t i = 0; v.kind == VALUE_TUPLE && i < v.n && good; i++) {
        good = run_enter(r) && value_is_key(r, v.items->items[i]);
        run_leave(r);
    }
    return good;
}

bool value_contains(run *r, value container, value v) {
    if (container.kind == VALUE_STRING) {
        if (v.kind != VALUE_STRING) {
            run_fail(r, &v, "'in <string>' needs a string on its left, not %s", value_type(v));
            return false;
        }
        return text_find(r, container.string, v.string, 0) != SIZE_MAX;
    }
    if (container.kind == VALUE_DICT) {
        return value_is_key(r, v) && dict_find(r, container.members, v) != NULL;
    }
    const value items = value_items(r, container);
    bool found = false;
    for (uint32_t i = 0; i < items.n && !found && !r->failed; i++) {
        found = value_equal(r, items.items->items[i], v);
    }
    return found;
}

/* ---- Iterating ------------------------------------------------------------------------------ */

static value characters(run *r, text t) {
    value out = value_list(r, VALUE_LIST, 0);
    for (size_t i = 0; i < t.len && !r->failed;) {
        const size_t n = text_char_bytes(t, i);
        list_add(r, &out, value_string(text_part(t, i, n)));
        i += n;
        run_charge(r, 1);
    }
    return out;
}

static value rest_of_iterator(run *r, value v) {
    value out = value_list(r, VALUE_LIST, v.items->used - v.items->at);
    for (size_t i = v.items->at; i < v.items->used && !r->failed; i++) {
        list_add(r, &out, v.items->items[i]);
    }
    v.items->at = v.items->used;
    return out;
}

value value_items(run *r, value v) {
    if (v.kind == VALUE_ITERATOR) return rest_of_iterator(r, v);
    if (value_is_list(v)) {
        run_charge(r, v.n / 8);
        v.kind = VALUE_LIST;
        return v;
    }
    if (v.kind == VALUE_STRING) return characters(r, v.string);
    if (v.kind == VALUE_UNDEFINED) return value_list(r, VALUE_LIST, 0);
    value out = value_list(r, VALUE_LIST, v.kind == VALUE_DICT ? v.members->n : 0);
    if (v.kind != VALUE_DICT) {
        run_fail(r, &v, "%s cannot be iterated over", value_type(v));
    }
    for (size_t i = 0; v.kind == VALUE_DICT && i < v.members->n && !r->failed; i++) {
        list_add(r, &out, v.members->members[i].key);
    }
    return out;
}

size_t value_length(run *r, value v) {
    if (v.kind == VALUE_STRING) return text_chars(r, v.string);
    if (v.kind == VALUE_DICT) return v.members->n;
    if (v.kind == VALUE_UNDEFINED) return 0;
    if (v.kind == VALUE_LOOP) return v.loop->items.n;
    if (value_is_list(v) && v.kind != VALUE_ITERATOR) return v.n;
    run_fail(r, &v, "%s has no length", value_type(v));
    return 0;
}
