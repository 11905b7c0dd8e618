/*
 * vec.h - pieces of blocks of weights in the vectors of 64-bit ARM.
 */
#ifndef KERNEL_ARM_VEC_H
#define KERNEL_ARM_VEC_H

#include "base/bytes.h"
#include "kernel/isa.h"

#include <arm_neon.h>

/* ---- Loading --------------------------------------------------------------------------------- */

/* Load from memory even what a register holds: a product is added to its first operand, so a value
 * that several sums begin with would be copied by the vector units, which have no time for it. */
INLINE int32x4_t load_again(const void *p) {
    return *(const volatile int32x4_t *)p;
}
INLINE float32x4_t load_again_f32(const void *p) {
    return vreinterpretq_f32_s32(load_again(p));
}

/* Make v in general registers, here: vector units have other work. */
INLINE uint64_t beside(uint64_t v) {
    __asm__("" : "+r"(v));
    return v;
}

INLINE float32x4_t f16x4(uint16x4_t h) { return vcvt_f32_f16(vreinterpret_f16_u16(h)); }

/* The f16 of 4 rows, `stride` bytes apart, brought together beside the vector units. */
INLINE float32x4_t f16_of_4(const uint8_t *p, size_t stride) {
    const uint64_t low = load_u16(p) | (uint32_t)load_u16(p + stride) << 16;
    const uint64_t high = load_u16(p + 2 * stride) | (uint32_t)load_u16(p + 3 * stride) << 16;
    return f16x4(vcreate_u16(beside(low | high << 32)));
}

/* ---- Pieces of blocks ------------------------------------------------------------------------ */

/* Low nibbles are weights 0..15, high nibbles 16..31. */
INLINE void split_nibbles(int8x16_t w[2], const uint8_t *p) {
    const uint8x16_t q = vld1q_u8(p);
    w[0] = vreinterpretq_s8_u8(vandq_u8(q, vdupq_n_u8(15)));
    w[1] = vreinterpretq_s8_u8(vshrq_n_u8(q, 4));
}

/* Add a field of each of 32 bytes, bits `from` and on that fit `mask`, as bits `to` and on. */
INLINE void add_bits(int8x16_t w[2], const uint8_t *p, int from, int mask, int to) {
    for (int j = 0; j < 2; j++) {
        const uint8x16_t v = vshlq_u8(vld1q_u8(p + 16 * j), vdupq_n_s8((int8_t)(to - from)));
        const uint8x16_t field = vandq_u8(v, vdupq_n_u8((uint8_t)(mask << to)));
        w[j] = vorrq_s8(w[j], vreinterpretq_s8_u8(field));
    }
}

/* Bit i of a dword is the fifth bit of weight i. */
INLINE void add_fifth(int8x16_t w[2], const uint8_t *p) {
    static const uint8_t byte[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t high = vreinterpretq_u8_u32(vdupq_n_u32(load_u32(p)));
    for (int j = 0; j < 2; j++) {
        const uint8x16_t at = vaddq_u8(vld1q_u8(byte), vdupq_n_u8((uint8_t)(2 * j)));
        const uint8x16_t set = vtstq_u8(vqtbl1q_u8(high, at), vld1q_u8(bit));
        w[j] = vorrq_s8(w[j], vreinterpretq_s8_u8(vandq_u8(set, vdupq_n_u8(16))));
    }
}

/* The 16 values of IQ4_NL and IQ4_XS, and of MXFP4 (doubled); sources as in unpack.c. */
static const int8_t iq4_values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};
static const int8_t fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

INLINE void look_up(int8x16_t w[2], const int8_t values[16]) {
    for (int j = 0; j < 2; j++) {
        w[j] = vqtbl1q_s8(vld1q_s8(values), vreinterpretq_u8_s8(w[j]));
    }
}

/* ---- Turning --------------------------------------------------------------------------------- */

/* 16 bytes of 4 rows -> dword j of every row. */
INLINE void transpose4(int8x16_t out[4], int8x16_t r0, int8x16_t r1, int8x16_t r2, int8x16_t r3) {
#define TRN(i, type, a, b)                                                                         \
    vreinterpretq_s8_##type(vtrn##i##q_##type(vreinterpretq_##type##_s8(a),                        \
                                              vreinterpretq_##type##_s8(b)))
    const int8x16_t a = TRN(1, u32, r0, r1); /* dwords 0, 2 of rows 0, 1 */
    const int8x16_t b = TRN(2, u32, r0, r1); /* dwords 1 and 3 */
    const int8x16_t c = TRN(1, u32, r2, r3);
    const int8x16_t d = TRN(2, u32, r2, r3);
    out[0] = TRN(1, u64, a, c);
    out[1] = TRN(1, u64, b, d);
    out[2] = TRN(2, u64, a, c);
    out[3] = TRN(2, u64, b, d);
#undef TRN
}

/* The sums of the lanes of 4 vectors. */
INLINE int32x4_t sums_of_4(const int32x4_t s[4]) {
    return vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3]));
}

/* The sums of pairs of lanes of integers that are bits of floats. */
INLINE float32x4_t add_pairs(int32x4_t a, int32x4_t b) {
    return vreinterpretq_f32_s32(vpaddq_s32(a, b));
}

/* Byte j of every lane. */
INLINE int32x4_t lane_byte(int8x16_t v, int j, bool is_signed) {
    static const uint8_t at[4][16] = {
        {0, 255, 255, 255, 4, 255, 255, 255, 8, 255, 255, 255, 12, 255, 255, 255},
        {1, 255, 255, 255, 5, 255, 255, 255, 9, 255, 255, 255, 13, 255, 255, 255},
        {2, 255, 255, 255, 6, 255, 255, 255, 10, 255, 255, 255, 14, 255, 255, 255},
        {3, 255, 255, 255, 7, 255, 255, 255, 11, 255, 255, 255, 15, 255, 255, 255},
    };
    const int32x4_t byte = vreinterpretq_s32_s8(vqtbl1q_s8(v, vld1q_u8(at[j])));
    return is_signed ? vshrq_n_s32(vshlq_n_s32(byte, 24), 24) : byte;
}

#endif
