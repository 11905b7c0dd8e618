/*
 * qtype.h - the element types of GGUF tensors: names, numbers, block sizes, block layouts.
 *
 * ISA files include this header: types and `static inline` functions only.
 */
#ifndef GGUF_QTYPE_H
#define GGUF_QTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(id, name, number in the file, weights per block, bytes per block)
 *
 * Source: the ggml_type table of the GGUF specification (ggml, docs/gguf.md); ggml-common.h for the
 * layouts. */
#define QTYPES_FLOAT(X)                \
    X(F32, "F32", 0, 1, 4)             \
    X(F16, "F16", 1, 1, 2)             \
    X(BF16, "BF16", 30, 1, 2)

#define QTYPES_QUANT(X)                \
    X(Q4_0, "Q4_0", 2, 32, 18)         \
    X(Q4_1, "Q4_1", 3, 32, 20)         \
    X(Q5_0, "Q5_0", 6, 32, 22)         \
    X(Q5_1, "Q5_1", 7, 32, 24)         \
    X(Q8_0, "Q8_0", 8, 32, 34)         \
    X(Q2_K, "Q2_K", 10, 256, 84)       \
    X(Q3_K, "Q3_K", 11, 256, 110)      \
    X(Q4_K, "Q4_K", 12, 256, 144)      \
    X(Q5_K, "Q5_K", 13, 256, 176)      \
    X(Q6_K, "Q6_K", 14, 256, 210)      \
    X(IQ2_XXS, "IQ2_XXS", 16, 256, 66) \
    X(IQ2_XS, "IQ2_XS", 17, 256, 74)   \
    X(IQ3_XXS, "IQ3_XXS", 18, 256, 98) \
    X(IQ1_S, "IQ1_S", 19, 256, 50)     \
    X(IQ4_NL, "IQ4_NL", 20, 32, 18)    \
    X(IQ3_S, "IQ3_S", 21, 256, 110)    \
    X(IQ2_S, "IQ2_S", 22, 256, 82)     \
    X(IQ4_XS, "IQ4_XS", 23, 256, 136)  \
    X(IQ1_M, "IQ1_M", 29, 256, 56)     \
    X(TQ1_0, "TQ1_0", 34, 256, 54)     \
    X(TQ2_0, "TQ2_0", 35, 256, 66)     \
    X(MXFP4, "MXFP4", 39, 32, 17)      \
    X(NVFP4, "NVFP4", 40, 64, 36)      \
    X(Q1_0, "Q1_0", 41, 128, 18)       \
    X(Q2_0, "Q2_0", 42, 64, 18)

#define QTYPES(X) QTYPES_FLOAT(X) QTYPES_QUANT(X)

typedef enum {
#define QTYPE_ENUM(id, name, number, weights, bytes) QTYPE_##id,
    QTYPES(QTYPE_ENUM)
#undef QTYPE_ENUM
    QTYPE_COUNT
} qtype;

typedef struct {
    const char *name;
    uint32_t number;        /* in the file */
    uint32_t block_weights; /* weights per block, along a row */
    uint32_t block_bytes;
} qtype_info;

/* Facts about a type. */
const qtype_info *qtype_get(qtype type);

/* The type with this number in a file; false for numbers that are not (or no longer) in use.
 * *name then names a removed type ("Q4_2"), or is NULL. */
bool qtype_from_number(uint32_t number, qtype *out, const char **name);

/* The type with this name, in any case ("q4_k"); false when there is none. */
bool qtype_from_name(const char *name, size_t len, qtype *out);

/* Bytes of a row of `k` weights; k must be a multiple of the type's block_weights, and the result
 * must fit (a number from a file is checked with qtype_get and base/checked.h first). */
size_t qtype_row_bytes(qtype type, size_t k);

/* ---- Blocks as they lie in a file ------------------------------------------------------------
 *
 * Only bytes, so a block may have any alignment and be read through a plain pointer.  Numbers of
 * two bytes are little endian (load_u16); d, m and dmin are halves.  `q` holds whole codes; where a
 * code is split, `low` and `high` hold its parts.  kernel/unpack.c says what the bits mean. */

typedef struct { uint8_t d[2], q[16]; } qblock_Q4_0;
typedef struct { uint8_t d[2], m[2], q[16]; } qblock_Q4_1;
typedef struct { uint8_t d[2], high[4], low[16]; } qblock_Q5_0;
typedef struct { uint8_t d[2], m[2], high[4], low[16]; } qblock_Q5_1;
typedef struct { uint8_t d[2]; int8_t q[32]; } qblock_Q8_0;

typedef struct { uint8_t scale_min[16], q[64], d[2], dmin[2]; } qblock_Q2_K;
typedef struct { uint8_t high[32], low[64], scale[12], d[2]; } qblock_Q3_K;
typedef struct { uint8_t d[2], dmin[2], scale_min[12], q[128]; } qblock_Q4_K;
typedef struct { uint8_t d[2], dmin[2], scale_min[12], high[32], low[128]; } qblock_Q5_K;
typedef struct { uint8_t low[128], high[64]; int8_t scale[16]; uint8_t d[2]; } qblock_Q6_K;

/* `index` points into a code book (kernel/codebooks/iq_tables.h). */
typedef struct { uint8_t index[4], sign_scale[4]; } qblock_IQ2_XXS_part;
typedef struct { uint8_t d[2]; qblock_IQ2_XXS_part part[8]; } qblock_IQ2_XXS;
typedef struct { uint8_t d[2], sign_index[32][2], scale[8]; } qblock_IQ2_XS;
typedef struct { uint8_t d[2], index[32], sign[32], index_high[8], scale[8]; } qblock_IQ2_S;
typedef struct { uint8_t d[2], index[64], sign_scale[8][4]; } qblock_IQ3_XXS;
typedef struct { uint8_t d[2], index[64], index_high[8], sign[32], scale[4]; } qblock_IQ3_S;
typedef struct { uint8_t d[2], index[32], high[8][2]; } qblock_IQ1_S;
typedef struct { uint8_t index[32], high[16], scale_d[4][2]; } qblock_IQ1_M;
typedef struct { uint8_t d[2], q[16]; } qblock_IQ4_NL;
typedef struct { uint8_t d[2], scale_high[2], scale_low[4], q[128]; } qblock_IQ4_XS;

typedef struct { uint8_t five[48], four[4], d[2]; } qblock_TQ1_0; /* base-3 digits per byte */
typedef struct { uint8_t q[64], d[2]; } qblock_TQ2_0;
typedef struct { uint8_t exponent, q[16]; } qblock_MXFP4;
typedef struct { uint8_t scale[4], q[32]; } qblock_NVFP4;
typedef struct { uint8_t d[2], q[16]; } qblock_Q1_0;
typedef struct { uint8_t d[2], q[16]; } qblock_Q2_0;

#define QBLOCK_SIZE(id, name, number, weights, bytes) \
    _Static_assert(sizeof(qblock_##id) == (bytes), "a block of " name " mirrors bytes of a file");
QTYPES_QUANT(QBLOCK_SIZE)
#undef QBLOCK_SIZE

#endif
