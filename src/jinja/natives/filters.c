/*
 * filters.c - the filters of Jinja 3.1 that chat templates use.
 */
#include "jinja/natives/native.h"
#include "jinja/values/big.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool given(value v) {
    return v.kind != VALUE_ABSENT;
}

static bool flag(value v) {
    return given(v) && value_truth(v);
}

/* ---- Text ----------------------------------------------------------------------------------- */

static value f_string(run *r, value self, const value *a) {
    (void)a;
    return value_string(value_str(r, self));
}

static value f_upper(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, value_str(r, self), CASE_UPPER));
}

static value f_lower(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, value_str(r, self), CASE_LOWER));
}

static value f_capitalize(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_capitalize(r, value_str(r, self)));
}

/* Words begin behind white space, - ( { [ and <; unlike in str.title. */
static value f_title(run *r, value self, const value *a) {
    (void)a;
    const text t = value_str(r, self);
    const text none = {0};
    text all = text_data("", 0);
    for (size_t i = 0; i < t.len && !r->failed;) {
        const size_t first = text_char_bytes(t, i);
        size_t end = i;
        while (end < t.len) {
            const text c = text_part(t, end, text_char_bytes(t, end));
            if (memchr("-({[<", c.ptr[0], 5) || text_strip(r, c, none, 1).len == 0) break;
            end += c.len;
        }
        if (end == i) { /* between words */
            all = text_join(r, all, text_part(t, i, first));
            i += first;
            continue;
        }
        const text rest = text_part(t, i + first, end - i - first);
        all = text_join(r, all, text_to_case(r, text_part(t, i, first), CASE_UPPER));
        all = text_join(r, all, text_to_case(r, rest, CASE_LOWER));
        i = end;
        run_charge(r, 1);
    }
    run_charge(r, t.len);
    return value_string(all);
}

static value f_trim(run *r, value self, const value *a) {
    const bool all = !given(a[0]) || a[0].kind == VALUE_NONE;
    const text chars = all ? (text){0} : argument_text(r, a[0], "the characters to trim");
    return value_string(text_strip(r, value_str(r, self), chars, 3));
}

static value f_replace(run *r, value self, const value *a) {
    const bool all = !given(a[2]) || a[2].kind == VALUE_NONE;
    const int64_t count = all ? -1 : argument_int(r, a[2], "count");
    return value_string(
        text_replace(r, value_str(r, self), value_str(r, a[0]), value_str(r, a[1]), count));
}

static value f_indent(run *r, value self, const value *a) {
    const text t = argument_text(r, self, "the text to indent");
    text width = given(a[0]) && a[0].kind == VALUE_STRING ? a[0].string : text_data("", 0);
    const int64_t n = !given(a[0])                ? 4
                      : a[0].kind == VALUE_STRING ? 0
                                                  : argument_int(r, a[0], "width");
    for (int64_t i = 0; i < n && !r->failed; i++) {
        width = text_join(r, width, text_word(" "));
        run_charge(r, 1);
    }
    const value whole = value_string(text_join(r, t, text_word("\n")));
    const value nothing[] = {{0}};
    const value lines = native_split_lines(r, whole, nothing);
    text all = flag(a[1]) ? width : text_data("", 0);
    for (uint32_t i = 0; i < lines.n && !r->failed; i++) {
        const text line = lines.items->items[i].string;
        all = i > 0 ? text_join(r, all, text_word("\n")) : all;
        all = i > 0 && (line.len > 0 || flag(a[2])) ? text_join(r, all, width) : all;
        all = text_join(r, all, line);
    }
    return value_string(all);
}

static value f_truncate(run *r, value self, const value *a) {
    const text t = argument_text(r, self, "the text to truncate");
    const int64_t length = given(a[0]) ? argument_int(r, a[0], "length") : 255;
    const text end = given(a[2]) ? argument_text(r, a[2], "end") : text_word("...");
    const bool has_leeway = given(a[3]) && a[3].kind != VALUE_NONE;
    const int64_t leeway = has_leeway ? argument_int(r, a[3], "leeway") : 5;
    const int64_t n_end = (int64_t)text_chars(r, end);
    if (!r->failed && (length < n_end || leeway < 0)) {
        return run_fail(r, NULL, "the length is less than that of the end");
    }
    if (r->failed || (int64_t)text_chars(r, t) - leeway <= length) return value_string(t);
    text head = text_part(t, 0, text_offset(r, t, (size_t)(length - n_end)));
    run_charge(r, head.len / 64);
    for (size_t i = head.len; i > 0 && !flag(a[1]); i--) { /* up to the last blank */
        if (head.ptr[i - 1] == ' ') {
            head = text_part(head, 0, i - 1);
            break;
        }
    }
    return value_string(text_join(r, head, end));
}

