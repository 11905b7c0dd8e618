/*
 * kernel.h - pure arithmetic on rows: what every kernel computes, to the last bit.
 *
 * The scalar functions define what is right.  Every other instruction set, number of threads
 * and split into batches returns the same bits, so tests compare with ==.  The contracts:
 *
 * 1. Activations that meet quantised weights are int8 in [-127, 127], with one f32 scale per block
 *    of 32 or 256 values along the row: amax = max |x|, d = amax / 127,
 *    q = round-half-even(x * (127 / amax)).  The block length belongs to the weight type: 256 for
 *    types whose blocks hold 256 weights (integer group scales then stay integers up to one sum per
 *    block), otherwise 32.  Each row is quantised alone, never per batch.  At the edges:
 *        amax < KERN_AMAX_MIN, zeros included: d = 0 and q = 0 (nothing is subnormal or overflows);
 *        a NaN or an infinity in the block: d = NaN (0x7fc00000) and q = 0, so that every product
 *        with the block is NaN.  NaN results equal each other whatever their bits.
 * 2. A block of weights is, whatever its type, d * scale[g] * q[i] - dmin * min[g], with integers
 *    q, scale, min and groups g of 16 weights (kern_block).  The product with a row of activations
 *    folds the blocks in file order, one output row at a time:
 *        S = sum of scale[g] * q[i] * x[i]         exact in integers (so the order is free)
 *        M = sum of min[g] * x[i]                  exact in integers
 *        acc = fmaf((float)S * d, dx, acc)         the product rounded to f32
 *        acc = fmaf(-((float)M * dx), dmin, acc)   only for types with a min
 *    once per block of activations, from acc = 0.  (float)S rounds to nearest even.  A block of
 *    64 or 128 weights meets 32 activations at a time.  S needs 64 bits for NVFP4 (scales up to
 *    15 << 14); for all other types S and M stay below 2^31.  For types with blocks of 32 weights
 *    |S| is below 2^22, and (float)S * d is computed as
 *        fmaf(C + S, d, -C * d)                    C = KERN_FLOAT_BASE
 *    the same number for any d below 2^103, and NaN for those that are not finite.  C + S is a
 *    float whose bits are KERN_FLOAT_BITS + S, so an integer sum that begins there needs no
 *    conversion.
 * 3. F32, F16 and BF16 weights meet f32 activations: 16 virtual lanes, lane l folding i = l, l +
 *    16, ... with acc[l] = fmaf(w[i], x[i], acc[l]); then the lanes are halved: l += l + 8, + 4, +
 *    2, + 1. Sums of squares and other reductions along a row use the same 16 lanes.
 * 4. exp is kern_exp: the same operations in every file.  Sigmoid and silu are made of it.
 *    Square roots and divisions are the correctly rounded ones; no approximations.
 * 5. Attention walks the cache in spans of KERN_ATTN_SPAN positions, and a span in chunks of
 *    KERN_ATTN_CHUNK; chunks are merged in order within a span, then spans in order.
 * 6. No kernel reads outside its rows.  Rows may have any alignment unless stated.
 *
 * Sources compiled with -ffp-contract=off; fused operations are written as fmaf.
 *
 * ISA files are compiled for their own processors, so the headers that they include have nothing
 * but types, prototypes and `static inline` functions.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "gguf/qtype.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KERN_LANES = 16,       /* virtual lanes of every float reduction */
    KERN_GROUP = 16,       /* weights that share an integer scale */
    KERN_MAX_BLOCK = 256,  /* most weights in a block */
    KERN_ATTN_CHUNK = 128, /* cache positions per step of the online softmax */
    KERN_ATTN_SPAN = 1024, /* positions whose attention is computed on its own */
    KERN_ATTN_GROUP = 32,  /* positions whose weights share a scale when the cache is Q8 */
    KERN_ATTN_ROWS = 64    /* query heads of several tokens that read a chunk together */
};

/* 3 * 2^22, and its bits: the last one counts 1. */
#define KERN_FLOAT_BASE 0x1.8p23f
#define KERN_FLOAT_BITS 0x4b400000

/* Blocks of activations below this are zeros: the least power of two whose 127th part is normal. */
#define KERN_AMAX_MIN 0x1p-119f

/* ---- Weights in plain integers --------------------------------------------------------------- */

/* weight[i] = d * scale[i / 16] * q[i] - dmin * min[i / 16], each product rounded to f32 in this
 * order (d * scale first).  Only the first block_weights of a type are filled; dmin is 0 for types
 * without a min. */
typedef struct {
    float d;
    float dmin;
    int32_t scale[KERN_MAX_BLOCK / KERN_GROUP];
    int32_t min[KERN_MAX_BLOCK / KERN_GROUP];
    int8_t q[KERN_MAX_BLOCK];
} kern_block;

/* Read one block of a quantised type. */
typedef void kern_unpack_fn(kern_block *out, const void *block);

/* The reader of a type; NULL for F32, F16 and BF16. */
kern_unpack_fn *kern_unpack(qtype type);

