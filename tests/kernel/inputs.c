/*
 * inputs.c - random and extreme inputs for kernels.
 */
#include "check.h"

#include "../support/blocks.h"
#include "base/bytes.h"
#include "base/rng.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Drawing --------------------------------------------------------------------------------- */

uint64_t draw(kase *c) {
    return rng_at(c->seed, c->n_drawn++);
}

size_t draw_below(kase *c, size_t n) {
    return (size_t)(draw(c) % n);
}

size_t draw_cycle(kase *c, size_t n) {
    /* Each run of n cases starts at a place of its own, so two cycles do not march together. */
    const uint64_t stream = rng_mix(c->n_drawn++ + n * 1000);
    return (size_t)((c->index + rng_at(stream, c->index / n)) % n);
}

void *place(kase *c, int i, size_t n_bytes, size_t align) {
    const guard *g = &c->area[i];
    const size_t offset = draw_cycle(c, 64) / align * align;
    c->in[i] = draw(c) & 1 ? guard_end(g, n_bytes, align) : guard_start(g, offset);
    return c->in[i];
}

void add_region(kase *c, size_t n, size_t size, size_t align) {
    const size_t gap = 64 + draw_below(c, 16) * size; /* a vector stored too far shows here */
    const size_t at = (c->out_bytes + gap + align - 1) / align * align;
    c->region[c->n_regions++] = (region){at, n, size};
    c->out_bytes = at + n * size;
}

void say(kase *c, const char *format, ...) {
    const size_t len = strlen(c->text);
    va_list args;
    va_start(args, format);
    vsnprintf(c->text + len, sizeof c->text - len, format, args);
    va_end(args);
}

/* ---- Floats ---------------------------------------------------------------------------------- */

typedef enum {
    PLAIN, WIDE, ZEROS, ALL_MAX, ALL_MIN, ALTERNATING, SIGNS, ONE_HOT, OUTLIER, TIES, VANISHING,
    DENORMAL, TINY_BLOCKS, HUGE_ONES, BIG, ONE_NAN, ONE_INF, ANY_BITS
} flavour_name;

static const char *const flavour_names[N_FLAVOURS] = {
    "plain", "wide", "zeros", "all max", "all min", "alternating", "signs", "one hot", "outlier",
    "ties", "vanishing", "denormal", "blocks around the least amax", "huge", "big", "one NaN",
    "one infinity", "any bits",
};

/* Value i of a flavour. */
static float float_of(flavour_name flavour, size_t i, uint64_t bits) {
    const float unit = (float)(rng_unit(bits) * 2 - 1);
    switch (flavour) {
    case WIDE: return unit * 100;           /* past both ends of exp */
    case ZEROS: return bits & 1 ? 0.0f : -0.0f;
    case ALL_MAX: return 1;
    case ALL_MIN: return -1;
    case ALTERNATING: return i % 2 ? -1 : 1;
    case SIGNS: return bits & 1 ? -1 : 1;
    case ONE_HOT: return 0;
    case TIES: return i % 32 == 0 ? 127 : (float)(bits % 254) - 126.5f; /* the scale is 1 */
    case VANISHING: return -0x1p-100f;      /* with weights of 2^-100 only the sign is left */
    case DENORMAL: return f32_from_bits((uint32_t)(bits & 0x807fffffu));
    case TINY_BLOCKS: return unit * KERN_AMAX_MIN * (i / 32 % 2 ? 0.999f : 1.01f);
    case HUGE_ONES: return unit * 3e38f;
    case BIG: return unit * 1e15f;
    case ANY_BITS: return f32_from_bits((uint32_t)bits);
    default: return unit;
    }
}

const char *fill_floats(kase *c, float *x, size_t n, size_t flavour) {
    const uint64_t seed = draw(c);
    const size_t special = draw_below(c, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        x[i] = float_of((flavour_name)flavour, i, rng_at(seed, i));
    }
    if (n > 0) {
        switch ((flavour_name)flavour) {
        case ONE_HOT: x[special] = 1; break;
        case OUTLIER: x[special] = 1e30f; break;
        case ONE_NAN: x[special] = NAN; break;
        case ONE_INF: x[special] = special % 2 ? -INFINITY : INFINITY; break;
        default: break;
        }
    }
    return flavour_names[flavour];
}

