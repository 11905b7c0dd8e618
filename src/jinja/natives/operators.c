/*
 * operators.c - arithmetic and comparisons, as Python does them.
 */
#include "jinja/natives/native.h"
#include "jinja/values/big.h"

#include <math.h>

/* ---- Arithmetic ----------------------------------------------------------------------------- */

static value refuse(run *r, const char *sign, value a, value b) {
    const value *undefined = a.kind == VALUE_UNDEFINED ? &a : b.kind == VALUE_UNDEFINED ? &b : NULL;
    if (undefined) {
        return run_fail_undefined(r, *undefined);
    }
    const bool is_b = b.source && (b.kind != VALUE_STRING || !a.source);
    return run_fail(r, is_b ? &b : &a, "%s %s %s is not possible", value_type(a), sign,
                    value_type(b));
}

static double real_of(run *r, value v) {
    if (v.kind == VALUE_FLOAT) return v.real;
    const double d = v.kind == VALUE_BIG ? big_to_double(v) : (double)v.integer;
    if (isinf(d)) {
        run_fail(r, &v, "the integer is too large for a float");
    }
    return d;
}

/* Rounded down; b is not 0 and not -1. */
static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t floor_mod(int64_t a, int64_t b) {
    const int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static value real_arithmetic(run *r, value_op op, double a, double b) {
    if (b == 0 && (op == OP_DIV || op == OP_FLOOR_DIV || op == OP_MOD)) {
        return run_fail(r, NULL, "division by zero");
    }
    switch (op) {
    case OP_ADD: return value_float(a + b);
    case OP_SUB: return value_float(a - b);
    case OP_MUL: return value_float(a * b);
    case OP_DIV: return value_float(a / b);
    case OP_POWER: {
        const double p = pow(a, b);
        if (isnan(p) && !isnan(a) && !isnan(b)) {
            return run_fail(r, NULL, "a power of a negative number is not real");
        }
        if (isinf(p) && !isinf(a) && !isinf(b)) {
            return run_fail(r, NULL, a == 0 ? "division by zero" : "the power is too large");
        }
        return value_float(p);
    }
    default: break;
    }
    double rest = fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        rest += b;
        quotient -= 1;
    }
    if (op == OP_MOD) return value_float(rest != 0 ? rest : copysign(0, b));
    const double whole = quotient != 0 ? floor(quotient) : copysign(0, a / b);
    return value_float(quotient - whole > 0.5 ? whole + 1 : whole);
}

/* Integers of 64 bits; what does not fit goes the long way. */
static value int_arithmetic(run *r, value_op op, value a, value b) {
    const bool zero = b.kind != VALUE_BIG && b.integer == 0;
    if (zero && (op == OP_DIV || op == OP_FLOOR_DIV || op == OP_MOD)) {
        return run_fail(r, NULL, "division by zero");
    }
    int64_t i = 0;
    if (a.kind == VALUE_BIG || b.kind == VALUE_BIG || op == OP_POWER) {
        return big_arithmetic(r, op, a, b);
    }
    switch (op) {
    case OP_ADD:
        if (!__builtin_add_overflow(a.integer, b.integer, &i)) return value_int(i);
        break;
    case OP_SUB:
        if (!__builtin_sub_overflow(a.integer, b.integer, &i)) return value_int(i);
        break;
    case OP_MUL:
        if (!__builtin_mul_overflow(a.integer, b.integer, &i)) return value_int(i);
        break;
    case OP_FLOOR_DIV:
        if (b.integer != -1) return value_int(floor_div(a.integer, b.integer));
        break;
    case OP_MOD: return value_int(b.integer == -1 ? 0 : floor_mod(a.integer, b.integer));
    default: break; /* the nearest double of a quotient is not that of two doubles */
    }
    return big_arithmetic(r, op, a, b);
}

