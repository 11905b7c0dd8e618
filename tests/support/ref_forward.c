/*
 * ref_forward.c - LFM2 one formula at a time, a whole sequence through one layer after the other.
 *
 * In the notation of the sources:
 *     h += operator(rms_norm(h));  h += feed_forward(rms_norm(h));  logits = E rms_norm(h)
 * where the operator is a gated short convolution or attention, and the feed-forward block is one
 * SwiGLU or a mixture of them.
 */
#include "ref_forward.h"

#include "base/bytes.h"
#include "kernel/kernel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor: `n_mats` matrices of `rows` rows; w is NULL when the file has none of that name. */
typedef struct {
    double *w; /* [n_mats][rows][cols] */
    size_t cols, rows, n_mats;
    qtype type;
} tensor;

typedef struct {
    tensor operator_norm, ffn_norm;
    tensor in_proj, taps, out_proj;     /* short convolution */
    tensor q, k, v, o, q_norm, k_norm;  /* attention */
    tensor gate, up, down;              /* dense */
    tensor router, bias, gates, ups, downs; /* mixture */
} layer;

struct ref_model {
    ref_shape shape;
    double eps, theta, expert_scale;
    bool expert_sum; /* the weights of a mixture are divided by their sum */
    size_t n_rot; /* rotated values per head, 0 = all */
    tensor embd, norm, head;
    layer *layers; /* [n_layer] */
};

/* Least sum of routing weights that is divided by: the smallest normal half, as in llama.cpp.
 * transformers adds 1e-6 to the sum instead; the difference is below one part in 10^6. */
static const double min_weight_sum = 0x1p-14;

