/*
 * quantize_model.c - a model file -> the same model in smaller types.
 *
 * Weights stream through: all workers read a chunk of a tensor from the mapping, convert it to
 * floats and quantise it in pieces; it is written before the next chunk is read.  A piece is a run
 * of weights that is a whole number of blocks of every type; blocks are independent, so neither the
 * pieces nor the number of workers affect the file.
 */
#include "api/internal.h"

#include "base/system/cores.h"
#include "base/versioned.h"
#include "convert/mix.h"
#include "convert/quantize.h"
#include "convert/write.h"
#include "gguf/pack.h"
#include "lfm_tools.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece fits into a core's own cache; a chunk keeps all workers busy. */
enum { PIECE = 64 * KERN_MAX_BLOCK, CHUNK_PIECES = 256, COPY_BYTES = 16 << 20 };
enum { GGUF_VERSION = 3, QUANTIZATION_VERSION = 2 }; /* the latter from ggml.h: GGML_QNT_VERSION */

typedef struct {
    lfm_quantize_options opt;
    lfm_model *model;
    const gguf_file *file;
    mix mix;
    qtype *to;        /* [n_tensors] */
    gguf_writer writer;
    out_file out;
    pool *threads;
    float *scratch;   /* [workers][PIECE] */
    uint8_t *buffer;  /* a chunk of the output */
    uint64_t done;    /* bytes of weights written */
    uint64_t total;
} quantizer;

static lfm_status find_mix(quantizer *q, const char *name, lfm_error *err) {
    char list[300] = "";
    size_t len = 0;
    if (mix_find(name, &q->mix)) return LFM_OK;
    for (size_t i = 0; mix_at(i) && len < sizeof list; i++) {
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? " " : "",
                                mix_at(i)->name);
    }
    return err_set(err, LFM_ERR_ARG, "unknown type '%.40s'; the types are: %s", name, list);
}

/* ---- Plan ----------------------------------------------------------------------------------- */

/* Types that are precise enough to quantise from. */
static bool can_read(qtype type) {
    return type == QTYPE_F32 || type == QTYPE_F16 || type == QTYPE_BF16 || type == QTYPE_Q8_0;
}

static uint64_t bytes_as(const gguf_tensor *t, qtype type) {
    const qtype_info *from = qtype_get(t->type);
    const qtype_info *to = qtype_get(type);
    return t->n_bytes / from->block_bytes * from->block_weights / to->block_weights *
           to->block_bytes;
}

static uint64_t n_weights(const gguf_tensor *t) {
    const qtype_info *info = qtype_get(t->type);
    return t->n_bytes / info->block_bytes * info->block_weights;
}

static void report(const quantizer *q, const gguf_tensor *t, qtype to) {
    const lfm_quantize_tensor shown = {
        .name = t->name.ptr,
        .name_len = t->name.len,
        .from = qtype_get(t->type)->name,
        .to = qtype_get(to)->name,
        .n_weights = n_weights(t),
        .from_bytes = t->n_bytes,
        .to_bytes = bytes_as(t, to),
    };
    if (q->opt.on_tensor) {
        q->opt.on_tensor(q->opt.ctx, &shown);
    }
}

/* Choose the type of every tensor. */
static lfm_status plan(quantizer *q, lfm_error *err) {
    const model_shape *shape = &q->model->shape;
    const gguf_file *f = q->file;
    mix_model model = {.n_layer = shape->n_layer, .n_expert = shape->n_expert};
    q->to = calloc(f->n_tensors ? f->n_tensors : 1, sizeof *q->to);
    if (!q->to) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tensors", f->n_tensors);
    for (size_t i = 0; i < f->n_tensors; i++) {
        mix_note(&model, f->tensors[i].name);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_tensor *t = &f->tensors[i];
        q->to[i] = mix_type(&q->mix, &model, t->name, t->dim, t->type);
        if (q->to[i] != t->type && !can_read(t->type)) {
            return err_set(err, LFM_ERR_UNSUPPORTED,
                           "%s: tensor '%.*s' is already %s; the precision that it lost cannot be "
                           "restored. Start from a file with F32, F16, BF16 or Q8_0",
                           f->path, (int)t->name.len, t->name.ptr, qtype_get(t->type)->name);
        }
        assert(q->to[i] == t->type || kern_can_quantize(q->to[i]));
        q->total += bytes_as(t, q->to[i]);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        report(q, &f->tensors[i], q->to[i]);
    }
    return LFM_OK;
}

