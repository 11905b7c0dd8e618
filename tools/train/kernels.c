/*
 * kernels.c - the memory-bound parts of training, fused.
 *
 * PyTorch multiplies bfloat16 matrices with AMX on this kind of CPU at 1,000 GFLOP/s and more, so
 * that its separate element-wise passes (norm, gate, softmax, dropout, gather) would take most of
 * the time. Each function here does one such step, forwards or backwards, in one pass over memory.
 * train.py compiles this file with the system's C compiler and calls it through ctypes.
 *
 * bf16 values are uint16_t with the upper half of an F32.  All matrices are row-major and
 * contiguous.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float up(uint16_t h) {
    union { uint32_t u; float f; } v = {.u = (uint32_t)h << 16};
    return v.f;
}

/* Round to nearest even; the values are finite. */
static inline uint16_t down(float f) {
    union { float f; uint32_t u; } v = {.f = f};
    return (uint16_t)((v.u + 0x7fffu + ((v.u >> 16) & 1u)) >> 16);
}

/* y[n][d] = x / rms(x) * w; inv[n] = 1/rms is kept for the backward pass.  x, the residual stream,
 * is F32. */
void norm_f32(const float *x, const float *w, uint16_t *y, float *inv, long n, long d, float eps) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        const float *r = x + i * d;
        float s = 0;
        for (long j = 0; j < d; j++) { s += r[j] * r[j]; }
        const float q = 1.0f / sqrtf(s / (float)d + eps);
        inv[i] = q;
        for (long j = 0; j < d; j++) { y[i * d + j] = down(r[j] * q * w[j]); }
    }
}

/* Backward of norm_f32.  part[n_part][d] are partial sums of the gradient of w, one per chunk of
 * rows. */
void norm_f32_back(const uint16_t *dy, const float *x, const float *w, const float *inv, float *dx,
                   float *part, long n, long d, long n_part) {
#pragma omp parallel for schedule(static)
    for (long c = 0; c < n_part; c++) {
        float *dw = part + c * d;
        memset(dw, 0, (size_t)d * sizeof *dw);
        for (long i = n * c / n_part; i < n * (c + 1) / n_part; i++) {
            const float *r = x + i * d, q = inv[i];
            const uint16_t *g = dy + i * d;
            float dot = 0;
            for (long j = 0; j < d; j++) {
                const float t = up(g[j]) * r[j];
                dot += t * w[j];
                dw[j] += t * q;
            }
            const float k = dot * q * q * q / (float)d;
            for (long j = 0; j < d; j++) { dx[i * d + j] = up(g[j]) * w[j] * q - r[j] * k; }
        }
    }
}

/* Per-head norm, then rope (pairs j, j + d/2), of q or k: x and y are [n_tok][n_head][d] in bf16.
 * sincos[n_pos][d] holds d/2 cosines, then d/2 sines; token i stands at position i mod n_pos. */
void norm_rope(const uint16_t *x, const float *w, const float *sincos, uint16_t *y, float *inv,
               long n_tok, long n_head, long d, long n_pos, float eps) {
#pragma omp parallel for schedule(static)
    for (long t = 0; t < n_tok; t++) {
        const float *cs = sincos + (t % n_pos) * d, *sn = cs + d / 2;
        for (long i = t * n_head; i < (t + 1) * n_head; i++) {
            const uint16_t *a = x + i * d, *b = a + d / 2;
            uint16_t *o = y + i * d;
            float s = 0;
            for (long j = 0; j < d; j++) { s += up(a[j]) * up(a[j]); }
            const float q = 1.0f / sqrtf(s / (float)d + eps);
            inv[i] = q;
            for (long j = 0; j < d / 2; j++) {
                const float u = up(a[j]) * q * w[j], v = up(b[j]) * q * w[d / 2 + j];
                o[j] = down(u * cs[j] - v * sn[j]);
                o[d / 2 + j] = down(v * cs[j] + u * sn[j]);
            }
        }
    }
}

