/*
 * scalar.c - the reference for every slot that is not a matrix product.
 *
 * Plain loops over the 16 virtual lanes of kernel.h; SIMD files must give the same bits.
 */
#include "kernel/kern_math.h"
#include "kernel/scalar.h"

#include <assert.h>
#include <string.h>

/* Fold the 16 lanes: halves onto halves. */
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

/* One value of the cache. */
static inline float kv_load(const void *row, size_t i, kern_kv kind) {
    if (kind == KERN_KV_F16) {
        return f16_to_f32(((const uint16_t *)row)[i]);
    }
    return ((const float *)row)[i];
}

static void kv_store(void *restrict out, const float *restrict x, size_t n, kern_kv kind) {
    if (kind == KERN_KV_F32) {
        memcpy(out, x, n * sizeof *x);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        ((uint16_t *)out)[i] = f32_to_f16(x[i]);
    }
}

enum { MAX_HEAD_DIM = 256 };

/* One chunk of the online softmax for one query head. */
static void attend_chunk(float *acc, float *sum, float *max, const float *q, const char *k,
                         const char *v, size_t dim, size_t n, size_t stride, kern_kv kind) {
    float score[KERN_ATTN_CHUNK];
    float top = *max;
    for (size_t j = 0; j < n; j++) {
        float lane[KERN_LANES] = {0};
        for (size_t i = 0; i < dim; i++) {
            const float kv = kv_load(k + j * stride, i, kind);
            lane[i % KERN_LANES] = fmaf(q[i], kv, lane[i % KERN_LANES]);
        }
        score[j] = fold(lane);
        top = score[j] > top ? score[j] : top;
    }
    const float keep = kern_exp(*max - top);
    float lane[KERN_LANES] = {0};
    for (size_t j = 0; j < n; j++) {
        score[j] = kern_exp(score[j] - top);
        lane[j % KERN_LANES] += score[j];
    }
    *sum = fmaf(*sum, keep, fold(lane));
    *max = top;
    for (size_t i = 0; i < dim; i++) {
        acc[i] *= keep;
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < dim; i++) {
            acc[i] = fmaf(score[j], kv_load(v + j * stride, i, kind), acc[i]);
        }
    }
}

void kern_attend_scalar(float *restrict out, const float *restrict q, const void *restrict k,
                        const void *restrict v, size_t n_q, size_t dim, size_t n_pos, size_t stride,
                        float scale, kern_kv kind) {
    assert(dim <= MAX_HEAD_DIM);
    for (size_t h = 0; h < n_q; h++) {
        float scaled[MAX_HEAD_DIM];
        float acc[MAX_HEAD_DIM] = {0};
        float sum = 0;
        float max = -INFINITY;
        for (size_t i = 0; i < dim; i++) {
            scaled[i] = q[h * dim + i] * scale;
        }
        for (size_t at = 0; at < n_pos; at += KERN_ATTN_CHUNK) {
            const size_t n = n_pos - at < KERN_ATTN_CHUNK ? n_pos - at : KERN_ATTN_CHUNK;
            attend_chunk(acc, &sum, &max, scaled, (const char *)k + at * stride,
                         (const char *)v + at * stride, dim, n, stride, kind);
        }
        for (size_t i = 0; i < dim; i++) {
            out[h * dim + i] = acc[i] / sum;
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
        .kv_store = kv_store,
    };
    kern_scalar_mul(t);
}
