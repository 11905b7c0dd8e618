/*
 * same.h - are two values of JSON equal?
 */
#ifndef CONSTRAIN_JUDGE_SAME_H
#define CONSTRAIN_JUDGE_SAME_H

#include "base/json.h"

#include <stdbool.h>

/* As JSON Schema compares: 1 = 1.0, and the order of members does not matter. */
bool schema_same(const json_value *a, const json_value *b);

#endif
