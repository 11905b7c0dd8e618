/*
 * schema_check.h - does a JSON value break a JSON schema?  Slow and plain, and without a line of
 * src/constrain.
 */
#ifndef SUPPORT_SCHEMA_CHECK_H
#define SUPPORT_SCHEMA_CHECK_H

#include "base/json.h"

#include <stdbool.h>

/* False when `value` certainly breaks `schema`.  Knows type, enum, const, properties, required,
 * additionalProperties, items, prefixItems, the limits of lengths, sizes and numbers, anyOf and
 * oneOf (both as anyOf), allOf, and $ref within `root`; passes over everything else. */
bool schema_check(const json_value *root, const json_value *schema, const json_value *value);

#endif
