/*
 * vec.h - vectors of 8 or 16 lanes of 32 bits, for kernels in which a lane is a row of weights.
 *
 * Template.  The including file defines
 *     VL    8 or 16: lanes
 *     VNNI  1 when vpdpbusd and vpdpwssd exist at this length, else 0
 * Valid: (8, 0) AVX2; (8, 1) AVX-VNNI; (16, 1) AVX-512-VNNI.
 */
#ifndef KERNEL_X86_VEC_H
#define KERNEL_X86_VEC_H

#include "base/bytes.h"
#include "kernel/isa.h"

#include <immintrin.h>

#if VL == 16
typedef __m512i vi;
typedef __m512 vf;
#define vi_set1_32(a) _mm512_set1_epi32(a)
#define vi_set1_8(a) _mm512_set1_epi8((char)(a))
#define vi_zero() _mm512_setzero_si512()
#define vi_and(a, b) _mm512_and_si512(a, b)
#define vi_or(a, b) _mm512_or_si512(a, b)
#define vi_xor(a, b) _mm512_xor_si512(a, b)
#define vi_add32(a, b) _mm512_add_epi32(a, b)
#define vi_sub32(a, b) _mm512_sub_epi32(a, b)
#define vi_mul32(a, b) _mm512_mullo_epi32(a, b)
#define vi_min32(a, b) _mm512_min_epi32(a, b)
#define vi_max32(a, b) _mm512_max_epi32(a, b)
#define vi_shr32(a, n) _mm512_srli_epi32(a, n)
#define vi_shl32(a, n) _mm512_slli_epi32(a, n)
#define vi_sar32(a, n) _mm512_srai_epi32(a, n)
#define vi_madd16(a, b) _mm512_madd_epi16(a, b)
#define vi_mul16(a, b) _mm512_mullo_epi16(a, b)
#define vi_shuffle(v, i) _mm512_shuffle_epi8(v, i)
#define vi_shuffle8(v, i) _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(i))
#define vi_lo32(a, b) _mm512_unpacklo_epi32(a, b)
#define vi_hi32(a, b) _mm512_unpackhi_epi32(a, b)
#define vi_lo64(a, b) _mm512_unpacklo_epi64(a, b)
#define vi_hi64(a, b) _mm512_unpackhi_epi64(a, b)
#define vi_pack32(a, b) _mm512_packs_epi32(a, b)
#define vi_lookup(table, i) _mm512_shuffle_epi8(_mm512_broadcast_i32x4(load16(table)), i)
#define vf_zero() _mm512_setzero_ps()
#define vf_set1(a) _mm512_set1_ps(a)
#define vf_mul(a, b) _mm512_mul_ps(a, b)
#define vf_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vf_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
#define vf_from_int(a) _mm512_cvtepi32_ps(a)
#define vi_load(p) _mm512_loadu_si512(p)
#define vi_save(p, a) _mm512_storeu_si512(p, a)
#define vf_load(p) _mm512_loadu_ps(p)
#define vf_store(p, a) _mm512_storeu_ps(p, a)
/* The low halves of 32-bit lanes as f16. */
#define vf_from_f16(a) _mm512_cvtph_ps(_mm512_cvtepi32_epi16(a))
#define vf_from_bits(a) _mm512_castsi512_ps(a)
#else
typedef __m256i vi;
typedef __m256 vf;
#define vi_set1_32(a) _mm256_set1_epi32(a)
#define vi_set1_8(a) _mm256_set1_epi8((char)(a))
#define vi_zero() _mm256_setzero_si256()
#define vi_and(a, b) _mm256_and_si256(a, b)
#define vi_or(a, b) _mm256_or_si256(a, b)
#define vi_xor(a, b) _mm256_xor_si256(a, b)
#define vi_add32(a, b) _mm256_add_epi32(a, b)
#define vi_sub32(a, b) _mm256_sub_epi32(a, b)
#define vi_mul32(a, b) _mm256_mullo_epi32(a, b)
#define vi_min32(a, b) _mm256_min_epi32(a, b)
#define vi_max32(a, b) _mm256_max_epi32(a, b)
#define vi_shr32(a, n) _mm256_srli_epi32(a, n)
#define vi_shl32(a, n) _mm256_slli_epi32(a, n)
#define vi_sar32(a, n) _mm256_srai_epi32(a, n)
#define vi_madd16(a, b) _mm256_madd_epi16(a, b)
#define vi_mul16(a, b) _mm256_mullo_epi16(a, b)
#define vi_shuffle(v, i) _mm256_shuffle_epi8(v, i)
#define vi_shuffle8(v, i) _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(i))
#define vi_lo32(a, b) _mm256_unpacklo_epi32(a, b)
#define vi_hi32(a, b) _mm256_unpackhi_epi32(a, b)
#define vi_lo64(a, b) _mm256_unpacklo_epi64(a, b)
#define vi_hi64(a, b) _mm256_unpackhi_epi64(a, b)
#define vi_pack32(a, b) _mm256_packs_epi32(a, b)
#define vi_join128(a, b) _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1)
#define vi_lookup(table, i) _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load16(table)), i)
#define vf_zero() _mm256_setzero_ps()
#define vf_set1(a) _mm256_set1_ps(a)
#define vf_mul(a, b) _mm256_mul_ps(a, b)
#define vf_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define vf_fnma(a, b, c) _mm256_fnmadd_ps(a, b, c)
#define vf_from_int(a) _mm256_cvtepi32_ps(a)
#define vi_load(p) _mm256_loadu_si256((const void *)(p))
#define vi_save(p, a) _mm256_storeu_si256((void *)(p), a)
#define vf_load(p) _mm256_loadu_ps(p)
#define vf_store(p, a) _mm256_storeu_ps(p, a)
/* Packing works within 128-bit halves, so the two useful quarters are moved together. */
#define vf_from_f16(a)                                                                     \
    _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(                       \
        _mm256_packus_epi32(_mm256_and_si256(a, _mm256_set1_epi32(0xffff)),                \
                            _mm256_setzero_si256()), 0x08)))
