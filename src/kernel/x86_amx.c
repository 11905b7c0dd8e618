/*
 * x86_amx.c - AMX-int8 tiles for batches: Intel servers since Sapphire Rapids (2023).
 *
 * A tile product takes 16 activation rows (A, 16 rows of bytes along k) and 16 weight rows (B, a
 * row per four k, in the very layout of x86_rows.inc: lane r of vector j holds weights 4j..4j+3 of
 * row r) and adds 16 x 16 int32 sums to C.  So a group of 16 weight rows is unpacked once, as
 * signed bytes, and then meets all tokens.
 *
 * Blocks of 32: their scales are floats, so each block's sums leave the tile and are folded at
 * once. Blocks of 256: scale[g] * q is an integer of at most 13 bits, which is split into two
 * planes of bytes, 128 * high + low; two tiles gather a whole block and S = 128 * C_high + C_low,
 * exactly.
 *
 * Few tokens do not fill a tile: they take the vector kernels (x86_rows.inc with AVX-512-VNNI).
 */
#define VL 16
#define VNNI 1
#define ISA(name) name##__amx
#include "kernel/isa.h"
#include "kernel/x86_rows.inc"

#include <stdlib.h>

enum {
    MIN_TOKENS = 14,        /* fewer are faster with vectors */
    GROUP = 16,             /* tokens in a tile */
    MAX_TOKENS = 128,       /* tokens per pass */
    MAX_K = 16384           /* longest row whose activations are packed on the stack of a worker */
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

/* Shapes: tmm0..3 are sums; 4 and 5 activations; 6 and 7 weights, of `k` bytes along the row. */
static void configure(size_t k) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        config.rows[t] = (uint8_t)(t < 6 ? GROUP : k / 4);
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
    size_t n_blocks;
    int8_t *q;       /* [n_groups][k / step][GROUP][step]: A tiles of `step` bytes along k */
    float *d;        /* [n_groups][n_blocks][GROUP] */
    int16_t *sum;    /* [n_groups][n_blocks][GROUP][n_sums] */
    size_t n_sums;   /* in a block */
} packed_x;

static size_t packed_bytes(size_t n_groups, size_t k, size_t block) {
    return n_groups * GROUP * (k + k / block * sizeof(float) + k / 16 * sizeof(int16_t)) + 3 * 64;
}

INLINE void pack_token(packed_x *p, const uint8_t *x, size_t t, size_t k, size_t block,
                       size_t step) {
    const act_layout at = layout_of(k, block);
    const size_t g = t / GROUP;
    const size_t lane = t % GROUP;
    for (size_t i = 0; i < k / step; i++) {
        memcpy(p->q + ((g * (k / step) + i) * GROUP + lane) * step, x + i * step, step);
    }
    const size_t each = block / KERN_GROUP / p->n_sums; /* groups of 16 to a sum: 1 or 2 */
    for (size_t b = 0; b < p->n_blocks; b++) {
        const size_t cell = (g * p->n_blocks + b) * GROUP + lane;
        int16_t sum[KERN_MAX_BLOCK / KERN_GROUP];
        memcpy(&p->d[cell], x + at.d + b * sizeof(float), sizeof(float));
        memcpy(sum, x + at.sum + b * (block / 8), block / 8);
        for (size_t i = 0; i < p->n_sums; i++) {
            p->sum[cell * p->n_sums + i] =
                (int16_t)(sum[each * i] + (each == 2 ? sum[each * i + 1] : 0));
        }
    }
}

/* Lay the pass out in `memory` of packed_bytes. */
INLINE packed_x pack(uint8_t *memory, const void *const *x, size_t n, size_t k, size_t block,
                     size_t step, size_t n_sums) {
    packed_x p = {.n = n, .n_groups = (n + GROUP - 1) / GROUP, .n_blocks = k / block,
                  .n_sums = n_sums};
    const size_t cells = p.n_groups * p.n_blocks * GROUP;
    uint8_t *at = memory;
    p.q = (int8_t *)at;
    at += kern_pad64(p.n_groups * GROUP * k);
    p.d = (float *)(void *)at;
    at += kern_pad64(cells * sizeof(float));
    p.sum = (int16_t *)(void *)at;
    for (size_t t = 0; t < n; t++) {
        pack_token(&p, x[t], t, k, block, step);
    }
    for (size_t t = n; t < p.n_groups * GROUP; t++) {
        const size_t g = t / GROUP;
        for (size_t i = 0; i < k / step; i++) {
            memset(p.q + ((g * (k / step) + i) * GROUP + t % GROUP) * step, 0, step);
        }
        for (size_t b = 0; b < p.n_blocks; b++) {
            const size_t cell = (g * p.n_blocks + b) * GROUP + t % GROUP;
            p.d[cell] = 0;
            memset(&p.sum[cell * n_sums], 0, n_sums * sizeof(int16_t));
        }
    }
    return p;
}