static value f_wordcount(run *r, value self, const value *a) {
    (void)a;
    const text t = value_str(r, self);
    int64_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < t.len; i += text_char_bytes(t, i)) {
        const bool word = text_is_word(text_part(t, i, text_char_bytes(t, i)));
        n += word && !inside;
        inside = word;
    }
    run_charge(r, t.len / 2);
    return value_int(n);
}

static value f_escape(run *r, value self, const value *a) {
    (void)a;
    const char *const names[][2] = {
        {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
    text t = value_str(r, self);
    for (size_t i = 0; i < 5; i++) {
        t = text_replace(r, t, text_word(names[i][0]), text_word(names[i][1]), -1);
    }
    return value_string(t);
}

static value f_format(run *r, value self, const arguments *a) {
    const text f = value_str(r, self);
    value args = value_list(r, VALUE_TUPLE, a->n);
    if (a->n_keywords > 0) {
        args = value_dict(r, VALUE_DICT);
    }
    for (size_t i = 0; i < a->n && !r->failed; i++) {
        if (a->n_keywords == 0) {
            list_add(r, &args, a->values[i]);
        } else if (i >= a->n - a->n_keywords) {
            dict_put(r, args.members, value_string(a->keywords[i - (a->n - a->n_keywords)]),
                     a->values[i]);
        } else {
            run_fail(r, NULL, "format takes values with names or without, not both");
        }
    }
    return r->failed ? value_none : native_percent(r, value_string(f), args);
}

static value f_tojson(run *r, value self, const value *a) {
    /* ensure_ascii, indent, separators, sort_keys, as transformers defines it */
    json_form form = {.ascii = flag(a[0]), .sort = flag(a[3])};
    const bool has_indent = given(a[1]) && a[1].kind != VALUE_NONE;
    if (has_indent && a[1].kind == VALUE_STRING) {
        form.indent = a[1].string;
    } else if (has_indent) {
        const int64_t n = argument_int(r, a[1], "indent");
        form.indent = text_word("");
        for (int64_t i = 0; i < n && !r->failed; i++) {
            form.indent = text_join(r, form.indent, text_word(" "));
            run_charge(r, 1);
        }
    }
    form.between = text_word(has_indent ? "," : ", ");
    form.colon = text_word(": ");
    if (given(a[2]) && a[2].kind != VALUE_NONE) {
        const value pair = value_items(r, a[2]);
        if (r->failed || pair.n != 2) {
            return run_fail(r, NULL, "separators must be two strings");
        }
        form.between = argument_text(r, pair.items->items[0], "a separator");
        form.colon = argument_text(r, pair.items->items[1], "a separator");
    }
    buffer *out = run_get(r, sizeof *out);
    if (r->failed) return value_none;
    value_json(r, out, self, &form);
    return value_string(buffer_text(out));
}

/* ---- Numbers -------------------------------------------------------------------------------- */

/* Python's int(text) for base 10 and others; false when the text is not an integer. */
static bool parse_int(run *r, text t, int64_t base, value *out) {
    const text none = {0};
    t = text_strip(r, t, none, 3);
    char digits[256];
    size_t n = 0;
    size_t at = t.len > 0 && (t.ptr[0] == '-' || t.ptr[0] == '+');
    if (at > 0 && t.ptr[0] == '-') {
        digits[n++] = '-';
    }
    const char prefix = base == 16 ? 'x' : base == 8 ? 'o' : base == 2 ? 'b' : '\0';
    if (prefix && t.len > at + 1 && t.ptr[at] == '0' && (t.ptr[at + 1] | 0x20) == prefix) {
        at += 2;
    }
    bool digit_before = false;
    for (; at < t.len && n + 2 < sizeof digits; at++) {
        const char c = t.ptr[at];
        if (c == '_' && digit_before && at + 1 < t.len) {
            digit_before = false;
            continue;
        }
        const int digit = c >= '0' && c <= '9'                     ? c - '0'
                          : (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? (c | 0x20) - 'a' + 10
                                                                   : 99;
        if (digit >= base) return false;
        digits[n++] = c;
        digit_before = true;
    }
    if (!digit_before || at < t.len) return false;
    digits[n] = '\0';
    if (base == 10 && n > 18) { /* perhaps beyond 64 bits */
        const bool negative = digits[0] == '-';
        size_t zeros = negative;
        while (zeros + 1 < n && digits[zeros] == '0') {
            zeros++;
        }
        char *copy = run_get(r, n + 1);
        if (!copy) return false;
        const int len = snprintf(copy, n + 1, "%s%s", negative ? "-" : "", digits + zeros);
        const value v = {.kind = VALUE_BIG, .string = text_data(copy, (size_t)len)};
        *out = big_arithmetic(r, OP_ADD, v, value_int(0)); /* an INT if it fits */
        return !r->failed;
    }
    *out = value_int(strtoll(digits, NULL, (int)base));
    return true;
}

static bool parse_float(run *r, text t, double *out) {
    const text none = {0};
    t = text_strip(r, t, none, 3);
    char digits[256];
    size_t n = 0;
    for (size_t i = 0; i < t.len && n + 1 < sizeof digits; i++) {
        const char c = t.ptr[i];
        if (c == '_' && i > 0 && i + 1 < t.len) continue;
        if (c == 'x' || c == 'X' || c == '(') return false; /* strtod knows more than Python */
        digits[n++] = c;
    }
    digits[n] = '\0';
    char *end = NULL;
    *out = strtod(digits, &end);
    return n > 0 && *end == '\0' && t.len < sizeof digits;
}

static value int_of_float(run *r, double d, value otherwise) {
    if (isnan(d) || isinf(d)) return otherwise;
    if (d >= -0x1p63 && d < 0x1p63) return value_int((int64_t)d);
    char *digits = run_get(r, 320);
    if (!digits) return value_none;
    return (value){.kind = VALUE_BIG,
                   .string = text_data(digits, (size_t)snprintf(digits, 320, "%.0f", d))};
}

static value f_int(run *r, value self, const value *a) {
    const value otherwise = given(a[0]) ? a[0] : value_int(0);
    const int64_t base = given(a[1]) ? argument_int(r, a[1], "base") : 10;
    value v = otherwise;
    double d = 0;
    if (base < 2 || base > 36) return run_fail(r, NULL, "a base is 2 to 36");
    if (self.kind == VALUE_BOOL) return value_int(self.integer);
    if (self.kind == VALUE_INT || self.kind == VALUE_BIG) return self;
    if (self.kind == VALUE_FLOAT) return int_of_float(r, self.real, otherwise);
    if (self.kind == VALUE_UNDEFINED) {
        return run_fail_undefined(r, self);
    }
    if (self.kind != VALUE_STRING) return otherwise;
    if (parse_int(r, self.string, base, &v)) return v;
    return parse_float(r, self.string, &d) ? int_of_float(r, d, otherwise) : otherwise;
}

static value f_float(run *r, value self, const value *a) {
    const value otherwise = given(a[0]) ? a[0] : value_float(0);
    double d = 0;
    if (self.kind == VALUE_BOOL || self.kind == VALUE_INT) return value_float((double)self.integer);
    if (self.kind == VALUE_FLOAT) return self;
    if (self.kind == VALUE_UNDEFINED) {
        return run_fail_undefined(r, self);
    }
    if (self.kind == VALUE_BIG) {
        d = big_to_double(self);
        return isinf(d) ? run_fail(r, &self, "the integer is too large for a float")
                        : value_float(d);
    }
    if (self.kind != VALUE_STRING) return otherwise;
    return parse_float(r, self.string, &d) ? value_float(d) : otherwise;
}

static value f_abs(run *r, value self, const value *a) {
    (void)a;
    if (self.kind == VALUE_FLOAT) return value_float(fabs(self.real));
    if (self.kind == VALUE_BIG && self.string.ptr[0] == '-') {
        self.string = text_part(self.string, 1, self.string.len - 1);
        return self;
    }
    if (self.kind == VALUE_BIG) return self;
    const int64_t i = argument_int(r, self, "the value of abs");
    return i == INT64_MIN ? (value){.kind = VALUE_BIG, .string = text_word("9223372036854775808")}
                          : value_int(i < 0 ? -i : i);
}

static double round_half_even(double d, int64_t precision) {
    char digits[400];
    if (precision >= 0) {
        snprintf(digits, sizeof digits, "%.*f", precision > 60 ? 60 : (int)precision, d);
        return strtod(digits, NULL);
    }
    const double scale = pow(10, -(double)precision);
    return isinf(scale) ? 0 : nearbyint(d / scale) * scale;
}

/* Half to even, as Python does it. */
static value round_int(run *r, value v, int64_t precision) {
    if (precision >= 0) return v.kind == VALUE_BOOL ? value_int(v.integer) : v;
    if (precision < -BIG_MAX_DIGITS) return value_int(0);
    const value unit = operator_apply(r, OP_POWER, value_int(10), value_int(-precision));
    const value quotient = operator_apply(r, OP_FLOOR_DIV, v, unit);
    const value rest = operator_apply(r, OP_MOD, v, unit);
    const value odd = operator_apply(r, OP_MOD, quotient, value_int(2));
    const value twice = operator_apply(r, OP_MUL, rest, value_int(2));
    const int order = r->failed ? 0 : value_compare(r, twice, unit, "<");
    const bool up = order > 0 || (order == 0 && value_truth(odd));
    const value rounded = operator_apply(r, OP_ADD, quotient, value_int(up));
    return operator_apply(r, OP_MUL, rounded, unit);
}

static value f_round(run *r, value self, const value *a) {
    const int64_t precision = given(a[0]) ? argument_int(r, a[0], "precision") : 0;
    const text method = given(a[1]) ? argument_text(r, a[1], "method") : text_word("common");
    const bool common = text_is(method, "common");
    const bool up = text_is(method, "ceil");
    if (!r->failed && !common && !up && !text_is(method, "floor")) {
        return run_fail(r, NULL, "the method of rounding must be common, ceil or floor");
    }
    if (common && self.kind != VALUE_FLOAT && value_is_number(self)) {
        return round_int(r, self, precision);
    }
    const double d =
        self.kind == VALUE_FLOAT ? self.real : (double)argument_int(r, self, "what is rounded");
    if (r->failed) return value_none;
    run_charge(r, 64); /* digits of doubles are slow */
    if (common) return value_float(round_half_even(d, precision));
    const double scale = pow(10, (double)precision);
    const bool possible = isfinite(d * scale) && scale != 0;
    if (!possible) return run_fail(r, NULL, "the number cannot be rounded");
    return value_float((up ? ceil(d * scale) : floor(d * scale)) / scale);
}

/* ---- Any value ------------------------------------------------------------------------------ */

static value f_default(run *r, value self, const value *a) {
    (void)r;
    const bool take = self.kind == VALUE_UNDEFINED || (flag(a[1]) && !value_truth(self));
    return !take ? self : given(a[0]) ? a[0] : value_word("");
}

static value f_length(run *r, value self, const value *a) {
    (void)a;
    return value_int((int64_t)value_length(r, self));
}

static value f_safe(run *r, value self, const value *a) {
    (void)a;
    return value_string(value_str(r, self));
}

static value f_items(run *r, value self, const value *a) {
    if (self.kind == VALUE_DICT) {
        value v = native_items(r, self, a);
        v.kind = VALUE_ITERATOR;
        return v;
    }
    return self.kind == VALUE_UNDEFINED ? value_list(r, VALUE_ITERATOR, 0)
                                        : run_fail(r, &self, "a %s has no items", value_type(self));
}

/* ---- Lists ---------------------------------------------------------------------------------- */

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

static value f_list(run *r, value self, const value *a) {
    (void)a;
    const value items = value_items(r, self);
    value out = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        list_add(r, &out, items.items->items[i]);
    }
    return out;
}

static value f_first(run *r, value self, const value *a) {
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

static value f_last(run *r, value self, const value *a) {
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

static value f_join(run *r, value self, const value *a) {
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

static value f_reverse(run *r, value self, const value *a) {
    (void)a;
    if (self.kind == VALUE_ITERATOR) {
        self = f_list(r, self, a);
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

static value f_sort(run *r, value self, const value *a) {
    const value items = value_items(r, self);
    value keys = value_list(r, VALUE_LIST, items.n);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        list_add(r, &keys, keys_of(r, items.items->items[i], a[2], flag(a[1])));
    }
    const bool reverse = given(a[0]) && argument_int(r, a[0], "reverse");
    return r->failed ? value_none : sorted(r, items, keys, reverse);
}

static value f_dictsort(run *r, value self, const value *a) {
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

static value f_unique(run *r, value self, const value *a) {
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

static value f_min(run *r, value self, const value *a) {
    return extreme(r, self, a, -1);
}

static value f_max(run *r, value self, const value *a) {
    return extreme(r, self, a, 1);
}

static value f_sum(run *r, value self, const value *a) {
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

static value f_batch(run *r, value self, const value *a) {
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

static value f_slice(run *r, value self, const value *a) {
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

static value f_map(run *r, value self, const arguments *a) {
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

static value f_select(run *r, value self, const arguments *a) {
    return choose(r, self, a, false, true);
}

static value f_reject(run *r, value self, const arguments *a) {
    return choose(r, self, a, false, false);
}

static value f_selectattr(run *r, value self, const arguments *a) {
    return choose(r, self, a, true, true);
}

static value f_rejectattr(run *r, value self, const arguments *a) {
    return choose(r, self, a, true, false);
}

natives native_filters(void) {
    static const native filters[] = {
        {.name = "abs", .function = f_abs},
        {.name = "batch",
         .function = f_batch,
         .parameters = {"linecount", "fill_with"},
         .required = 1},
        {.name = "capitalize", .function = f_capitalize},
        {.name = "count", .function = f_length},
        {.name = "d", .function = f_default, .parameters = {"default_value", "boolean"}},
        {.name = "default", .function = f_default, .parameters = {"default_value", "boolean"}},
        {.name = "dictsort",
         .function = f_dictsort,
         .parameters = {"case_sensitive", "by", "reverse"}},
        {.name = "e", .function = f_escape},
        {.name = "escape", .function = f_escape},
        {.name = "first", .function = f_first},
        {.name = "float", .function = f_float, .parameters = {"default"}},
        {.name = "format", .any = f_format},
        {.name = "indent", .function = f_indent, .parameters = {"width", "first", "blank"}},
        {.name = "int", .function = f_int, .parameters = {"default", "base"}},
        {.name = "items", .function = f_items},
        {.name = "join", .function = f_join, .parameters = {"d", "attribute"}},
        {.name = "last", .function = f_last},
        {.name = "length", .function = f_length},
        {.name = "list", .function = f_list},
        {.name = "lower", .function = f_lower},
        {.name = "map", .any = f_map},
        {.name = "max", .function = f_max, .parameters = {"case_sensitive", "attribute"}},
        {.name = "min", .function = f_min, .parameters = {"case_sensitive", "attribute"}},
        {.name = "reject", .any = f_reject},
        {.name = "rejectattr", .any = f_rejectattr},
        {.name = "replace",
         .function = f_replace,
         .parameters = {"old", "new", "count"},
         .required = 2},
        {.name = "reverse", .function = f_reverse},
        {.name = "round", .function = f_round, .parameters = {"precision", "method"}},
        {.name = "safe", .function = f_safe},
        {.name = "select", .any = f_select},
        {.name = "selectattr", .any = f_selectattr},
        {.name = "slice",
         .function = f_slice,
         .parameters = {"slices", "fill_with"},
         .required = 1},
        {.name = "sort",
         .function = f_sort,
         .parameters = {"reverse", "case_sensitive", "attribute"}},
        {.name = "string", .function = f_string},
        {.name = "sum", .function = f_sum, .parameters = {"attribute", "start"}},
        {.name = "title", .function = f_title},
        {.name = "tojson",
         .function = f_tojson,
         .parameters = {"ensure_ascii", "indent", "separators", "sort_keys"}},
        {.name = "trim", .function = f_trim, .parameters = {"chars"}},
        {.name = "truncate",
         .function = f_truncate,
         .parameters = {"length", "killwords", "end", "leeway"}},
        {.name = "unique", .function = f_unique, .parameters = {"case_sensitive", "attribute"}},
        {.name = "upper", .function = f_upper},
        {.name = "wordcount", .function = f_wordcount},
    };
    return NATIVES(filters);
}