/* Do blocks of this type have a min? */
bool kern_has_min(qtype type);

/* y[k] = the row of `k` weights as floats; k is a multiple of the type's block_weights. */
void kern_dequantize(qtype type, float *restrict y, const void *restrict row, size_t k);

/* Are all weights of these whole blocks finite numbers? */
bool kern_all_finite(qtype type, const void *blocks, size_t n_bytes);

/* ---- Activations ---------------------------------------------------------------------------- */

/* Values per block of activations for a type with blocks of so many weights: 32 or 256; 0 = the
 * type takes f32. */
static inline size_t kern_act_block(size_t block_weights) {
    return block_weights == 1 ? 0 : block_weights == 256 ? 256 : 32;
}

/* A quantised row of k values in one piece of memory, 64-byte aligned:
 *     int8  q[k], padded to 64 bytes
 *     float d[k / block]      padded to 64 bytes
 *     int16 sum[k / 16]       sum of each 16 q, padded to 64 bytes */
static inline size_t kern_pad64(size_t n) {
    return (n + 63) & ~(size_t)63;
}
static inline size_t kern_act_d_offset(size_t k) {
    return kern_pad64(k);
}
static inline size_t kern_act_sum_offset(size_t k, size_t block) {
    assert(block > 0);
    return kern_act_d_offset(k) + kern_pad64(k / block * sizeof(float));
}
static inline size_t kern_act_bytes(size_t k, size_t block) {
    return kern_act_sum_offset(k, block) + kern_pad64(k / KERN_GROUP * sizeof(int16_t));
}

/* ---- Slots ---------------------------------------------------------------------------------- */

/* Quantise x[k] into `act`; k is a multiple of `block`. */
typedef void kern_quantize_fn(void *restrict act, const float *restrict x, size_t k, size_t block);

/* y[t][r] = W[r] . x[t] for `rows` rows of W, contiguous, and `n` rows of activations.
 *
 * x[t] points to a quantised row (kern_act_bytes) or, for F32/F16/BF16 weights, to k floats;
 * y[t] to at least `rows` floats.  Nothing overlaps.  Reads exactly rows * qtype_row_bytes(k) bytes
 * of W.  `next` is the address that the caller reads next, or NULL when it is unknown: the kernel
 * may prefetch from there, and uses it for nothing else. */
typedef void kern_mul_fn(float *const *restrict y, const void *restrict w,
                         const void *const *restrict x, size_t n, size_t rows, size_t k,
                         const void *next);

/* y = x / sqrt(mean(x^2) + eps) * w; y may be x. */
typedef void kern_norm_fn(float *y, const float *x, const float *w, size_t n, float eps);

/* Rotate pairs (i, i + n/2) of x[n] by angle i: x' = x cos - x2 sin, x2' = x sin + x2 cos.
 * cos and sin hold n/2 values. */
typedef void kern_rope_fn(float *x, const float *cos, const float *sin, size_t n);

/* y = silu(gate) * up. y may be gate. */
typedef void kern_silu_fn(float *y, const float *gate, const float *up, size_t n);

/* y += a * x */
typedef void kern_axpy_fn(float *restrict y, const float *restrict x, float a, size_t n);

/* One token of the short convolution, for n channels: u = b * v;
 * y = c * (taps0 * old + taps1 * last + taps2 * u), the first product rounded, then two fmaf; then
 * old = last, last = u. taps is [n][3], the third for the current token; old and last are the
 * inputs of two tokens before and of the one before. */
typedef void kern_conv_fn(float *restrict y, const float *restrict b, const float *restrict c,
                          const float *restrict v, const float *restrict taps,
                          float *restrict old, float *restrict last, size_t n);

/* How keys and values are stored.  Q8: int8 with one float scale for each row. */
typedef enum { KERN_KV_F16, KERN_KV_F32, KERN_KV_Q8 } kern_kv;

/* The cache of one head's keys, or of its values, lies in chunks of KERN_ATTN_CHUNK positions: a
 * row of `dim` numbers for each, then for KERN_KV_Q8 the rows' scales. */
static inline size_t kern_kv_row_bytes(size_t dim, kern_kv kind) {
    return dim * (kind == KERN_KV_F16 ? sizeof(uint16_t) : kind == KERN_KV_F32 ? sizeof(float) : 1);
}
static inline size_t kern_kv_chunk_bytes(size_t dim, kern_kv kind) {
    return KERN_ATTN_CHUNK * (kern_kv_row_bytes(dim, kind) +
                              (kind == KERN_KV_Q8 ? sizeof(float) : 0));
}
static inline size_t kern_kv_scales_at(size_t dim) {
    return KERN_ATTN_CHUNK * dim;
}

/* Store x[dim] as row `at` of a chunk.  Q8: codes and scale as in contract 1, the row being the
 * block. */
typedef void kern_kv_store_fn(void *restrict chunk, const float *restrict x, size_t dim, size_t at,
                              kern_kv kind);

/* A part: the result of attention over some positions, for one query head.  acc[dim], then at [dim]
 * the sum of the weights, at [dim + 1] the largest score. */
