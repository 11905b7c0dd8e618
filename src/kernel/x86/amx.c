/*
 * amx.c - AMX-int8 tiles for batches: Intel servers since Sapphire Rapids (2023).
 *
 * A tile product takes some activation rows (A, up to 16 rows of bytes along k) and 16 weight rows
 * (B, a row per four k, in the very layout of x86/rows/rows.inc: lane r of vector j holds weights
 * 4j..4j+3 of row r) and adds tokens x 16 int32 sums to C.  So a group of 16 weight rows is
 * unpacked once, as signed bytes, and then multiplied by all tokens.
 *
 * Blocks of 32: their scales are floats, so each block's sums leave the tile and are folded at
 * once.  Folding takes the time, not multiplying: while tiles are at work, a core has one unit for
 * products of vectors, not two.  So padding is never folded: groups of tokens are as even as
 * possible, and the loops are compiled for their length.
 *
 * Blocks of 256: scale[g] * q is an integer of at most 13 bits, which is split into two planes of
 * bytes, 2^shift * high + low; two tiles gather a whole block and S = 2^shift * C_high + C_low,
 * exactly.  A block of 32 rows is unpacked, multiplied by all tokens while it is in the first-level
 * cache, and folded while the next product runs.
 *
 * AVX-512-VNNI takes what would be slower here: few tokens, which do not fill tiles, and blocks of
 * 32 that have a min, which would be folded twice.
 */
#define VL 16
#define VNNI 1
#include "kernel/fetch.h"
#include "kernel/isa.h"
#include "kernel/rows.h"
#include "kernel/x86/vec.h"

#include <stdlib.h>

#include "kernel/x86/rows/blocks32.inc"
#include "kernel/x86/rows/blocks256.inc"

