/*
 * big.c - integers beyond 64 bits.
 */
#include "jinja/values/big.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of base 10^9, because they come and go as decimal digits. */
enum {
    BASE = 1000 * 1000 * 1000,
    BASE_DIGITS = 9,
    MAX_LIMBS = BIG_MAX_DIGITS / BASE_DIGITS + 1, /* of a number */
    ROOM = 2 * MAX_LIMBS                          /* for a product */
};

typedef struct {
    bool negative;       /* never for 0 */
    size_t n;            /* limbs in use; the last one is not 0, and 0 has none */
    uint32_t limb[ROOM]; /* the lowest first */
} number;

static void trim(number *x) {
    while (x->n > 0 && x->limb[x->n - 1] == 0) {
        x->n--;
    }
    x->negative = x->negative && x->n > 0;
}

/* ---- From values and to values -------------------------------------------------------------- */

static value too_long(run *r) {
    return run_fail(r, NULL, "an integer has more than %d digits", BIG_MAX_DIGITS);
}

static void read_number(run *r, number *x, value v) {
    char small[24];
    const int n_small =
        v.kind == VALUE_BIG ? 0 : snprintf(small, sizeof small, "%" PRId64, v.integer);
    text digits = v.kind == VALUE_BIG ? v.string : text_data(small, (size_t)n_small);
    x->negative = digits.ptr[0] == '-';
    x->n = 0;
    digits = text_part(digits, x->negative, digits.len - x->negative);
    if (digits.len > BIG_MAX_DIGITS) {
        too_long(r);
        return;
    }
    run_charge(r, 8 + digits.len / 16);
    for (size_t end = digits.len; end > 0;) {
        const size_t begin = end > BASE_DIGITS ? end - BASE_DIGITS : 0;
        uint32_t limb = 0;
        for (size_t i = begin; i < end; i++) {
            limb = limb * 10 + (uint32_t)(digits.ptr[i] - '0');
        }
        x->limb[x->n++] = limb;
        end = begin;
    }
    trim(x);
}

/* Write the digits of |x| and a NUL to out[x->n * BASE_DIGITS + 1]; how many digits there are. */
static size_t write_digits(const number *x, char *out) {
    if (x->n == 0) out[0] = '\0';
    size_t n = 0;
    for (size_t i = x->n; i > 0; i--) {
        const int width = i == x->n ? 1 : BASE_DIGITS;
        n += (size_t)snprintf(out + n, BASE_DIGITS + 1, "%0*" PRIu32, width, x->limb[i - 1]);
    }
    return n;
}

static value value_of(run *r, const number *x) {
    int64_t small = 0;
    bool fits = x->n <= 3;
    for (size_t i = x->n; i > 0 && fits; i--) {
        const int64_t limb = x->limb[i - 1];
        fits = !__builtin_mul_overflow(small, BASE, &small) &&
               !__builtin_add_overflow(small, x->negative ? -limb : limb, &small);
    }
    if (fits) return value_int(small);
    char digits[1 + ROOM * BASE_DIGITS + 1] = "-";
    const size_t n = write_digits(x, digits + 1);
    if (n > BIG_MAX_DIGITS) return too_long(r);
    const size_t len = n + x->negative;
    char *kept = run_get(r, len);
    if (!kept) return value_none;
    memcpy(kept, x->negative ? digits : digits + 1, len);
    return (value){.kind = VALUE_BIG, .string = text_data(kept, len)};
}

double big_to_double(value v) {
    char digits[400]; /* 310 are infinity */
    const size_t n = v.string.len < sizeof digits ? v.string.len : sizeof digits - 1;
    memcpy(digits, v.string.ptr, n);
    digits[n] = '\0';
    return strtod(digits, NULL);
}

/* ---- Sums and products ---------------------------------------------------------------------- */

static int compare_sizes(const number *a, const number *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (size_t i = a->n; i > 0; i--) {
        if (a->limb[i - 1] != b->limb[i - 1]) return a->limb[i - 1] < b->limb[i - 1] ? -1 : 1;
    }
    return 0;
}

/* |a| += |b| */
static void add_size(number *a, const number *b) {
    uint32_t carry = 0;
    for (size_t i = 0; i < b->n || carry > 0; i++) {
        if (i == a->n) {
            a->limb[a->n++] = 0;
        }
        const uint32_t sum = a->limb[i] + (i < b->n ? b->limb[i] : 0) + carry;
        carry = sum >= BASE;
        a->limb[i] = sum - carry * BASE;
    }
}

/* |a| -= times * |b|, which is not larger.  times < BASE */
static void subtract_size(number *a, const number *b, uint32_t times) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < b->n || borrow > 0; i++) {
        const uint64_t take = (i < b->n ? (uint64_t)b->limb[i] * times : 0) + borrow;
        const uint32_t low = (uint32_t)(take % BASE);
        const bool under = a->limb[i] < low;
        a->limb[i] = a->limb[i] + (under ? BASE : 0) - low;
        borrow = take / BASE + under;
    }
    trim(a);
}

static void add(number *a, const number *b) {
    if (a->negative == b->negative) {
        add_size(a, b);
    } else if (compare_sizes(a, b) >= 0) {
        subtract_size(a, b, 1);
    } else {
        number larger = *b;
        subtract_size(&larger, a, 1);
        *a = larger;
    }
}

/* a *= b.  Both have at most MAX_LIMBS limbs. */
static void multiply(run *r, number *a, const number *b) {
    number out = {.negative = a->negative != b->negative, .n = a->n + b->n};
    run_charge(r, 16 + a->n * b->n / 16);
    for (size_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (size_t k = 0; k < b->n; k++) {
            carry += out.limb[i + k] + (uint64_t)a->limb[i] * b->limb[k];
            out.limb[i + k] = (uint32_t)(carry % BASE);
            carry /= BASE;
        }
        out.limb[i + b->n] = (uint32_t)carry;
    }
    trim(&out);
    *a = out;
}

