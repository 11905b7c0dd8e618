/*
 * quantize_k.c - 256 floats -> a block of a K type: groups with small integer scales.
 *
 * Two families.  Q2_K, Q4_K and Q5_K: x = scale * q - min per group, found by a search over scales,
 * each followed by weighted least squares.  Q3_K and Q6_K: x = scale * q with signed q, found by a
 * descent and a search.  Then the groups' scales are rounded to integers times one half per block,
 * and every code is chosen again for the scale that was really stored.  A group whose stored scale
 * is zero keeps the codes of the search: they have no meaning, but the bytes equal those of the
 * reference.
 *
 * Source: the reference quantisation of ggml (ggml-quants.c, d32676d7) for search ranges, weights
 * and rounding.  The order of float operations determines the result.
 */
#include "convert/quantize_internal.h"

#include "gguf/qtype.h"

enum { BLOCK = 256, MAX_GROUP = 32, MAX_GROUPS = 16 };

/* ---- With a min: Q2_K, Q4_K, Q5_K ------------------------------------------------------------ */

typedef struct {
    int group;          /* weights in one */
    int top;            /* the largest code */
    int scale_top;      /* the largest integer scale and min of a group */
    float first;        /* scales tried: (top + first + i / 10) / range, ... */
    int n_tries;        /* ... i from 0 to this, included */
    bool least_squares; /* of weighted errors; otherwise their least sum of magnitudes */
} affine_type;

static const affine_type type_q2 = {16, 3, 15, -0.5f, 15, false};
static const affine_type type_q4 = {32, 15, 63, -1.0f, 20, true};
static const affine_type type_q5 = {32, 31, 63, -0.5f, 15, true};

/* One group during the search. */
typedef struct {
    const float *x;          /* [group] */
    float weight[MAX_GROUP]; /* how much an error counts */
    float sum_w, sum_x;      /* of the weights, and of weight * x */
    float low, high;         /* range of x and zero; `low` moves during the search */
} affine_group;

/* Large weights matter more.  Q4_K and Q5_K soften this by the group's root mean square. */
static void weigh(affine_group *g, const affine_type *t) {
    float base = 0.0f;
    if (t->least_squares) {
        float squares = 0.0f;
        for (int i = 0; i < t->group; i++) {
            squares += g->x[i] * g->x[i];
        }
        base = sqrtf(squares / (float)t->group);
    }
    g->sum_w = 0.0f;
    g->sum_x = 0.0f;
    g->low = g->high = g->x[0];
    for (int i = 0; i < t->group; i++) {
        const float x = g->x[i];
        const float w = base + fabsf(x);
        g->weight[i] = w;
        g->sum_w += w;
        g->sum_x += w * x;
        g->low = x < g->low ? x : g->low;
        g->high = x > g->high ? x : g->high;
    }
    g->low = g->low > 0.0f ? 0.0f : g->low; /* a min is never negative */
}

/* Codes for the inverse scale `iscale`. */
static void affine_codes(uint8_t *q, const affine_group *g, const affine_type *t, float iscale) {
    for (int i = 0; i < t->group; i++) {
        q[i] = (uint8_t)quantize_clamp(quantize_round(iscale * (g->x[i] - g->low)), 0, t->top);
    }
}

static float affine_error(const uint8_t *q, const affine_group *g, const affine_type *t,
                          float scale, float low) {
    float error = 0.0f;
    for (int i = 0; i < t->group; i++) {
        const float diff = scale * (float)q[i] + low - g->x[i];
        error += g->weight[i] * (t->least_squares ? diff * diff : fabsf(diff));
    }
    return error;
}

/* The scale and the lowest value that suit the codes best, by weighted least squares; false when
 * all codes are equal. */
static bool affine_fit(const uint8_t *q, const affine_group *g, const affine_type *t, float *scale,
                       float *low) {
    float sum_q = 0.0f;
    float sum_qq = 0.0f;
    float sum_qx = 0.0f;
    for (int i = 0; i < t->group; i++) {
        const float code = (float)q[i];
        const float wq = g->weight[i] * code;
        sum_q += wq;
        sum_qq += wq * code;
        sum_qx += wq * g->x[i];
    }
    const float det = g->sum_w * sum_qq - sum_q * sum_q;
    if (!(det > 0.0f)) return false;
    *scale = (g->sum_w * sum_qx - g->sum_x * sum_q) / det;
    *low = (sum_qq * g->sum_x - sum_q * sum_qx) / det;
    if (*low > 0.0f) {
        *low = 0.0f;
        *scale = sum_qx / sum_qq;
    }
    return true;
}

/* Find codes, scale and min of a group.  A try that beats all earlier ones also sets the lowest
 * value for later tries. */