void norm_rope_back(const uint16_t *dy, const uint16_t *x, const float *w, const float *sincos,
                    const float *inv, uint16_t *dx, float *part, long n_tok, long n_head, long d,
                    long n_pos, long n_part) {
#pragma omp parallel for schedule(static)
    for (long c = 0; c < n_part; c++) {
        float *dw = part + c * d, g[256];
        memset(dw, 0, (size_t)d * sizeof *dw);
        for (long t = n_tok * c / n_part; t < n_tok * (c + 1) / n_part; t++) {
            const float *cs = sincos + (t % n_pos) * d, *sn = cs + d / 2;
            for (long i = t * n_head; i < (t + 1) * n_head; i++) {
                const uint16_t *o = dy + i * d, *r = x + i * d;
                const float q = inv[i];
                float dot = 0;
                for (long j = 0; j < d / 2; j++) {
                    const float u = up(o[j]), v = up(o[d / 2 + j]);
                    g[j] = u * cs[j] + v * sn[j];
                    g[d / 2 + j] = v * cs[j] - u * sn[j];
                }
                for (long j = 0; j < d; j++) {
                    const float m = g[j] * up(r[j]);
                    dot += m * w[j];
                    dw[j] += m * q;
                }
                const float k = dot * q * q * q / (float)d;
                for (long j = 0; j < d; j++) {
                    dx[i * d + j] = down(g[j] * w[j] * q - up(r[j]) * k);
                }
            }
        }
    }
}

/* Causal softmax in place: row i of each [t][t] matrix sees columns 0..i; the others become 0. */
void softmax(uint16_t *s, long n_mat, long t, float scale) {
#pragma omp parallel for schedule(static)
    for (long m = 0; m < n_mat; m++) {
        float e[4096];
        for (long i = 0; i < t; i++) {
            uint16_t *r = s + (m * t + i) * t;
            float top = -1e30f, sum = 0;
            for (long j = 0; j <= i; j++) { top = fmaxf(top, up(r[j])); }
            for (long j = 0; j <= i; j++) {
                e[j] = expf((up(r[j]) - top) * scale);
                sum += e[j];
            }
            const float k = 1.0f / sum;
            for (long j = 0; j <= i; j++) { r[j] = down(e[j] * k); }
            memset(r + i + 1, 0, (size_t)(t - 1 - i) * sizeof *r);
        }
    }
}

/* Backward of softmax, in place in g: g = p * (g - sum(p * g)) * scale. */
void softmax_back(uint16_t *g, const uint16_t *p, long n_mat, long t, float scale) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n_mat * t; i++) {
        uint16_t *a = g + i * t;
        const uint16_t *b = p + i * t;
        const long n = i % t + 1;
        float dot = 0;
        for (long j = 0; j < n; j++) { dot += up(a[j]) * up(b[j]); }
        for (long j = 0; j < n; j++) { a[j] = down((up(a[j]) - dot) * up(b[j]) * scale); }
        memset(a + n, 0, (size_t)(t - n) * sizeof *a);
    }
}

/* y[n][f] = silu(gate) * up, with gu[n][2f] = gate, then up. */
void swiglu(const uint16_t *gu, uint16_t *y, long n, long f) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        const uint16_t *g = gu + i * 2 * f, *u = g + f;
        for (long j = 0; j < f; j++) {
            const float a = up(g[j]);
            y[i * f + j] = down(a / (1.0f + expf(-a)) * up(u[j]));
        }
    }
}

void swiglu_back(const uint16_t *dy, const uint16_t *gu, uint16_t *dgu, long n, long f) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        const uint16_t *g = gu + i * 2 * f, *u = g + f, *d = dy + i * f;
        uint16_t *o = dgu + i * 2 * f;
        for (long j = 0; j < f; j++) {
            const float a = up(g[j]), s = 1.0f / (1.0f + expf(-a)), t = up(d[j]);
            o[j] = down(t * up(u[j]) * s * (1.0f + a * (1.0f - s)));
            o[f + j] = down(t * a * s);
        }
    }
}