static void __attribute__((noreturn, format(printf, 1, 2))) stop(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("ref_forward: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static void *make(size_t n, size_t size) {
    void *p = calloc(n != 0 ? n : 1, size);
    if (!p) {
        stop("out of memory: %zu times %zu bytes", n, size);
    }
    return p;
}

static double *numbers(size_t n) {
    return make(n, sizeof(double));
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* The factor of matrix `mat` of a tensor: "a.scale" belongs to "a.weight". */
static double factor_of(const gguf_file *f, const char *weight, size_t mat) {
    char name[96];
    const char *end = strstr(weight, ".weight");
    snprintf(name, sizeof name, "%.*s.scale", (int)(end ? end - weight : 0), weight);
    const gguf_tensor *t = gguf_get_tensor(f, name);
    return t ? (double)f32_from_bits(load_u32(t->data + 4 * mat)) : 1;
}

static tensor load(const gguf_file *f, const char *name) {
    const gguf_tensor *t = gguf_get_tensor(f, name);
    if (!t) {
        return (tensor){0};
    }
    tensor out = {NULL, (size_t)t->dim[0], (size_t)t->dim[1],
                  (size_t)(t->dim[2] * t->dim[3]), t->type};
    const size_t n_rows = out.rows * out.n_mats;
    const size_t row_bytes = qtype_row_bytes(t->type, out.cols);
    float *row = make(out.cols, sizeof *row);
    out.w = numbers(n_rows * out.cols);
    for (size_t r = 0; r < n_rows; r++) {
        const double factor = factor_of(f, name, r / out.rows);
        kern_dequantize(t->type, row, t->data + r * row_bytes, out.cols);
        for (size_t i = 0; i < out.cols; i++) {
            out.w[r * out.cols + i] = factor * (double)row[i];
        }
    }
    free(row);
    return out;
}

/* The tensor of a layer, with rows of `cols` weights; 0 = any. */
static tensor load_part(const gguf_file *f, size_t i, const char *part, size_t cols) {
    char name[96];
    snprintf(name, sizeof name, "blk.%zu.%s", i, part);
    const tensor t = load(f, name);
    if (!t.w) {
        stop("no tensor %s", name);
    }
    if (cols != 0 && t.cols != cols) {
        stop("%s has rows of %zu, expected %zu", name, t.cols, cols);
    }
    return t;
}

static bool has_part(const gguf_file *f, size_t i, const char *part) {
    char name[96];
    snprintf(name, sizeof name, "blk.%zu.%s", i, part);
    return gguf_get_tensor(f, name) != NULL;
}

static void load_operator(layer *l, const gguf_file *f, size_t i, size_t n_embd) {
    l->operator_norm = load_part(f, i, "attn_norm.weight", n_embd);
    if (has_part(f, i, "shortconv.in_proj.weight")) {
        l->in_proj = load_part(f, i, "shortconv.in_proj.weight", n_embd);
        l->taps = load_part(f, i, "shortconv.conv.weight", 0);
        l->out_proj = load_part(f, i, "shortconv.out_proj.weight", n_embd);
        return;
    }
    l->q_norm = load_part(f, i, "attn_q_norm.weight", 0);
    l->k_norm = load_part(f, i, "attn_k_norm.weight", l->q_norm.cols);
    l->q = load_part(f, i, "attn_q.weight", n_embd);
    l->k = load_part(f, i, "attn_k.weight", n_embd);
    l->v = load_part(f, i, "attn_v.weight", n_embd);
    l->o = load_part(f, i, "attn_output.weight", l->q.rows);
}

/* Matrices of the upper and of the lower half of the rows of each matrix of `both`, which goes. */
static void halve(tensor both, tensor *upper, tensor *lower) {
    const size_t half = both.rows / 2 * both.cols;
    *upper = *lower = both;
    upper->rows = lower->rows = both.rows / 2;
    upper->w = numbers(both.n_mats * half);
    lower->w = numbers(both.n_mats * half);
    for (size_t i = 0; i < both.n_mats * half; i++) {
        upper->w[i] = both.w[i / half * 2 * half + i % half];
        lower->w[i] = both.w[i / half * 2 * half + half + i % half];
    }
    free(both.w);
}

static void load_feed_forward(layer *l, const gguf_file *f, size_t i, size_t n_embd) {
    l->ffn_norm = load_part(f, i, "ffn_norm.weight", n_embd);
    if (has_part(f, i, "ffn_gate_inp.weight")) {
        l->router = load_part(f, i, "ffn_gate_inp.weight", n_embd);
        l->bias = load_part(f, i, "exp_probs_b.bias", l->router.rows);
        if (has_part(f, i, "ffn_gate_up_exps.weight")) {
            halve(load_part(f, i, "ffn_gate_up_exps.weight", n_embd), &l->gates, &l->ups);
        } else {
            l->gates = load_part(f, i, "ffn_gate_exps.weight", n_embd);
            l->ups = load_part(f, i, "ffn_up_exps.weight", n_embd);
        }
        l->downs = load_part(f, i, "ffn_down_exps.weight", l->gates.rows);
        return;
    }
    l->gate = load_part(f, i, "ffn_gate.weight", n_embd);
    l->up = load_part(f, i, "ffn_up.weight", n_embd);
    l->down = load_part(f, i, "ffn_down.weight", l->gate.rows);
}

/* ARCH.suffix for the architecture of the file. */
typedef struct {
    char text[96];
} key_name;

static key_name key_of(const gguf_file *f, const char *suffix) {
    key_name key;
    gguf_str arch = {"", 0};
    if (gguf_get_str(f, "general.architecture", &arch, NULL) != LFM_OK || arch.len == 0) {
        stop("no general.architecture");
    }
    snprintf(key.text, sizeof key.text, "%.*s.%s", (int)arch.len, arch.ptr, suffix);
    return key;
}

static uint32_t read_count(const gguf_file *f, const char *suffix) {
    uint32_t n = 0;
    if (gguf_get_u32(f, key_of(f, suffix).text, 0, UINT32_MAX, &n, NULL) != LFM_OK) {
        stop("%s is not a number", suffix);
    }
    return n;
}

static double read_real(const gguf_file *f, const char *suffix) {
    float x = 0;
    if (gguf_get_f32(f, key_of(f, suffix).text, &x, NULL) != LFM_OK) {
        stop("%s is not a number", suffix);
    }
    return (double)x;
}

ref_model *ref_open(const gguf_file *f) {
    ref_model *m = make(1, sizeof *m);
    m->embd = load(f, "token_embd.weight");
    m->norm = load(f, gguf_get_tensor(f, "output_norm.weight") ? "output_norm.weight"
                                                               : "token_embd_norm.weight");
    m->head = load(f, "output.weight");
    if (!m->embd.w || !m->norm.w) {
        stop("no token_embd.weight, or no norm before the head");
    }
    m->shape.n_layer = read_count(f, "block_count");
    m->shape.n_embd = m->embd.cols;
    m->shape.n_vocab = m->embd.rows;
    m->shape.n_used = read_count(f, "expert_used_count");
    m->eps = read_real(f, "attention.layer_norm_rms_epsilon");
    m->theta = read_real(f, "rope.freq_base");
    m->expert_scale = read_real(f, "expert_weights_scale");
    m->expert_sum = true;
    gguf_get_bool(f, key_of(f, "expert_weights_norm").text, &m->expert_sum, NULL);
    m->n_rot = read_count(f, "rope.dimension_count");
    m->layers = make(m->shape.n_layer, sizeof *m->layers);
    for (size_t i = 0; i < m->shape.n_layer; i++) {
        load_operator(&m->layers[i], f, i, m->shape.n_embd);
        load_feed_forward(&m->layers[i], f, i, m->shape.n_embd);
    }
    return m;
}

ref_model *ref_open_file(const char *path) {
    gguf_file file = {0};
    lfm_error err = {0};
    if (gguf_open(&file, path, &err) != LFM_OK) {
        stop("%s", err.text);
    }
    ref_model *m = ref_open(&file);
    gguf_close(&file);
    return m;
}

void ref_free(ref_model *m) {
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->shape.n_layer; i++) {
        const layer *l = &m->layers[i];
        const tensor all[] = {l->operator_norm, l->ffn_norm, l->in_proj, l->taps, l->out_proj,
                              l->q, l->k, l->v, l->o, l->q_norm, l->k_norm, l->gate, l->up,
                              l->down, l->router, l->bias, l->gates, l->ups, l->downs};
        for (size_t j = 0; j < sizeof all / sizeof all[0]; j++) {
            free(all[j].w);
        }
    }
    free(m->embd.w);
    free(m->norm.w);
    free(m->head.w);
    free(m->layers);
    free(m);
}

ref_shape ref_get_shape(const ref_model *m) {
    return m->shape;
}

bool ref_is_conv(const ref_model *m, size_t i) {
    return m->layers[i].taps.w != NULL;
}

/* ---- Formulas ------------------------------------------------------------------------------- */

/* Four sums instead of one, because a single one would wait for each addition. */
static double dot(const double *a, const double *b, size_t n) {
    double sum[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        sum[0] += a[i] * b[i];
        sum[1] += a[i + 1] * b[i + 1];
        sum[2] += a[i + 2] * b[i + 2];
        sum[3] += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++) {
        sum[0] += a[i] * b[i];
    }
    return sum[0] + sum[1] + (sum[2] + sum[3]);
}

/* y[rows] = matrix `mat` of t, times x[cols], which is rounded as the run asks. */
static void multiply(double *y, const tensor *t, size_t mat, const double *x, const ref_run *run) {
    double *rounded = NULL;
    if (run->round) {
        rounded = numbers(t->cols);
        memcpy(rounded, x, t->cols * sizeof *x);
        run->round(rounded, t->cols, t->type);
        x = rounded;
    }
    for (size_t r = 0; r < t->rows; r++) {
        y[r] = dot(t->w + (mat * t->rows + r) * t->cols, x, t->cols);
    }
    free(rounded);
}

/* y = x / sqrt(mean(x^2) + eps) * w; y may be x. */
static void rms_norm(double *y, const double *x, const double *w, size_t n, double eps) {
    const double scale = 1 / sqrt(dot(x, x, n) / (double)n + eps);
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] * scale * w[i];
    }
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* Rotate the pairs (i, i + n/2) by position * theta^(-2i/n). */
static void rotate(double *x, size_t n, size_t position, double theta) {
    for (size_t i = 0; i < n / 2; i++) {
        const double angle = (double)position * pow(theta, -2.0 * (double)i / (double)n);
        const double a = x[i];
        const double b = x[i + n / 2];
        x[i] = a * cos(angle) - b * sin(angle);
        x[i + n / 2] = a * sin(angle) + b * cos(angle);
    }
}