/* Keys that describe the file and not the model: they are written anew. */
static bool is_about_file(gguf_str name) {
    static const char *const names[] = {"general.quantization_version", "general.file_type",
                                        "split.no", "split.count", "split.tensors.count"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (name.len == strlen(names[i]) && memcmp(name.ptr, names[i], name.len) == 0) return true;
    }
    return pack_owns_key(name); /* checksums of other weights */
}

static void put_head(quantizer *q) {
    gguf_writer_init(&q->writer, GGUF_VERSION, GGUF_ALIGNMENT);
    for (size_t i = 0; i < q->file->n_keys; i++) {
        if (!is_about_file(q->file->keys[i].name)) {
            gguf_put_key(&q->writer, &q->file->keys[i]);
        }
    }
    gguf_put_u32(&q->writer, "general.quantization_version", QUANTIZATION_VERSION);
    gguf_put_u32(&q->writer, "general.file_type", q->mix.file_type);
    for (size_t i = 0; i < q->file->n_tensors; i++) {
        const gguf_tensor *t = &q->file->tensors[i];
        gguf_put_tensor(&q->writer, t->name, q->to[i], t->n_dims, t->dim);
    }
}

/* ---- Weights -------------------------------------------------------------------------------- */

/* Write bytes of weights, and report progress. */
static lfm_status write_weights(quantizer *q, const void *bytes, size_t n, lfm_error *err) {
    const lfm_status st = gguf_write_data(&q->writer, bytes, n, err);
    q->done += n;
    if (st == LFM_OK && q->opt.on_progress &&
        !q->opt.on_progress(q->opt.ctx, (size_t)q->done, (size_t)q->total)) {
        return err_set(err, LFM_ERR_STOPPED, "stopped");
    }
    return st;
}

static lfm_status copy_tensor(quantizer *q, const gguf_tensor *t, lfm_error *err) {
    const size_t block = qtype_get(t->type)->block_bytes;
    const size_t step = COPY_BYTES / block * block;
    lfm_status st = LFM_OK;
    for (uint64_t at = 0; st == LFM_OK && at < t->n_bytes; at += step) {
        const uint64_t left = t->n_bytes - at;
        const size_t n = left < step ? (size_t)left : step;
        if (!kern_all_finite(t->type, t->data + at, n)) {
            return err_set(err, LFM_ERR_NUMERIC,
                           "%s: tensor '%.*s' holds numbers that are not finite. The file is "
                           "damaged, or was converted incorrectly",
                           q->file->path, (int)t->name.len, t->name.ptr);
        }
        st = write_weights(q, t->data + at, n, err);
    }
    return st;
}

/* A chunk that the workers quantise together. */
typedef struct {
    quantizer *q;
    const gguf_tensor *tensor;
    qtype to;
    uint64_t first;      /* weight */
    size_t n;            /* weights, at most CHUNK_PIECES * PIECE */
    atomic_bool failed;
} chunk;

/* `n` weights of a tensor from weight `first` on, as floats. */
static void read_weights(float *x, const gguf_tensor *t, uint64_t first, size_t n) {
    const qtype_info *info = qtype_get(t->type);
    kern_dequantize(t->type, x, t->data + first / info->block_weights * info->block_bytes, n);
}

static void quantize_pieces(void *ctx, team *t) {
    chunk *c = ctx;
    const qtype_info *info = qtype_get(c->to);
    float *x = c->q->scratch + t->worker * PIECE;
    size_t piece = 0;
    while (team_take(t, (c->n + PIECE - 1) / PIECE, &piece)) {
        const size_t from = piece * PIECE;
        const size_t n = c->n - from < PIECE ? c->n - from : PIECE;
        uint8_t *out = c->q->buffer + from / info->block_weights * info->block_bytes;
        read_weights(x, c->tensor, c->first + from, n);
        if (!kern_quantize_rows(c->to, out, x, 1, n)) {
            /* Relaxed: the end of the run orders it before the only load. */
            atomic_store_explicit(&c->failed, true, memory_order_relaxed);
        }
    }
}