static float affine_search(uint8_t *q, float *min, const float *x, const affine_type *t) {
    affine_group g = {.x = x};
    weigh(&g, t);
    if (g.high == g.low) {
        memset(q, 0, (size_t)t->group);
        *min = -g.low;
        return 0.0f;
    }
    const float iscale = (float)t->top / (g.high - g.low);
    float best_scale = 1.0f / iscale;
    affine_codes(q, &g, t, iscale);
    float best_error = affine_error(q, &g, t, best_scale, g.low);
    for (int i = 0; i <= t->n_tries; i++) {
        uint8_t tried[MAX_GROUP];
        float scale;
        float low;
        const float steps = t->first + 0.1f * (float)i + (float)t->top;
        affine_codes(tried, &g, t, steps / (g.high - g.low));
        if (!affine_fit(tried, &g, t, &scale, &low)) continue;
        const float error = affine_error(tried, &g, t, scale, low);
        if (error < best_error) {
            memcpy(q, tried, (size_t)t->group);
            best_error = error;
            best_scale = scale;
            g.low = low;
        }
    }
    *min = -g.low;
    return best_scale;
}

/* A block before its bits are packed. */
typedef struct {
    uint8_t scale[MAX_GROUPS], min[MAX_GROUPS];
    uint8_t q[BLOCK];
    bool finite;
} affine_block;

/* Values from 0 to the largest of v[n] as integers from 0 to `top` times a factor, which is
 * stored as a half. */
static float round_scales(uint8_t *out, uint8_t factor[2], const float *v, size_t n, int top) {
    float most = 0.0f;
    for (size_t j = 0; j < n; j++) {
        most = v[j] > most ? v[j] : most;
    }
    const float inverse = most > 0.0f ? (float)top / most : 0.0f;
    for (size_t j = 0; j < n; j++) {
        const unsigned rounded = (uint8_t)quantize_round(inverse * v[j]);
        out[j] = (uint8_t)(rounded < (unsigned)top ? rounded : (unsigned)top);
    }
    return quantize_put_half(factor, most / (float)top);
}

static void affine_quantize(affine_block *b, uint8_t d_out[2], uint8_t dmin_out[2], const float *x,
                            const affine_type *t) {
    float scale[MAX_GROUPS] = {0};
    float min[MAX_GROUPS] = {0};
    const size_t group = (size_t)t->group;
    const size_t n_groups = BLOCK / group;
    for (size_t j = 0; j < n_groups; j++) {
        scale[j] = affine_search(b->q + group * j, &min[j], x + group * j, t);
    }
    const float d_all = round_scales(b->scale, d_out, scale, n_groups, t->scale_top);
    const float dmin_all = round_scales(b->min, dmin_out, min, n_groups, t->scale_top);
    b->finite = isfinite(d_all) && isfinite(dmin_all);
    for (size_t j = 0; j < n_groups; j++) {
        const float d = d_all * (float)b->scale[j];
        const float dmin = dmin_all * (float)b->min[j];
        for (size_t i = group * j; d != 0.0f && i < group * (j + 1); i++) {
            b->q[i] = (uint8_t)quantize_clamp(quantize_round((x[i] + dmin) / d), 0, t->top);
        }
    }
}

/* ---- Without: Q3_K, Q6_K --------------------------------------------------------------------- */

enum { SIGNED_GROUP = 16, SIGNED_GROUPS = BLOCK / SIGNED_GROUP };
enum { Q3_SIDE = 4, Q3_ROUNDS = 5, Q6_SIDE = 32, Q6_TRIES = 9 };

/* A code in [-side, side). */
static int signed_code(float v, int side) {
    return quantize_clamp(quantize_round(v), -side, side - 1);
}

/* Weighted sums over a group; the weights are x^2. */
typedef struct {
    float qx, qq;
} signed_sums;

/* Take the scale that maps the extreme value to the lowest code, then move single codes while that
 * reduces the error under the best scale for all codes.  Returns that scale. */
