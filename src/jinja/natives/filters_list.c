/*
 * filters_list.c - filters of lists, and those that call other filters and tests.
 */
#include "jinja/natives/filters.h"

#include <string.h>

/* v.a.b.0, as the argument `attribute` of filters names it. */
static value attribute_of(run *r, value v, value path) {
    if (path.kind != VALUE_STRING) return lookup_item(r, v, path);
    text rest = path.string;
    for (bool more = true; more && !r->failed;) {
        run_charge(r, 1);
        const size_t dot = text_find(r, rest, text_word("."), 0);
        more = dot != SIZE_MAX;
        const text part = text_part(rest, 0, more ? dot : rest.len);
        int64_t number = 0;
        bool is_number = part.len > 0 && part.len < 10;
        for (size_t i = 0; i < part.len && is_number; i++) {
            is_number = part.ptr[i] >= '0' && part.ptr[i] <= '9';
            number = number * 10 + (part.ptr[i] - '0');
        }
        v = lookup_item(r, v, is_number ? value_int(number) : value_string(part));
        rest = more ? text_part(rest, dot + 1, rest.len - dot - 1) : rest;
    }
    return v;
}

/* What a value is sorted by. */
static value key_of(run *r, value v, value attribute, bool case_sensitive) {
    if (given(attribute) && attribute.kind != VALUE_NONE) {
        v = attribute_of(r, v, attribute);
    }
    if (v.kind == VALUE_STRING && !case_sensitive) {
        v.string = text_to_case(r, v.string, CASE_LOWER);
    }
    return v;
}

static value as_iterator(value v) {
    v.kind = VALUE_ITERATOR;
    return v;
}

value filter_list(run *r, value self, const value *a) {
    (void)a;
    const value items = value_items(r, self);
    value out = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        list_add(r, &out, items.items->items[i]);
    }
    return out;
}

value filter_first(run *r, value self, const value *a) {
    (void)a;
    if (self.kind == VALUE_STRING && self.string.len > 0) {
        return lookup_item(r, self, value_int(0));
    }
    if (self.kind == VALUE_ITERATOR) {
        list *l = self.items;
        return l->at < l->used ? l->items[l->at++]
                               : value_undefined(text_word("the sequence is empty"));
    }
    const value items = value_items(r, self);
    if (r->failed) return value_none;
    return items.n > 0 ? items.items->items[0]
                       : value_undefined(text_word("the sequence is empty"));
}

value filter_last(run *r, value self, const value *a) {
    (void)a;
    if (self.kind == VALUE_STRING && self.string.len > 0) {
        return lookup_item(r, self, value_int(-1));
    }
    if (self.kind == VALUE_ITERATOR) {
        return run_fail(r, &self, "the last item of a %s is not known", value_type(self));
    }
    const value items = value_items(r, self);
    if (r->failed) return value_none;
    return items.n > 0 ? items.items->items[items.n - 1]
                       : value_undefined(text_word("the sequence is empty"));
}

value filter_join(run *r, value self, const value *a) {
    value items = value_items(r, self);
    if (given(a[1]) && a[1].kind != VALUE_NONE) {
        value out = value_list(r, VALUE_LIST, items.n);
        for (uint32_t i = 0; i < items.n && !r->failed; i++) {
            list_add(r, &out, attribute_of(r, items.items->items[i], a[1]));
        }
        items = out;
    }
    const text between = given(a[0]) ? value_str(r, a[0]) : text_data("", 0);
    return r->failed ? value_none : value_string(text_concat_items(r, between, items));
}

value filter_reverse(run *r, value self, const value *a) {
    (void)a;
    if (self.kind == VALUE_ITERATOR) {
        self = filter_list(r, self, a);
    }
    const value items = value_items(r, self);
    value out = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = items.n; i > 0 && !r->failed; i--) {
        list_add(r, &out, items.items->items[i - 1]);
    }
    if (r->failed) return value_none;
    return self.kind == VALUE_STRING ? value_string(text_concat_items(r, text_data("", 0), out))
                                     : as_iterator(out);
}

/* Sort items by their keys, stably; both are lists of n. */
static void merge_sort(run *r, value items, value keys, bool reverse) {
    const uint32_t n = items.n;
    value *from = items.items->items;
    value *key = keys.items->items;
    value *to = run_get(r, (n + 1) * sizeof *to);
    value *key_to = run_get(r, (n + 1) * sizeof *key_to);
    for (uint32_t width = 1; width < n && !r->failed; width *= 2) {
        for (uint32_t begin = 0; begin < n && !r->failed; begin += 2 * width) {
            const uint32_t middle = n - begin < width ? n : begin + width;
            const uint32_t end = n - middle < width ? n : middle + width;
            uint32_t i = begin;
            uint32_t k = middle;
            for (uint32_t at = begin; at < end && !r->failed; at++) {
                bool left = k >= end;
                if (i < middle && !left) {
                    const int order = value_compare(r, key[k], key[i], "<");
                    left = reverse ? !(order != VALUE_UNORDERED && order > 0) : !(order < 0);
                    run_charge(r, 1);
                }
                const uint32_t take = left ? i++ : k++;
                to[at] = from[take];
                key_to[at] = key[take];
            }
        }
        if (r->failed) return;
        memcpy(from, to, n * sizeof *from);
        memcpy(key, key_to, n * sizeof *key);
    }
}

