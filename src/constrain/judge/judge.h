/*
 * judge.h - does a value satisfy a schema?  Exact, or it says that it does not know.
 *
 * Serves where a grammar is of no use: the values of enum and const beside other keywords, and the
 * complements of such schemas.
 */
#ifndef CONSTRAIN_JUDGE_JUDGE_H
#define CONSTRAIN_JUDGE_JUDGE_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum { VERDICT_NO, VERDICT_YES, VERDICT_OPEN } schema_verdict;

/* What judging leaves to the compiler; `ctx` is the first argument of each. */
typedef struct {
    void *ctx;
    /* What a $ref, $dynamicRef or $recursiveRef refers to; NULL = nothing. */
    const json_value *(*resolve)(void *ctx, const json_value *ref);
    schema_verdict (*pattern)(void *ctx, const char *pattern, size_t len, const char *text,
                              size_t n);
    schema_verdict (*format)(void *ctx, const json_value *format, const json_value *value);
} schema_judge;

/* Judge by all of a schema (`only` = NULL); by the keyword `only` ("if" with then and else); or
 * ("") by those that constrain a value directly: without enum and const, references and choices.
 * VERDICT_OPEN also when judging takes too long or memory is missing. */
schema_verdict schema_judge_value(const schema_judge *with, const json_value *schema,
                                  const char *only, const json_value *value);

/* Is this number whole?  *known = false: it has too many digits to say. */
bool schema_is_whole(const json_value *number, bool *known);

#endif
