/*
 * bytes.h - numbers from bytes, and the short float formats.
 *
 * Files are little endian.  Loads go through memcpy, so any alignment works.  ISA files include
 * this header, so it holds only types and `static inline` functions.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "lfm runs on little-endian machines only"
#endif

static inline uint16_t load_u16(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load_u32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load_u64(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline float f32_from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t f32_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* IEEE half -> float; exact, subnormals, infinities and NaN included. */
static inline float f16_to_f32(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t exp = (h >> 10) & 31u;
    const uint32_t man = h & 0x3ffu;
    if (exp == 0) { /* zero or subnormal: man * 2^-24 */
        const float f = (float)man * 0x1p-24f;
        return f32_from_bits(f32_bits(f) | sign);
    }
    if (exp == 31) { /* infinity; a NaN comes out quiet, as the hardware instructions make it */
        return f32_from_bits(sign | 0x7f800000u | man << 13 | (man ? 0x400000u : 0));
    }
    return f32_from_bits(sign | (exp + 112) << 23 | man << 13);
}

/* float -> IEEE half, round to nearest even, as VCVTPS2PH and FCVTN do. */
static inline uint16_t f32_to_f16(float f) {
    const uint32_t bits = f32_bits(f);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    const uint32_t abs = bits & 0x7fffffffu;
    if (abs > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (abs >> 13 & 0x3ffu));
    if (abs >= 0x477ff000u) { /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (abs < 0x38800000u) { /* subnormal half: adding 0.5 leaves the rounded mantissa at the end */
        const float shifted = f32_from_bits(abs) + 0.5f;
        return (uint16_t)(sign | (f32_bits(shifted) - 0x3f000000u));
    }
    const uint32_t odd = abs >> 13 & 1u;
    return (uint16_t)(sign | ((abs - 0x38000000u + 0xfffu + odd) >> 13));
}

static inline float bf16_to_f32(uint16_t h) {
    return f32_from_bits((uint32_t)h << 16);
}

/* float -> bfloat16, round to nearest even; NaN stays NaN. */
static inline uint16_t f32_to_bf16(float f) {
    const uint32_t bits = f32_bits(f);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 64u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
