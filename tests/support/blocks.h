/*
 * blocks.h - blocks of weights for tests: random ones, and hashes of what they dequantise to.
 */
#ifndef SUPPORT_BLOCKS_H
#define SUPPORT_BLOCKS_H

#include "gguf/qtype.h"

enum { BLOCKS_SWEEP = 4096 }; /* random blocks behind a hash in golden/blocks/hashes.tsv */

/* How the bits of random weights are chosen. */
typedef enum {
    BLOCKS_ANY,    /* every bit random: scales may be subnormal, infinite or NaN */
    BLOCKS_TAME,   /* random codes; scales between 2^-10 and 2^-5, of either sign */
    BLOCKS_ZEROS,  /* all codes 0; scales as in TAME */
    BLOCKS_ONES    /* all codes 255; scales as in TAME */
} blocks_kind;

/* Write n_bytes of weights of `type`, whole blocks; the same bytes for the same seed, always. */
void blocks_fill(uint8_t *out, size_t n_bytes, qtype type, blocks_kind kind, uint64_t seed);

/* FNV-1a (64 bits) of the little-endian bytes of x[n].  Every NaN counts as 0x7fc00000. */
uint64_t blocks_hash(const float *x, size_t n);

typedef struct {
    char text[24];
} blocks_name;

/* The file of a type in golden/blocks: "q4_K.raw". */
blocks_name blocks_file(const qtype_info *info, const char *extension);

#endif
