/*
 * bench.c - kernel_check --bench: how fast each slot is, beside what the machine can do at most.
 *
 * Products with one token are bound by reading weights, so they walk through more of them than any
 * cache holds, in calls of the size that the engine makes, and are told in GB/s.  With 64 tokens
 * they are bound by arithmetic: GOP/s, two operations per weight and token.  Beside each figure
 * stands its share of what the slots `read` and `peak` of the same instruction set do: the best of
 * just before, just after, and the figure itself, so never above 100 %.  The other slots work in
 * cache: microseconds per call.  Each figure is the median of samples over some tenths of a second,
 * with half of the range in which the middle half of them lie.
 */
#include "check.h"

#include "../support/blocks.h"
#include "base/bytes.h"
#include "kernel/scalar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SET_BYTES = 256 << 20,   /* weights */
    CALL_BYTES = 512 << 10,
    SAMPLE_BYTES = 16 << 20,
    K = 2048,
    BATCH = 64,
    BATCH_ROWS = 1024,       /* per call, as in a piece of a large model */
    MAX_SAMPLES = 400,
    MIN_SAMPLES = 5
};

static const double sample_time = 0.25; /* seconds for each figure */

typedef struct {
    double median;
    double spread; /* per cent */
} figure;

typedef struct {
    uint8_t *weights;  /* [SET_BYTES] */
    uint8_t *acts;     /* [BATCH] rows */
    float *out;
    size_t at;         /* where the next call reads */
    const isa *isa;
    const slot *slot;
} bench_state;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Units per second of `sample`, which returns how many units it has done. */
static figure measure(double (*sample)(bench_state *b), bench_state *b) {
    static double rate[MAX_SAMPLES];
    size_t n = 0;
    sample(b); /* pages, caches, frequency */
    const double end = now() + sample_time;
    while (n < MAX_SAMPLES && (n < MIN_SAMPLES || now() < end)) {
        const double before = now();
        const double done = sample(b);
        rate[n++] = done / (now() - before);
    }
    qsort(rate, n, sizeof rate[0], by_value);
    const double median = rate[n / 2];
    return (figure){median, 50 * (rate[n * 3 / 4] - rate[n / 4]) / median};
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* `rows` rows of weights against n tokens; returns the bytes of weights. */
static size_t multiply(bench_state *b, size_t n, size_t rows) {
    const qtype type = b->slot->type;
    const size_t unit = qtype_get(type)->block_weights;
    const size_t block = kern_act_block(unit);
    const size_t x_bytes = block ? kern_act_bytes(K, block) : K * sizeof(float);
    const size_t bytes = rows * qtype_row_bytes(type, K);
    const void *x[BATCH];
    float *y[BATCH];
    for (size_t t = 0; t < n; t++) {
        x[t] = b->acts + t * x_bytes;
        y[t] = b->out + t * rows;
    }
    b->at = b->at + 2 * bytes > SET_BYTES ? 0 : b->at; /* kernels may prefetch the rows behind */
    b->isa->table.mul[type](y, b->weights + b->at, x, n, rows, K,
                                b->weights + b->at + bytes);
    b->at += bytes;
    return bytes;
}

static double sample_one(bench_state *b) {
    const size_t rows = CALL_BYTES / qtype_row_bytes(b->slot->type, K) / 16 * 16;
    const size_t sample = b->isa->table.name[0] == 's' ? 4 * CALL_BYTES : SAMPLE_BYTES; /* scalar */
    size_t bytes = 0;
    while (bytes < sample) {
        bytes += multiply(b, 1, rows);
    }
    return (double)bytes * 1e-9;
}

static double sample_batch(bench_state *b) {
    multiply(b, BATCH, BATCH_ROWS);
    return 2e-9 * (double)((size_t)BATCH_ROWS * BATCH * K);
}

enum { N_POS = 1024, DIM = 64, HEADS_Q = 4, TOGETHER = 16 /* tokens */, CALLS = 64 };

static double sample_row(bench_state *b) {
    const kern_table *t = &b->isa->table;
    float *f = b->out;
    float *x[6];
    for (size_t i = 0; i < 6; i++) {
        x[i] = f + (i + 1) * 4 * K;
    }
    const char *name = b->slot->name;
    const size_t calls = strncmp(name, "attend", 6) == 0 ? 1 : CALLS;
    for (size_t i = 0; i < calls; i++) {
        if (strcmp(name, "quantize") == 0) {
            t->quantize(b->acts, x[0], K, 32);
        } else if (strcmp(name, "norm") == 0) {
            t->norm(f, x[0], x[1], K, 1e-5f);
        } else if (strcmp(name, "rope") == 0) {
            t->rope(x[2], x[4], x[5], K);
        } else if (strcmp(name, "silu_mul") == 0) {
            t->silu_mul(f, x[0], x[1], K);
        } else if (strcmp(name, "axpy") == 0) {
            t->axpy(x[2], x[0], 1e-6f, K);
        } else if (strcmp(name, "conv") == 0) {
            t->conv(f, x[0], x[1], x[2], x[3], x[4], x[5], K);
        } else if (strcmp(name, "kv_store") == 0) {
            t->kv_store(b->acts, x[0], DIM, 0, KERN_KV_F16);
        } else {
            const uint8_t *k = (const uint8_t *)(x[5] + 4 * K);
            const uint8_t *v = k + N_POS * DIM * 2;
            const size_t stride = kern_kv_chunk_bytes(DIM, KERN_KV_F16);
            const bool many = strcmp(name, "attend_many") == 0;
            const kern_queries tokens = {
                .part = f,
                .part_step = HEADS_Q * kern_part_floats(DIM),
                .q = x[0],
                .q_step = HEADS_Q * DIM,
                .n = TOGETHER,
                .first = N_POS,
                .most = N_POS,
            };
            kern_part_start(f, many ? TOGETHER * HEADS_Q : HEADS_Q, DIM);
            if (many) {
                t->attend_many(&tokens, k, v, HEADS_Q, DIM, stride, 0.125f, KERN_KV_F16);
            } else {
                t->attend(f, x[0], k, v, HEADS_Q, DIM, N_POS, stride, 0.125f, KERN_KV_F16);
            }
        }
    }
    return (double)calls;
}

/* ---- Preparing ------------------------------------------------------------------------------- */

static void fill_weights_of(bench_state *b, qtype type) {
    const size_t block = qtype_get(type)->block_bytes;
    const size_t pattern = (4u << 20) / block * block;
    blocks_fill(b->weights, pattern, type, BLOCKS_TAME, 1);
    for (size_t at = pattern; at < SET_BYTES; at += pattern) {
        memcpy(b->weights + at, b->weights, SET_BYTES - at < pattern ? SET_BYTES - at : pattern);
    }
}

static void fill_acts(bench_state *b, qtype type) {
    const size_t block = kern_act_block(qtype_get(type)->block_weights);
    static float x[K];
    for (size_t t = 0; t < BATCH; t++) {
        for (size_t i = 0; i < K; i++) {
            x[i] = (float)((i * 7919 + t * 104729) % 2001) * 0.001f - 1.0f;
        }
        if (block) {
            kern_quantize_scalar(b->acts + t * kern_act_bytes(K, block), x, K, block);
        } else {
            memcpy(b->acts + t * sizeof x, x, sizeof x);
        }
    }
}

static void fill_rows(bench_state *b) {
    for (size_t i = 0; i < 28 * K; i++) {
        b->out[i] = (float)(i * 7919 % 2001) * 0.0007f - 0.7f;
    }
    for (size_t i = 0; i < K && strcmp(b->slot->name, "rope") == 0; i++) { /* a true rotation */
        b->out[20 * K + i] = 0.6f;
        b->out[24 * K + i] = 0.8f;
    }
    uint16_t *kv = (uint16_t *)(void *)(b->out + 28 * K);
    for (size_t i = 0; i < 2 * N_POS * DIM; i++) {
        kv[i] = f32_to_f16((float)(i * 7919 % 2001) * 0.0007f - 0.7f);
    }
}

/* ---- The tables ------------------------------------------------------------------------------ */

static bool is_own(const isa *isas, size_t i, const slot *s) {
    for (size_t j = 0; j < i; j++) {
        if (same_slot(&isas[i].table, &isas[j].table, s)) {
            return false;
        }
    }
    return true;
}

/* GB/s of the best way to read; all ways together read the set once. */
static double limit_read(const bench_state *b) {
    double best = 0.0;
    for (size_t way = 0; way < KERN_READ_WAYS; way++) {
        const size_t n = SET_BYTES / KERN_READ_WAYS;
        const double before = now();
        b->isa->table.read(b->weights + way * n, n, way);
        const double rate = 1e-9 * (double)n / (now() - before);
        best = rate > best ? rate : best;
    }
    return best;
}

/* GOP/s on int8; the best of some milliseconds. */
static double limit_int8(const bench_state *b) {
    double best = 0.0;
    size_t rounds = 1000;
    for (int i = 0; i < 3;) {
        const double before = now();
        const double done = (double)b->isa->table.peak(rounds);
        const double seconds = now() - before;
        const bool counts = seconds > 0.003;
        best = counts && 1e-9 * done / seconds > best ? 1e-9 * done / seconds : best;
        i += counts;
        rounds *= counts ? 1 : 2;
    }
    return best;
}

/* Measure, and set *share to the part of its limit in per cent. */
static figure measure_beside(double (*sample)(bench_state *b),
                             double (*limit)(const bench_state *b), bench_state *b,
                             double *share) {
    const double before = limit(b);
    const figure f = measure(sample, b);
    const double after = limit(b);
    double most = before > after ? before : after;
    most = f.median > most ? f.median : most;
    *share = 100 * f.median / most;
    return f;
}

static void print_limits(bench_state *b, const isa *isas, size_t n_isas) {
    for (size_t i = 0; i < n_isas; i++) {
        b->isa = &isas[i];
        printf("%-14s %-11s %6.2f GB/s                  %8.1f GOP/s\n", "one thread",
               isas[i].name, limit_read(b), limit_int8(b));
    }
}

static void bench_mul(bench_state *b, const isa *isas, size_t n_isas) {
    bool filled = false;
    for (size_t i = 0; i < n_isas; i++) {
        b->isa = &isas[i];
        if (!is_own(isas, i, b->slot)) {
            continue;
        }
        if (!filled) {
            fill_weights_of(b, b->slot->type);
            fill_acts(b, b->slot->type);
            filled = true;
        }
        double of_read = 0.0;
        double of_int8 = 0.0;
        const figure one = measure_beside(sample_one, limit_read, b, &of_read);
        const figure batch = measure_beside(sample_batch, limit_int8, b, &of_int8);
        printf("%-14s %-11s %6.2f GB/s +- %2.0f %% = %3.0f %%   %8.1f GOP/s +- %2.0f %%",
               b->slot->name, isas[i].name, one.median, one.spread, of_read, batch.median,
               batch.spread);
        if (kern_act_block(qtype_get(b->slot->type)->block_weights)) { /* not floats */
            printf(" = %3.0f %%", of_int8);
        }
        printf("\n");
        fflush(stdout);
    }
}

static void bench_row(bench_state *b, const isa *isas, size_t n_isas) {
    for (size_t i = 0; i < n_isas; i++) {
        if (is_own(isas, i, b->slot)) {
            b->isa = &isas[i];
            fill_rows(b);
            const figure f = measure(sample_row, b);
            printf("%-14s %-11s %8.2f us +- %2.0f %%\n", b->slot->name, isas[i].name,
                   1e6 / f.median, f.spread);
            fflush(stdout);
        }
    }
}

bool bench(const isa *isas, size_t n_isas, const char *only) {
    slot slots[MAX_SLOTS];
    const size_t n_mul = slots_mul(slots);
    const size_t n = n_mul + slots_rows(slots + n_mul);
    bench_state b = {.weights = aligned_alloc(64, SET_BYTES)};
    b.acts = aligned_alloc(64, BATCH * K * 8);
    b.out = aligned_alloc(64, (size_t)8 << 20);
    const bool ok = b.weights && b.acts && b.out;
    if (ok) {
        memset(b.weights, 1, SET_BYTES);
        print_limits(&b, isas, n_isas);
        printf("products, k = %d: one token over %d MB, and %d tokens\n", K, SET_BYTES >> 20,
               BATCH);
    } else {
        fprintf(stderr, "kernel_check: out of memory (%d MB)\n", SET_BYTES >> 20);
    }
    for (size_t i = 0; ok && i < n; i++) {
        b.slot = &slots[i];
        if (only && strcmp(only, slots[i].name) != 0) {
            continue;
        }
        if (i == n_mul) {
            printf("rows of %d values; attention of %d heads of %d over %d positions\n", K, HEADS_Q,
                   DIM, N_POS);
        }
        i < n_mul ? bench_mul(&b, isas, n_isas) : bench_row(&b, isas, n_isas);
    }
    if (ok) {
        print_limits(&b, isas, n_isas);
    }
    free(b.weights);
    free(b.acts);
    free(b.out);
    return ok;
}
