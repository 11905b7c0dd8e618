/*
 * category_tables.h - the general category of every code point.
 *
 * Unicode 15.1.  The table is made by tools/gen_categories.py.
 */
#ifndef BASE_UNICODE_CATEGORY_TABLES_H
#define BASE_UNICODE_CATEGORY_TABLES_H

#include <stddef.h>
#include <stdint.h>

enum {
    UNICODE_LU, UNICODE_LL, UNICODE_LT, UNICODE_LM, UNICODE_LO, UNICODE_MN, UNICODE_MC, UNICODE_ME,
    UNICODE_ND, UNICODE_NL, UNICODE_NO, UNICODE_PC, UNICODE_PD, UNICODE_PS, UNICODE_PE, UNICODE_PI,
    UNICODE_PF, UNICODE_PO, UNICODE_SM, UNICODE_SC, UNICODE_SK, UNICODE_SO, UNICODE_ZS, UNICODE_ZL,
    UNICODE_ZP, UNICODE_CC, UNICODE_CF, UNICODE_CS, UNICODE_CO, UNICODE_CN,
    UNICODE_LU_LL /* LU and LL in turn, beginning with LU */
};

/* Where a category begins, in the upper bits; the category, in the lower 5. */
extern const uint32_t unicode_category_starts[]; /* ascending */
extern const size_t unicode_n_category_starts;

#endif
