/*
 * fill.h - weights in every type, random or by hand, any part of a tensor on its own.
 *
 * A weight depends on (seed, tensor, position) alone, so threads and buffer sizes cannot show.
 * F32, F16 and BF16 files of one seed hold the same model.
 */
#ifndef MKMODEL_FILL_H
#define MKMODEL_FILL_H

#include "plan.h"

enum { FILL_STEP = 8 }; /* blocks: a call begins at a multiple of this */

typedef struct {
    qtype type;
    uint64_t seed;   /* of this tensor */
    float mean, std; /* of the weights */
    float d;         /* block types: typical scale factor of a block */
    uint32_t low;    /* types with integer group scales: these are in [low, 2 low) */
    uint32_t code;   /* MXFP4, NVFP4: the scale's code, or the next one ... */
    uint32_t chance; /* ... with this chance out of 2^16 */
    const tensor *by_hand; /* has these weights (induction.h); NULL: they are random */
} fill;

/* Prepare the weights of tensor number `i`; keeps `t` if they are made by hand. */
void fill_init(fill *f, const tensor *t, uint64_t seed, size_t i);

/* The `n` blocks from block `first`, a multiple of FILL_STEP; a float is a block of its own. */
void fill_blocks(const fill *f, uint8_t *out, uint64_t first, size_t n);

#endif