/* Gated short convolution over sequences of t tokens: bcx[n][3d] holds B, C, x; k[d][3] the taps,
 * the last of them for the current token; y = C * conv(B * x). */
void conv(const uint16_t *bcx, const float *k3, uint16_t *y, long n, long d, long t) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        const long p = i % t;
        const uint16_t *r = bcx + i * 3 * d, *c = r + d, *r1 = r - 3 * d, *r2 = r - 6 * d;
        for (long j = 0; j < d; j++) {
            float s = k3[2 * d + j] * up(r[j]) * up(r[2 * d + j]);
            if (p > 0) { s += k3[d + j] * up(r1[j]) * up(r1[2 * d + j]); }
            if (p > 1) { s += k3[j] * up(r2[j]) * up(r2[2 * d + j]); }
            y[i * d + j] = down(s * up(c[j]));
        }
    }
}

/* Backward of conv.  Here k3 is [3][d] (as above), part[n_part][3][d]. */
void conv_back(const uint16_t *dy, const uint16_t *bcx, const float *k3, uint16_t *dbcx,
               float *part, long n, long d, long t, long n_part) {
#pragma omp parallel for schedule(static)
    for (long q = 0; q < n_part; q++) {
        float *dk = part + q * 3 * d;
        memset(dk, 0, (size_t)(3 * d) * sizeof *dk);
        for (long i = n * q / n_part; i < n * (q + 1) / n_part; i++) {
            const long p = i % t, s = 3 * d;
            const uint16_t *r = bcx + i * s, *g = dy + i * d;
            uint16_t *o = dbcx + i * s;
            const int b1 = p > 0, b2 = p > 1, f1 = p + 1 < t, f2 = p + 2 < t;
            for (long j = 0; j < d; j++) {
                const float bx0 = up(r[j]) * up(r[2 * d + j]);
                const float bx1 = b1 ? up(r[j - s]) * up(r[j - s + 2 * d]) : 0;
                const float bx2 = b2 ? up(r[j - 2 * s]) * up(r[j - 2 * s + 2 * d]) : 0;
                const float dz = up(g[j]) * up(r[d + j]);   /* gradient of the taps' sum */
                float dbx = k3[2 * d + j] * dz;
                if (f1) { dbx += k3[d + j] * up(g[j + d]) * up(r[j + s + d]); }
                if (f2) { dbx += k3[j] * up(g[j + 2 * d]) * up(r[j + 2 * s + d]); }
                dk[2 * d + j] += dz * bx0;
                dk[d + j] += dz * bx1;
                dk[j] += dz * bx2;
                o[j] = down(dbx * up(r[2 * d + j]));
                o[d + j] = down(up(g[j]) * (k3[2 * d + j] * bx0 + k3[d + j] * bx1 + k3[j] * bx2));
                o[2 * d + j] = down(dbx * up(r[j]));
            }
        }
    }
}

/* A hash of a counter, for dropout: the same forwards and backwards (MurmurHash3's constants). */
static inline uint32_t mix(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    return h ^ (h >> 16);
}

/* out = h + dropout(o), h and out F32, o bf16.  limit = p * 2^32: 0 drops nothing. */
void add_drop(const float *h, const uint16_t *o, float *out, long n, uint32_t seed, uint32_t limit,
              float keep_scale) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        out[i] = h[i] + (mix((uint32_t)i ^ seed) >= limit ? up(o[i]) * keep_scale : 0.0f);
    }
}

void add_drop_back(const float *g, uint16_t *d_o, long n, uint32_t seed, uint32_t limit,
                   float keep_scale) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        d_o[i] = down(mix((uint32_t)i ^ seed) >= limit ? g[i] * keep_scale : 0.0f);
    }
}

/* Rows of x[.][d] for each slot: slot s holds token from[s] / top, or nothing (zeros) when from[s]
 * < 0. */