static double to_half(double x) {
    return (double)f16_to_f32(f32_to_f16((float)x));
}

/* ---- The operators: out[n][n_embd] from the normalised x[n][n_embd] -------------------------- */

static void short_conv(const ref_model *m, const layer *l, const double *x, size_t n,
                       const ref_run *run, double *out) {
    const size_t width = m->shape.n_embd;
    const size_t n_taps = l->taps.cols;
    double *bcx = numbers(n * 3 * width);   /* rows B, C, x */
    double *gated = numbers(n * width);     /* B * x */
    double *y = numbers(width);
    for (size_t t = 0; t < n; t++) {
        double *row = bcx + t * 3 * width;
        multiply(row, &l->in_proj, 0, x + t * width, run);
        for (size_t c = 0; c < width; c++) {
            gated[t * width + c] = row[c] * row[2 * width + c];
        }
        for (size_t c = 0; c < width; c++) {
            double sum = 0; /* the last tap belongs to token t; before the text there are zeros */
            for (size_t back = 0; back < n_taps && back <= t; back++) {
                sum += l->taps.w[c * n_taps + n_taps - 1 - back] * gated[(t - back) * width + c];
            }
            y[c] = row[width + c] * sum;
        }
        multiply(out + t * width, &l->out_proj, 0, y, run);
    }
    free(bcx);
    free(gated);
    free(y);
}

