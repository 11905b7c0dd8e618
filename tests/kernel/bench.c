/*
 * bench.c - kernel_check --bench: how fast each slot is, beside what the machine can do at most.
 *
 * Products with one token are bound by reading weights, so they walk through more of them than any
 * cache holds, in calls of the size that the engine makes, and are told in GB/s beside the read
 * bandwidth of one thread, measured before and after.  With 64 tokens they are bound by arithmetic:
 * GOP/s, two operations per weight and token.  The other slots work in cache: microseconds per
 * call.  Each figure is the median of samples over some tenths of a second, with half of the range
 * in which the middle half of them lie.
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

/* Four runs of lines at once, fetched some way ahead: a single run leaves the memory system
 * waiting. */
static double sample_read(bench_state *b) {
    enum { RUNS = 4, WINDOW = 64 << 10, RUN = WINDOW / RUNS };
    uint64_t sum[8] = {0};
    b->at = b->at + 2 * SAMPLE_BYTES > SET_BYTES ? 0 : b->at + SAMPLE_BYTES;
    for (size_t i = 0; i < SAMPLE_BYTES; i += WINDOW) {
        const uint8_t *window = b->weights + b->at + i;
        for (size_t line = 0; line < WINDOW; line += 64) {
            const size_t ahead = line / 64 % RUNS * RUN + line / RUNS / 64 * 64;
            __builtin_prefetch(window + WINDOW + ahead, 0, 2); /* the set has room behind it */
            for (size_t j = 0; j < 8; j++) {
                sum[j] += load_u64(window + line + 8 * j);
            }
        }
    }
    uint64_t total = 0;
    for (size_t j = 0; j < 8; j++) {
        total += sum[j];
    }
    return total == 1 ? 0.0 : (double)SAMPLE_BYTES * 1e-9; /* somebody must want the sum */
}

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

enum { N_POS = 1024, DIM = 64, HEADS_Q = 4, CALLS = 64 };

static double sample_row(bench_state *b) {
    const kern_table *t = &b->isa->table;
    float *f = b->out;
    float *x[6];
    for (size_t i = 0; i < 6; i++) {
        x[i] = f + (i + 1) * 4 * K;
    }
    const char *name = b->slot->name;
    const size_t calls = strcmp(name, "attend") == 0 ? 1 : CALLS;
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
            const uint8_t *kv = (const uint8_t *)(x[5] + 4 * K);
            kern_part_start(f, HEADS_Q, DIM);
            t->attend(f, x[0], kv, kv + N_POS * DIM * 2, HEADS_Q, DIM, N_POS,
                      kern_kv_chunk_bytes(DIM, KERN_KV_F16), 0.125f, KERN_KV_F16);
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

static void print_read(bench_state *b) {
    const figure read = measure(sample_read, b);
    printf("read bandwidth of one thread: %.1f GB/s +- %.0f %%\n", read.median, read.spread);
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
        const figure one = measure(sample_one, b);
        const figure batch = measure(sample_batch, b);
        printf("%-14s %-11s %6.2f GB/s +- %2.0f %%   %8.1f GOP/s +- %2.0f %%\n", b->slot->name,
               isas[i].name, one.median, one.spread, batch.median, batch.spread);
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
        print_read(&b);
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
        print_read(&b);
    }
    free(b.weights);
    free(b.acts);
    free(b.out);
    return ok;
}
