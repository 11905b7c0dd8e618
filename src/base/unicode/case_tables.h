/*
 * case_tables.h - upper, lower and title case of characters.
 *
 * Unicode 15.1, as Python 3.13 has it.  The tables are made by tools/gen_case.py.
 */
#ifndef BASE_UNICODE_CASE_TABLES_H
#define BASE_UNICODE_CASE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    UNICODE_UNCASED,
    UNICODE_LOWER, /* the property Lowercase; it may lack an upper-case letter */
    UNICODE_UPPER, /* the property Uppercase */
    UNICODE_TITLE, /* general category Lt */
    UNICODE_PAIRS  /* in ranges: upper, lower, upper, lower, each one below its lower-case letter */
} unicode_case_kind;

/* Code points that are alike.  Those in no range have no case, and are not ignorable. */
typedef struct {
    uint32_t first, last;
    uint8_t kind;       /* unicode_case_kind */
    bool ignorable;     /* Case_Ignorable: does not count around a final sigma */
    uint8_t special;    /* 1 + index into unicode_special_cases, or 0 */
    int32_t becomes[3]; /* upper, lower, title: what to add; all 0 for PAIRS */
} unicode_case_range;

extern const unicode_case_range unicode_case_ranges[]; /* ascending */
extern const size_t unicode_n_case_ranges;

/* A character that becomes several in some case: upper, lower, title; 0: no more of them, or none
 * at all where it becomes one. */
typedef uint16_t unicode_special_case[3][3];

extern const unicode_special_case unicode_special_cases[];

#endif
