/*
 * floats.h - rows of weights for tests of quantisation: every shape that a search could trip over.
 */
#ifndef SUPPORT_FLOATS_H
#define SUPPORT_FLOATS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    FLOATS_BELL,      /* what a trained matrix looks like */
    FLOATS_OUTLIERS,  /* the same, and one in 64 is thirty times as large */
    FLOATS_HALVES,    /* as if they came from an F16 file */
    FLOATS_BRAINS,    /* as if they came from a BF16 file */
    FLOATS_SPARSE,    /* mostly zeros */
    FLOATS_CONSTANT,  /* 16 equal ones at a time */
    FLOATS_POSITIVE,
    FLOATS_NEGATIVE,
    FLOATS_INTEGERS,  /* few distinct values: ties everywhere */
    FLOATS_UNEVEN,    /* every 16 at a scale of their own, from 2^-30 to 2^10 */
    FLOATS_TINY,      /* around the least scale that a half can hold */
    FLOATS_LARGE,     /* up to 2^14 */
    FLOATS_KINDS
} floats_kind;

enum { FLOATS_RUN = 256, FLOATS_SWEEP = 64 * FLOATS_KINDS * FLOATS_RUN };

/* n values of one kind, the same for the same seed, always. */
void floats_fill(float *x, size_t n, floats_kind kind, uint64_t seed);

/* x[FLOATS_SWEEP]: runs of FLOATS_RUN of every kind, at many scales. */
void floats_sweep(float *x, uint64_t seed);

/* FNV-1a (64 bits) of bytes. */
uint64_t floats_hash(const void *bytes, size_t n);

#endif
