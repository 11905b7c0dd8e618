/*
 * unpack.c - read blocks of every quantised type into plain integers.
 *
 * One function per type, one result for all: weight = d * scale * q - dmin * min (kern_block).
 * The products round as in the format's reference, so kern_dequantize equals it to the last
 * bit.  Types with fractional steps (IQ1, IQ2, IQ3) take a power of two out of d to make the steps
 * integers.
 *
 * To add a type: a row in QTYPES_QUANT, its qblock in gguf/qtype.h, and unpack_ID here; if it has a
 * min, a line in kern_has_min.
 *
 * Source: the layouts of ggml (ggml-common.h, ggml-quants.c, d32676d7); E2M1 and E8M0 from the OCP
 * Microscaling Formats specification 1.0.
 */
#include "base/bytes.h"
#include "kernel/codebooks/iq_tables.h"
#include "kernel/kernel.h"

#include <assert.h>

/* ---- What a 4-bit code means ----------------------------------------------------------------- */

static const int8_t level_plain[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const int8_t level_centred[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
static const int8_t level_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
/* E2M1 (sign, 2 bits of exponent, 1 of mantissa), doubled to be integers. */
static const int8_t level_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* The levels of the code books; see iq_tables.h. */
static const int8_t level_iq2[4] = {8, 25, 43, 0};
static const int8_t level_iq3_xxs[8] = {4, 12, 20, 28, 36, 44, 52, 62};
static const int8_t level_iq3_s[8] = {1, 3, 5, 7, 9, 11, 13, 15};

/* ---- Helpers --------------------------------------------------------------------------------- */

static float half(const uint8_t *p) {
    return f16_to_f32(load_u16(p));
}

/* The factors of a block whose groups all have scale 1 and min 1. */
static void set_flat(kern_block *out, float d, float dmin, size_t weights) {
    out->d = d;
    out->dmin = dmin;
    for (size_t g = 0; g < weights / KERN_GROUP; g++) {
        out->scale[g] = 1;
        out->min[g] = 1;
    }
}

/* The factors of a block without a min; its scales follow. */
static void set_scaled(kern_block *out, float d) {
    out->d = d;
    out->dmin = 0.0f;
    memset(out->min, 0, sizeof out->min);
}

/* n bytes hold 2n codes: the low halves first, then the high halves. */
static void nibbles(int8_t *q, const uint8_t *bytes, size_t n, const int8_t levels[16]) {
    for (size_t i = 0; i < n; i++) {
        q[i] = levels[bytes[i] & 15];
        q[i + n] = levels[bytes[i] >> 4];
    }
}

/* 32 codes of 5 bits: halves of bytes as in nibbles(), and one more bit each, in order. */
static void nibbles_and_bit(int8_t q[32], const uint8_t low[16], const uint8_t high[4], int bias) {
    const uint32_t top = load_u32(high);
    for (size_t i = 0; i < 16; i++) {
        q[i] = (int8_t)((low[i] & 15) + (int)(top >> i & 1) * 16 + bias);
        q[i + 16] = (int8_t)((low[i] >> 4) + (int)(top >> (i + 16) & 1) * 16 + bias);
    }
}

/* Bits [2 * part, 2 * part + 2) of a byte. */
static int pair_of_bits(uint8_t byte, size_t part) {
    return byte >> 2 * part & 3;
}

/* ---- Blocks of 32, 64 and 128 weights -------------------------------------------------------- */

static void unpack_Q4_0(kern_block *out, const void *block) {
    const qblock_Q4_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 32);
    nibbles(out->q, b->q, 16, level_centred);
}

static void unpack_Q4_1(kern_block *out, const void *block) {
    const qblock_Q4_1 *b = block;
    set_flat(out, half(b->d), -half(b->m), 32); /* the file adds m */
    nibbles(out->q, b->q, 16, level_plain);
}

static void unpack_Q5_0(kern_block *out, const void *block) {
    const qblock_Q5_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 32);
    nibbles_and_bit(out->q, b->low, b->high, -16);
}

static void unpack_Q5_1(kern_block *out, const void *block) {
    const qblock_Q5_1 *b = block;
    set_flat(out, half(b->d), -half(b->m), 32);
    nibbles_and_bit(out->q, b->low, b->high, 0);
}

static void unpack_Q8_0(kern_block *out, const void *block) {
    const qblock_Q8_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 32);
    memcpy(out->q, b->q, 32);
}

