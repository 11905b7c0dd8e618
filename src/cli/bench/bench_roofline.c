/*
 * bench_roofline.c - lfm bench --roofline: how fast each part of the model reads its weights.
 *
 * Times each layer while tokens are generated, and sums over the four kinds of layers: convolution
 * or attention, followed by a dense block or by experts.
 */
#include "cli/bench/bench_run.h"

#include "cli/bench/bench_bytes.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"
#include "lfm_tools.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { KIND_ATTENTION = 1, KIND_EXPERTS = 2, N_KINDS = 4, MAX_LAYERS = 512, N_TOKENS = 32 };

typedef struct {
    double last;
    double layer[MAX_LAYERS]; /* seconds */
    double head;
} stopwatch;

/* Sums over the layers of a kind, for one token. */
typedef struct {
    uint32_t n;
    double bytes, seconds;
} part;

static void on_layer(void *ctx, uint32_t layer, const float *x, size_t n) {
    stopwatch *w = ctx;
    const double now = term_now();
    (void)x;
    (void)n;
    if (layer < MAX_LAYERS) {
        w->layer[layer] += now - w->last;
    }
    w->last = now;
}

/* Generate r->n_gen tokens, repeating b->tokens as needed. */
static lfm_status run(const bench *b, lfm_session *s, const bench_row *r, stopwatch *w,
                      lfm_error *err) {
    lfm_status st = LFM_OK;
    for (uint32_t i = 0; i <= r->n_gen && st == LFM_OK && !term_stopped(); i++) {
        if (i == 1) { /* the first token is the warm-up */
            *w = (stopwatch){0};
        }
        w->last = term_now();
        st = lfm_eval(s, b->tokens + i % b->n_tokens, 1, err);
        w->head += term_now() - w->last;
    }
    return st;
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* "blk.7.ffn_gate_exps.weight" is in layer 7; false for tensors outside layers. */
static bool layer_of(const lfm_tensor_info *t, uint32_t *layer, const char **rest) {
    const char *p = t->name + 4;
    const char *end = t->name + t->name_len;
    if (t->name_len < 6 || memcmp(t->name, "blk.", 4) != 0) return false;
    for (*layer = 0; p < end && *p >= '0' && *p <= '9' && *layer < MAX_LAYERS; p++) {
        *layer = 10 * *layer + (uint32_t)(*p - '0');
    }
    *rest = p + 1;
    return p + 1 < end && *p == '.' && *layer < MAX_LAYERS;
}

static bool begins(const lfm_tensor_info *t, const char *rest, const char *with) {
    const size_t n = strlen(with);
    return (size_t)(t->name + t->name_len - rest) >= n && memcmp(rest, with, n) == 0;
}

static bool ends(const lfm_tensor_info *t, const char *with) {
    const size_t n = strlen(with);
    return t->name_len >= n && memcmp(t->name + t->name_len - n, with, n) == 0;
}

/* The kind of every layer and the weights that a token reads in it. */
static void weigh(const bench *b, unsigned kind[MAX_LAYERS], double bytes[MAX_LAYERS]) {
    const lfm_model_info *info = b->context.info;
    lfm_tensor_info t;
    for (size_t i = 0; lfm_model_tensor(b->model, i, &t); i++) {
        uint32_t layer = 0;
        const char *rest = "";
        if (!layer_of(&t, &layer, &rest)) continue;
        const bool experts = ends(&t, "_exps.weight");
        kind[layer] |= experts ? KIND_EXPERTS : 0;
        kind[layer] |= begins(&t, rest, "attn_q.") ? KIND_ATTENTION : 0;
        bytes[layer] += (double)t.n_bytes *
                        (experts ? (double)info->n_expert_used / info->n_expert : 1.0);
    }
}

/* ---- The table ------------------------------------------------------------------------------ */

/* The part's own rate counts as a measurement of the peak, so its share is at most 100 %. */
static void print_part(const char *name, const part *p, double peak) {
    const double rate = p->bytes / p->seconds;
    char layers[24] = "";
    if (p->n > 0) {
        snprintf(layers, sizeof layers, "%" PRIu32 " %s", p->n, p->n == 1 ? "layer" : "layers");
    }
    printf("         %-24s %10s  %8.4f GB/token  %7.3f ms  %6.1f GB/s  %3.0f %%\n", name, layers,
           1e-9 * p->bytes, 1e3 * p->seconds, 1e-9 * rate,
           100 * rate / fmax(peak, rate));
}

static void print_parts(const bench *b, const bench_row *r, const stopwatch *w,
                        const bench_sizes *sizes) {
    static const char *const names[N_KINDS] = {"convolution + dense", "attention + dense",
                                               "convolution + experts", "attention + experts"};
    unsigned kind[MAX_LAYERS] = {0};
    double bytes[MAX_LAYERS] = {0};
    part parts[N_KINDS] = {{0}};
    const double cache = sizes->position * (r->n_depth + 0.5 * r->n_gen);
    weigh(b, kind, bytes);
    for (uint32_t i = 0; i < b->context.info->n_layer && i < MAX_LAYERS; i++) {
        part *p = &parts[kind[i]];
        p->n++;
        p->seconds += w->layer[i] / r->n_gen;
        p->bytes += bytes[i] + (kind[i] & KIND_ATTENTION ? cache / b->context.info->n_attn : 0.0);
    }
    const part head = {.bytes = sizes->head, .seconds = w->head / r->n_gen};
    printf("roofline parts of a token, and their share of the %.1f GB/s that memory gives\n",
           1e-9 * r->read_bandwidth);
    for (size_t k = 0; k < N_KINDS; k++) {
        if (parts[k].n > 0) {
            print_part(names[k], &parts[k], r->read_bandwidth);
        }
    }
    print_part("head", &head, r->read_bandwidth);
}

lfm_status bench_roofline(bench *b, lfm_error *err) {
    bench_row r = {.n_threads = b->plan.threads.at[0], .n_batch = b->plan.batches.at[0],
                   .n_depth = b->plan.depths.at[0], .n_gen = N_TOKENS};
    const lfm_session_options kv = cli_session_options(b->o);
    const bench_sizes sizes = bench_sizes_of(b->model, kv.kv);
    bench_bed bed = {0};
    stopwatch w = {0};
    if (r.n_depth + N_TOKENS + 1 > b->context.info->n_ctx_max) {
        return err_set(err, LFM_ERR_ARG,
                       "--roofline needs %d tokens after -d; the model allows %" PRIu32 " in all",
                       N_TOKENS + 1, b->context.info->n_ctx_max);
    }
    b->machine.no_probe = false; /* --tune turned it off */
    b->n_ctx = r.n_depth + N_TOKENS + 1;
    lfm_status st = bench_bed_open(&bed, b, &r, err);
    if (st == LFM_OK) {
        lfm_session_on_layer(bed.depth, on_layer, &w);
        st = run(b, bed.depth, &r, &w, err);
    }
    if (st == LFM_OK) {
        st = bench_machine_after(&b->machine, &r, bed.depth,
                                 b->context.info->token_bytes <= BENCH_CACHEABLE, err);
    }
    if (st == LFM_OK && !term_stopped()) {
        print_parts(b, &r, &w, &sizes);
    }
    bench_bed_close(&bed);
    return st;
}
