/*
 * filters_number.c - filters of numbers.
 */
#include "jinja/natives/filters.h"
#include "jinja/values/big.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

value filter_int(run *r, value self, const value *a) {
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

value filter_float(run *r, value self, const value *a) {
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

value filter_abs(run *r, value self, const value *a) {
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

value filter_round(run *r, value self, const value *a) {
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
