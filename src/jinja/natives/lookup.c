/*
 * lookup.c - attributes, items and slices of values.
 */
#include "jinja/natives/native.h"

/* ---- Attributes and items ------------------------------------------------------------------- */

/* "'name' is undefined in a <type>"; the container's place is kept for messages. */
static value missing(run *r, value container, text name) {
    buffer *what = run_get(r, sizeof *what);
    if (!what) return value_none;
    buffer_add_word(r, what, "'");
    buffer_add(r, what, text_part(name, 0, name.len < 60 ? name.len : 60));
    buffer_add_word(r, what, "' is undefined in a ");
    buffer_add_word(r, what, value_type(container));
    value v = value_undefined(buffer_text(what));
    v.source = container.source;
    return v;
}

static value loop_attribute(run *r, struct loop *l, value self, text name) {
    const value *items = l->items.items->items;
    const int64_t n = l->items.n;
    const int64_t i = (int64_t)l->i;
    if (text_is(name, "index")) return value_int(i + 1);
    if (text_is(name, "index0")) return value_int(i);
    if (text_is(name, "revindex")) return value_int(n - i);
    if (text_is(name, "revindex0")) return value_int(n - i - 1);
    if (text_is(name, "first")) return value_bool(i == 0);
    if (text_is(name, "last")) return value_bool(i == n - 1);
    if (text_is(name, "length")) return value_int(n);
    if (text_is(name, "depth")) return value_int((int64_t)l->depth);
    if (text_is(name, "depth0")) return value_int((int64_t)l->depth - 1);
    if (text_is(name, "previtem") && i > 0) return items[i - 1];
    if (text_is(name, "nextitem") && i + 1 < n) return items[i + 1];
    return missing(r, self, name);
}

static value bound_method(run *r, value self, const native *f) {
    struct method *m = run_get(r, sizeof *m);
    if (!m) return value_none;
    m->self = self;
    m->native = f;
    return (value){.kind = VALUE_METHOD, .method = m};
}

value lookup_attribute(run *r, value v, text name) {
    if (v.kind == VALUE_UNDEFINED) return run_fail_undefined(r, v);
    const native *f = native_find(native_methods(v.kind), name);
    if (f) return bound_method(r, v, f);
    if (v.kind == VALUE_LOOP) return loop_attribute(r, v.loop, v, name);
    if (v.kind == VALUE_MACRO && text_is(name, "name")) return value_string(v.macro->name);
    const value *found = v.kind == VALUE_DICT || v.kind == VALUE_NAMESPACE
                             ? dict_find(r, v.members, value_string(name))
                             : NULL;
    return found ? *found : missing(r, v, name);
}

/* The index of an item among n; false when there is none. */
static bool find_index(value key, size_t n, size_t *at) {
    if (key.kind != VALUE_INT && key.kind != VALUE_BOOL) return false;
    const int64_t i = key.integer < 0 ? key.integer + (int64_t)n : key.integer;
    if (i < 0 || (uint64_t)i >= n) return false;
    *at = (size_t)i;
    return true;
}

value lookup_item(run *r, value v, value key) {
    size_t at = 0;
    if (v.kind == VALUE_UNDEFINED) return run_fail_undefined(r, v);
    if (value_is_indexed(v) && find_index(key, v.n, &at)) return v.items->items[at];
    if (v.kind == VALUE_STRING && key.kind == VALUE_INT &&
        find_index(key, text_chars(r, v.string), &at)) {
        const size_t offset = text_offset(r, v.string, at);
        return value_string(text_part(v.string, offset, text_char_bytes(v.string, offset)));
    }
    const bool unhashable = key.kind == VALUE_LIST || key.kind == VALUE_DICT;
    const value *found = v.kind == VALUE_DICT && !unhashable ? dict_find(r, v.members, key) : NULL;
    if (found) return *found;
    if (key.kind == VALUE_STRING) return lookup_attribute(r, v, key.string);
    return missing(r, v, value_str(r, key));
}

/* ---- Slices --------------------------------------------------------------------------------- */

/* One of the bounds: an integer, or `otherwise` for None.  Never INT64_MIN itself. */
static int64_t bound(run *r, value v, int64_t otherwise) {
    if (v.kind == VALUE_NONE || r->failed) return otherwise;
    if (v.kind == VALUE_BIG) return v.string.ptr[0] == '-' ? -INT64_MAX : INT64_MAX;
    if (v.kind != VALUE_INT && v.kind != VALUE_BOOL) {
        run_fail(r, &v, "a slice needs integers, not %s", value_type(v));
    }
    return v.integer < -INT64_MAX ? -INT64_MAX : v.integer;
}

static int64_t clamp(int64_t i, int64_t n, int64_t low, int64_t high) {
    i = i < 0 ? i + n : i;
    return i < low ? low : i > high ? high : i;
}

static value slice_text(run *r, text t, int64_t from, int64_t to, int64_t step) {
    if (step == 1) {
        if (from >= to) return value_string(text_part(t, 0, 0));
        const size_t begin = text_offset(r, t, (size_t)from);
        const size_t len = text_offset(r, text_part(t, begin, t.len - begin), (size_t)(to - from));
        return value_string(text_part(t, begin, len));
    }
    const value chars = value_items(r, value_string(t));
    buffer *out = run_get(r, sizeof *out);
    for (int64_t i = from; !r->failed && (step > 0 ? i < to : i > to); i += step) {
        buffer_add(r, out, chars.items->items[i].string);
    }
    return r->failed ? value_none : value_string(buffer_text(out));
}

value lookup_slice(run *r, value v, value first, value last, value by) {
    if (!r->failed && v.kind != VALUE_STRING && !value_is_indexed(v)) {
        return run_fail(r, &v, "a %s cannot be sliced", value_type(v));
    }
    if (r->failed) return value_none;
    const int64_t len = v.kind == VALUE_STRING ? (int64_t)text_chars(r, v.string) : v.n;
    const int64_t step = bound(r, by, 1);
    if (step == 0) return run_fail(r, NULL, "the step of a slice cannot be 0");
    const bool up = step > 0;
    const int64_t low = up ? 0 : -1;
    const int64_t high = up ? len : len - 1;
    const int64_t from = bound(r, first, INT64_MIN);
    const int64_t to = bound(r, last, INT64_MIN);
    const int64_t begin = from == INT64_MIN ? (up ? 0 : len - 1) : clamp(from, len, low, high);
    const int64_t end = to == INT64_MIN ? (up ? len : -1) : clamp(to, len, low, high);
    /* A step beyond the length takes one item at most; keep i + step within 64 bits. */
    const int64_t small = step > len + 1 ? len + 1 : step < -len - 1 ? -len - 1 : step;
    if (v.kind == VALUE_STRING) return slice_text(r, v.string, begin, end, small);
    value out = value_list(r, v.kind == VALUE_TUPLE ? VALUE_TUPLE : VALUE_LIST, 0);
    for (int64_t i = begin; !r->failed && (up ? i < end : i > end); i += small) {
        list_add(r, &out, v.items->items[i]);
    }
    run_charge(r, out.n / 8);
    return out;
}