static const char *const signs[] = {
    [OP_ADD] = "+", [OP_SUB] = "-",    [OP_MUL] = "*", [OP_DIV] = "/", [OP_FLOOR_DIV] = "//",
    [OP_MOD] = "%", [OP_POWER] = "**", [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",
    [OP_LE] = "<=", [OP_GT] = ">",     [OP_GE] = ">=", [OP_IN] = "in", [OP_NOT_IN] = "not in"};

static value repeat(run *r, value v, int64_t times) {
    value out = v.kind == VALUE_STRING ? value_word("") : value_list(r, v.kind, 0);
    buffer *text_out = run_get(r, sizeof *text_out);
    for (int64_t i = 0; i < times && !r->failed; i++) {
        run_charge(r, 1);
        if (v.kind == VALUE_STRING) {
            if (v.string.len == 0) return v;
            buffer_add(r, text_out, v.string);
        } else if (v.n > 0) {
            out = list_concat(r, out, v);
        } else {
            return out;
        }
    }
    return v.kind == VALUE_STRING && !r->failed ? value_string(buffer_text(text_out)) : out;
}

static bool is_int(value v) {
    return v.kind == VALUE_INT || v.kind == VALUE_BOOL;
}

static bool is_whole(value v) {
    return is_int(v) || v.kind == VALUE_BIG;
}

static value add(run *r, value a, value b) {
    if (a.kind == VALUE_STRING && b.kind == VALUE_STRING) {
        return value_string(text_join(r, a.string, b.string));
    }
    if ((a.kind == VALUE_LIST || a.kind == VALUE_TUPLE) && a.kind == b.kind) {
        return list_concat(r, a, b);
    }
    if (!value_is_number(a) || !value_is_number(b)) return refuse(r, "+", a, b);
    if (is_whole(a) && is_whole(b)) return int_arithmetic(r, OP_ADD, a, b);
    return real_arithmetic(r, OP_ADD, real_of(r, a), real_of(r, b));
}

value operator_apply(run *r, value_op op, value a, value b) {
    if (op == OP_ADD) return add(r, a, b);
    const bool a_repeats = a.kind == VALUE_STRING || a.kind == VALUE_LIST || a.kind == VALUE_TUPLE;
    const bool b_repeats = b.kind == VALUE_STRING || b.kind == VALUE_LIST || b.kind == VALUE_TUPLE;
    if (op == OP_MUL && a_repeats && is_int(b)) return repeat(r, a, b.integer);
    if (op == OP_MUL && b_repeats && is_int(a)) return repeat(r, b, a.integer);
    if (op == OP_MOD && a.kind == VALUE_STRING) return native_percent(r, a, b);
    if (!value_is_number(a) || !value_is_number(b)) return refuse(r, signs[op], a, b);
    if (is_whole(a) && is_whole(b)) return int_arithmetic(r, op, a, b);
    return real_arithmetic(r, op, real_of(r, a), real_of(r, b));
}

value operator_sign(run *r, value v, bool minus) {
    if (is_whole(v)) return int_arithmetic(r, minus ? OP_SUB : OP_ADD, value_int(0), v);
    if (v.kind == VALUE_FLOAT) return value_float(minus ? -v.real : v.real);
    if (v.kind == VALUE_UNDEFINED) return refuse(r, "-", v, v);
    return run_fail(r, &v, "a %s has no sign", value_type(v));
}

/* ---- Comparing ------------------------------------------------------------------------------ */

bool operator_compare(run *r, value_op op, value a, value b) {
    switch (op) {
    case OP_EQ: return value_equal(r, a, b);
    case OP_NE: return !value_equal(r, a, b);
    case OP_IN: return value_contains(r, b, a);
    case OP_NOT_IN: return !value_contains(r, b, a);
    default: break;
    }
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED) {
        refuse(r, signs[op], a, b);
        return false;
    }
    const int order = value_compare(r, a, b, signs[op]);
    if (order == VALUE_UNORDERED) return false;
    return op == OP_LT   ? order < 0
           : op == OP_LE ? order <= 0
           : op == OP_GT ? order > 0
                         : order >= 0;
}