/* Find the block that could not be quantised, for the message. */
static lfm_status refuse(const chunk *c, lfm_error *err) {
    const size_t block = qtype_get(c->to)->block_weights > qtype_get(c->tensor->type)->block_weights
                             ? qtype_get(c->to)->block_weights
                             : qtype_get(c->tensor->type)->block_weights;
    uint64_t first = c->first;
    float most = 0.0f;
    for (; first < c->first + c->n; first += block) {
        read_weights(c->q->scratch, c->tensor, first, block);
        if (!kern_quantize_rows(c->to, c->q->buffer, c->q->scratch, 1, block)) break;
    }
    for (size_t i = 0; i < block; i++) {
        const float x = c->q->scratch[i] < 0.0f ? -c->q->scratch[i] : c->q->scratch[i];
        most = x <= most ? most : x; /* a NaN is taken and stays */
    }
    return err_set(err, LFM_ERR_NUMERIC,
                   "%s: tensor '%.*s' has %g at weight %" PRIu64 " or up to %zu after it: not a "
                   "number that %s can hold. The file is damaged, or was converted incorrectly",
                   c->q->file->path, (int)c->tensor->name.len, c->tensor->name.ptr, (double)most,
                   first, block - 1, qtype_get(c->to)->name);
}

static lfm_status quantize_tensor(quantizer *q, const gguf_tensor *t, qtype to, lfm_error *err) {
    const qtype_info *info = qtype_get(to);
    const uint64_t total = n_weights(t);
    const uint64_t step = (uint64_t)CHUNK_PIECES * PIECE;
    lfm_status st = LFM_OK;
    for (uint64_t first = 0; st == LFM_OK && first < total; first += step) {
        chunk c = {.q = q, .tensor = t, .to = to, .first = first};
        c.n = (size_t)(total - first < step ? total - first : step);
        pool_run(q->threads, quantize_pieces, &c);
        if (atomic_load_explicit(&c.failed, memory_order_relaxed)) return refuse(&c, err);
        st = write_weights(q, q->buffer, c.n / info->block_weights * info->block_bytes, err);
    }
    return st;
}

/* ---- Everything ----------------------------------------------------------------------------- */

static lfm_status reserve(quantizer *q, lfm_error *err) {
    const size_t n = q->opt.n_threads ? q->opt.n_threads : cores_default();
    const lfm_status st = pool_new(&q->threads, n, err);
    if (st != LFM_OK) return st;
    q->scratch = calloc(pool_size(q->threads) * PIECE, sizeof *q->scratch);
    q->buffer = malloc(CHUNK_PIECES * PIECE * sizeof(float)); /* F32 is the largest type */
    if (!q->scratch || !q->buffer) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for quantising with %zu threads", n);
    }
    return LFM_OK;
}

static lfm_status write_file(quantizer *q, const char *path, lfm_error *err) {
    put_head(q);
    lfm_status st = out_file_open(&q->out, path, q->opt.force, 0666, err);
    if (st == LFM_OK) st = out_file_reserve(&q->out, gguf_writer_bytes(&q->writer), err);
    if (st == LFM_OK) st = reserve(q, err);
    if (st == LFM_OK) st = gguf_write_head(&q->writer, out_file_sink(&q->out), err);
    for (size_t i = 0; st == LFM_OK && i < q->file->n_tensors; i++) {
        const gguf_tensor *t = &q->file->tensors[i];
        st = q->to[i] == t->type ? copy_tensor(q, t, err) : quantize_tensor(q, t, q->to[i], err);
    }
    if (st == LFM_OK) st = gguf_write_end(&q->writer, err);
    if (st == LFM_OK) st = gguf_check_unchanged(q->file, err);
    if (st == LFM_OK) { /* wait for the disk: the user may delete the input next */
        st = out_file_commit(&q->out, true, err);
    }
    return st;
}

lfm_status lfm_quantize(const char *in, const char *out, const char *name,
                        const lfm_quantize_options *opt, lfm_error *err) {
    quantizer q = {0};
    err_clear(err);
    lfm_status st = versioned_read(&q.opt, sizeof q.opt, opt, "lfm_quantize_options", err);
    if (st == LFM_OK) st = find_mix(&q, name, err);
    if (st == LFM_OK) st = lfm_model_open(&q.model, in, NULL, err);
    if (st == LFM_OK) {
        q.file = &q.model->file;
        st = plan(&q, err);
    }
    if (st == LFM_OK && !q.opt.dry_run) st = write_file(&q, out, err);
    out_file_drop(&q.out);
    gguf_writer_drop(&q.writer);
    pool_free(q.threads);
    free(q.buffer);
    free(q.scratch);
    free(q.to);
    lfm_model_close(q.model);
    return st;
}