static inline size_t kern_part_floats(size_t dim) {
    return dim + 16; /* keeps parts aligned */
}

/* Attention of `n_q` query heads that share one KV head, for one token: take n_pos more positions,
 * the first of which begins a chunk, into part[n_q][kern_part_floats(dim)].
 *
 * q is [n_q][dim]; k and v point to chunks that lie `stride` bytes apart.  Scores: q is
 * multiplied by scale first; dots in 16 lanes.  Per chunk: m = max(running, chunk), p = exp(s - m),
 * sum of p in 16 lanes; the running sum and acc are multiplied by exp(old m - m), then the chunk's
 * sum is added and acc[d] folded with fmaf in position order.  So the bits do not depend on how
 * chunks are divided among calls.
 *
 * Q8 multiplies integers.  The scaled q becomes codes with a scale dq (contract 1, the head being
 * the block); with S the exact dot of codes, a score is ((float)S * dq) * (the key's scale).
 * Weights w = p * (the value's scale) become codes 0..255 with a scale dw for each
 * KERN_ATTN_GROUP positions of the chunk (kern_weight_scale); with T[d] the exact sum of code *
 * value over the group, acc[d] = fmaf((float)T[d], dw, acc[d]), group after group. */
typedef void kern_attend_fn(float *restrict part, const float *restrict q, const void *restrict k,
                            const void *restrict v, size_t n_q, size_t dim, size_t n_pos,
                            size_t stride, float scale, kern_kv kind);

/* Tokens that follow each other, with the query heads of each that share one KV head: parts and
 * queries as for one token, those of the next `part_step` and `q_step` floats further.  The first
 * takes `first` positions, each other one position more, none more than `most`. */
typedef struct {
    float *part;
    const float *q;
    size_t part_step;
    size_t q_step;
    size_t n;
    size_t first; /* at least 1 */
    size_t most;
} kern_queries;

/* The same for some tokens, which read chunks together: at best KERN_ATTN_ROWS / n_q tokens, or a
 * multiple of that.  All rows of the last chunk may be read. */
typedef void kern_attend_many_fn(const kern_queries *tokens, const void *restrict k,
                                 const void *restrict v, size_t n_q, size_t dim, size_t stride,
                                 float scale, kern_kv kind);

/* Begin parts, with no positions yet. */
void kern_part_start(float *part, size_t n_q, size_t dim);

/* Merge `next`, which covers later positions, into `part`.  With m the larger maximum,
 * a = exp(max - m), b = exp(next max - m): sum * a + next sum * b, each product rounded; acc alike.
 * `next` has at least one position. */
void kern_part_join(float *restrict part, const float *restrict next, size_t n_q, size_t dim);

/* out[n_q][dim] = acc / sum */
void kern_part_finish(float *restrict out, const float *restrict part, size_t n_q, size_t dim);

/* For measuring this machine; no result depends on these two. */

/* Read n bytes, a multiple of 512, in one of several ways; which is the fastest differs between
 * machines.  Returns the exclusive or of their 64-bit words.  May prefetch behind them. */
enum { KERN_READ_WAYS = 16 };
typedef uint64_t kern_read_fn(const void *bytes, size_t n, size_t way);

/* Multiply int8 as densely as these instructions can, from registers.  Returns the number of
 * operations: a multiplication and an addition are two. */
typedef uint64_t kern_peak_fn(size_t rounds);

typedef struct {
    const char *name;               /* the highest instruction set in use */
    kern_mul_fn *mul[QTYPE_COUNT];
    kern_quantize_fn *quantize;
    kern_norm_fn *norm;
    kern_rope_fn *rope;
    kern_silu_fn *silu_mul;
    kern_axpy_fn *axpy;
    kern_conv_fn *conv;
    kern_attend_fn *attend;
    kern_attend_many_fn *attend_many;
    kern_kv_store_fn *kv_store;
    kern_read_fn *read;
    kern_peak_fn *peak;
} kern_table;

/* Fill every slot with the scalar functions. */
void kern_scalar(kern_table *t);

/* For kernels that work on groups of rows or of lanes: the scalar kernels compute the remainder,
 * with the same bits. */

/* Rows [first, rows) of a product, by `mul`, or by the scalar kernel of a type. */
void kern_rest(kern_mul_fn *mul, size_t row_bytes, float *const *y, const void *w,
               const void *const *x, size_t n, size_t first, size_t rows, size_t k);
void kern_scalar_rest(qtype type, float *const *y, const void *w, const void *const *x, size_t n,
                      size_t first, size_t rows, size_t k);
kern_attend_fn kern_attend_scalar;
float kern_weight_codes(float *w, const float *scale, size_t n); /* w becomes codes; returns dw */
void kern_attend_each(kern_attend_fn *attend, const kern_queries *tokens, const void *k,
                      const void *v, size_t n_q, size_t dim, size_t stride, float scale,
                      kern_kv kind);
kern_kv_store_fn kern_kv_store_scalar;

#endif