/* ---- Blocks of 32 --------------------------------------------------------------------------- */

/* A group of 16 weight rows, unpacked. */
typedef struct {
    vi w[8];
    vf d;
    vf m;
} plane32;

/* Fold one block's sums, [GROUP][16] int32 in memory, into the accumulators of a group of tokens.
 */
INLINE void fold_tile32(vf acc[GROUP], const int32_t *c, const plane32 *p, const float *d,
                        const int16_t *sum, bool has_min) {
    for (size_t t = 0; t < GROUP; t++) {
        const vf dx = vf_set1(d[t]);
        const vi isum = _mm512_load_si512(c + t * 16);
        acc[t] = vf_fma(vf_from_int(isum), vf_mul(p->d, dx), acc[t]);
        if (has_min) {
            const vf m = vf_set1((float)(sum[2 * t] + sum[2 * t + 1]));
            acc[t] = vf_fma(m, vf_mul(p->m, dx), acc[t]);
        }
    }
}

/* Blocks on their way, so that no instruction waits for the one before: while two are multiplied,
 * the sums of the two before leave their tiles, and those of the two before them, which have
 * reached memory by now, are folded. */
#define DOT_BLOCK(c, a, b, i)                                                                      \
    if ((i) < x->n_blocks) {                                                                       \
        TILE_ZERO(c);                                                                              \
        TILE_LOAD(a, q + (i) * GROUP * 32, 32);                                                    \
        TILE_LOAD(b, w[i].w, 64);                                                                  \
        TILE_DOT(c, a, b);                                                                         \
    }
#define FOLD_BLOCK(c, i)                                                                           \
    if ((i) < x->n_blocks) { /* those before the first wrap around */                              \
        fold_tile32(acc, sums[c], &w[i], d + (i) * GROUP, sum + (i) * GROUP * 2, has_min);         \
    }

INLINE void tile_group32(vf acc[GROUP], size_t g, const plane32 *w, const packed_x *x,
                         bool has_min) {
    _Alignas(64) int32_t sums[4][GROUP * 16];
    const int8_t *q = x->q + g * x->n_blocks * GROUP * 32;
    const float *d = x->d + g * x->n_blocks * GROUP;
    const int16_t *sum = x->sum + g * x->n_blocks * GROUP * 2;
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
}
#undef DOT_BLOCK
#undef FOLD_BLOCK

INLINE void tile_rows32(float *const *y, size_t row, const plane32 *w, const packed_x *x,
                        bool has_min) {
    for (size_t g = 0; g < x->n_groups; g++) {
        vf acc[GROUP];
        for (size_t t = 0; t < GROUP; t++) {
            acc[t] = vf_zero();
        }
        tile_group32(acc, g, w, x, has_min);
        for (size_t t = 0; t < GROUP && g * GROUP + t < x->n; t++) {
            vf_store(y[g * GROUP + t] + row, acc[t]);
        }
    }
}

INLINE void tiles32(float *const *y, const uint8_t *w, const void *const *x, size_t n, size_t rows,
                    size_t k, size_t block_bytes, load32_fn *load, int bias, bool has_min,
                    uint8_t *memory, plane32 *plane) {
    const size_t stride = k / 32 * block_bytes;
    const packed_x p = pack(memory, x, n, k, 32, 32, 2);
    const vi back = vi_set1_8(bias);
    for (size_t row = 0; row + 16 <= rows; row += 16) {
        for (size_t b = 0; b < k / 32; b++) {
            block32 blk;
            load(&blk, w + row * stride + b * block_bytes, stride);
            prefetch(w + row * stride, 0, VL, WINDOW, stride, b, k / 32);
            for (int j = 0; j < 8; j++) {
                plane[b].w[j] = _mm512_sub_epi8(blk.w[j], back);
            }
            plane[b].d = blk.d;
            plane[b].m = has_min ? blk.m : blk.d;
        }
        tile_rows32(y, row, plane, &p, has_min);
    }
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
            o->min[i] = pair_of(p->min[2 * i], p->min[2 * i + 1]);
        }
        o->dmin = p->dmin;
    }
}