#define vf_from_bits(a) _mm256_castsi256_ps(a)
#endif

#if VNNI && VL == 16
#define vi_dot8(acc, w, x) _mm512_dpbusd_epi32(acc, w, x)
#define vi_dot16(acc, a, b) _mm512_dpwssd_epi32(acc, a, b)
#elif VNNI
#define vi_dot8(acc, w, x) _mm256_dpbusd_avx_epi32(acc, w, x)
#define vi_dot16(acc, a, b) _mm256_dpwssd_avx_epi32(acc, a, b)
#else
#define vi_dot16(acc, a, b) vi_add32(acc, vi_madd16(a, b))
#endif

/* ---- Loading -------------------------------------------------------------------------------- */

INLINE __m128i load16(const void *p) {
    return _mm_loadu_si128(p);
}

/* 16 bytes of VL rows, `stride` apart -> out[j]: dword j of every row. */
INLINE void transpose16(vi out[4], const uint8_t *p, size_t stride) {
    vi z[4];
    for (int i = 0; i < 4; i++) {
#if VL == 16
        __m512i v = _mm512_castsi128_si512(load16(p + (size_t)i * stride));
        v = _mm512_inserti32x4(v, load16(p + (size_t)(i + 4) * stride), 1);
        v = _mm512_inserti32x4(v, load16(p + (size_t)(i + 8) * stride), 2);
        z[i] = _mm512_inserti32x4(v, load16(p + (size_t)(i + 12) * stride), 3);
#else
        const __m256i v = _mm256_castsi128_si256(load16(p + (size_t)i * stride));
        z[i] = _mm256_inserti128_si256(v, load16(p + (size_t)(i + 4) * stride), 1);
#endif
    }
    const vi a = vi_lo32(z[0], z[1]);
    const vi b = vi_hi32(z[0], z[1]);
    const vi c = vi_lo32(z[2], z[3]);
    const vi d = vi_hi32(z[2], z[3]);
    out[0] = vi_lo64(a, c);
    out[1] = vi_hi64(a, c);
    out[2] = vi_lo64(b, d);
    out[3] = vi_hi64(b, d);
}

/* One f16 of each of VL rows, `stride` apart. */
INLINE vf gather_f16(const uint8_t *p, size_t stride) {
#define H(i) (short)load_u16(p + (i) * stride)
#if VL == 16
    return _mm512_cvtph_ps(_mm256_setr_epi16(H(0), H(1), H(2), H(3), H(4), H(5), H(6), H(7), H(8),
                                             H(9), H(10), H(11), H(12), H(13), H(14), H(15)));
#else
    return _mm256_cvtph_ps(_mm_setr_epi16(H(0), H(1), H(2), H(3), H(4), H(5), H(6), H(7)));
#endif
#undef H
}

/* The f16 at the beginning of rows i and i + 1, in the lowest dword; the dword above it is not
 * used. */
INLINE __m128i two_f16(const uint8_t *p, size_t stride, size_t i) {
    return _mm_unpacklo_epi16(_mm_loadu_si32(p + i * stride), _mm_loadu_si32(p + (i + 1) * stride));
}

