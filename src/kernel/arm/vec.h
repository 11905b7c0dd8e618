/*
 * vec.h - vectors of 8 lanes of 32 bits, for kernels in which a lane is a row of weights.
 */
#ifndef KERNEL_ARM_VEC_H
#define KERNEL_ARM_VEC_H

#include "base/bytes.h"
#include "kernel/isa.h"

#include <arm_neon.h>

enum { VL = 8 }; /* weight rows side by side */

/* ---- Vectors of 8 lanes ---------------------------------------------------------------------- */

typedef struct { uint32x4_t a, b; } vi;  /* rows 0..3 and 4..7 */
typedef struct { float32x4_t a, b; } vf;

#define VI_BOTH(f, x, y) ((vi){f((x).a, (y).a), f((x).b, (y).b)})
#define AS_S8(v) vreinterpretq_s8_u32(v)
#define AS_S32(v) vreinterpretq_s32_u32(v)
#define FROM_S8(v) vreinterpretq_u32_s8(v)
#define FROM_S32(v) vreinterpretq_u32_s32(v)

INLINE vi vi_set1_32(int i) { return (vi){vdupq_n_u32((uint32_t)i), vdupq_n_u32((uint32_t)i)}; }
INLINE vi vi_set1_8(int i) {
    const uint32x4_t v = vreinterpretq_u32_u8(vdupq_n_u8((uint8_t)i));
    return (vi){v, v};
}
INLINE vi vi_zero(void) { return vi_set1_32(0); }
INLINE vi vi_and(vi x, vi y) { return VI_BOTH(vandq_u32, x, y); }
INLINE vi vi_or(vi x, vi y) { return VI_BOTH(vorrq_u32, x, y); }
INLINE vi vi_xor(vi x, vi y) { return VI_BOTH(veorq_u32, x, y); }
INLINE vi vi_add32(vi x, vi y) { return VI_BOTH(vaddq_u32, x, y); }
INLINE vi vi_sub32(vi x, vi y) { return VI_BOTH(vsubq_u32, x, y); }
/* Of signed numbers. */
INLINE vi vi_min32(vi x, vi y) {
    return (vi){FROM_S32(vminq_s32(AS_S32(x.a), AS_S32(y.a))),
                FROM_S32(vminq_s32(AS_S32(x.b), AS_S32(y.b)))};
}
INLINE vi vi_max32(vi x, vi y) {
    return (vi){FROM_S32(vmaxq_s32(AS_S32(x.a), AS_S32(y.a))),
                FROM_S32(vmaxq_s32(AS_S32(x.b), AS_S32(y.b)))};
}
/* z + x * y */
INLINE vi vi_mla32(vi z, vi x, vi y) {
    return (vi){vmlaq_u32(z.a, x.a, y.a), vmlaq_u32(z.b, x.b, y.b)};
}
INLINE vi vi_sub8(vi x, vi y) {
    return (vi){FROM_S8(vsubq_s8(AS_S8(x.a), AS_S8(y.a))),
                FROM_S8(vsubq_s8(AS_S8(x.b), AS_S8(y.b)))};
}
/* Shifts by a register: whether `n` is a constant depends on the unrolling of loops. */
INLINE vi vi_shl32(vi x, int n) {
    const int32x4_t by = vdupq_n_s32(n);
    return (vi){vshlq_u32(x.a, by), vshlq_u32(x.b, by)};
}
INLINE vi vi_shr32(vi x, int n) {
    return vi_shl32(x, -n);
}
INLINE vi vi_sar32(vi x, int n) {
    const int32x4_t by = vdupq_n_s32(-n);
    return (vi){FROM_S32(vshlq_s32(AS_S32(x.a), by)), FROM_S32(vshlq_s32(AS_S32(x.b), by))};
}
/* Entry x of a table of 16. */
INLINE vi vi_lookup(const int8_t *entries, vi x) {
    const int8x16_t table = vld1q_s8(entries);
    return (vi){FROM_S8(vqtbl1q_s8(table, vreinterpretq_u8_u32(x.a))),
                FROM_S8(vqtbl1q_s8(table, vreinterpretq_u8_u32(x.b)))};
}

INLINE vf vf_set1(float f) { return (vf){vdupq_n_f32(f), vdupq_n_f32(f)}; }
INLINE vf vf_zero(void) { return vf_set1(0.0f); }
INLINE vf vf_mul(vf x, vf y) { return (vf){vmulq_f32(x.a, y.a), vmulq_f32(x.b, y.b)}; }
/* z + x * y and z - x * y, rounded once */
INLINE vf vf_fma(vf x, vf y, vf z) {
    return (vf){vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b)};
}
INLINE vf vf_fnma(vf x, vf y, vf z) {
    return (vf){vfmsq_f32(z.a, x.a, y.a), vfmsq_f32(z.b, x.b, y.b)};
}
INLINE vf vf_from_int(vi x) { return (vf){vcvtq_f32_s32(AS_S32(x.a)), vcvtq_f32_s32(AS_S32(x.b))}; }
INLINE vf vf_from_bits(vi x) {
    return (vf){vreinterpretq_f32_u32(x.a), vreinterpretq_f32_u32(x.b)};
}
INLINE float32x4_t f16x4(uint16x4_t h) { return vcvt_f32_f16(vreinterpret_f16_u16(h)); }
/* The low halves of 32-bit lanes as f16. */
INLINE vf vf_from_f16(vi x) { return (vf){f16x4(vmovn_u32(x.a)), f16x4(vmovn_u32(x.b))}; }
INLINE void vf_store(float *p, vf x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
}