static void unpack_IQ4_NL(kern_block *out, const void *block) {
    const qblock_IQ4_NL *b = block;
    set_flat(out, half(b->d), 0.0f, 32);
    nibbles(out->q, b->q, 16, level_iq4);
}

/* The scale is a power of two, 2^(exponent - 127), halved because the levels are doubled.  The two
 * lowest are subnormal.  255, NaN in the specification, is read as 2^128, as the reference does. */
static void unpack_MXFP4(kern_block *out, const void *block) {
    const qblock_MXFP4 *b = block;
    const uint32_t e = b->exponent;
    set_flat(out, f32_from_bits(e < 2 ? 0x200000u << e : (e - 1) << 23), 0.0f, 32);
    nibbles(out->q, b->q, 16, level_e2m1);
}

/* UE4M3 (4 bits of exponent, 3 of mantissa, bias 7) in units of its smallest value, 2^-9: at most
 * 15 << 14.  0x7f is NaN in the specification, zero in the reference; the top bit is not read. */
static int32_t ue4m3(uint8_t byte) {
    const int exponent = byte >> 3 & 15;
    const int32_t mantissa = byte & 7;
    if (byte == 0x7f) return 0;
    return exponent == 0 ? mantissa : (mantissa + 8) * (1 << (exponent - 1));
}

static void unpack_NVFP4(kern_block *out, const void *block) {
    const qblock_NVFP4 *b = block;
    set_scaled(out, 0x1p-10f); /* 2^-9, halved because the levels are doubled */
    for (size_t g = 0; g < 4; g++) {
        out->scale[g] = ue4m3(b->scale[g]);
        nibbles(out->q + 16 * g, b->q + 8 * g, 8, level_e2m1);
    }
}

static void unpack_Q1_0(kern_block *out, const void *block) {
    const qblock_Q1_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 128);
    for (size_t i = 0; i < 128; i++) {
        out->q[i] = b->q[i / 8] >> i % 8 & 1 ? 1 : -1;
    }
}

static void unpack_Q2_0(kern_block *out, const void *block) {
    const qblock_Q2_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 64);
    for (size_t i = 0; i < 64; i++) {
        out->q[i] = (int8_t)(pair_of_bits(b->q[i / 4], i % 4) - 1);
    }
}

/* ---- K types: 256 weights in groups of 16 or 32 with small integer scales -------------------- */

/* 256 codes of 2 bits in 64 bytes: each 32 bytes hold the lowest pairs of bits of 32 weights, then
 * the next pairs, for the next 32. */
static void pairs(int8_t q[256], const uint8_t bytes[64]) {
    for (size_t j = 0; j < 8; j++) {
        for (size_t i = 0; i < 32; i++) {
            q[32 * j + i] = (int8_t)pair_of_bits(bytes[j / 4 * 32 + i], j % 4);
        }
    }
}

/* q += `worth` * one bit per weight: the lowest bits of 32 bytes for the first 32, and so on. */
static void add_bits(int8_t q[256], const uint8_t bytes[32], int worth) {
    for (size_t j = 0; j < 8; j++) {
        for (size_t i = 0; i < 32; i++) {
            q[32 * j + i] = (int8_t)(q[32 * j + i] + (bytes[i] >> j & 1) * worth);
        }
    }
}

static void add_all(int8_t q[256], int n) {
    for (size_t i = 0; i < 256; i++) {
        q[i] = (int8_t)(q[i] + n);
    }
}

static void unpack_Q2_K(kern_block *out, const void *block) {
    const qblock_Q2_K *b = block;
    out->d = half(b->d);
    out->dmin = half(b->dmin);
    for (size_t g = 0; g < 16; g++) {
        out->scale[g] = b->scale_min[g] & 15;
        out->min[g] = b->scale_min[g] >> 4;
    }
    pairs(out->q, b->q);
}

static void unpack_Q3_K(kern_block *out, const void *block) {
    const qblock_Q3_K *b = block;
    set_scaled(out, half(b->d));
    for (size_t g = 0; g < 16; g++) { /* 6 bits: 4 in the first 8 bytes, 2 in the last 4 */
        const int low = b->scale[g % 8] >> 4 * (g / 8) & 15;
        out->scale[g] = (low | pair_of_bits(b->scale[8 + g % 4], g / 4) << 4) - 32;
    }
    pairs(out->q, b->low);
    add_bits(out->q, b->high, 4);
    add_all(out->q, -4);
}

/* 8 scales and 8 mins of 6 bits in 12 bytes, each for 32 weights: the first four whole, with the
 * upper bits of the last four above them. */