/* out[t][head] = softmax over j <= t of (q . k_j / sqrt(dim)), times v_j. */
static void attend(const layer *l, const double *q, const double *keys, const double *values,
                   size_t t, double *score, double *out) {
    const size_t dim = l->q_norm.cols;
    const size_t per_kv = l->q.rows / l->k.rows; /* query heads that share one KV head */
    for (size_t head = 0; head < l->q.rows / dim; head++) {
        const size_t at = head / per_kv * dim;
        double max = -HUGE_VAL;
        for (size_t j = 0; j <= t; j++) {
            score[j] = dot(q + head * dim, keys + j * l->k.rows + at, dim) / sqrt((double)dim);
            max = fmax(max, score[j]);
        }
        double sum = 0;
        double *y = out + head * dim;
        memset(y, 0, dim * sizeof *y);
        for (size_t j = 0; j <= t; j++) {
            const double p = exp(score[j] - max);
            sum += p;
            for (size_t i = 0; i < dim; i++) {
                y[i] += p * values[j * l->v.rows + at + i];
            }
        }
        for (size_t i = 0; i < dim; i++) {
            y[i] /= sum;
        }
    }
}

/* Norm and rotation of each head of x[n]. */
static void prepare_heads(const ref_model *m, const tensor *norm, double *x, size_t n,
                          size_t position) {
    const size_t dim = norm->cols;
    for (size_t at = 0; at < n; at += dim) {
        rms_norm(x + at, x + at, norm->w, dim, m->eps);
        rotate(x + at, m->n_rot != 0 ? m->n_rot : dim, position, m->theta);
    }
}

static void attention(const ref_model *m, const layer *l, const double *x, size_t n,
                      const ref_run *run, double *out) {
    const size_t width = m->shape.n_embd;
    const size_t n_kv = l->k.rows;
    double *keys = numbers(n * n_kv);
    double *values = numbers(n * n_kv);
    double *q = numbers(l->q.rows);
    double *mixed = numbers(l->q.rows);
    double *score = numbers(n);
    for (size_t t = 0; t < n; t++) {
        double *key = keys + t * n_kv;
        double *value = values + t * n_kv;
        multiply(q, &l->q, 0, x + t * width, run);
        multiply(key, &l->k, 0, x + t * width, run);
        multiply(value, &l->v, 0, x + t * width, run);
        prepare_heads(m, &l->q_norm, q, l->q.rows, t);
        prepare_heads(m, &l->k_norm, key, n_kv, t);
        for (size_t i = 0; run->kv_f16 && i < n_kv; i++) {
            key[i] = to_half(key[i]);
            value[i] = to_half(value[i]);
        }
        attend(l, q, keys, values, t, score, mixed);
        multiply(out + t * width, &l->o, 0, mixed, run);
    }
    free(keys);
    free(values);
    free(q);
    free(mixed);
    free(score);
}

/* ---- The feed-forward blocks ---------------------------------------------------------------- */

/* out += weight * down(silu(gate x) * up x) */
static void add_swiglu(const tensor *gate, const tensor *up, const tensor *down, size_t mat,
                       const double *x, double weight, const ref_run *run, double *out) {
    double *g = numbers(gate->rows);
    double *u = numbers(gate->rows);
    double *y = numbers(down->rows);
    multiply(g, gate, mat, x, run);
    multiply(u, up, mat, x, run);
    for (size_t i = 0; i < gate->rows; i++) {
        g[i] = g[i] * sigmoid(g[i]) * u[i];
    }
    multiply(y, down, mat, g, run);
    for (size_t i = 0; i < down->rows; i++) {
        out[i] += weight * y[i];
    }
    free(g);
    free(u);
    free(y);
}

/* Mark the n_used largest of steered[n], the first among equals; returns by how much the least of
 * them exceeds the best of the others. */