/* The key of `sort`: a list with what each name of attribute="a,b" gives, as Jinja makes it; lists
 * with equal items need no order of these. */
static value keys_of(run *r, value v, value attribute, bool case_sensitive) {
    value out = value_list(r, VALUE_LIST, 1);
    if (attribute.kind != VALUE_STRING) {
        list_add(r, &out, key_of(r, v, attribute, case_sensitive));
        return out;
    }
    text rest = attribute.string;
    for (bool more = true; more && !r->failed;) {
        const size_t comma = text_find(r, rest, text_word(","), 0);
        more = comma != SIZE_MAX;
        const text part = text_part(rest, 0, more ? comma : rest.len);
        list_add(r, &out, key_of(r, v, value_string(part), case_sensitive));
        rest = more ? text_part(rest, comma + 1, rest.len - comma - 1) : rest;
    }
    return out;
}

/* A sorted copy of the items. */
static value sorted(run *r, value items, value keys, bool reverse) {
    value out = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        list_add(r, &out, items.items->items[i]);
    }
    if (!r->failed) merge_sort(r, out, keys, reverse);
    return out;
}

value filter_sort(run *r, value self, const value *a) {
    const value items = value_items(r, self);
    value keys = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        list_add(r, &keys, keys_of(r, items.items->items[i], a[2], flag(a[1])));
    }
    const bool reverse = given(a[0]) && argument_int(r, a[0], "reverse");
    return r->failed ? value_none : sorted(r, items, keys, reverse);
}

value filter_dictsort(run *r, value self, const value *a) {
    const text by = given(a[1]) ? argument_text(r, a[1], "by") : text_word("key");
    if (r->failed) return value_none;
    if (self.kind != VALUE_DICT) return run_fail(r, &self, "dictsort needs a dict");
    if (!text_is(by, "key") && !text_is(by, "value")) {
        return run_fail(r, NULL, "a dict is sorted by \"key\" or by \"value\"");
    }
    value items = native_items(r, self, a);
    items.kind = VALUE_LIST;
    value keys = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        list_add(r, &keys,
                 key_of(r, items.items->items[i], value_int(text_is(by, "value")), flag(a[0])));
    }
    const bool reverse = given(a[2]) && argument_int(r, a[2], "reverse");
    return r->failed ? value_none : sorted(r, items, keys, reverse);
}

value filter_unique(run *r, value self, const value *a) {
    const value items = value_items(r, self);
    value out = value_list(r, VALUE_LIST, 0);
    value seen = value_list(r, VALUE_LIST, 0);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        const value key = key_of(r, items.items->items[i], a[1], flag(a[0]));
        if (!value_is_key(r, key)) break;
        bool found = false;
        for (uint32_t k = 0; k < seen.n && !found && !r->failed; k++) {
            found = value_equal(r, seen.items->items[k], key);
        }
        run_charge(r, 1 + seen.n / 8);
        if (!found) {
            list_add(r, &seen, key);
            list_add(r, &out, items.items->items[i]);
        }
    }
    return as_iterator(out);
}

static value extreme(run *r, value self, const value *a, int sign) {
    const value items = value_items(r, self);
    value best = value_undefined(text_word("the sequence is empty"));
    value best_key = best;
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        const value key = key_of(r, items.items->items[i], a[1], flag(a[0]));
        const int order = i > 0 && !r->failed ? value_compare(r, key, best_key, "<") : 0;
        run_charge(r, 1);
        if (i == 0 || (order != VALUE_UNORDERED && order * sign > 0)) {
            best = items.items->items[i];
            best_key = key;
        }
    }
    return best;
}

value filter_min(run *r, value self, const value *a) {
    return extreme(r, self, a, -1);
}

value filter_max(run *r, value self, const value *a) {
    return extreme(r, self, a, 1);
}

value filter_sum(run *r, value self, const value *a) {
    const value items = value_items(r, self);
    value all = given(a[1]) ? a[1] : value_int(0);
    if (all.kind == VALUE_STRING) return run_fail(r, NULL, "sum does not join strings");
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        const value item = items.items->items[i];
        const bool has = given(a[0]) && a[0].kind != VALUE_NONE;
        all = operator_apply(r, OP_ADD, all, has ? attribute_of(r, item, a[0]) : item);
        run_charge(r, 1);
    }
    return all;
}