static void scales_and_mins(kern_block *out, const uint8_t p[12]) {
    for (size_t j = 0; j < 8; j++) {
        int scale;
        int min;
        if (j < 4) {
            scale = p[j] & 63;
            min = p[j + 4] & 63;
        } else {
            scale = (p[j + 4] & 15) | p[j - 4] >> 6 << 4;
            min = p[j + 4] >> 4 | p[j] >> 6 << 4;
        }
        out->scale[2 * j] = out->scale[2 * j + 1] = scale;
        out->min[2 * j] = out->min[2 * j + 1] = min;
    }
}

static void unpack_Q4_K(kern_block *out, const void *block) {
    const qblock_Q4_K *b = block;
    out->d = half(b->d);
    out->dmin = half(b->dmin);
    scales_and_mins(out, b->scale_min);
    for (size_t j = 0; j < 4; j++) {
        nibbles(out->q + 64 * j, b->q + 32 * j, 32, level_plain);
    }
}

static void unpack_Q5_K(kern_block *out, const void *block) {
    const qblock_Q5_K *b = block;
    out->d = half(b->d);
    out->dmin = half(b->dmin);
    scales_and_mins(out, b->scale_min);
    for (size_t j = 0; j < 4; j++) {
        nibbles(out->q + 64 * j, b->low + 32 * j, 32, level_plain);
    }
    add_bits(out->q, b->high, 16);
}

static void unpack_Q6_K(kern_block *out, const void *block) {
    const qblock_Q6_K *b = block;
    set_scaled(out, half(b->d));
    for (size_t g = 0; g < 16; g++) {
        out->scale[g] = b->scale[g];
    }
    int8_t high[256];
    pairs(high, b->high);
    nibbles(out->q, b->low, 64, level_plain);
    nibbles(out->q + 128, b->low + 64, 64, level_plain);
    for (size_t i = 0; i < 256; i++) {
        out->q[i] = (int8_t)(out->q[i] + 16 * high[i] - 32);
    }
}

static void unpack_IQ4_XS(kern_block *out, const void *block) {
    const qblock_IQ4_XS *b = block;
    const unsigned high = load_u16(b->scale_high);
    set_scaled(out, half(b->d));
    for (size_t j = 0; j < 8; j++) {
        const int low = b->scale_low[j / 2] >> 4 * (j % 2) & 15;
        const int scale = (low | (int)(high >> 2 * j & 3) << 4) - 32;
        out->scale[2 * j] = out->scale[2 * j + 1] = scale;
        nibbles(out->q + 32 * j, b->q + 16 * j, 16, level_iq4);
    }
}

/* ---- Ternary: -1, 0, 1 ----------------------------------------------------------------------- */

/* n bytes hold `digits` * n weights: first the leading base-3 digit of each, then the next.  A byte
 * is the fraction 0.xxxxx (base 3) times 256, rounded up, so multiplying by 3 carries a digit out
 * of it. */
static int8_t *ternary(int8_t *q, const uint8_t *bytes, size_t n, int digits) {
    for (unsigned power = 1; digits > 0; digits--, power *= 3) {
        for (size_t i = 0; i < n; i++) {
            const unsigned rest = bytes[i] * power & 255;
            *q++ = (int8_t)((int)(rest * 3 >> 8) - 1);
        }
    }
    return q;
}

static void unpack_TQ1_0(kern_block *out, const void *block) {
    const qblock_TQ1_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 256);
    int8_t *q = ternary(out->q, b->five, 32, 5);
    q = ternary(q, b->five + 32, 16, 5);
    ternary(q, b->four, 4, 4);
}

static void unpack_TQ2_0(kern_block *out, const void *block) {
    const qblock_TQ2_0 *b = block;
    set_flat(out, half(b->d), 0.0f, 256);
    pairs(out->q, b->q);
    add_all(out->q, -1);
}

/* ---- IQ types: code books -------------------------------------------------------------------- */

/* Signs of 8 weights from 7 bits: the number of minus signs is always even. */
static unsigned even_signs(unsigned bits) {
    return bits | (unsigned)__builtin_parity(bits) << 7;
}

/* 8 weights from an entry of an IQ2 book; bit i of `signs` makes weight i negative. */
static void entry_iq2(int8_t q[8], unsigned entry, unsigned signs) {
    for (size_t i = 0; i < 8; i++) {
        const int level = level_iq2[entry >> 2 * i & 3];
        q[i] = (int8_t)(signs >> i & 1 ? -level : level);
    }
}