/* ---- Loading --------------------------------------------------------------------------------- */

/* 16 bytes of 4 rows -> dword j of every row. */
INLINE void transpose4(uint32x4_t out[4], const uint8_t *p, size_t stride) {
    const uint32x4_t r0 = vreinterpretq_u32_u8(vld1q_u8(p));
    const uint32x4_t r1 = vreinterpretq_u32_u8(vld1q_u8(p + stride));
    const uint32x4_t r2 = vreinterpretq_u32_u8(vld1q_u8(p + 2 * stride));
    const uint32x4_t r3 = vreinterpretq_u32_u8(vld1q_u8(p + 3 * stride));
    const uint64x2_t a = vreinterpretq_u64_u32(vtrn1q_u32(r0, r1)); /* dwords 0, 2 of rows 0, 1 */
    const uint64x2_t b = vreinterpretq_u64_u32(vtrn2q_u32(r0, r1)); /* dwords 1 and 3 */
    const uint64x2_t c = vreinterpretq_u64_u32(vtrn1q_u32(r2, r3));
    const uint64x2_t d = vreinterpretq_u64_u32(vtrn2q_u32(r2, r3));
    out[0] = vreinterpretq_u32_u64(vtrn1q_u64(a, c));
    out[1] = vreinterpretq_u32_u64(vtrn1q_u64(b, d));
    out[2] = vreinterpretq_u32_u64(vtrn2q_u64(a, c));
    out[3] = vreinterpretq_u32_u64(vtrn2q_u64(b, d));
}

/* 16 bytes of 8 rows, `stride` apart -> out[j]: dword j of every row. */
INLINE void transpose16(vi out[4], const uint8_t *p, size_t stride) {
    uint32x4_t a[4];
    uint32x4_t b[4];
    transpose4(a, p, stride);
    transpose4(b, p + 4 * stride, stride);
    for (int j = 0; j < 4; j++) {
        out[j] = (vi){a[j], b[j]};
    }
}

/* One f16, dword or byte of each of 8 rows. */
INLINE vf gather_f16(const uint8_t *p, size_t stride) {
#define H(i) load_u16(p + (i) * stride)
    const uint16x4_t a = {H(0), H(1), H(2), H(3)};
    const uint16x4_t b = {H(4), H(5), H(6), H(7)};
#undef H
    return (vf){f16x4(a), f16x4(b)};
}

INLINE vf first_f16(const uint8_t *p, size_t stride) {
    return gather_f16(p, stride);
}

INLINE vi gather_u32(const uint8_t *p, size_t stride) {
#define D(i) load_u32(p + (i) * stride)
    return (vi){{D(0), D(1), D(2), D(3)}, {D(4), D(5), D(6), D(7)}};
#undef D
}

INLINE vi gather_u8(const uint8_t *p, size_t stride) {
#define B(i) p[(i) * stride]
    return (vi){{B(0), B(1), B(2), B(3)}, {B(4), B(5), B(6), B(7)}};
#undef B
}

/* ---- Within lanes ---------------------------------------------------------------------------- */

/* Bytes a..d of every lane; -1 is zero. */
INLINE vi lane_bytes(vi v, int a, int b, int c, int d) {
    const int from[4] = {a, b, c, d};
    uint8_t at[16];
    for (int i = 0; i < 16; i++) {
        at[i] = (uint8_t)(from[i % 4] < 0 ? 255 : from[i % 4] + i / 4 * 4);
    }
    const uint8x16_t which = vld1q_u8(at);
    return (vi){vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(v.a), which)),
                vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(v.b), which))};
}

/* ---- Pieces of blocks ------------------------------------------------------------------------ */

/* Weights of 8 bits enter the products as they are. */
enum { SIGNED_BIAS = 0 };

/* Low nibbles are weights 0..15, high nibbles 16..31. */
INLINE void split_nibbles(vi w[8], const vi g[4]) {
    const vi mask = vi_set1_8(15);
    for (int j = 0; j < 4; j++) {
        w[j] = vi_and(g[j], mask);
        w[j + 4] = (vi){vreinterpretq_u32_u8(vshrq_n_u8(vreinterpretq_u8_u32(g[j].a), 4)),
                        vreinterpretq_u32_u8(vshrq_n_u8(vreinterpretq_u8_u32(g[j].b), 4))};
    }
}

/* Bit i of a row's dword is the fifth bit of weight i: 16 in the bytes of vector j whose bit is
 * set. */
INLINE uint32x4_t fifth_bits(uint32x4_t high, int j) {
    static const uint8_t first_byte[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    static const uint8_t bit[16] = {1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
    const uint8x16_t at = vaddq_u8(vld1q_u8(first_byte), vdupq_n_u8((uint8_t)(j / 2)));
    const uint8x16_t mask = vshlq_u8(vld1q_u8(bit), vdupq_n_s8((int8_t)(j % 2 * 4)));
    const uint8x16_t set = vtstq_u8(vqtbl1q_u8(vreinterpretq_u8_u32(high), at), mask);
    return vreinterpretq_u32_u8(vandq_u8(set, vdupq_n_u8(16)));
}

INLINE void add_fifth(vi w[8], vi high) {
    for (int j = 0; j < 8; j++) {
        w[j] = vi_or(w[j], (vi){fifth_bits(high.a, j), fifth_bits(high.b, j)});
    }
}

#endif