INLINE void fold_tile256(vf *acc, const int32_t *low, const int32_t *high, const planes256 *p,
                         const float *d, const int16_t *sum, int groups, bool has_min) {
    for (size_t t = 0; t < GROUP; t++) {
        const vf dx = vf_set1(d[t]);
        const vi s = vi_add32(_mm512_load_si512(low + t * 16),
                              vi_shl32(_mm512_load_si512(high + t * 16), 7));
        acc[t] = vf_fma(vf_from_int(s), vf_mul(p->d, dx), acc[t]);
        if (has_min) {
            vi m = vi_zero();
            for (int j = 0; j < groups / 2; j++) {
                m = vi_dot16(m, p->min[j], broadcast4(sum + (size_t)groups * t + 2 * j));
            }
            acc[t] = vf_fnma(vf_from_int(m), vf_mul(p->dmin, dx), acc[t]);
        }
    }
}

/* Two groups of tokens share each weight tile. */
INLINE void tile_rows256(float *const *y, size_t row, const planes256 *w, const packed_x *x,
                         int groups, bool has_min) {
    _Alignas(64) int32_t c[4][GROUP * 16];
    for (size_t g = 0; g < x->n_groups; g += 2) {
        const size_t other = g + 1 < x->n_groups ? g + 1 : g; /* an odd last group meets itself */
        vf acc[2][GROUP];
        for (size_t t = 0; t < GROUP; t++) {
            acc[0][t] = acc[1][t] = vf_zero();
        }
        for (size_t b = 0; b < x->n_blocks; b++) {
            const int8_t *q0 = x->q + (g * x->n_blocks + b) * GROUP * 256;
            const int8_t *q1 = x->q + (other * x->n_blocks + b) * GROUP * 256;
            TILE_ZERO(0);
            TILE_ZERO(1);
            TILE_ZERO(2);
            TILE_ZERO(3);
            for (size_t i = 0; i < 4; i++) {
                TILE_LOAD(6, w[b].low + 16 * i, 64);
                TILE_LOAD(4, q0 + i * GROUP * 64, 64);
                TILE_DOT(0, 4, 6);
                TILE_LOAD(5, q1 + i * GROUP * 64, 64);
                TILE_DOT(2, 5, 6);
                TILE_LOAD(7, w[b].high + 16 * i, 64);
                TILE_DOT(1, 4, 7);
                TILE_DOT(3, 5, 7);
            }
            TILE_STORE(0, c[0], 64);
            TILE_STORE(1, c[1], 64);
            TILE_STORE(2, c[2], 64);
            TILE_STORE(3, c[3], 64);
            const size_t at0 = (g * x->n_blocks + b) * GROUP;
            const size_t at1 = (other * x->n_blocks + b) * GROUP;
            fold_tile256(acc[0], c[0], c[1], &w[b], x->d + at0, x->sum + at0 * x->n_sums, groups,
                         has_min);
            fold_tile256(acc[1], c[2], c[3], &w[b], x->d + at1, x->sum + at1 * x->n_sums, groups,
                         has_min);
        }
        for (size_t t = 0; t < 2 * GROUP && g * GROUP + t < x->n; t++) {
            vf_store(y[g * GROUP + t] + row, acc[t / GROUP][t % GROUP]);
        }
    }
}