/* The same of eight rows from i on. */
INLINE __m128i eight_f16(const uint8_t *p, size_t stride, size_t i) {
    const __m128i a = _mm_unpacklo_epi32(two_f16(p, stride, i), two_f16(p, stride, i + 2));
    const __m128i b = _mm_unpacklo_epi32(two_f16(p, stride, i + 4), two_f16(p, stride, i + 6));
    return _mm_unpacklo_epi64(a, b);
}

/* The f16 at the beginning of a block of at least four bytes, of each of VL rows. */
INLINE vf first_f16(const uint8_t *p, size_t stride) {
#if VL == 16
    return _mm512_cvtph_ps(_mm256_set_m128i(eight_f16(p, stride, 8), eight_f16(p, stride, 0)));
#else
    return _mm256_cvtph_ps(eight_f16(p, stride, 0));
#endif
}

/* One dword of each of VL rows. */
INLINE vi gather_u32(const uint8_t *p, size_t stride) {
#define D(i) (int)load_u32(p + (i) * stride)
#if VL == 16
    return _mm512_setr_epi32(D(0), D(1), D(2), D(3), D(4), D(5), D(6), D(7), D(8), D(9), D(10),
                             D(11), D(12), D(13), D(14), D(15));
#else
    return _mm256_setr_epi32(D(0), D(1), D(2), D(3), D(4), D(5), D(6), D(7));
#endif
#undef D
}

/* One byte of each of VL rows. */
INLINE vi gather_u8(const uint8_t *p, size_t stride) {
#define B(i) p[(i) * stride]
#if VL == 16
    return _mm512_cvtepu8_epi32(_mm_setr_epi8(
        (char)B(0), (char)B(1), (char)B(2), (char)B(3), (char)B(4), (char)B(5), (char)B(6),
        (char)B(7), (char)B(8), (char)B(9), (char)B(10), (char)B(11), (char)B(12), (char)B(13),
        (char)B(14), (char)B(15)));
#else
    return _mm256_setr_epi32(B(0), B(1), B(2), B(3), B(4), B(5), B(6), B(7));
#endif
#undef B
}

/* Four bytes, or two int16, of one activation row in every lane. */
INLINE vi broadcast4(const void *p) {
    return vi_set1_32((int)load_u32(p));
}

/* ---- Within lanes ---------------------------------------------------------------------------- */

/* The int16 pair (a, a). */
INLINE vi pair16(int a) {
    return vi_set1_32((int)((uint32_t)a << 16 | ((uint32_t)a & 0xffff)));
}

/* Two int16 in a lane. */
INLINE vi pair_of(vi low, vi high) {
    return vi_or(vi_and(low, vi_set1_32(0xffff)), vi_shl32(high, 16));
}

/* Bytes a..d of every lane; -1 is zero. */
INLINE vi lane_bytes(vi v, int a, int b, int c, int d) {
#define B(i, at) (char)((i) < 0 ? -1 : (i) + 4 * (at))
#define D(at) B(a, at), B(b, at), B(c, at), B(d, at)
    return vi_shuffle8(v, _mm_setr_epi8(D(0), D(1), D(2), D(3)));
#undef D
#undef B
}

/* ---- Pieces of blocks ------------------------------------------------------------------------ */

/* The bias of signed 8-bit weights: only VNNI needs them unsigned. */
#if VNNI
enum { SIGNED_BIAS = 128 };
#else
enum { SIGNED_BIAS = 0 };
#endif

/* Low nibbles are weights 0..15, high nibbles 16..31. */
INLINE void split_nibbles(vi w[8], const vi g[4]) {
    const vi mask = vi_set1_8(15);
    for (int j = 0; j < 4; j++) {
        w[j] = vi_and(g[j], mask);
        w[j + 4] = vi_and(vi_shr32(g[j], 4), mask);
    }
}

/* Bit i of `high` is the fifth bit of weight i: spread four of them over the bytes of a lane.
 * Multiplying the four bits (in the low nibble) by 1 + 2^7 + 2^14 + 2^21 puts bit i at 8 i. */
INLINE vi fifth_bits(vi high, int j) {
    const vi four = vi_and(vi_shr32(high, 4 * j), vi_set1_32(15));
    const vi spread = vi_mul32(four, vi_set1_32(0x00204081));
    return vi_shl32(vi_and(spread, vi_set1_32(0x01010101)), 4);
}

INLINE void add_fifth(vi w[8], vi high) {
    for (int j = 0; j < 8; j++) {
        w[j] = vi_or(w[j], fifth_bits(high, j));
    }
}

#endif
