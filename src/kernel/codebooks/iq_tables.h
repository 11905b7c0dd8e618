/*
 * iq_tables.h - the code books of the IQ types, packed.
 *
 * In a block of an IQ type an index stands for several weights at once: IQ2 and IQ1 books list 8
 * small integers per index, IQ3 books 4.  A book uses only a few different values, so an entry
 * keeps the place of each among the book's levels, the first weight in the lowest bits:
 *
 *     book      levels                   bits   weights
 *     IQ2_*     8 25 43                  2      8        magnitudes (signs are stored apart)
 *     IQ3_XXS   4 12 20 28 36 44 52 62   3      4        magnitudes
 *     IQ3_S     1 3 5 7 9 11 13 15       3      4        magnitudes
 *     IQ1_*     -1 0 1                   2      8
 *
 * The books are facts of the format, published only as the tables of ggml-common.h;
 * tools/gen_iq_tables.py packs them, and tests/unit/test_kernel_unpack.c checks every entry through
 * blocks that ggml read.
 */
#ifndef KERNEL_CODEBOOKS_IQ_TABLES_H
#define KERNEL_CODEBOOKS_IQ_TABLES_H

#include <stdint.h>

extern const uint16_t kern_book_iq2_xxs[256];
extern const uint16_t kern_book_iq2_xs[512];
extern const uint16_t kern_book_iq2_s[1024];
extern const uint16_t kern_book_iq3_xxs[256];
extern const uint16_t kern_book_iq3_s[512];
extern const uint16_t kern_book_iq1[2048];

#endif
