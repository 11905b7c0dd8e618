/*
 * blocks.c - blocks of weights for tests.
 */
#include "blocks.h"

#include "base/bytes.h"
#include "base/rng.h"

#include <stdio.h>

enum { NONE = 0xffff };

/* Where the halves of a block are; IQ1_M, MXFP4 and NVFP4 have their own ways. */
static void places(qtype type, size_t at[2]) {
    at[0] = at[1] = NONE;
    switch (type) {
#define ONE(id)                                \
    case QTYPE_##id:                           \
        at[0] = offsetof(qblock_##id, d);      \
        break;
#define TWO(id, second)                        \
    case QTYPE_##id:                           \
        at[0] = offsetof(qblock_##id, d);      \
        at[1] = offsetof(qblock_##id, second); \
        break;
        ONE(Q4_0) TWO(Q4_1, m) ONE(Q5_0) TWO(Q5_1, m) ONE(Q8_0)
        TWO(Q2_K, dmin) ONE(Q3_K) TWO(Q4_K, dmin) TWO(Q5_K, dmin) ONE(Q6_K)
        ONE(IQ2_XXS) ONE(IQ2_XS) ONE(IQ2_S) ONE(IQ3_XXS) ONE(IQ3_S) ONE(IQ1_S)
        ONE(IQ4_NL) ONE(IQ4_XS) ONE(TQ1_0) ONE(TQ2_0) ONE(Q1_0) ONE(Q2_0)
#undef ONE
#undef TWO
    case QTYPE_F16:
        at[0] = 0;
        break;
    default:
        break;
    }
}

/* A half between 2^-10 and 2^-5. */
static uint16_t tame_half(uint64_t bits) {
    return (uint16_t)((bits & 0x8000) | (5 + (bits >> 16) % 5) << 10 | (bits & 0x3ff));
}

static void tame_scales(uint8_t *block, qtype type, uint64_t bits) {
    size_t at[2];
    places(type, at);
    for (int i = 0; i < 2; i++) {
        if (at[i] != NONE) {
            const uint16_t h = tame_half(bits >> 32 * i);
            memcpy(block + at[i], &h, sizeof h);
        }
    }
    if (type == QTYPE_IQ1_M) {
        const unsigned h = tame_half(bits);
        for (int i = 0; i < 4; i++) {
            uint8_t *top = &((qblock_IQ1_M *)block)->scale_d[i][1];
            *top = (uint8_t)((*top & 15) | (h >> 4 * i & 15) << 4);
        }
    } else if (type == QTYPE_MXFP4) {
        block[0] = (uint8_t)(117 + bits % 5);
    } else if (type == QTYPE_F32 || type == QTYPE_BF16) {
        const uint32_t f = (uint32_t)(bits & 0x807fffff) | (uint32_t)(117 + (bits >> 32) % 5) << 23;
        const size_t n = type == QTYPE_F32 ? 4 : 2;
        memcpy(block, (const uint8_t *)&f + 4 - n, n);
    }
}

void blocks_fill(uint8_t *out, size_t n_bytes, qtype type, blocks_kind kind, uint64_t seed) {
    for (size_t i = 0; i < n_bytes; i++) {
        const uint8_t random = (uint8_t)(rng_at(seed, i / 8) >> 8 * (i % 8));
        out[i] = kind == BLOCKS_ZEROS ? 0 : kind == BLOCKS_ONES ? 255 : random;
    }
    const size_t block_bytes = qtype_get(type)->block_bytes;
    for (size_t at = 0; kind != BLOCKS_ANY && at < n_bytes; at += block_bytes) {
        tame_scales(out + at, type, rng_at(~seed, at));
    }
}

uint64_t blocks_hash(const float *x, size_t n) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = x[i] == x[i] ? f32_bits(x[i]) : 0x7fc00000u;
        for (int byte = 0; byte < 4; byte++) {
            hash = (hash ^ (bits >> 8 * byte & 255)) * 0x100000001b3u;
        }
    }
    return hash;
}

blocks_name blocks_file(const qtype_info *info, const char *extension) {
    blocks_name name;
    snprintf(name.text, sizeof name.text, "%s.%s", info->name, extension);
    for (char *c = name.text; *c != '.'; c++) {
        if (*c >= 'A' && *c <= 'Z' && *c != 'K') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    return name;
}
