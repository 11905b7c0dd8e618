/*
 * unicode_tables.h - the three classes of characters that the pre-tokenizer tells apart.
 *
 * Unicode 15.1 (the version of llama.cpp's tables).  The table is made by tools/gen_unicode.py.
 */
#ifndef BASE_UNICODE_UNICODE_TABLES_H
#define BASE_UNICODE_UNICODE_TABLES_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    UNICODE_OTHER,  /* everything else, unassigned code points too */
    UNICODE_LETTER, /* general category L* */
    UNICODE_NUMBER, /* general category N* */
    UNICODE_SPACE   /* the White_Space property, \s */
} unicode_class;

/* Where each run of code points of one class starts: code << 2 | class, ascending; the first run
 * starts at 0, the last one ends with U+10FFFF. */
extern const uint32_t unicode_starts[];
extern const size_t unicode_n_starts;

#endif
