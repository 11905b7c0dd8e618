/*
 * digits.h - the digits of numbers as rules of GBNF: within limits, multiples, not too many.
 *
 * All numbers of a grammar share the rules of one table, n-0, n-1 and so on.
 */
#ifndef CONSTRAIN_DIGITS_DIGITS_H
#define CONSTRAIN_DIGITS_DIGITS_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A limit: digits before the point, without leading zeros ("0" alone), and after it, without
 * trailing zeros. */
typedef struct {
    bool given, exclusive;
    const char *whole, *fraction;
} digits_limit;

/* Numbers without their sign, from `low` to `high`. */
typedef struct {
    digits_limit low, high;
    unsigned n_digits;    /* at most, up to 60; the zero of 0.5 does not count */
    bool whole;           /* without a fraction */
    bool multiple_given;  /* a whole multiple of multiple / 10^scale; 1 and 0 unless given */
    uint64_t multiple;    /* at most 10^17 */
    unsigned scale;
} digits_number;

typedef struct digits_node digits_node;

/* A zeroed struct is a valid empty one. */
typedef struct {
    digits_node *at;
    size_t n, cap;
    uint32_t *slots; // [n_slots] hash table of nodes: index + 1, 0 = empty
    size_t n_slots;
    bool failed;     /* memory ran out */
} digits_table;

/* The rule of these numbers, + 1; 0 when there are none.  *fits = false when they need too many
 * rules.  Check d->failed. */
uint32_t digits_find(digits_table *d, const digits_number *of, bool *fits);

void digits_write(const digits_table *d, json_out *out); /* all rules */
void digits_drop(digits_table *d);

#endif