/* 4 weights from an entry of an IQ3 book. */
static void entry_iq3(int8_t q[4], unsigned entry, const int8_t levels[8], unsigned signs) {
    for (size_t i = 0; i < 4; i++) {
        const int level = levels[entry >> 3 * i & 7];
        q[i] = (int8_t)(signs >> i & 1 ? -level : level);
    }
}

/* 8 weights from an entry of the IQ1 book: level (-1, 0, 1) plus or minus an eighth, times 8. */
static void entry_iq1(int8_t q[8], unsigned index, bool minus) {
    const unsigned entry = kern_book_iq1[index];
    for (size_t i = 0; i < 8; i++) {
        q[i] = (int8_t)(((int)(entry >> 2 * i & 3) - 1) * 8 + (minus ? -1 : 1));
    }
}

static void unpack_IQ2_XXS(kern_block *out, const void *block) {
    const qblock_IQ2_XXS *b = block;
    set_scaled(out, half(b->d) * 0.125f);
    for (size_t j = 0; j < 8; j++) { /* 32 weights: 4 indices, 4 x 7 signs, 4 bits of scale */
        const uint32_t sign_scale = load_u32(b->part[j].sign_scale);
        out->scale[2 * j] = out->scale[2 * j + 1] = (int32_t)(sign_scale >> 28) * 2 + 1;
        for (size_t l = 0; l < 4; l++) {
            entry_iq2(out->q + 32 * j + 8 * l, kern_book_iq2_xxs[b->part[j].index[l]],
                      even_signs(sign_scale >> 7 * l & 127));
        }
    }
}

/* Two scales of 4 bits per byte, one for each 16 weights. */
static void scales_iq2(kern_block *out, const uint8_t scale[8]) {
    for (size_t g = 0; g < 16; g++) {
        out->scale[g] = (scale[g / 2] >> 4 * (g % 2) & 15) * 2 + 1;
    }
}

static void unpack_IQ2_XS(kern_block *out, const void *block) {
    const qblock_IQ2_XS *b = block;
    set_scaled(out, half(b->d) * 0.125f);
    scales_iq2(out, b->scale);
    for (size_t l = 0; l < 32; l++) { /* 8 weights: 9 bits of index, 7 signs */
        const unsigned sign_index = load_u16(b->sign_index[l]);
        entry_iq2(out->q + 8 * l, kern_book_iq2_xs[sign_index & 511],
                  even_signs(sign_index >> 9));
    }
}

static void unpack_IQ2_S(kern_block *out, const void *block) {
    const qblock_IQ2_S *b = block;
    set_scaled(out, half(b->d) * 0.125f);
    scales_iq2(out, b->scale);
    for (size_t l = 0; l < 32; l++) { /* 8 weights: 10 bits of index, 8 signs */
        const int index = b->index[l] | pair_of_bits(b->index_high[l / 4], l % 4) << 8;
        entry_iq2(out->q + 8 * l, kern_book_iq2_s[index], b->sign[l]);
    }
}

static void unpack_IQ3_XXS(kern_block *out, const void *block) {
    const qblock_IQ3_XXS *b = block;
    set_scaled(out, half(b->d) * 0.25f);
    for (size_t j = 0; j < 8; j++) { /* 32 weights: 8 indices, 4 x 7 signs, 4 bits of scale */
        const uint32_t sign_scale = load_u32(b->sign_scale[j]);
        out->scale[2 * j] = out->scale[2 * j + 1] = (int32_t)(sign_scale >> 28) * 2 + 1;
        for (size_t l = 0; l < 8; l++) {
            const unsigned signs = even_signs(sign_scale >> 7 * (l / 2) & 127);
            entry_iq3(out->q + 32 * j + 4 * l, kern_book_iq3_xxs[b->index[8 * j + l]],
                      level_iq3_xxs, signs >> 4 * (l % 2));
        }
    }
}

static void unpack_IQ3_S(kern_block *out, const void *block) {
    const qblock_IQ3_S *b = block;
    set_scaled(out, half(b->d));
    for (size_t g = 0; g < 16; g++) { /* 4 bits for each 32 weights */
        out->scale[g] = (b->scale[g / 4] >> 4 * (g / 2 % 2) & 15) * 2 + 1;
    }
    for (size_t l = 0; l < 64; l++) { /* 4 weights: 9 bits of index, 4 signs */
        const int index = b->index[l] | (b->index_high[l / 8] >> l % 8 & 1) << 8;
        entry_iq3(out->q + 4 * l, kern_book_iq3_s[index], level_iq3_s,
                  (unsigned)b->sign[l / 2] >> 4 * (l % 2));
    }
}