void moe_gather(const uint16_t *x, const int32_t *from, uint16_t *xs, long n_slot, long d,
                long top) {
#pragma omp parallel for schedule(static)
    for (long s = 0; s < n_slot; s++) {
        if (from[s] < 0) {
            memset(xs + s * d, 0, (size_t)d * sizeof *xs);
        } else {
            memcpy(xs + s * d, x + from[s] / top * d, (size_t)d * sizeof *xs);
        }
    }
}

/* y[n][d] = sum over k of w[n][k] * ys[slot[n][k]]; w may be NULL for 1 (the backward of
 * moe_gather). */
void moe_combine(const uint16_t *ys, const int32_t *slot, const float *w, uint16_t *y, long n,
                 long d, long top) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        float a[1024] = {0};
        for (long k = 0; k < top; k++) {
            const uint16_t *r = ys + (long)slot[i * top + k] * d;
            const float c = w ? w[i * top + k] : 1.0f;
            for (long j = 0; j < d; j++) { a[j] += c * up(r[j]); }
        }
        for (long j = 0; j < d; j++) { y[i * d + j] = down(a[j]); }
    }
}

/* Backward of moe_combine: dys[slot] = w * dy, dw = dy . ys[slot]. */
void moe_combine_back(const uint16_t *dy, const uint16_t *ys, const int32_t *from, const float *w,
                      uint16_t *dys, float *dw, long n_slot, long d, long top) {
#pragma omp parallel for schedule(static)
    for (long s = 0; s < n_slot; s++) {
        const long f = from[s];
        if (f < 0) {
            memset(dys + s * d, 0, (size_t)d * sizeof *dys);
            continue;
        }
        const uint16_t *g = dy + f / top * d, *r = ys + s * d;
        float dot = 0;
        for (long j = 0; j < d; j++) {
            dot += up(g[j]) * up(r[j]);
            dys[s * d + j] = down(up(g[j]) * w[f]);
        }
        dw[f] = dot;
    }
}

/* Choose `top` of e experts by score + bias: choice[n][top].  load[e] counts the choices. */
void moe_choose(const float *score, const float *bias, int32_t *choice, int64_t *load, long n,
                long e, long top) {
    for (long i = 0; i < n; i++) {
        float s[256];
        for (long j = 0; j < e; j++) { s[j] = score[i * e + j] + bias[j]; }
        for (long k = 0; k < top; k++) {
            long best = 0;
            for (long j = 1; j < e; j++) { best = s[j] > s[best] ? j : best; }
            s[best] = -1e30f;
            choice[i * top + k] = (int32_t)best;
            load[best]++;
        }
    }
}

/* Give every choice a slot in its expert's room of `room` slots. */
void moe_place(const int32_t *choice, int32_t *slot, int32_t *from, long n_choice, long e,
               long room) {
    int32_t next[256];
    for (long j = 0; j < e; j++) { next[j] = (int32_t)(j * room); }
    memset(from, 0xff, (size_t)(e * room) * sizeof *from);
    for (long c = 0; c < n_choice; c++) {
        const int32_t s = next[choice[c]]++;
        slot[c] = s;
        from[s] = (int32_t)c;
    }
}

/* Cross-entropy of logits[n][v] against target[n] (< 0: not counted).  loss[n] in nats; the logits
 * are replaced by their gradient times `scale`. */
void cross_entropy(uint16_t *logits, const int64_t *target, float *loss, long n, long v,
                   float scale) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        uint16_t *r = logits + i * v;
        const long t = (long)target[i];
        if (t < 0) {
            loss[i] = 0;
            memset(r, 0, (size_t)v * sizeof *r);
            continue;
        }
        float top = -1e30f, sum = 0;
        for (long j = 0; j < v; j++) { top = fmaxf(top, up(r[j])); }
        const float own = up(r[t]);
        for (long j = 0; j < v; j++) { sum += expf(up(r[j]) - top); }
        loss[i] = logf(sum) + top - own;
        const float k = scale / sum, p = expf(own - top) * k;
        for (long j = 0; j < v; j++) { r[j] = down(expf(up(r[j]) - top) * k); }
        r[t] = down(p - scale);
    }
}
