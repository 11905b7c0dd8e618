/*
 * x86_amx.c - AMX-int8 tiles for batches: Intel servers since Sapphire Rapids (2023).
 *
 * A tile product takes some activation rows (A, up to 16 rows of bytes along k) and 16 weight rows
 * (B, a row per four k, in the very layout of x86_rows.inc: lane r of vector j holds weights
 * 4j..4j+3 of row r) and adds tokens x 16 int32 sums to C.  So a group of 16 weight rows is
 * unpacked once, as signed bytes, and then meets all tokens.
 *
 * Blocks of 32: their scales are floats, so each block's sums leave the tile and are folded at
 * once. Folding, not multiplying, is what takes time: while tiles are at work, a core has one unit
 * for float vectors, not two.  So no token is folded that is not there: groups of tokens are as
 * even as can be, and the loops are made for their length.
 *
 * Blocks of 256: scale[g] * q is an integer of at most 13 bits, which is split into two planes of
 * bytes, 128 * high + low; two tiles gather a whole block and S = 128 * C_high + C_low, exactly.
 *
 * Few tokens do not fill tiles: they are for AVX-512-VNNI.  So are blocks of 32 that have a min,
 * which would be folded twice.
 */
#define VL 16
#define VNNI 1
#define PARTS_ONLY
#define ISA(name) name##__amx
#include "kernel/isa.h"
#include "kernel/x86_rows.inc"

#include <stdlib.h>

enum {
    LEAST_TOKENS_32 = 26,   /* fewer are faster with vectors */
    LEAST_TOKENS_256 = 22,
    GROUP = 16,             /* tokens in a tile, at most */
    MAX_TOKENS = 128,       /* tokens per pass */
    MAX_K = 16384           /* longest row whose activations are packed */
};

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* Written as instructions: the intrinsics of some compilers do not tell them that memory is read.
 */