static float search_q3(int8_t *q, const float *x) {
    const float most = quantize_extreme(x, SIGNED_GROUP);
    memset(q, -Q3_SIDE, SIGNED_GROUP); /* the lowest code, stored as 0 */
    if (fabsf(most) < QUANTIZE_EPS) return 0.0f;
    const float iscale = (float)-Q3_SIDE / most;
    signed_sums s = {0.0f, 0.0f};
    for (int i = 0; i < SIGNED_GROUP; i++) {
        const float w = x[i] * x[i];
        q[i] = (int8_t)signed_code(iscale * x[i], Q3_SIDE);
        s.qx += w * x[i] * (float)q[i];
        s.qq += w * (float)q[i] * (float)q[i];
    }
    bool changed = true;
    for (int round = 0; changed && round < Q3_ROUNDS; round++) {
        changed = false;
        for (int i = 0; i < SIGNED_GROUP; i++) {
            const float w = x[i] * x[i];
            signed_sums t = {s.qx - w * x[i] * (float)q[i], 0.0f}; /* without this weight */
            if (!(t.qx > 0.0f)) continue;
            t.qq = s.qq - w * (float)q[i] * (float)q[i];
            const int code = signed_code(x[i] * t.qq / t.qx, Q3_SIDE);
            if (code == q[i]) continue;
            t.qx += w * x[i] * (float)code;
            t.qq += w * (float)code * (float)code;
            if (t.qq > 0.0f && t.qx * t.qx * s.qq > s.qx * s.qx * t.qq) {
                q[i] = (int8_t)code;
                s = t;
                changed = true;
            }
        }
    }
    return s.qq > 0.0f ? s.qx / s.qq : 0.0f;
}

/* Codes for the inverse scale `iscale`, and their sums. */
static signed_sums try_q6(int8_t *q, const float *x, float iscale) {
    signed_sums s = {0.0f, 0.0f};
    for (int i = 0; i < SIGNED_GROUP; i++) {
        const float w = x[i] * x[i];
        q[i] = (int8_t)signed_code(iscale * x[i], Q6_SIDE);
        s.qx += w * x[i] * (float)q[i];
        s.qq += w * (float)q[i] * (float)q[i];
    }
    return s;
}

/* Try scales that map the extreme value to the lowest code and to places around it, in steps of
 * 0.1; the best is the one whose codes leave the least error under the best scale for them. */
static float search_q6(int8_t *q, const float *x) {
    const float most = quantize_extreme(x, SIGNED_GROUP);
    memset(q, -Q6_SIDE, SIGNED_GROUP);
    if (fabsf(most) < QUANTIZE_EPS) return 0.0f;
    signed_sums s = try_q6(q, x, (float)-Q6_SIDE / most);
    float scale = s.qq != 0.0f ? s.qx / s.qq : 0.0f;
    float best = scale * s.qx;
    for (int i = -Q6_TRIES; i <= Q6_TRIES; i++) {
        int8_t tried[SIGNED_GROUP];
        if (i == 0) {
            continue; /* the first one */
        }
        s = try_q6(tried, x, -((float)Q6_SIDE + 0.1f * (float)i) / most);
        if (s.qq > 0.0f && s.qx * s.qx > best * s.qq) {
            memcpy(q, tried, sizeof tried);
            scale = s.qx / s.qq;
            best = scale * s.qx;
        }
    }
    return scale;
}

