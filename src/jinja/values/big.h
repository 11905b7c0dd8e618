/*
 * big.h - integers beyond 64 bits.
 */
#ifndef JINJA_VALUES_BIG_H
#define JINJA_VALUES_BIG_H

#include "jinja/values/run.h"

/* Python refuses to print longer integers. */
enum { BIG_MAX_DIGITS = 4300 };

/* a op b for integers of any size (BOOL, INT, BIG), as Python has it: floor division, a remainder
 * with the sign of b, / and negative powers as the nearest double.  The divisor is not zero.  Fails
 * when a number or the result has more than BIG_MAX_DIGITS digits, or a double is too small for it;
 * and on 0 to a negative power. */
value big_arithmetic(run *r, value_op op, value a, value b);

double big_to_double(value v); /* the nearest; +-infinity when it is too large */

#endif