#define TILE_LOAD(t, p, stride)                                                                    \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(p), "r"((size_t)(stride)) : "memory")
#define TILE_STORE(t, p, stride)                                                                   \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(p), "r"((size_t)(stride))         \
                     : "memory")
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t : : : "memory")
/* C += A . B, both signed */
#define TILE_DOT(c, a, b)                                                                          \
    __asm__ volatile("tdpbssd %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : : "memory")

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

/* Activations of a pass, in the order in which tiles want them; tokens beyond the last are zeros.
 */
typedef struct {
    size_t n;        /* tokens */
    size_t n_groups;
    size_t tokens;   /* in a group, at most GROUP */
    size_t n_blocks;
    int8_t *q;       /* [n_groups][k / step][tokens][step]: A tiles of `step` bytes along k */
    float *d;        /* [n_groups][n_blocks][tokens] */
    int16_t *sum;    /* [n_groups][n_blocks][tokens][n_sums] */
    size_t n_sums;   /* in a block; 0, 8 or 16 */
} packed_x;

static size_t packed_bytes(size_t n_groups, size_t k, size_t block) {
    return n_groups * GROUP * (k + k / block * sizeof(float) + k / 16 * sizeof(int16_t)) + 3 * 64;
}

/* Token t, or zeros if x is NULL. */
INLINE void pack_token(packed_x *p, const uint8_t *x, size_t t, size_t k, size_t block,
                       size_t step) {
    const act_layout at = layout_of(k, block);
    const size_t g = t / p->tokens;
    const size_t lane = t % p->tokens;
    for (size_t i = 0; i < k / step; i++) {
        int8_t *q = p->q + ((g * (k / step) + i) * p->tokens + lane) * step;
        if (x) {
            memcpy(q, x + i * step, step);
        } else {
            memset(q, 0, step);
        }
    }
    for (size_t b = 0; b < p->n_blocks; b++) {
        const size_t cell = (g * p->n_blocks + b) * p->tokens + lane;
        int16_t sum[KERN_MAX_BLOCK / KERN_GROUP] = {0};
        p->d[cell] = 0;
        if (x) {
            memcpy(&p->d[cell], x + at.d + b * sizeof(float), sizeof(float));
            memcpy(sum, x + at.sum + b * (block / 8), block / 8);
        }
        for (size_t i = 0; i < p->n_sums; i++) {
            p->sum[cell * p->n_sums + i] =
                p->n_sums == 16 ? sum[i] : (int16_t)(sum[2 * i] + sum[2 * i + 1]);
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

/* Blocks on their way, so that no instruction waits for the one before: while two are multiplied,
 * the sums of the two before leave their tiles, and those of the two before them, which have
 * reached memory by now, are folded. */
#define DOT_BLOCK(c, a, b, i)                                                                      \
    if ((i) < x->n_blocks) {                                                                       \
        TILE_ZERO(c);                                                                              \
        TILE_LOAD(a, q + (i) * tokens * 32, 32);                                                   \
        TILE_LOAD(b, w[i].w, 64);                                                                  \
        TILE_DOT(c, a, b);                                                                         \
    }
#define FOLD_BLOCK(c, i)                                                                           \
    if ((i) < x->n_blocks) { /* those before the first wrap around */                              \
        fold_tile32(acc, sums[c], w[i].d, d + (i) * tokens, tokens);                               \
    }

/* 16 rows against group g of as many tokens. */
INLINE void tile_group32(float *const *y, size_t row, const plane32 *w, const packed_x *x,
                         size_t g, size_t tokens) {
    _Alignas(64) int32_t sums[4][GROUP * 16];
    const int8_t *q = x->q + g * x->n_blocks * tokens * 32;
    const float *d = x->d + g * x->n_blocks * tokens;
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

/* The results stay in registers when their number is known. */
static void tile_rows32(float *const *y, size_t row, const plane32 *w, const packed_x *x) {
    for (size_t g = 0; g < x->n_groups; g++) {
        switch (x->tokens) {
        case 11: tile_group32(y, row, w, x, g, 11); break;
        case 12: tile_group32(y, row, w, x, g, 12); break;
        case 13: tile_group32(y, row, w, x, g, 13); break;
        case 14: tile_group32(y, row, w, x, g, 14); break;
        case 15: tile_group32(y, row, w, x, g, 15); break;
        case 16: tile_group32(y, row, w, x, g, 16); break;
        default: tile_group32(y, row, w, x, g, x->tokens); break; /* with LEAST_TOKENS_32: never */
        }
    }
}

INLINE void tiles32(float *const *y, const uint8_t *w, const void *const *x, size_t n, size_t rows,
                    size_t k, const void *next, size_t block_bytes, load32_fn *load, int bias,
                    uint8_t *memory, plane32 *plane) {
    const size_t stride = k / 32 * block_bytes;
    const packed_x p = pack(memory, x, n, (n + GROUP - 1) / GROUP, k, 32, 32, 0);
    const vi back = vi_set1_8(bias);
    configure(p.tokens, 32);
    for (size_t row = 0; row + 16 <= rows; row += 16) {
        const void *after = fetch_after(w, row, rows, stride, next);
        fetch ahead = fetch_start(after, row, VL, stride, k / 32);
        for (size_t b = 0; b < k / 32; b++) {
            block32 blk;
            load(&blk, w + row * stride + b * block_bytes, stride);
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

/* A block of 16 rows: scale * q = 128 * high + low in signed bytes, four k to a lane. */
typedef struct {
    vi low[64];
    vi high[64];
    vi min[8]; /* int16 pairs: of two scales, which may be of 16 or of 32 weights each */
    vf d;
    vf dmin;
} planes256;

/* Split what a block came apart into; w - bias is the weight, and there are `groups` scales. */
INLINE void split_plane(planes256 *o, const plane256 *p, int bias, int groups, bool has_min) {
    for (int g = 0; g < groups; g++) {
        const vi scale = vi_and(p->scale[g], vi_set1_32(255));
        const vi even = vi_or(scale, vi_shl32(scale, 16)); /* bytes 0 and 2 */
        const vi odd = vi_shl32(even, 8);
        const vi pair = pair_of(p->scale[g], p->scale[g]);
        const vi back = _mm512_mullo_epi16(pair, _mm512_set1_epi16((short)bias));
        for (int j = g * 64 / groups; j < (g + 1) * 64 / groups; j++) {
            vi a = _mm512_maddubs_epi16(p->w[j], even);
            vi b = _mm512_maddubs_epi16(p->w[j], odd);
            if (bias) {
                a = _mm512_sub_epi16(a, back);
                b = _mm512_sub_epi16(b, back);
            }
            const vi seven = vi_set1_8(0x7f);
            const vi lower = _mm512_set1_epi16(255);
            o->low[j] = vi_and(vi_or(vi_and(a, lower), _mm512_slli_epi16(b, 8)), seven);
            o->high[j] = vi_or(vi_and(_mm512_srai_epi16(a, 7), lower),
                               _mm512_slli_epi16(_mm512_srai_epi16(b, 7), 8));
        }
    }
    o->d = p->d;
    if (has_min) {
        for (int i = 0; i < groups / 2; i++) {
            o->min[i] = p->min[i];
        }
        o->dmin = p->dmin;
    }
}

/* Fold one block's sums into the results of a group of tokens. */
INLINE void fold_tile256(vf *acc, const int32_t *low, const int32_t *high, const planes256 *p,
                         const packed_x *x, size_t cell, size_t n_sums) {
    for (size_t t = 0; t < x->tokens; t++) {
        const vf dx = vf_set1(x->d[cell + t]);
        const vi s = vi_add32(_mm512_load_si512(low + t * 16),
                              vi_shl32(_mm512_load_si512(high + t * 16), 7));
        acc[t] = vf_fma(vf_mul(vf_from_int(s), p->d), dx, acc[t]);
        if (n_sums > 0) {
            vi m = vi_zero();
            for (size_t j = 0; j < n_sums / 2; j++) {
                m = vi_dot16(m, p->min[j], broadcast4(x->sum + n_sums * (cell + t) + 2 * j));
            }
            acc[t] = vf_fnma(vf_mul(vf_from_int(m), dx), p->dmin, acc[t]);
        }
    }
}

/* Two groups of tokens share each weight tile. */
INLINE void tile_rows256(float *const *y, size_t row, const planes256 *w, const packed_x *x,
                         size_t n_sums) {
    _Alignas(64) int32_t c[4][GROUP * 16];
    const size_t tile = x->tokens * 64; /* bytes of A */
    for (size_t g = 0; g < x->n_groups; g += 2) {
        vf acc[2][GROUP];
        for (size_t t = 0; t < GROUP; t++) {
            acc[0][t] = acc[1][t] = vf_zero();
        }
        for (size_t b = 0; b < x->n_blocks; b++) {
            const int8_t *q0 = x->q + (g * x->n_blocks + b) * 4 * tile;
            const int8_t *q1 = q0 + x->n_blocks * 4 * tile;
            TILE_ZERO(0);
            TILE_ZERO(1);
            TILE_ZERO(2);
            TILE_ZERO(3);
            for (size_t i = 0; i < 4; i++) {
                TILE_LOAD(6, w[b].low + 16 * i, 64);
                TILE_LOAD(4, q0 + i * tile, 64);
                TILE_DOT(0, 4, 6);
                TILE_LOAD(5, q1 + i * tile, 64);
                TILE_DOT(2, 5, 6);
                TILE_LOAD(7, w[b].high + 16 * i, 64);
                TILE_DOT(1, 4, 7);
                TILE_DOT(3, 5, 7);
            }
            TILE_STORE(0, c[0], 64);
            TILE_STORE(1, c[1], 64);
            TILE_STORE(2, c[2], 64);
            TILE_STORE(3, c[3], 64);
            const size_t cell = (g * x->n_blocks + b) * x->tokens;
            fold_tile256(acc[0], c[0], c[1], &w[b], x, cell, n_sums);
            fold_tile256(acc[1], c[2], c[3], &w[b], x, cell + x->n_blocks * x->tokens, n_sums);
        }
        for (size_t t = 0; t < 2 * x->tokens && g * x->tokens + t < x->n; t++) {
            vf_store(y[g * x->tokens + t] + row, acc[t / x->tokens][t % x->tokens]);
        }
    }
}

INLINE void tiles256(float *const *y, const uint8_t *w, const void *const *x, size_t n, size_t rows,
                     size_t k, const void *next, size_t block_bytes, block256_fn *block, int bias,
                     int groups, bool has_min, uint8_t *memory, planes256 *planes) {
    const size_t stride = k / 256 * block_bytes;
    const size_t n_groups = (n + 2 * GROUP - 1) / (2 * GROUP) * 2;
    const size_t n_sums = has_min ? (size_t)groups : 0;
    const packed_x p = pack(memory, x, n, n_groups, k, 256, 64, n_sums);
    configure(p.tokens, 64);
    for (size_t row = 0; row + 16 <= rows; row += 16) {
        const void *after = fetch_after(w, row, rows, stride, next);
        fetch ahead = fetch_start(after, row, VL, stride, k / 256);
        for (size_t b = 0; b < k / 256; b++) {
            plane256 plane;
            block(&plane, w + row * stride + b * block_bytes, stride);
            split_plane(&planes[b], &plane, bias, groups, has_min);
            fetch_step(&ahead);
        }
        tile_rows256(y, row, planes, &p, n_sums);
    }
    release();
}

/* ---- Slots ---------------------------------------------------------------------------------- */

/* Memory for a pass: packed activations, then the planes of a group of rows; NULL when there is
 * none, and then the vector kernels do the work. */
static uint8_t *pass_memory(size_t n, size_t k, size_t block, size_t plane_bytes,
                            size_t *plane_at) {
    const size_t groups = ((n < MAX_TOKENS ? n : MAX_TOKENS) + GROUP - 1) / GROUP + 1;
    *plane_at = kern_pad64(packed_bytes(groups, k, block));
    return aligned_alloc(64, *plane_at + kern_pad64(plane_bytes));
}

#define AMX_SLOT(name, type, block, plane_type, run)                                               \
    static void amx_##name(float *const *restrict y, const void *restrict w,                       \
                           const void *const *restrict x, size_t n, size_t rows, size_t k,         \
                           const void *next) {                                                     \
        size_t plane_at = 0;                                                                       \
        const size_t whole = rows / 16 * 16;                                                       \
        uint8_t *memory = n < LEAST_TOKENS_##block || whole == 0 || k > MAX_K                      \
            ? NULL : pass_memory(n, k, block, k / block * sizeof(plane_type), &plane_at);          \
        if (!memory) {                                                                             \
            kern_rows_avx512vnni(QTYPE_##type)(y, w, x, n, rows, k, next);                         \
            return;                                                                                \
        }                                                                                          \
        plane_type *plane = (plane_type *)(void *)(memory + plane_at);                             \
        const size_t passes = (n + MAX_TOKENS - 1) / MAX_TOKENS;                                   \
        const size_t tokens = (n + passes - 1) / passes;                                           \
        for (size_t t = 0; t < n; t += tokens) {                                                   \
            const size_t m = n - t < tokens ? n - t : tokens;                                      \
            run;                                                                                   \
        }                                                                                          \
        free(memory);                                                                              \
        kern_scalar_rest(QTYPE_##type, y, w, x, n, whole, rows, k);                                \
    }
#define AMX32(name, type, bytes, bias)                                                             \
    AMX_SLOT(name, type, 32, plane32, tiles32(y + t, w, x + t, m, rows, k, t == 0 ? next : NULL,   \
                                              bytes, load_##name, bias, memory, plane))
#define AMX256(name, type, bytes, bias, groups, has_min)                                           \
    AMX_SLOT(name, type, 256, planes256, tiles256(y + t, w, x + t, m, rows, k,                     \
                                                  t == 0 ? next : NULL, bytes, block_##name, bias, \
                                                  groups, has_min, memory, plane))
AMX32(q4_0, Q4_0, 18, 8)
AMX32(q5_0, Q5_0, 22, 16)
AMX32(q8_0, Q8_0, 34, 128)
AMX32(iq4_nl, IQ4_NL, 18, 128)
AMX32(mxfp4, MXFP4, 17, 128)
AMX256(q2_k, Q2_K, 84, 0, 16, true)
AMX256(q3_k, Q3_K, 110, 4, 16, false)
AMX256(q4_k, Q4_K, 144, 0, 8, true)
AMX256(q5_k, Q5_K, 176, 0, 8, true)
AMX256(q6_k, Q6_K, 210, 32, 16, false)
AMX256(iq4_xs, IQ4_XS, 136, 128, 8, false)

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
}