/* ---- Weights --------------------------------------------------------------------------------- */

/* Float weights: any flavour. */
static const char *fill_float_weights(kase *c, uint8_t *w, size_t n_bytes, qtype type) {
    static float x[4096];
    const size_t size = qtype_get(type)->block_bytes;
    const bool vanishing = c->index % 8 == 0;
    const size_t flavour = draw_cycle(c, N_FLAVOURS);
    const char *name = NULL;
    for (size_t at = 0; at < n_bytes / size; at += 4096) {
        const size_t n = n_bytes / size - at < 4096 ? n_bytes / size - at : 4096;
        name = fill_floats(c, x, n, flavour);
        for (size_t i = 0; i < n; i++) {
            const float f = vanishing ? 0x1p-100f : x[i];
            const uint32_t bits = type == QTYPE_F32 ? f32_bits(f)
                                : type == QTYPE_F16 ? f32_to_f16(f) : f32_to_bf16(f);
            memcpy(w + (at + i) * size, &bits, size);
        }
    }
    return vanishing ? "2^-100" : name;
}

/* Bytes of codes and integer scales; the float scales of the first ten stay ordinary. */
static const struct {
    const char *name;
    blocks_kind kind;
    bool has_bytes;   /* or random ones, of `kind` */
    uint8_t even, odd;
    bool infinite;    /* float scales of every third block */
} patterns[N_PATTERNS] = {
    {"plain", BLOCKS_TAME, false, 0, 0, false},
    {"zeros", BLOCKS_TAME, true, 0x00, 0x00, false},
    {"ones", BLOCKS_TAME, true, 0xff, 0xff, false},
    {"least bytes", BLOCKS_TAME, true, 0x80, 0x80, false},
    {"largest bytes", BLOCKS_TAME, true, 0x7f, 0x7f, false},
    {"alternating bytes", BLOCKS_TAME, true, 0x80, 0x7f, false},
    {"alternating halves", BLOCKS_TAME, true, 0x0f, 0xf0, false},
    {"alternating zeros and ones", BLOCKS_TAME, true, 0x00, 0xff, false},
    {"-127", BLOCKS_TAME, true, 0x81, 0x81, false},
    {"nibbles of 8", BLOCKS_TAME, true, 0x88, 0x88, false},
    {"any bits", BLOCKS_ANY, false, 0, 0, false},
    {"any bits, once more", BLOCKS_ANY, false, 0, 0, false},
    {"infinite scales", BLOCKS_TAME, true, 0x3c, 0xa5, true},
};

const char *fill_weights(kase *c, uint8_t *w, size_t n_bytes, qtype type, size_t pattern) {
    if (qtype_get(type)->block_weights == 1) {
        return fill_float_weights(c, w, n_bytes, type);
    }
    const size_t block_bytes = qtype_get(type)->block_bytes;
    const uint64_t seed = draw(c);
    blocks_fill(w, n_bytes, type, patterns[pattern].kind, seed);
    if (!patterns[pattern].has_bytes) {
        return patterns[pattern].name;
    }
    uint8_t *zeros = malloc(n_bytes);
    uint8_t *ones = malloc(n_bytes);
    if (!zeros || !ones) {
        fprintf(stderr, "kernel_check: out of memory\n");
        exit(1);
    }
    blocks_fill(zeros, n_bytes, type, BLOCKS_ZEROS, seed);
    blocks_fill(ones, n_bytes, type, BLOCKS_ONES, seed);
    for (size_t i = 0; i < n_bytes; i++) {
        const uint8_t codes = zeros[i] ^ ones[i]; /* where the two agree, the scales are */
        const uint8_t byte = i % 2 ? patterns[pattern].odd : patterns[pattern].even;
        w[i] = (uint8_t)((byte & codes) | (w[i] & ~codes));
        if (patterns[pattern].infinite && codes == 0 && i / block_bytes % 3 == 1) {
            w[i] = i % block_bytes % 2 ? 0x7c : 0; /* of an f16 */
        }
    }
    free(zeros);
    free(ones);
    return patterns[pattern].name;
}
