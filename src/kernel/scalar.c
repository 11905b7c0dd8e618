/*
 * scalar.c - the reference for every slot that is not a matrix product.
 *
 * Plain loops over the 16 virtual lanes of kernel.h; SIMD files must give the same bits.
 */
#include "kernel/kern_math.h"
#include "kernel/scalar.h"

#include <assert.h>
#include <string.h>

/* Sum the 16 lanes: add the upper half to the lower until one lane is left. */
static float fold(float *lane) {
    for (size_t half = KERN_LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) {
            lane[i] += lane[i + half];
        }
    }
    return lane[0];
}

static void norm(float *y, const float *x, const float *w, size_t n, float eps) {
    float lane[KERN_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        lane[i % KERN_LANES] = fmaf(x[i], x[i], lane[i % KERN_LANES]);
    }
    const float scale = 1.0f / sqrtf(fold(lane) / (float)n + eps);
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] * scale * w[i];
    }
}

static void rope(float *x, const float *cosine, const float *sine, size_t n) {
    const size_t half = n / 2;
    for (size_t i = 0; i < half; i++) {
        const float a = x[i];
        const float b = x[i + half];
        x[i] = fmaf(a, cosine[i], -(b * sine[i]));
        x[i + half] = fmaf(a, sine[i], b * cosine[i]);
    }
}

static void silu_mul(float *y, const float *gate, const float *up, size_t n) {
    for (size_t i = 0; i < n; i++) {
        y[i] = kern_silu(gate[i]) * up[i];
    }
}

static void axpy(float *restrict y, const float *restrict x, float a, size_t n) {
    for (size_t i = 0; i < n; i++) {
        y[i] = fmaf(a, x[i], y[i]);
    }
}

static void conv(float *restrict y, const float *restrict b, const float *restrict c,
                 const float *restrict v, const float *restrict taps, float *restrict old,
                 float *restrict last, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const float u = b[i] * v[i];
        float sum = taps[3 * i] * old[i];
        sum = fmaf(taps[3 * i + 1], last[i], sum);
        sum = fmaf(taps[3 * i + 2], u, sum);
        old[i] = last[i];
        last[i] = u;
        y[i] = c[i] * sum;
    }
}

/* ---- The cache and attention ----------------------------------------------------------------- */

void kern_kv_store_scalar(void *restrict chunk, const float *restrict x, size_t dim, size_t at,
                          kern_kv kind) {
    uint8_t *row = (uint8_t *)chunk + at * kern_kv_row_bytes(dim, kind);
    if (kind == KERN_KV_F32) {
        memcpy(row, x, dim * sizeof *x);
    } else if (kind == KERN_KV_F16) {
        for (size_t i = 0; i < dim; i++) {
            const uint16_t h = f32_to_f16(x[i]);
            memcpy(row + i * sizeof h, &h, sizeof h);
        }
    } else {
        const float d = kern_quantize_block((int8_t *)row, x, dim);
        memcpy((uint8_t *)chunk + kern_kv_scales_at(dim) + at * sizeof d, &d, sizeof d);
    }
}

/* Number i of a row, not yet multiplied by its scale. */
static inline float kv_load(const void *row, size_t i, kern_kv kind) {
    switch (kind) {
    case KERN_KV_F16: return f16_to_f32(((const uint16_t *)row)[i]);
    case KERN_KV_F32: return ((const float *)row)[i];
    default: return (float)((const int8_t *)row)[i];
    }
}

enum { MAX_HEAD_DIM = 256 };

float kern_weight_codes(float *w, const float *scale, size_t n) {
    uint32_t most = 0;
    for (size_t j = 0; j < n; j++) {
        w[j] *= scale[j];
        most = f32_bits(w[j]) > most ? f32_bits(w[j]) : most;
    }
    float factor;
    const float dw = kern_weight_scale(most, &factor);
    for (size_t j = 0; j < n; j++) {
        w[j] = factor == 0.0f ? 0.0f : rintf(w[j] * factor); /* a NaN times zero is not zero */
    }
    return dw;
}

/* Fold values of n positions, times w, into acc[dim]. */
static void fold_values(float *acc, const float *w, const char *v, size_t dim, size_t n,
                        kern_kv kind) {
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < dim; i++) {
            acc[i] = fmaf(w[j], kv_load(v + j * kern_kv_row_bytes(dim, kind), i, kind), acc[i]);
        }
    }
}

/* The same in integers: floats hold them exactly. */
static void fold_codes(float *acc, float *w, const char *v, size_t dim, size_t n) {
    const float *scale = (const float *)(const void *)(v + kern_kv_scales_at(dim));
    for (size_t at = 0; at < n; at += KERN_ATTN_GROUP) {
        const size_t group = n - at < KERN_ATTN_GROUP ? n - at : KERN_ATTN_GROUP;
        const float dw = kern_weight_codes(w + at, scale + at, group);
        float sum[MAX_HEAD_DIM] = {0};
        fold_values(sum, w + at, v + at * dim, dim, group, KERN_KV_Q8);
        for (size_t i = 0; i < dim; i++) {
            acc[i] = fmaf(sum[i], dw, acc[i]);
        }
    }
}

