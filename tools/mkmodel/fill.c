/*
 * fill.c - pseudo-random blocks whose weights have a wanted spread.
 *
 * A block is random bits all over; then its scale fields are replaced by sane ones, which are
 * computed from the random bits that lay there.  Codes stay uniform.  Where the codes of a type
 * are not centred on zero (Q4_0: -8..7) the sign of the scale is random, or, with a minimum, the
 * minimum centres them: a common mean of all weights would make all activations drift one way.
 *
 * The spread of each type's codes is computed from its levels; those of the IQ code books were
 * counted over the books (kernel/codebooks/iq_tables.c): the mean square of all entries.
 */
#include "fill.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "induction.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Smallest normal half, and a margin for the random part of a scale. */
static const float smallest_half = 0x1p-14f;
static const float smallest_typical = 0x1.4p-14f;

/* ---- What the codes of a type amount to ------------------------------------------------------ */

typedef struct {
    double code_ms;     /* mean square of a code, its constant factors included */
    double scale_ms;    /* mean square of a random group scale in units of d; 1 without one */
    uint32_t max_low;   /* largest `low` of group scales that are chosen here; 0: none are */
} spread;

static const spread spreads[QTYPE_COUNT] = {
    [QTYPE_Q4_0] = {21.5, 1, 0},      /* -8..7 */
    [QTYPE_Q4_1] = {21.25, 1, 0},     /* 0..15, centred */
    [QTYPE_Q5_0] = {85.5, 1, 0},      /* -16..15 */
    [QTYPE_Q5_1] = {85.25, 1, 0},     /* 0..31, centred */
    [QTYPE_Q8_0] = {5397.5, 1, 0},    /* -127..127, 0 twice as often */
    [QTYPE_Q2_K] = {1.25, 1, 4},      /* 0..3, centred; scales of 4 bits */
    [QTYPE_Q3_K] = {5.5, 1, 16},      /* -4..3; -32..31 */
    [QTYPE_Q4_K] = {21.25, 1, 32},    /* 0..15, centred; 6 bits */
    [QTYPE_Q5_K] = {85.25, 1, 32},    /* 0..31, centred; 6 bits */
    [QTYPE_Q6_K] = {341.5, 1, 64},    /* -32..31; -128..127 */
    [QTYPE_IQ4_NL] = {4548.0, 1, 0}, /* the 16 levels */
    [QTYPE_IQ4_XS] = {4548.0, 1, 16},
    /* (scale + 1/2) / 4 or / 2 with 4 random bits has mean square 85.25 / 16 or / 4. */
    [QTYPE_IQ2_XXS] = {534.43, 85.25 / 16, 0},
    [QTYPE_IQ2_XS] = {586.48, 85.25 / 16, 0},
    [QTYPE_IQ2_S] = {596.84, 85.25 / 16, 0},
    [QTYPE_IQ3_XXS] = {951.64, 85.25 / 4, 0},
    [QTYPE_IQ3_S] = {57.672, 341, 0},             /* 2 scale + 1, 4 bits */
    [QTYPE_IQ1_S] = {0.59417 + 1.0 / 64, 85, 0},  /* 2 scale + 1, 3 bits; -1, 0, 1 and 1/8 aside */
    [QTYPE_IQ1_M] = {0.59417 + 1.0 / 64, 85, 0},
    [QTYPE_TQ1_0] = {2.0 / 3, 1, 0},  /* -1, 0, 1 */
    [QTYPE_TQ2_0] = {0.5, 1, 0},      /* -1, 0, 0, 1 */
    [QTYPE_MXFP4] = {8.5625, 1, 0},   /* E2M1 */
    [QTYPE_NVFP4] = {8.5625, 1, 0},
    [QTYPE_Q1_0] = {1, 1, 0},         /* -1, 1 */
    [QTYPE_Q2_0] = {1.5, 1, 0},       /* -1..2 */
};

/* Mean square of an integer drawn evenly from [low, 2 low). */
static double group_scale_ms(uint32_t low) {
    double sum = 0;
    for (uint32_t s = low; s < 2 * low; s++) {
        sum += (double)s * s;
    }
    return sum / low;
}

/* The value of an unsigned E4M3 code (bias 7). */
static double e4m3(uint32_t code) {
    const uint32_t exp = code >> 3;
    return exp == 0 ? (code & 7) * 0x1p-9 : (8 + (code & 7)) * ldexp(1, (int)exp - 10);
}