enum {
    SIDE_32 = 16,           /* weight rows at a time */
    SIDE_256 = 32,
    LEAST_TOKENS_32 = 11,   /* fewer are faster with vectors */
    LEAST_TOKENS_256 = 9,
    GROUP = 16,             /* tokens in a tile, at most */
    MAX_TOKENS = 128,       /* tokens per pass */
    MAX_K = 16384           /* longest row whose activations are packed */
};

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* Written in assembly: with the intrinsics, some compilers do not know that memory is read. */
#define TILE_LOAD(t, p, stride)                                                                    \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(p), "r"((size_t)(stride)) : "memory")
#define TILE_STORE(t, p, stride)                                                                   \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(p), "r"((size_t)(stride))         \
                     : "memory")
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t : : : "memory")
/* C += A . B, both signed; or B unsigned */
#define TILE_DOT(c, a, b)                                                                          \
    __asm__ volatile("tdpbssd %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : : "memory")
#define TILE_DOT_U(c, a, b)                                                                        \
    __asm__ volatile("tdpbsud %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : : "memory")

/* Shapes: tmm0..3 are sums; 4 and 5 activations of `tokens`, `k` bytes each; 6 and 7 weights. */
static void configure(size_t tokens, size_t k) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        config.rows[t] = (uint8_t)(t < 6 ? tokens : k / 4);
        config.bytes[t] = (uint16_t)(t == 4 || t == 5 ? k : 64);
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

static void release(void) {
    __asm__ volatile("tilerelease" : : : "memory");
}

/* ---- Activations ---------------------------------------------------------------------------- */

/* Activations of a pass, in the order in which tiles read them; tokens after the last are zeros.
 * A cell is a block of a group of tokens; cells lie in the order in which they are used: with
 * blocks of 32 a group after the other, with blocks of 256 a block after the other. */
typedef struct {
    size_t n;        /* tokens */
    size_t n_groups;
    size_t tokens;   /* in a group, at most GROUP */
    size_t n_blocks;
    int8_t *q;       /* [cell][block / step][tokens][step]: A tiles of `step` bytes along k */
    float *d;        /* [cell][tokens] */
    int16_t *sum;    /* [cell][tokens][n_sums] */
    size_t n_sums;   /* in a block; 0, 8 or 16 */
} packed_x;

static size_t packed_bytes(size_t n_groups, size_t k, size_t block) {
    return n_groups * GROUP * (k + k / block * sizeof(float) + k / 16 * sizeof(int16_t)) + 3 * 64;
}

/* The number of the cell, times the tokens in it. */
INLINE size_t cell_of(const packed_x *p, size_t g, size_t b, size_t block) {
    return (block == 32 ? g * p->n_blocks + b : b * p->n_groups + g) * p->tokens;
}

/* Token t, or zeros if x is NULL. */
INLINE void pack_token(packed_x *p, const uint8_t *x, size_t t, size_t k, size_t block,
                       size_t step) {
    const act_offsets at = offsets_of(k, block);
    const size_t lane = t % p->tokens;
    for (size_t b = 0; b < p->n_blocks; b++) {
        const size_t first = cell_of(p, t / p->tokens, b, block);
        for (size_t i = 0; i < block / step; i++) {
            int8_t *q = p->q + first * block + (i * p->tokens + lane) * step;
            if (x) {
                memcpy(q, x + b * block + i * step, step);
            } else {
                memset(q, 0, step);
            }
        }
        const size_t cell = first + lane;
        p->d[cell] = 0;
        if (x) {
            memcpy(&p->d[cell], x + at.d + b * sizeof(float), sizeof(float));
        }
        if (p->n_sums > 0) { /* 16 in a block of 256; 8 are sums of two */
            const __m256i sums = x ? _mm256_loadu_si256((const __m256i *)(const void *)
                                                        (x + at.sum + b * (block / 8)))
                                   : _mm256_setzero_si256();
            int16_t *to = p->sum + cell * p->n_sums;
            if (p->n_sums == 16) {
                _mm256_storeu_si256((__m256i *)(void *)to, sums);
            } else {
                const __m256i pairs = _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
                _mm_storeu_si128((__m128i *)(void *)to, _mm256_cvtepi32_epi16(pairs));
            }
        }
    }
}

/* Lay the pass out in `memory` of packed_bytes. */
INLINE packed_x pack(uint8_t *memory, const void *const *x, size_t n, size_t n_groups, size_t k,
                     size_t block, size_t step, size_t n_sums) {
    packed_x p = {.n = n, .n_groups = n_groups, .tokens = (n + n_groups - 1) / n_groups,
                  .n_blocks = k / block, .q = (int8_t *)memory, .n_sums = n_sums};
    const size_t all = p.n_groups * p.tokens;
    p.d = (float *)(void *)(memory + kern_pad64(all * k));
    p.sum = (int16_t *)(void *)(p.d + kern_pad64(all * p.n_blocks * sizeof(float)) / sizeof(float));
    for (size_t t = 0; t < all; t++) {
        pack_token(&p, t < n ? x[t] : NULL, t, k, block, step);
    }
    return p;
}

/* ---- Blocks of 32 --------------------------------------------------------------------------- */

/* A block of 16 weight rows, unpacked. */
typedef struct {
    vi w[8];
    vf d;
} plane32;

/* Fold one block's sums, [tokens][16] int32 in memory, into the results of a group of tokens. */
INLINE void fold_tile32(vf acc[GROUP], const int32_t *c, vf d, const float *dx, size_t tokens) {
    const vi start = vi_set1_32(KERN_FLOAT_BITS);
    for (size_t t = 0; t < tokens; t++) {
        acc[t] = fold32(acc[t], vi_add32(start, _mm512_load_si512(c + t * 16)), d, vf_set1(dx[t]));
    }
}

/* A pipeline of blocks, so that no instruction waits for the one before it: while two blocks are
 * multiplied, the sums of the two before them leave their tiles, and the sums of the two before
 * those, which have reached memory by now, are folded. */
#define DOT_BLOCK(c, a, b, i)                                                                      \
    if ((i) < x->n_blocks) {                                                                       \
        TILE_ZERO(c);                                                                              \
        TILE_LOAD(a, q + (i) * tokens * 32, 32);                                                   \
        TILE_LOAD(b, w[i].w, 64);                                                                  \
        TILE_DOT(c, a, b);                                                                         \
    }
#define FOLD_BLOCK(c, i)                                                                           \
    if ((i) < x->n_blocks) { /* i wraps around before the first block */                           \
        fold_tile32(acc, sums[c], w[i].d, d + (i) * tokens, tokens);                               \
    }

/* 16 rows times group g, of `tokens` tokens. */
INLINE void tile_group32(float *const *y, size_t row, const plane32 *w, const packed_x *x,
                         size_t g, size_t tokens) {
    _Alignas(64) int32_t sums[4][GROUP * 16];
    const size_t cell = cell_of(x, g, 0, 32);
    const int8_t *q = x->q + cell * 32;
    const float *d = x->d + cell;
    vf acc[GROUP];
    for (size_t t = 0; t < tokens; t++) {
        acc[t] = vf_zero();
    }
    for (size_t b = 0; b < x->n_blocks + 4; b += 4) {
        DOT_BLOCK(0, 4, 6, b)
        DOT_BLOCK(1, 5, 7, b + 1)
        TILE_STORE(2, sums[2], 64);
        TILE_STORE(3, sums[3], 64);
        FOLD_BLOCK(0, b - 4)
        FOLD_BLOCK(1, b - 3)
        DOT_BLOCK(2, 4, 6, b + 2)
        DOT_BLOCK(3, 5, 7, b + 3)
        TILE_STORE(0, sums[0], 64);
        TILE_STORE(1, sums[1], 64);
        FOLD_BLOCK(2, b - 2)
        FOLD_BLOCK(3, b - 1)
    }
    for (size_t t = 0; t < tokens; t++) {
        if (g * tokens + t < x->n) {
            vf_store(y[g * tokens + t] + row, acc[t]);
        }
    }
}
#undef DOT_BLOCK
#undef FOLD_BLOCK

/* The results stay in registers when their number is known to the compiler. */
static void tile_rows32(float *const *y, size_t row, const plane32 *w, const packed_x *x) {
    for (size_t g = 0; g < x->n_groups; g++) {
        switch (x->tokens) {
        case 9: tile_group32(y, row, w, x, g, 9); break;
        case 10: tile_group32(y, row, w, x, g, 10); break;
        case 11: tile_group32(y, row, w, x, g, 11); break;
        case 12: tile_group32(y, row, w, x, g, 12); break;
        case 13: tile_group32(y, row, w, x, g, 13); break;
        case 14: tile_group32(y, row, w, x, g, 14); break;
        case 15: tile_group32(y, row, w, x, g, 15); break;
        case 16: tile_group32(y, row, w, x, g, 16); break;
        default: tile_group32(y, row, w, x, g, x->tokens); break; /* not below 15,368 tokens */
        }
    }
}

INLINE void tiles32(float *const *y, const uint8_t *w, const void *const *x, size_t n, size_t rows,
                    size_t k, const void *next, uint8_t *memory, plane32 *plane, kind32 kind) {
    const size_t stride = k / 32 * kind.block_bytes;
    const packed_x p = pack(memory, x, n, (n + GROUP - 1) / GROUP, k, 32, 32, 0);
    const vi back = vi_set1_8(kind.bias);
    configure(p.tokens, 32);
    for (size_t row = 0; row + 16 <= rows; row += 16) {
        const void *after = fetch_after(w, row, rows, stride, next);
        fetch ahead = fetch_start(after, row, VL, stride, k / 32);
        for (size_t b = 0; b < k / 32; b++) {
            block32 blk;
            kind.load(&blk, w + row * stride + b * kind.block_bytes, stride);
            fetch_step(&ahead);
            for (int j = 0; j < 8; j++) {
                plane[b].w[j] = _mm512_sub_epi8(blk.w[j], back);
            }
            plane[b].d = blk.d;
        }
        tile_rows32(y, row, plane, &p);
    }
    release();
}

/* ---- Blocks of 256 -------------------------------------------------------------------------- */

/* What the kernels need to know about a type. */
typedef struct {
    size_t block_bytes;
    block256_fn *unpack;
    int bias;   /* w - bias is the weight */
    int groups; /* scales in a block: 8 or 16 */
    int shift;  /* how scale * q is split: 8, or 3 (split_unsigned) */
    bool has_min;
} kind_amx;

/* How many sums of a block's activations are needed. */
INLINE size_t sums_of(kind_amx kind) {
    return kind.has_min ? (size_t)kind.groups : 0;
}

/* A block of 16 rows: scale * q = 2^shift * high + low in bytes, four k to a lane. */
typedef struct {
    vi low[64];  /* unsigned */
    vi high[64]; /* signed when the shift is 8 */
} planes256;

/* The factors of its sums. */
typedef struct {
    vi min[8]; /* int16 pairs: of two scales, which may be of 16 or of 32 weights each */
    vf d;
    vf dmin;
} ends16;

/* Split scale * q of an unpacked block, with a shift of 8.  In each lane, `a` has the int16
 * products of bytes 0 and 2, `b` those of bytes 1 and 3:
 *     a     [a2 high, a2 low, a0 high, a0 low]
 *     b     [b3 high, b3 low, b1 high, b1 low]
 *     low   [b3 low,  a2 low,  b1 low,  a0 low]
 *     high  [b3 high, a2 high, b1 high, a0 high] */
INLINE void split_signed(planes256 *o, const plane256 *p, kind_amx kind) {
    const int groups = kind.groups;
    const __mmask64 upper = 0xaaaaaaaaaaaaaaaaull; /* bytes of int16 */
    for (int g = 0; g < groups; g++) {
        const vi scale = vi_and(p->scale[g], vi_set1_32(255));
        const vi even = vi_or(scale, vi_shl32(scale, 16)); /* bytes 0 and 2 */
        const vi odd = vi_shl32(even, 8);
        const vi pair = pair_of(p->scale[g], p->scale[g]);
        const vi back = _mm512_mullo_epi16(pair, _mm512_set1_epi16((short)kind.bias));
        for (int j = g * 64 / groups; j < (g + 1) * 64 / groups; j++) {
            const vi a = _mm512_sub_epi16(_mm512_maddubs_epi16(p->w[j], even), back);
            const vi b = _mm512_sub_epi16(_mm512_maddubs_epi16(p->w[j], odd), back);
            o->low[j] = _mm512_mask_blend_epi8(upper, a, _mm512_slli_epi16(b, 8));
            o->high[j] = _mm512_mask_blend_epi8(upper, _mm512_srli_epi16(a, 8), b);
        }
    }
}

/* The same for scales of 6 bits and weights of at most 5, none of them negative, with a shift of 3:
 * scale = 8 * high + low, and both times q are bytes, so that 16-bit products do two at once. */
INLINE void split_unsigned(planes256 *o, const plane256 *p, kind_amx kind) {
    const int groups = kind.groups;
    for (int g = 0; g < groups; g++) {
        const vi pair = pair_of(p->scale[g], p->scale[g]);
        const vi low = vi_and(pair, vi_set1_32(0x00070007));
        const vi high = vi_shr32(_mm512_sub_epi16(pair, low), 3);
        for (int j = g * 64 / groups; j < (g + 1) * 64 / groups; j++) {
            o->low[j] = vi_mul16(p->w[j], low);
            o->high[j] = vi_mul16(p->w[j], high);
        }
    }
}

enum { SIDES = SIDE_256 / 16 }; /* groups of rows that share tiles of activations */

INLINE void keep_ends(ends16 *o, const plane256 *p, kind_amx kind) {
    o->d = p->d;
    if (kind.has_min) {
        for (int i = 0; i < kind.groups / 2; i++) {
            o->min[i] = p->min[i];
        }
        o->dmin = p->dmin;
    }
}

/* Fold one block's sums into the results of tokens [from, to) of a group.
 * c is [side][low, high][GROUP][16]. */
INLINE void fold_tiles256(vf (*acc)[SIDES], const int32_t *c, const ends16 *ends,
                          const packed_x *x, size_t cell, size_t from, size_t to, kind_amx kind) {
    const size_t n_sums = sums_of(kind);
    /* A shuffle for 256 * high: shifting shares a unit with the folding. */
    const vi times256 = _mm512_broadcast_i32x4(
        _mm_setr_epi8(-1, 0, 1, 2, -1, 4, 5, 6, -1, 8, 9, 10, -1, 12, 13, 14));
    for (size_t t = from; t < to; t++) {
        const vf dx = vf_set1(x->d[cell + t]);
        vi sums[8];
        for (size_t j = 0; j < n_sums / 2; j++) {
            sums[j] = broadcast4(x->sum + n_sums * (cell + t) + 2 * j);
        }
        for (size_t side = 0; side < SIDES; side++) {
            const int32_t *low = c + (side * 2 * GROUP + t) * 16;
            const vi high = _mm512_load_si512(low + GROUP * 16);
            const vi s = vi_add32(_mm512_load_si512(low),
                                  kind.shift == 8 ? _mm512_shuffle_epi8(high, times256)
                                                  : vi_shl32(high, kind.shift));
            vf a = vf_fma(vf_mul(vf_from_int(s), ends[side].d), dx, acc[t][side]);
            if (n_sums > 0) {
                vi m = vi_zero();
                for (size_t j = 0; j < n_sums / 2; j++) {
                    m = vi_dot16(m, ends[side].min[j], sums[j]);
                }
                a = vf_fnma(vf_mul(vf_from_int(m), dx), ends[side].dmin, a);
            }
            acc[t][side] = a;
        }
    }
}

/* A block of the rows times a group of tokens: the sums are in memory, or being computed. */
typedef struct {
    const ends16 *ends; /* [SIDES] */
    size_t cell;        /* of the activations */
    size_t first;       /* token */
} step256;

/* A part of the products of a step: the activations meet the tiles of both groups of rows. */
#define DOT_HIGH(c, a, b)                                                                          \
    if (kind.shift == 8) {                                                                         \
        TILE_DOT(c, a, b);                                                                         \
    } else {                                                                                       \
        TILE_DOT_U(c, a, b);                                                                       \
    }
#define DOT_PART(i)                                                                                \
    TILE_LOAD(4, q + (i) * tile, 64);                                                              \
    TILE_LOAD(6, w[0].low + 16 * (i), 64);                                                         \
    TILE_DOT_U(0, 4, 6);                                                                           \
    TILE_LOAD(7, w[0].high + 16 * (i), 64);                                                        \
    DOT_HIGH(1, 4, 7)                                                                              \
    TILE_LOAD(6, w[1].low + 16 * (i), 64);                                                         \
    TILE_DOT_U(2, 4, 6);                                                                           \
    TILE_LOAD(7, w[1].high + 16 * (i), 64);                                                        \
    DOT_HIGH(3, 4, 7)

/* Multiply step s while the step before it is folded, a quarter at a time; either may be absent
 * (`ends` is NULL). */
INLINE void run_step256(vf (*acc)[SIDES], int32_t c[4][GROUP * 16], const packed_x *x,
                        const planes256 w[SIDES], step256 s, step256 before, kind_amx kind) {
    const size_t tokens = x->tokens;
    const size_t tile = tokens * 64; /* bytes of A */
    const int8_t *q = x->q + s.cell * 256;
    vf (*to)[SIDES] = acc + before.first;
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        if (s.ends) {
            DOT_PART(i)
        }
        if (before.ends) {
            fold_tiles256(to, c[0], before.ends, x, before.cell, tokens * i / 4,
                          tokens * (i + 1) / 4, kind);
        }
    }
    TILE_STORE(0, c[0], 64);
    TILE_STORE(1, c[1], 64);
    TILE_STORE(2, c[2], 64);
    TILE_STORE(3, c[3], 64);
}
#undef DOT_PART
#undef DOT_HIGH

/* All rows: a block is unpacked and multiplied by all tokens while it is in the first-level cache,
 * then the next. */
INLINE void tiles256(float *const *y, const uint8_t *w, const void *const *x, size_t n, size_t rows,
                     size_t k, const void *next, uint8_t *memory, planes256 *planes,
                     kind_amx kind) {
    const size_t stride = k / 256 * kind.block_bytes;
    const packed_x p = pack(memory, x, n, (n + GROUP - 1) / GROUP, k, 256, 64, sums_of(kind));
    _Alignas(64) int32_t c[4][GROUP * 16];
    vf acc[MAX_TOKENS][SIDES];
    configure(p.tokens, 64);
    for (size_t row = 0; row + SIDES * 16 <= rows; row += SIDES * 16) {
        const void *after = fetch_after(w, row, rows, stride, next);
        fetch ahead = fetch_start(after, row, SIDES * VL, stride, k / 256 * p.n_groups);
        ends16 ends[2][SIDES]; /* one may still be needed for folding */
        step256 before = {0};
        for (size_t t = 0; t < p.n_groups * p.tokens; t++) {
            acc[t][0] = acc[t][1] = vf_zero();
        }
        for (size_t b = 0; b < k / 256; b++) {
            for (size_t side = 0; side < SIDES; side++) {
                plane256 plane;
                kind.unpack(&plane, w + (row + side * 16) * stride + b * kind.block_bytes, stride);
                if (kind.shift == 8) {
                    split_signed(&planes[side], &plane, kind);
                } else {
                    split_unsigned(&planes[side], &plane, kind);
                }
                keep_ends(&ends[b % 2][side], &plane, kind);
            }
            for (size_t g = 0; g < p.n_groups; g++) {
                fetch_step(&ahead);
                const step256 s = {ends[b % 2], cell_of(&p, g, b, 256), g * p.tokens};
                run_step256(acc, c, &p, planes, s, before, kind);
                before = s;
            }
        }
        run_step256(acc, c, &p, planes, (step256){0}, before, kind);
        for (size_t t = 0; t < n; t++) {
            vf_store(y[t] + row, acc[t][0]);
            vf_store(y[t] + row + 16, acc[t][1]);
        }
    }
    release();
}

/* ---- Slots ---------------------------------------------------------------------------------- */

/* Memory for a pass: packed activations, then the planes of a group of rows; NULL when there is
 * none, and then the vector kernels do the work. */
static uint8_t *pass_memory(size_t n, size_t k, size_t block, size_t plane_bytes,
                            size_t *plane_at) {
    const size_t groups = ((n < MAX_TOKENS ? n : MAX_TOKENS) + GROUP - 1) / GROUP;
    *plane_at = kern_pad64(packed_bytes(groups, k, block));
    return aligned_alloc(64, *plane_at + kern_pad64(plane_bytes));
}

#define AMX_SLOT(name, id, block, plane_type, planes, run, ...)                                    \
    static void amx_##name(float *const *restrict y, const void *restrict w,                       \
                           const void *const *restrict x, size_t n, size_t rows, size_t k,         \
                           const void *next) {                                                     \
        size_t plane_at = 0;                                                                       \
        const size_t whole = rows / SIDE_##block * SIDE_##block;                                   \
        uint8_t *memory = n < LEAST_TOKENS_##block || whole == 0 || k > MAX_K                      \
            ? NULL : pass_memory(n, k, block, (planes) * sizeof(plane_type), &plane_at);           \
        if (!memory) {                                                                             \
            kern_rows_avx512vnni(QTYPE_##id)(y, w, x, n, rows, k, next);                           \
            return;                                                                                \
        }                                                                                          \
        plane_type *plane = (plane_type *)(void *)(memory + plane_at);                             \
        const size_t passes = (n + MAX_TOKENS - 1) / MAX_TOKENS;                                   \
        const size_t tokens = (n + passes - 1) / passes;                                           \
        for (size_t t = 0; t < n; t += tokens) {                                                   \
            const size_t m = n - t < tokens ? n - t : tokens;                                      \
            run(y + t, w, x + t, m, rows, k, t == 0 ? next : NULL, memory, plane, __VA_ARGS__);    \
        }                                                                                          \
        free(memory);                                                                              \
        kern_rest(kern_rows_avx512vnni(QTYPE_##id), qtype_row_bytes(QTYPE_##id, k), y, w, x, n,    \
                  whole, rows, k);                                                                 \
    }
#define AMX32(name, id, ...)                                                                       \
    AMX_SLOT(name, id, 32, plane32, k / 32, tiles32,                                               \
             (kind32){QTYPE_##id, sizeof(qblock_##id), load_##name, __VA_ARGS__})
#define AMX256(name, id, ...)                                                                      \
    AMX_SLOT(name, id, 256, planes256, SIDES, tiles256,                                            \
             (kind_amx){sizeof(qblock_##id), block_##name, __VA_ARGS__})
AMX32(q4_0, Q4_0, .bias = 8)
AMX32(q5_0, Q5_0, .bias = 16)
AMX32(q8_0, Q8_0, .bias = SIGNED_BIAS)
AMX32(iq4_nl, IQ4_NL, .bias = SIGNED_BIAS)
AMX32(mxfp4, MXFP4, .bias = SIGNED_BIAS)
AMX256(q2_k, Q2_K, .groups = 16, .shift = 8, .has_min = true)
AMX256(q3_k, Q3_K, .bias = 4, .groups = 16, .shift = 8)
AMX256(q4_k, Q4_K, .groups = 8, .shift = 3, .has_min = true)
AMX256(q5_k, Q5_K, .groups = 8, .shift = 3, .has_min = true)
AMX256(q6_k, Q6_K, .bias = 32, .groups = 16, .shift = 8)
AMX256(iq4_xs, IQ4_XS, .bias = SIGNED_BIAS, .groups = 8, .shift = 8)

/* Tile products alone: two tiles of activations would only take turns. */
static uint64_t amx_peak(size_t rounds) {
    int8_t threes[16 * 64];
    memset(threes, 3, sizeof threes);
    configure(16, 64);
    TILE_LOAD(4, threes, 64);
    TILE_LOAD(6, threes, 64);
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
    for (size_t r = 0; r < rounds; r++) {
        TILE_DOT(0, 4, 6);
        TILE_DOT(1, 4, 6);
        TILE_DOT(2, 4, 6);
        TILE_DOT(3, 4, 6);
    }
    release();
    return 2 * (uint64_t)(4 * 16 * 16 * 64) * rounds;
}

void kern_overlay_amx(kern_table *t) {
    t->name = "amx";
    t->mul[QTYPE_Q4_0] = amx_q4_0;
    t->mul[QTYPE_Q5_0] = amx_q5_0;
    t->mul[QTYPE_Q8_0] = amx_q8_0;
    t->mul[QTYPE_IQ4_NL] = amx_iq4_nl;
    t->mul[QTYPE_MXFP4] = amx_mxfp4;
    t->mul[QTYPE_Q2_K] = amx_q2_k;
    t->mul[QTYPE_Q3_K] = amx_q3_k;
    t->mul[QTYPE_Q4_K] = amx_q4_k;
    t->mul[QTYPE_Q5_K] = amx_q5_k;
    t->mul[QTYPE_Q6_K] = amx_q6_k;
    t->mul[QTYPE_IQ4_XS] = amx_iq4_xs;
    t->peak = amx_peak;
}
