/*
 * big.c - integers beyond 64 bits.
 */
#include "jinja/values/big.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double big_to_double(value v) {
    char digits[400];
    const size_t n = v.string.len < sizeof digits ? v.string.len : sizeof digits - 1;
    memcpy(digits, v.string.ptr, n);
    digits[n] = '\0';
    return strtod(digits, NULL);
}

value big_arithmetic(run *r, value_op op, value a, value b) {
    const double x = a.kind == VALUE_BIG ? big_to_double(a) : (double)a.integer;
    const double y = b.kind == VALUE_BIG ? big_to_double(b) : (double)b.integer;
    if (op == OP_DIV) return value_float(x / y);
    if (op == OP_POWER && y < 0) {
        return x == 0 ? run_fail(r, NULL, "division by zero") : value_float(pow(x, y));
    }
    if (op == OP_POWER && fabs(pow(x, y)) < 0x1p53) return value_int((int64_t)pow(x, y));
    return run_fail(r, NULL, "integers beyond 64 bits are not supported yet");
}