/* Two neighbouring scale codes, and how often the higher one makes the mean square right. */
static void choose_code(fill *f, double want) {
    double here = 0;
    double next = 0;
    if (f->type == QTYPE_MXFP4) { /* E8M0: 2^(code - 127) */
        int exp = 0;
        frexp(want, &exp); /* want lies in [2^(exp - 1), 2^exp) */
        f->code = (uint32_t)(exp - 1 + 127);
        here = ldexp(1, exp - 1);
        next = 2 * here;
    } else {
        f->code = 1;
        while (f->code < 0x7d && e4m3(f->code + 1) <= want) {
            f->code++;
        }
        here = e4m3(f->code);
        next = e4m3(f->code + 1);
    }
    const double share = (want * want - here * here) / (next * next - here * here);
    f->chance = share <= 0 ? 0 : share >= 1 ? 65536 : (uint32_t)(share * 65536);
}

/* The typical scale factor: with the largest group scales that keep it a normal half. */
static void choose_scale(fill *f) {
    const spread *s = &spreads[f->type];
    /* fill_d varies d evenly within an eighth either way: its mean square is 1 + 1/192 of d^2. */
    const double want = (double)f->std / sqrt(s->code_ms * s->scale_ms * (1 + 1.0 / 192));
    f->low = s->max_low;
    f->d = (float)want;
    while (f->low != 0) {
        f->d = (float)(want / sqrt(group_scale_ms(f->low)));
        if (f->low == 1 || f->d >= smallest_typical) break;
        f->low /= 2;
    }
    f->d = f->d < smallest_typical ? smallest_typical : f->d;
}

void fill_init(fill *f, const tensor *t, uint64_t seed, size_t i) {
    *f = (fill){.type = t->type, .seed = rng_at(seed, i), .by_hand = t->by_hand ? t : NULL};
    switch (t->role) {
    case ROLE_NORM:
        f->mean = 1.0f;
        f->std = 0.1f;
        break;
    case ROLE_BIAS:
        f->std = 0.05f;
        break;
    case ROLE_CONV:
        f->std = 0.4f;
        break;
    default:
        f->std = (float)(1 / sqrt((double)t->dim[0]));
        break;
    }
    if (f->type == QTYPE_MXFP4 || f->type == QTYPE_NVFP4) {
        choose_code(f, (double)f->std / sqrt(spreads[f->type].code_ms));
    } else if (qtype_get(f->type)->block_weights != 1) {
        choose_scale(f);
    }
}

/* ---- Floats ---------------------------------------------------------------------------------- */

/* Nearly normal: the sum of four even 16-bit numbers, at most 3.5 standard deviations. */
static float fill_float(const fill *f, uint64_t i) {
    if (f->by_hand) return induction_weight(f->by_hand, f->seed, i);
    const uint64_t bits = rng_at(f->seed, i);
    const int32_t sum = (int32_t)(bits & 0xffff) + (int32_t)(bits >> 16 & 0xffff) +
                        (int32_t)(bits >> 32 & 0xffff) + (int32_t)(bits >> 48);
    /* Four times the variance of an even number in [0, 65536) is 65536^2 / 3. */
    const float unit = (float)(sum - 131070) * (1.7320508f / 65536.0f);
    const float x = unit * f->std;
    return f->mean + x;
}

static void fill_floats(const fill *f, uint8_t *out, uint64_t first, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const float x = fill_float(f, first + i);
        if (f->type == QTYPE_F32) {
            memcpy(out + 4 * i, &x, sizeof x);
        } else {
            const uint16_t h = f->type == QTYPE_F16 ? f32_to_f16(x) : f32_to_bf16(x);
            memcpy(out + 2 * i, &h, sizeof h);
        }
    }
}

/* ---- Scale fields ---------------------------------------------------------------------------- */

static void store_half(uint8_t *p, float x) {
    const uint16_t h = f32_to_f16(x);
    memcpy(p, &h, sizeof h);
}

/* Replace two random bytes by a half within an eighth of d, and return it as it was rounded.
 * `sides` 2: either sign. */
static float fill_d(const fill *f, uint8_t *p, int sides) {
    const uint32_t bits = load_u16(p);
    float d = f->d * (0.875f + (float)(bits >> 1) * 0x1p-17f);
    d = d < smallest_half ? smallest_half : d;
    store_half(p, sides == 2 && (bits & 1) != 0 ? -d : d);
    return f16_to_f32(load_u16(p));
}

/* An integer in [low, 2 low), a power of two, from random bits. */
static uint32_t group_scale(const fill *f, uint32_t bits) {
    return f->low + (bits & (f->low - 1));
}

