/*
 * schema.h - a JSON schema -> a grammar of the texts that satisfy it.
 *
 * JSON Schema, draft 2020-12, with what drafts 4 to 7 and OpenAPI write differently (definitions,
 * id, items as a list, additionalItems, dependencies, nullable, exclusiveMinimum as true).  An
 * unsupported keyword is an error that names it and its place.  Supported: type, enum, const,
 * properties, required, patternProperties, propertyNames, additionalProperties,
 * unevaluatedProperties, minProperties, maxProperties, dependentRequired, dependentSchemas, items,
 * prefixItems, unevaluatedItems, minItems, maxItems, uniqueItems, contains with minContains and
 * maxContains, minLength, maxLength, pattern, format (the table in formats.c; of numbers int8 to
 * int64, uint8 to uint64, float, double), minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * multipleOf, anyOf, oneOf, allOf, not, if with then and else, and references within the schema: by
 * JSON pointers, anchors, and the $id of one of its parts; $dynamicRef where there is one target.
 * Annotations are ignored, and so is a format that nobody knows, with a note.
 *
 * oneOf means exactly one, and complements are exact where facts express them: types, limits,
 * lengths, counts, values of enum and const, keys that are there or not, and what holds for values
 * and elements.  Otherwise the grammar is narrower: nothing is the complement of a pattern, a
 * format, multipleOf, uniqueItems, propertyNames, patternProperties or unevaluatedProperties, none
 * but named keys violate
 * additionalProperties, and no key is added to listed ones to violate a schema where there is
 * another way.  Values of enum and const are judged one by one, exactly, by everything else.
 *
 * A grammar generates, so it is narrower than the schema where that is more useful:
 *   - texts are written in one way: {"a": 1, "b": [2, 3]}, members in the order in which the schema
 *     and its references and allOf name them, no other blanks, characters escaped only where they
 *     must be;
 *   - without `type`, keywords that belong to one type imply it;
 *   - with `properties` or `patternProperties` and without `additionalProperties` there are no
 *     others but those that are required;
 *   - an integer is written without a fraction, a number with limits or multipleOf without an
 *     exponent, a multiple of 0.01 with at most two digits after the point;
 *   - a number is a finite double and has at most 17 digits (15 where a double must tell a fraction
 *     from an exclusive limit; up to 19 where a whole limit has as many), and an exponent of at
 *     most 289, or 308 behind one digit; multiples with many remainders have fewer digits;
 *   - formats have the texts of formats.c, without leap seconds;
 *   - strings are shorter than maxLength where an automaton of 4096 states cannot count so far
 *     beside a pattern or a format.
 * A pattern is an ECMA-262 expression with the flag u, without back references.
 *
 * A grammar cannot remember what was written, so by itself it allows keys that no schema names
 * twice in an object, and equal elements where uniqueItems asks for different ones; keys.h refuses
 * them while the text is written.  Elements are compared as values, numbers as doubles; where one
 * way to read the text has uniqueItems, all have it.
 */
#ifndef CONSTRAIN_JSON_SCHEMA_H
#define CONSTRAIN_JSON_SCHEMA_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The GBNF grammar of a schema (NUL-terminated; free it).  *notes, unless it is NULL, gets what a
 * person should know (unknown formats), in lines; free it.  LFM_ERR_ARG or LFM_ERR_UNSUPPORTED
 * names the place. */
lfm_status schema_to_gbnf(char **gbnf, char **notes, const char *text, size_t len,
                          lfm_error *err);

/* The GBNF grammar of one or more calls of functions, as LFM2 models write them:
 *     <|tool_call_start|>[f(a="x", n=1), g()]<|tool_call_end|>
 * `text` is a JSON list of functions, bare ({"name":..,"parameters":..}) or as in the OpenAI
 * interface ({"type":"function","function":{..}}).  Arguments come in the order of their
 * parameters' `properties`, and their values are JSON.  At most 8 calls, or `only_one`.  Errors as
 * those of schema_to_gbnf. */
lfm_status schema_tools_to_gbnf(char **gbnf, char **notes, const char *text, size_t len,
                                bool only_one, lfm_error *err);

#endif
