/*
 * big.h - integers beyond 64 bits.
 */
#ifndef JINJA_VALUES_BIG_H
#define JINJA_VALUES_BIG_H

#include "jinja/values/run.h"

/* a op b for integers of any size (BOOL, INT, BIG), as Python has it: floor division, a remainder
 * with the sign of b, / and negative powers as doubles.  The divisor is not zero. */
value big_arithmetic(run *r, value_op op, value a, value b);

double big_to_double(value v); /* the nearest; +-infinity when it is too large */

#endif