value filter_batch(run *r, value self, const value *a) {
    const value items = value_items(r, self);
    const int64_t n = argument_int(r, a[0], "the number of items");
    value out = value_list(r, VALUE_LIST, 0);
    value row = value_list(r, VALUE_LIST, 0);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        if ((int64_t)row.n == n) {
            list_add(r, &out, row);
            row = value_list(r, VALUE_LIST, 0);
        }
        list_add(r, &row, items.items->items[i]);
        run_charge(r, 1);
    }
    while (given(a[1]) && a[1].kind != VALUE_NONE && row.n > 0 && (int64_t)row.n < n &&
           !r->failed) {
        list_add(r, &row, a[1]);
        run_charge(r, 1);
    }
    if (row.n > 0) {
        list_add(r, &out, row);
    }
    return as_iterator(out);
}

value filter_slice(run *r, value self, const value *a) {
    const value items = value_items(r, self);
    const int64_t n = argument_int(r, a[0], "the number of slices");
    value out = value_list(r, VALUE_LIST, 0);
    if (!r->failed && n < 1) return run_fail(r, NULL, "the number of slices must be positive");
    const int64_t size = r->failed ? 0 : items.n / n;
    const int64_t longer = r->failed ? 0 : items.n % n;
    int64_t at = 0;
    for (int64_t i = 0; i < n && !r->failed; i++) {
        value row = value_list(r, VALUE_LIST, 0);
        const int64_t end = at + size + (i < longer);
        for (; at < end && !r->failed; at++) {
            list_add(r, &row, items.items->items[at]);
        }
        if (given(a[1]) && a[1].kind != VALUE_NONE && i >= longer && !r->failed) {
            list_add(r, &row, a[1]);
        }
        list_add(r, &out, row);
        run_charge(r, 1);
    }
    return as_iterator(out);
}

/* ---- Filters that call filters and tests ---------------------------------------------------- */

/* The arguments behind the first `n`. */
static arguments behind(const arguments *a, size_t n) {
    return (arguments){.values = a->values + n,
                       .keywords = a->keywords,
                       .n = a->n - n,
                       .n_keywords = a->n_keywords};
}

static value keyword(const arguments *a, const char *name) {
    for (size_t i = 0; i < a->n_keywords; i++) {
        if (text_is(a->keywords[i], name)) return a->values[a->n - a->n_keywords + i];
    }
    return (value){0};
}

value filter_map(run *r, value self, const arguments *a) {
    const bool by_attribute = a->n == a->n_keywords && given(keyword(a, "attribute"));
    const value attribute = keyword(a, "attribute");
    const value otherwise = keyword(a, "default");
    value out = value_list(r, VALUE_LIST, 0);
    const native *f = NULL;
    if (!value_truth(self)) return as_iterator(out);
    if (!by_attribute) {
        if (a->n == a->n_keywords) return run_fail(r, NULL, "map needs the name of a filter");
        const text name = argument_text(r, a->values[0], "the name of a filter");
        f = r->find_filter(name);
        if (!f && !r->failed) {
            return run_fail(r, NULL, "the filter '%.*s' is unknown",
                            (int)(name.len < 40 ? name.len : 40), name.ptr);
        }
    }
    const value items = value_items(r, self);
    const arguments rest = by_attribute ? *a : behind(a, 1);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        const value item = items.items->items[i];
        value v = f ? native_call(r, f, item, &rest) : attribute_of(r, item, attribute);
        if (!f && v.kind == VALUE_UNDEFINED && given(otherwise) && otherwise.kind != VALUE_NONE) {
            v = otherwise;
        }
        list_add(r, &out, v);
        run_charge(r, 1);
    }
    return as_iterator(out);
}

static value choose(run *r, value self, const arguments *a, bool by_attribute, bool want) {
    const size_t n = a->n - a->n_keywords;
    const size_t skip = by_attribute;
    if (!value_truth(self)) return value_list(r, VALUE_ITERATOR, 0);
    if (by_attribute && n == 0) return run_fail(r, NULL, "the name of an attribute is missing");
    const native *test = NULL;
    if (n > skip) {
        const text name = argument_text(r, a->values[skip], "the name of a test");
        test = r->find_test(name);
        if (!test && !r->failed) {
            return run_fail(r, NULL, "the test '%.*s' is unknown",
                            (int)(name.len < 40 ? name.len : 40), name.ptr);
        }
    }
    const arguments rest = behind(a, n > skip ? skip + 1 : skip);
    const value items = value_items(r, self);
    value out = value_list(r, VALUE_LIST, 0);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        const value item = items.items->items[i];
        const value v = by_attribute ? attribute_of(r, item, a->values[0]) : item;
        if (value_truth(test ? native_call(r, test, v, &rest) : v) == want && !r->failed) {
            list_add(r, &out, item);
        }
        run_charge(r, 1);
    }
    return as_iterator(out);
}

value filter_select(run *r, value self, const arguments *a) {
    return choose(r, self, a, false, true);
}

value filter_reject(run *r, value self, const arguments *a) {
    return choose(r, self, a, false, false);
}

value filter_selectattr(run *r, value self, const arguments *a) {
    return choose(r, self, a, true, true);
}

value filter_rejectattr(run *r, value self, const arguments *a) {
    return choose(r, self, a, true, false);
}