/* One chunk of the online softmax for one query head; dq is the scale of q when it holds codes. */
static void attend_chunk(float *part, const float *q, float dq, const char *k, const char *v,
                         size_t dim, size_t n, kern_kv kind) {
    const size_t row = kern_kv_row_bytes(dim, kind);
    const float *k_scale = (const float *)(const void *)(k + kern_kv_scales_at(dim));
    float *sum = part + dim;
    float *max = part + dim + 1;
    float score[KERN_ATTN_CHUNK];
    float top = *max;
    for (size_t j = 0; j < n; j++) {
        float lane[KERN_LANES] = {0};
        for (size_t i = 0; i < dim; i++) {
            const float kv = kv_load(k + j * row, i, kind);
            lane[i % KERN_LANES] = fmaf(q[i], kv, lane[i % KERN_LANES]);
        }
        score[j] = kind == KERN_KV_Q8 ? fold(lane) * dq * k_scale[j] : fold(lane);
        top = score[j] > top ? score[j] : top;
    }
    top += 0.0f; /* -0 becomes +0: which of them is found depends on the order */
    const float keep = kern_exp(*max - top);
    float lane[KERN_LANES] = {0};
    for (size_t j = 0; j < n; j++) {
        score[j] = kern_exp(score[j] - top);
        lane[j % KERN_LANES] += score[j];
    }
    *sum = fmaf(*sum, keep, fold(lane));
    *max = top;
    for (size_t i = 0; i < dim; i++) {
        part[i] *= keep;
    }
    if (kind == KERN_KV_Q8) {
        fold_codes(part, score, v, dim, n);
    } else {
        fold_values(part, score, v, dim, n, kind);
    }
}

void kern_attend_scalar(float *restrict part, const float *restrict q, const void *restrict k,
                        const void *restrict v, size_t n_q, size_t dim, size_t n_pos, size_t stride,
                        float scale, kern_kv kind) {
    assert(dim <= MAX_HEAD_DIM);
    for (size_t h = 0; h < n_q; h++) {
        float scaled[MAX_HEAD_DIM];
        for (size_t i = 0; i < dim; i++) {
            scaled[i] = q[h * dim + i] * scale;
        }
        int8_t codes[MAX_HEAD_DIM];
        const float dq = kern_quantize_block(codes, scaled, dim);
        for (size_t i = 0; i < dim && kind == KERN_KV_Q8; i++) {
            scaled[i] = codes[i];
        }
        for (size_t at = 0; at < n_pos; at += KERN_ATTN_CHUNK) {
            const size_t n = n_pos - at < KERN_ATTN_CHUNK ? n_pos - at : KERN_ATTN_CHUNK;
            const size_t chunk = at / KERN_ATTN_CHUNK * stride;
            attend_chunk(part + h * kern_part_floats(dim), scaled, dq, (const char *)k + chunk,
                         (const char *)v + chunk, dim, n, kind);
        }
    }
}

void kern_attend_each(kern_attend_fn *attend, const kern_queries *tokens, const void *k,
                      const void *v, size_t n_q, size_t dim, size_t stride, float scale,
                      kern_kv kind) {
    for (size_t i = 0; i < tokens->n; i++) {
        const size_t n_pos = tokens->first + i;
        attend(tokens->part + i * tokens->part_step, tokens->q + i * tokens->q_step, k, v, n_q, dim,
               n_pos < tokens->most ? n_pos : tokens->most, stride, scale, kind);
    }
}

static void attend_many(const kern_queries *tokens, const void *restrict k, const void *restrict v,
                        size_t n_q, size_t dim, size_t stride, float scale, kern_kv kind) {
    kern_attend_each(kern_attend_scalar, tokens, k, v, n_q, dim, stride, scale, kind);
}

void kern_part_start(float *part, size_t n_q, size_t dim) {
    for (size_t h = 0; h < n_q; h++, part += kern_part_floats(dim)) {
        memset(part, 0, kern_part_floats(dim) * sizeof *part);
        part[dim + 1] = -INFINITY;
    }
}

void kern_part_join(float *restrict part, const float *restrict next, size_t n_q, size_t dim) {
    for (size_t h = 0; h < n_q; h++) {
        const float max = part[dim + 1] > next[dim + 1] ? part[dim + 1] : next[dim + 1];
        const float a = kern_exp(part[dim + 1] - max);
        const float b = kern_exp(next[dim + 1] - max);
        for (size_t i = 0; i <= dim; i++) { /* acc, then the sum */
            part[i] = part[i] * a + next[i] * b;
        }
        part[dim + 1] = max;
        part += kern_part_floats(dim);
        next += kern_part_floats(dim);
    }
}

void kern_part_finish(float *restrict out, const float *restrict part, size_t n_q, size_t dim) {
    for (size_t h = 0; h < n_q; h++, part += kern_part_floats(dim), out += dim) {
        for (size_t i = 0; i < dim; i++) {
            out[i] = part[i] / part[dim];
        }
    }
}

void kern_scalar(kern_table *t) {
    *t = (kern_table){
        .name = "scalar",
        .quantize = kern_quantize_scalar,
        .norm = norm,
        .rope = rope,
        .silu_mul = silu_mul,
        .axpy = axpy,
        .conv = conv,
        .attend = kern_attend_scalar,
        .attend_many = attend_many,
        .kv_store = kern_kv_store_scalar,
        .read = kern_read_scalar,
        .peak = kern_peak_scalar,
    };
    kern_scalar_mul(t);
}