/* The same with either sign. */
static int32_t group_scale_signed(const fill *f, uint32_t bits) {
    const int32_t s = (int32_t)group_scale(f, bits >> 1);
    return (bits & 1) != 0 ? -s : s;
}

/* A minimum near the scale, at most `max`: group means lie a little off zero, to both sides. */
static uint32_t group_min(uint32_t scale, uint32_t bits, uint32_t max) {
    const uint32_t reach = scale / 8 < max - scale ? scale / 8 : max - scale;
    return scale - reach + bits % (2 * reach + 1);
}

/* ---- One function per type with more than a scale -------------------------------------------- */

static void fill_Q4_1(const fill *f, qblock_Q4_1 *b) {
    store_half(b->m, -7.5f * fill_d(f, b->d, 1));
}

static void fill_Q5_1(const fill *f, qblock_Q5_1 *b) {
    store_half(b->m, -15.5f * fill_d(f, b->d, 1));
}

/* The quantiser never writes -128. */
static void fill_Q8_0(const fill *f, qblock_Q8_0 *b) {
    fill_d(f, b->d, 1);
    for (size_t i = 0; i < sizeof b->q; i++) {
        b->q[i] = b->q[i] == -128 ? 0 : b->q[i];
    }
}

static void fill_Q2_K(const fill *f, qblock_Q2_K *b) {
    for (size_t i = 0; i < sizeof b->scale_min; i++) {
        const uint32_t bits = b->scale_min[i];
        const uint32_t scale = group_scale(f, bits);
        const uint32_t twist = bits >> 4 & 3; /* two quarters of the groups are off the centre */
        const uint32_t min = twist == 0 ? scale - 1 : twist == 1 ? scale + 1 : scale;
        b->scale_min[i] = (uint8_t)(scale | min << 4);
    }
    store_half(b->dmin, 1.5f * fill_d(f, b->d, 1));
}

/* Sixteen scales of 6 bits: low halves in 8 bytes, then the high quarters in 4. */
static void fill_Q3_K(const fill *f, qblock_Q3_K *b) {
    uint8_t packed[12] = {0};
    for (uint32_t i = 0; i < 16; i++) {
        const uint32_t bits = (uint32_t)(b->scale[i % 12] >> (i / 12 * 4)) ^ i * 37;
        const uint32_t s = (uint32_t)(group_scale_signed(f, bits) + 32);
        packed[i % 8] |= (uint8_t)((s & 15) << (i / 8 * 4));
        packed[8 + i % 4] |= (uint8_t)(s >> 4 << (i / 4 * 2));
    }
    memcpy(b->scale, packed, sizeof packed);
    fill_d(f, b->d, 2);
}

/* Eight scales and minima of 6 bits in the 12 bytes of Q4_K and Q5_K. */
static void fill_scale_min(const fill *f, uint8_t out[12]) {
    uint8_t packed[12] = {0};
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t scale = group_scale(f, out[i]);
        const uint32_t min = group_min(scale, (uint32_t)out[4 + i] * 5 + out[i] / 64, 63);
        if (i < 4) {
            packed[i] |= (uint8_t)scale;
            packed[4 + i] |= (uint8_t)min;
        } else {
            packed[4 + i] = (uint8_t)((scale & 15) | (min & 15) << 4);
            packed[i - 4] |= (uint8_t)(scale >> 4 << 6);
            packed[i] |= (uint8_t)(min >> 4 << 6);
        }
    }
    memcpy(out, packed, sizeof packed);
}

static void fill_Q4_K(const fill *f, qblock_Q4_K *b) {
    fill_scale_min(f, b->scale_min);
    store_half(b->dmin, 7.5f * fill_d(f, b->d, 1));
}

static void fill_Q5_K(const fill *f, qblock_Q5_K *b) {
    fill_scale_min(f, b->scale_min);
    store_half(b->dmin, 15.5f * fill_d(f, b->d, 1));
}

static void fill_Q6_K(const fill *f, qblock_Q6_K *b) {
    for (size_t i = 0; i < sizeof b->scale; i++) {
        b->scale[i] = (int8_t)group_scale_signed(f, (uint8_t)b->scale[i]);
    }
    fill_d(f, b->d, 2);
}