/* base ^ exponent */
static value power(run *r, const number *base, int64_t exponent) {
    number out = {.n = 1, .limb = {1}};
    int bit = 62;
    while (bit > 0 && exponent >> bit == 0) {
        bit--;
    }
    for (; bit >= 0 && !r->failed; bit--) {
        multiply(r, &out, &out);
        if (exponent >> bit & 1) {
            if (out.n + base->n > ROOM) return too_long(r);
            multiply(r, &out, base);
        }
        if (out.n > MAX_LIMBS) return too_long(r);
    }
    return value_of(r, &out);
}

/* ---- Quotients ------------------------------------------------------------------------------ */

/* The four limbs of x from `top` down, in units of the second. */
static double leading(const number *x, size_t top) {
    double sum = 0;
    double unit = BASE;
    for (size_t i = 0; i < 4 && top >= i; i++) {
        sum += top - i < x->n ? x->limb[top - i] * unit : 0;
        unit /= BASE;
    }
    return sum;
}

/* |a| = *quotient * |b| + |a|, rounded toward zero: what is left in a is less than b. */
static void divide(run *r, number *a, const number *b, number *quotient) {
    number rest = {.negative = a->negative};
    quotient->n = a->n;
    quotient->negative = a->negative != b->negative;
    run_charge(r, 16 + a->n * b->n / 16);
    for (size_t i = a->n; i > 0; i--) {
        memmove(rest.limb + 1, rest.limb, rest.n * sizeof *rest.limb);
        rest.limb[0] = a->limb[i - 1];
        rest.n++;
        trim(&rest);
        /* The estimate is wrong by less than 1; take care that it is not too large. */
        const double estimate = leading(&rest, b->n) / leading(b, b->n) - 1;
        uint32_t times = estimate > 0 ? (uint32_t)estimate : 0;
        subtract_size(&rest, b, times);
        while (compare_sizes(&rest, b) >= 0) {
            subtract_size(&rest, b, 1);
            times++;
        }
        quotient->limb[i - 1] = times;
    }
    rest.negative = a->negative;
    trim(&rest);
    trim(quotient);
    *a = rest;
}

static value floor_divide(run *r, value_op op, number *a, const number *b) {
    static const number minus_one = {.negative = true, .n = 1, .limb = {1}};
    number quotient;
    divide(r, a, b, &quotient);
    if (a->n > 0 && a->negative != b->negative) {
        quotient.negative = true;
        add(&quotient, &minus_one);
        add(a, b);
    }
    return value_of(r, op == OP_MOD ? a : &quotient);
}

/* The double nearest to a / b.  The middle between two doubles has at most 768 digits; so 90 limbs
 * of the quotient, and whether something is left, decide which one is nearest. */
static value true_divide(run *r, number *a, const number *b) {
    enum { ENOUGH = 90 };
    const bool negative = a->negative != b->negative;
    const size_t more = a->n < b->n + ENOUGH ? b->n + ENOUGH - a->n : 0;
    memmove(a->limb + more, a->limb, a->n * sizeof *a->limb);
    memset(a->limb, 0, more * sizeof *a->limb);
    a->n += more;
    trim(a);
    number quotient;
    divide(r, a, b, &quotient);
    char digits[ROOM * BASE_DIGITS + 40];
    const size_t n = write_digits(&quotient, digits);
    snprintf(digits + n, sizeof digits - n, "%de-%zu", a->n > 0, more * BASE_DIGITS + 1);
    const double size = strtod(digits, NULL);
    if (isinf(size)) return run_fail(r, NULL, "the quotient is too large for a float");
    return value_float(negative ? -size : size);
}

/* ---- Everything ----------------------------------------------------------------------------- */

static double to_double(value v) {
    return v.kind == VALUE_BIG ? big_to_double(v) : (double)v.integer;
}

static value negative_power(run *r, value a, value b) {
    const double x = to_double(a);
    const double y = to_double(b);
    if (x == 0) return run_fail(r, NULL, "division by zero");
    if (isinf(x) || isinf(y)) return run_fail(r, NULL, "the integer is too large for a float");
    return value_float(pow(x, y));
}

/* Is it a double, exactly? */
static bool is_small(value v) {
    return v.kind != VALUE_BIG && v.integer >= -(INT64_C(1) << 53) && v.integer <= INT64_C(1) << 53;
}

value big_arithmetic(run *r, value_op op, value a, value b) {
    if (op == OP_DIV && is_small(a) && is_small(b)) {
        return value_float((double)a.integer / (double)b.integer);
    }
    number x = {0};
    number y = {0};
    read_number(r, &x, a);
    read_number(r, &y, b);
    if (r->failed) return value_none;
    switch (op) {
    case OP_SUB:
        y.negative = !y.negative && y.n > 0;
        add(&x, &y);
        return value_of(r, &x);
    case OP_ADD: add(&x, &y); return value_of(r, &x);
    case OP_MUL: multiply(r, &x, &y); return value_of(r, &x);
    case OP_DIV: return true_divide(r, &x, &y);
    case OP_POWER: break;
    default: return floor_divide(r, op, &x, &y);
    }
    if (y.negative) return negative_power(r, a, b);
    if (b.kind != VALUE_BIG) return power(r, &x, b.integer);
    const bool unit = x.n == 0 || (x.n == 1 && x.limb[0] == 1);
    return unit ? power(r, &x, 2 - y.limb[0] % 2) : too_long(r); /* of 0, 1 and -1 */
}