static void unpack_IQ1_S(kern_block *out, const void *block) {
    const qblock_IQ1_S *b = block;
    set_scaled(out, half(b->d) * 0.125f);
    for (size_t j = 0; j < 8; j++) { /* 32 weights: 4 x 3 bits of index, 3 of scale, sign */
        const unsigned high = load_u16(b->high[j]);
        out->scale[2 * j] = out->scale[2 * j + 1] = (int32_t)(high >> 12 & 7) * 2 + 1;
        for (size_t l = 0; l < 4; l++) {
            entry_iq1(out->q + 32 * j + 8 * l, b->index[4 * j + l] | (high >> 3 * l & 7) << 8,
                      high >> 15);
        }
    }
}

static void unpack_IQ1_M(kern_block *out, const void *block) {
    const qblock_IQ1_M *b = block;
    unsigned d = 0; /* the half is spread over the top 4 bits of four words */
    for (size_t j = 0; j < 4; j++) {
        const unsigned word = load_u16(b->scale_d[j]);
        d |= word >> 12 << 4 * j;
        for (size_t g = 0; g < 4; g++) {
            out->scale[4 * j + g] = (int32_t)(word >> 3 * g & 7) * 2 + 1;
        }
    }
    set_scaled(out, f16_to_f32((uint16_t)d) * 0.125f);
    for (size_t l = 0; l < 32; l++) { /* 8 weights: 8 + 3 bits of index, sign */
        const unsigned high = (unsigned)b->high[l / 2] >> 4 * (l % 2);
        entry_iq1(out->q + 8 * l, b->index[l] | (high & 7) << 8, high >> 3 & 1);
    }
}

/* ---- Public ---------------------------------------------------------------------------------- */

kern_unpack_fn *kern_unpack(qtype type) {
    static kern_unpack_fn *const unpack[QTYPE_COUNT] = {
#define UNPACK_ROW(id, name, number, weights, bytes) [QTYPE_##id] = unpack_##id,
        QTYPES_QUANT(UNPACK_ROW)
#undef UNPACK_ROW
    };
    assert((unsigned)type < QTYPE_COUNT);
    return unpack[type];
}

bool kern_has_min(qtype type) {
    return type == QTYPE_Q4_1 || type == QTYPE_Q5_1 || type == QTYPE_Q2_K || type == QTYPE_Q4_K ||
           type == QTYPE_Q5_K;
}

/* Blocks of quantised weights. */
static void dequantize_blocks(qtype type, float *restrict y, const uint8_t *row, size_t k) {
    const qtype_info *info = qtype_get(type);
    kern_unpack_fn *unpack = kern_unpack(type);
    kern_block b;
    for (size_t at = 0; at < k; at += info->block_weights, row += info->block_bytes) {
        unpack(&b, row);
        for (size_t i = 0; i < info->block_weights; i++) {
            const size_t g = i / KERN_GROUP;
            y[at + i] = b.d * (float)b.scale[g] * (float)b.q[i] - b.dmin * (float)b.min[g];
        }
    }
}

void kern_dequantize(qtype type, float *restrict y, const void *restrict row, size_t k) {
    const uint8_t *bytes = row;
    switch (type) {
    case QTYPE_F32:
        memcpy(y, bytes, k * sizeof *y);
        break;
    case QTYPE_F16:
        for (size_t i = 0; i < k; i++) {
            y[i] = half(bytes + 2 * i);
        }
        break;
    case QTYPE_BF16:
        for (size_t i = 0; i < k; i++) {
            y[i] = bf16_to_f32(load_u16(bytes + 2 * i));
        }
        break;
    default:
        dequantize_blocks(type, y, bytes, k);
        break;
    }
}

bool kern_all_finite(qtype type, const void *blocks, size_t n_bytes) {
    enum { PIECE = 4096 };
    const qtype_info *info = qtype_get(type);
    const size_t step = PIECE / info->block_weights * info->block_bytes;
    float x[PIECE];
    for (size_t at = 0; at < n_bytes; at += step) {
        const size_t part = n_bytes - at < step ? n_bytes - at : step;
        const size_t n = part / info->block_bytes * info->block_weights;
        float sum = 0.0f; /* NaN when a weight is NaN or infinite: 0 times either is NaN */
        kern_dequantize(type, x, (const uint8_t *)blocks + at, n);
        for (size_t i = 0; i < n; i++) {
            sum += 0.0f * x[i];
        }
        if (sum != 0.0f) return false;
    }
    return true;
}