INLINE void tiles256(float *const *y, const uint8_t *w, const void *const *x, size_t n, size_t rows,
                     size_t k, size_t block_bytes, block256_fn *block, int bias, int groups,
                     bool has_min, uint8_t *memory, planes256 *planes) {
    const size_t stride = k / 256 * block_bytes;
    const packed_x p = pack(memory, x, n, k, 256, 64, (size_t)groups);
    for (size_t row = 0; row + 16 <= rows; row += 16) {
        for (size_t b = 0; b < k / 256; b++) {
            plane256 plane;
            block(&plane, w + row * stride + b * block_bytes, stride);
            split_plane(&planes[b], &plane, bias, groups, has_min);
            prefetch(w + row * stride, 0, VL, WINDOW, stride, b, k / 256);
        }
        tile_rows256(y, row, planes, &p, groups, has_min);
    }
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

#define AMX_SLOT(name, block, plane_type, run)                                                     \
    static void amx_##name(float *const *restrict y, const void *restrict w,                       \
                           const void *const *restrict x, size_t n, size_t rows, size_t k) {       \
        size_t plane_at = 0;                                                                       \
        const size_t whole = rows / 16 * 16;                                                       \
        uint8_t *memory = n < MIN_TOKENS || whole == 0 || k > MAX_K                                \
            ? NULL : pass_memory(n, k, block, k / block * sizeof(plane_type), &plane_at);          \
        if (!memory) {                                                                             \
            ISA(mul_##name)(y, w, x, n, rows, k);                                                  \
            return;                                                                                \
        }                                                                                          \
        plane_type *plane = (plane_type *)(void *)(memory + plane_at);                             \
        const size_t passes = (n + MAX_TOKENS - 1) / MAX_TOKENS;                                   \
        const size_t tokens = (n + passes - 1) / passes;                                           \
        configure(block == 32 ? 32 : 64);                                                          \
        for (size_t t = 0; t < n; t += tokens) {                                                   \
            const size_t m = n - t < tokens ? n - t : tokens;                                      \
            run;                                                                                   \
        }                                                                                          \
        release();                                                                                 \
        free(memory);                                                                              \
        kern_scalar_rest(QTYPE_##block##_##name, y, w, x, n, whole, rows, k);                      \
    }
#define QTYPE_32_q4_0 QTYPE_Q4_0
#define QTYPE_32_q4_1 QTYPE_Q4_1
#define QTYPE_32_q5_0 QTYPE_Q5_0
#define QTYPE_32_q5_1 QTYPE_Q5_1
#define QTYPE_32_q8_0 QTYPE_Q8_0
#define QTYPE_32_iq4_nl QTYPE_IQ4_NL
#define QTYPE_32_mxfp4 QTYPE_MXFP4
#define QTYPE_256_q2_k QTYPE_Q2_K
#define QTYPE_256_q3_k QTYPE_Q3_K
#define QTYPE_256_q4_k QTYPE_Q4_K
#define QTYPE_256_q5_k QTYPE_Q5_K
#define QTYPE_256_q6_k QTYPE_Q6_K
#define QTYPE_256_iq4_xs QTYPE_IQ4_XS
#define AMX32(name, bytes, bias, has_min)                                                          \
    AMX_SLOT(name, 32, plane32, tiles32(y + t, w, x + t, m, rows, k, bytes, load_##name, bias,     \
                                        has_min, memory, plane))
#define AMX256(name, bytes, bias, groups, has_min)                                                 \
    AMX_SLOT(name, 256, planes256, tiles256(y + t, w, x + t, m, rows, k, bytes, block_##name,      \
                                            bias, groups, has_min, memory, plane))
AMX32(q4_0, 18, 8, false)
AMX32(q4_1, 20, 0, true)
AMX32(q5_0, 22, 16, false)
AMX32(q5_1, 24, 0, true)
AMX32(q8_0, 34, 128, false)
AMX32(iq4_nl, 18, 128, false)
AMX32(mxfp4, 17, 128, false)
AMX256(q2_k, 84, 0, 16, true)
AMX256(q3_k, 110, 4, 16, false)
AMX256(q4_k, 144, 0, 8, true)
AMX256(q5_k, 176, 0, 8, true)
AMX256(q6_k, 210, 32, 16, false)
AMX256(iq4_xs, 136, 128, 8, false)

void kern_overlay_amx(kern_table *t) {
    t->name = "amx";
    t->mul[QTYPE_Q4_0] = amx_q4_0;
    t->mul[QTYPE_Q4_1] = amx_q4_1;
    t->mul[QTYPE_Q5_0] = amx_q5_0;
    t->mul[QTYPE_Q5_1] = amx_q5_1;
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
