/*
 * decimal.h - numbers of JSON as decimal digits, exactly.
 */
#ifndef CONSTRAIN_JUDGE_DECIMAL_H
#define CONSTRAIN_JUDGE_DECIMAL_H

#include "base/json.h"

#include <stdbool.h>

/* A number, or a limit of one; value = digits before and after the point. */
enum { MAX_DIGITS = 40 };
typedef struct {
    bool given, negative, exclusive;
    char whole[MAX_DIGITS + 1];    /* without leading zeros; "0" alone */
    char fraction[MAX_DIGITS + 1]; /* without trailing zeros */
} schema_limit;

/* A limit from a JSON number; false when it has too many digits. */
bool schema_read_limit(schema_limit *limit, const json_value *v, bool exclusive);

/* < 0, 0, > 0 as a is less than, equal to, greater than b. */
int schema_compare(const schema_limit *a, const schema_limit *b);

/* Is `a` a whole multiple of `b`?  False when `b` is not above 0 or has more than 18 digits;
 * *known then says so. */
bool schema_divides(const schema_limit *b, const schema_limit *a, bool *known);

#endif