static void fill_IQ4_XS(const fill *f, qblock_IQ4_XS *b) {
    uint32_t high = 0;
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t bits = (uint32_t)(b->scale_low[i / 2] >> (i % 2 * 4) & 15) |
                              (uint32_t)(load_u16(b->scale_high) >> 2 * i & 3) << 4;
        const uint32_t s = (uint32_t)(group_scale_signed(f, bits) + 32);
        const uint32_t place = i % 2 * 4;
        const uint32_t kept = b->scale_low[i / 2] & ~(15u << place);
        b->scale_low[i / 2] = (uint8_t)(kept | (s & 15) << place);
        high |= s >> 4 << 2 * i;
    }
    const uint16_t two = (uint16_t)high;
    memcpy(b->scale_high, &two, sizeof two);
    fill_d(f, b->d, 2);
}

/* The half is spread over the highest 4 bits of four 16-bit words. */
static void fill_IQ1_M(const fill *f, qblock_IQ1_M *b) {
    uint8_t half[2] = {b->scale_d[0][1], b->scale_d[1][1]};
    fill_d(f, half, 2);
    const uint32_t d = load_u16(half);
    for (uint32_t i = 0; i < 4; i++) {
        b->scale_d[i][1] = (uint8_t)((b->scale_d[i][1] & 15u) | (d >> 4 * i & 15) << 4);
    }
}

/* Of the four codes of 2 bits the quantiser never writes 3: turn it into 1, which is zero. */
static void fill_TQ2_0(const fill *f, qblock_TQ2_0 *b) {
    for (size_t i = 0; i < sizeof b->q; i++) {
        const uint32_t q = b->q[i];
        b->q[i] = (uint8_t)(q & ~(q << 1 & q & 0xaau));
    }
    fill_d(f, b->d, 2);
}

static void fill_MXFP4(const fill *f, qblock_MXFP4 *b) {
    const uint32_t dice = b->exponent * 256u + 128;
    b->exponent = (uint8_t)(f->code + (dice < f->chance));
}

static void fill_NVFP4(const fill *f, qblock_NVFP4 *b) {
    for (size_t i = 0; i < sizeof b->scale; i++) {
        const uint32_t dice = b->scale[i] * 256u + 128;
        b->scale[i] = (uint8_t)(f->code + (dice < f->chance));
    }
}

/* ---- Any block ------------------------------------------------------------------------------- */

/* Types whose only scale is the half at their front. */
#define FRONT(X) \
    X(Q4_0) X(Q5_0) X(IQ4_NL) X(IQ2_XXS) X(IQ2_XS) X(IQ2_S) X(IQ3_XXS) X(IQ3_S) X(IQ1_S) X(Q1_0) \
    X(Q2_0)
/* Types with a function above. */
#define OWN(X) \
    X(Q4_1) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K) X(IQ4_XS) X(IQ1_M) X(TQ2_0) \
    X(MXFP4) X(NVFP4)

/* Give `n` blocks of random bits sane scales. */
static void repair(const fill *f, uint8_t *out, size_t n) {
    switch (f->type) {
#define CASE_FRONT(id)                                                \
    case QTYPE_##id:                                                  \
        for (size_t i = 0; i < n; i++) {                              \
            fill_d(f, ((qblock_##id *)(void *)out)[i].d, 2);          \
        }                                                             \
        break;
#define CASE_OWN(id)                                                  \
    case QTYPE_##id:                                                  \
        for (size_t i = 0; i < n; i++) {                              \
            fill_##id(f, &((qblock_##id *)(void *)out)[i]);           \
        }                                                             \
        break;
        FRONT(CASE_FRONT)
        OWN(CASE_OWN)
#undef CASE_FRONT
#undef CASE_OWN
    case QTYPE_TQ1_0:
        for (size_t i = 0; i < n; i++) {
            fill_d(f, ((qblock_TQ1_0 *)(void *)out)[i].d, 2);
        }
        break;
    case QTYPE_F32:
    case QTYPE_F16:
    case QTYPE_BF16:
    case QTYPE_COUNT:
        break;
    }
}

void fill_blocks(const fill *f, uint8_t *out, uint64_t first, size_t n) {
    assert(first % FILL_STEP == 0);
    const qtype_info *info = qtype_get(f->type);
    if (info->block_weights == 1) {
        fill_floats(f, out, first, n);
        return;
    }
    const size_t n_bytes = n * info->block_bytes;
    const uint64_t first_word = first / FILL_STEP * info->block_bytes;
    for (size_t i = 0; i < n_bytes; i += 8) {
        const uint64_t word = rng_at(f->seed, first_word + i / 8);
        memcpy(out + i, &word, n_bytes - i < 8 ? n_bytes - i : 8);
    }
    repair(f, out, n);
}