static double choose(const double *steered, size_t n, size_t n_used, bool *chosen) {
    double least = HUGE_VAL;
    for (size_t i = 0; i <= n_used; i++) {
        size_t best = n;
        for (size_t e = 0; e < n; e++) {
            if (!chosen[e] && (best == n || steered[e] > steered[best])) {
                best = e;
            }
        }
        if (best == n) {
            return HUGE_VAL;
        }
        if (i == n_used) {
            return least - steered[best];
        }
        chosen[best] = true;
        least = steered[best];
    }
    return HUGE_VAL;
}

/* out += the mixture for one token.  The bias steers which experts are chosen, and only that. */
static void add_mixture(const ref_model *m, const layer *l, const double *x, const ref_run *run,
                        double *out, int32_t *experts, double *margin) {
    const size_t n = l->router.rows;
    double *p = numbers(n);
    double *steered = numbers(n);
    bool *chosen = make(n, sizeof *chosen);
    multiply(p, &l->router, 0, x, run);
    for (size_t e = 0; e < n; e++) {
        p[e] = sigmoid(p[e]);
        steered[e] = p[e] + l->bias.w[e];
    }
    *margin = choose(steered, n, m->shape.n_used, chosen);
    double sum = 0;
    for (size_t e = 0; e < n; e++) {
        sum += chosen[e] ? p[e] : 0;
    }
    const double divisor = m->expert_sum ? fmax(sum, min_weight_sum) : 1;
    const double scale = (m->expert_scale != 0 ? m->expert_scale : 1) / divisor;
    size_t n_found = 0;
    for (size_t e = 0; e < n; e++) {
        if (chosen[e]) {
            add_swiglu(&l->gates, &l->ups, &l->downs, e, x, p[e] * scale, run, out);
            experts[n_found++] = (int32_t)e;
        }
    }
    free(p);
    free(steered);
    free(chosen);
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* h[n][n_embd] through layer i. */
static void run_layer(const ref_model *m, size_t i, double *h, size_t n, const ref_run *run) {
    const layer *l = &m->layers[i];
    const size_t width = m->shape.n_embd;
    const size_t n_used = m->shape.n_used;
    double *x = numbers(n * width);
    double *y = numbers(n * width);
    int32_t *experts = make(n_used, sizeof *experts);
    for (size_t t = 0; t < n; t++) {
        rms_norm(x + t * width, h + t * width, l->operator_norm.w, width, m->eps);
    }
    (l->taps.w ? short_conv : attention)(m, l, x, n, run, y);
    for (size_t at = 0; at < n * width; at++) {
        h[at] += y[at];
    }
    for (size_t t = 0; t < n; t++) {
        double margin = HUGE_VAL;
        memset(experts, 0xff, n_used * sizeof *experts);
        rms_norm(x, h + t * width, l->ffn_norm.w, width, m->eps);
        if (l->router.w) {
            add_mixture(m, l, x, run, h + t * width, experts, &margin);
        } else {
            add_swiglu(&l->gate, &l->up, &l->down, 0, x, 1, run, h + t * width);
        }
        if (run->experts && n_used != 0) {
            memcpy(run->experts + (i * n + t) * n_used, experts, n_used * sizeof *experts);
        }
        if (run->margins) {
            run->margins[i * n + t] = margin;
        }
    }
    free(x);
    free(y);
    free(experts);
}

void ref_eval(const ref_model *m, const int32_t *tokens, size_t n, const ref_run *run) {
    const size_t width = m->shape.n_embd;
    double *h = numbers(n * width);
    for (size_t t = 0; t < n; t++) {
        if (tokens[t] < 0 || (size_t)tokens[t] >= m->shape.n_vocab) {
            stop("token %d of %zu", (int)tokens[t], m->shape.n_vocab);
        }
        memcpy(h + t * width, m->embd.w + (size_t)tokens[t] * width, width * sizeof *h);
    }
    for (size_t i = 0; i < m->shape.n_layer; i++) {
        run_layer(m, i, h, n, run);
        if (run->layers) {
            memcpy(run->layers + i * n * width, h, n * width * sizeof *h);
        }
    }
    const tensor *head = m->head.w ? &m->head : &m->embd;
    for (size_t t = run->first_logits; run->logits && t < n; t++) {
        double *x = h + t * width;
        rms_norm(x, x, m->norm.w, width, m->eps);
        multiply(run->logits + (t - run->first_logits) * m->shape.n_vocab, head, 0, x, run);
    }
    free(h);
}