/* Codes for the scales that are stored: d times small integers. */
static void signed_requantize(int8_t *q, const float *x, float d_all, const int8_t *scale,
                              int side) {
    for (int j = 0; j < SIGNED_GROUPS; j++) {
        const float d = d_all * (float)scale[j];
        for (int i = SIGNED_GROUP * j; d != 0.0f && i < SIGNED_GROUP * (j + 1); i++) {
            q[i] = (int8_t)signed_code(x[i] / d, side);
        }
    }
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* Two bits of each of 256 codes, from bit `shift` on, in 64 bytes: 32 bytes hold the pairs of 32
 * codes, then those of the next 32 above them. */
static void put_pairs(uint8_t out[64], const uint8_t q[BLOCK], int shift) {
    memset(out, 0, 64);
    for (size_t i = 0; i < BLOCK; i++) {
        out[i / 128 * 32 + i % 32] |= (uint8_t)((q[i] >> shift & 3) << 2 * (i / 32 % 4));
    }
}

/* Bit `shift` of each of 256 codes in 32 bytes: the lowest bits belong to the first 32 codes. */
static void put_bits(uint8_t out[32], const uint8_t q[BLOCK], int shift) {
    memset(out, 0, 32);
    for (size_t i = 0; i < BLOCK; i++) {
        out[i % 32] |= (uint8_t)((q[i] >> shift & 1) << i / 32);
    }
}

/* 8 scales and 8 mins of 6 bits in 12 bytes: the first four of each whole, with the upper bits
 * of the last four above them. */
static void put_scales_and_mins(uint8_t out[12], const uint8_t *scale, const uint8_t *min) {
    for (size_t j = 0; j < 4; j++) {
        out[j] = (uint8_t)(scale[j] | scale[j + 4] >> 4 << 6);
        out[j + 4] = (uint8_t)(min[j] | min[j + 4] >> 4 << 6);
        out[j + 8] = (uint8_t)((scale[j + 4] & 15) | (min[j + 4] & 15) << 4);
    }
}

/* Signed codes as they are stored: from 0. */
static void put_offset(uint8_t out[BLOCK], const int8_t q[BLOCK], int side) {
    for (size_t i = 0; i < BLOCK; i++) {
        out[i] = (uint8_t)(q[i] + side);
    }
}

/* ---- The types ------------------------------------------------------------------------------- */

bool quantize_block_Q2_K(void *block, const float *x) {
    qblock_Q2_K *b = block;
    affine_block a;
    affine_quantize(&a, b->d, b->dmin, x, &type_q2);
    for (size_t j = 0; j < 16; j++) {
        b->scale_min[j] = (uint8_t)(a.scale[j] | a.min[j] << 4);
    }
    put_pairs(b->q, a.q, 0);
    return a.finite;
}

bool quantize_block_Q4_K(void *block, const float *x) {
    qblock_Q4_K *b = block;
    affine_block a;
    affine_quantize(&a, b->d, b->dmin, x, &type_q4);
    put_scales_and_mins(b->scale_min, a.scale, a.min);
    for (size_t j = 0; j < 4; j++) {
        quantize_put_nibbles(b->q + 32 * j, a.q + 64 * j, 32);
    }
    return a.finite;
}

bool quantize_block_Q5_K(void *block, const float *x) {
    qblock_Q5_K *b = block;
    affine_block a;
    affine_quantize(&a, b->d, b->dmin, x, &type_q5);
    put_scales_and_mins(b->scale_min, a.scale, a.min);
    for (size_t j = 0; j < 4; j++) {
        quantize_put_nibbles(b->low + 32 * j, a.q + 64 * j, 32);
    }
    put_bits(b->high, a.q, 4);
    return a.finite;
}

bool quantize_block_Q3_K(void *block, const float *x) {
    qblock_Q3_K *b = block;
    int8_t q[BLOCK];
    uint8_t stored[BLOCK];
    float scale[SIGNED_GROUPS];
    int8_t rounded[SIGNED_GROUPS];
    for (size_t j = 0; j < SIGNED_GROUPS; j++) {
        scale[j] = search_q3(q + SIGNED_GROUP * j, x + SIGNED_GROUP * j);
    }
    const float most = quantize_extreme(scale, SIGNED_GROUPS); /* becomes -32 */
    const float iscale = most != 0.0f ? -32.0f / most : 0.0f;
    memset(b->scale, 0, sizeof b->scale);
    for (size_t j = 0; j < SIGNED_GROUPS; j++) {
        rounded[j] = (int8_t)quantize_clamp(quantize_round(iscale * scale[j]), -32, 31);
        /* 6 bits: four in the first eight bytes, two in the last four; all zeros when there is
         * no scale */
        const int l = most != 0.0f ? rounded[j] + 32 : 0;
        b->scale[j % 8] |= (uint8_t)((l & 15) << 4 * (j / 8));
        b->scale[8 + j % 4] |= (uint8_t)(l >> 4 << 2 * (j / 4));
    }
    const float d = quantize_put_half(b->d, most != 0.0f ? 1.0f / iscale : 0.0f);
    signed_requantize(q, x, d, rounded, Q3_SIDE);
    put_offset(stored, q, Q3_SIDE);
    put_pairs(b->low, stored, 0);
    put_bits(b->high, stored, 2);
    return isfinite(d);
}

bool quantize_block_Q6_K(void *block, const float *x) {
    qblock_Q6_K *b = block;
    int8_t q[BLOCK];
    uint8_t stored[BLOCK];
    float scale[SIGNED_GROUPS];
    for (size_t j = 0; j < SIGNED_GROUPS; j++) {
        scale[j] = search_q6(q + SIGNED_GROUP * j, x + SIGNED_GROUP * j);
    }
    const float most = quantize_extreme(scale, SIGNED_GROUPS); /* becomes -128 */
    if (fabsf(most) < QUANTIZE_EPS) {
        memset(b, 0, sizeof *b);
        return true;
    }
    const float iscale = -128.0f / most;
    const float d = quantize_put_half(b->d, 1.0f / iscale);
    for (size_t j = 0; j < SIGNED_GROUPS; j++) {
        const int l = quantize_round(iscale * scale[j]);
        b->scale[j] = (int8_t)quantize_clamp(l, -128, 127);
    }
    signed_requantize(q, x, d, b->scale, Q6_SIDE);
    put_offset(stored, q, Q6_SIDE);
    for (size_t j = 0; j < 2; j++) {
        quantize_put_nibbles(b->low + 64 * j, stored + 128 * j, 64);
    }
    put_pairs(b->high, stored, 4);
    return isfinite(d);
}
