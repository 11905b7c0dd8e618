/*
 * lfm_pack.c - model files with checksums, and looking for damage.
 *
 * Weights are read in pieces by all workers: a tensor's checksum is one chain, so a piece is a
 * tensor there; where only numbers are looked at, a piece is a run of blocks.
 */
#include "lfm.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/cores.h"
#include "base/pool.h"
#include "gguf/pack.h"
#include "gguf/write.h"
#include "kernel/kernel.h"
#include "model/shape.h"
#include "model/weights.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_BYTES = 16 << 20, PIECE = 4096, GGUF_VERSION = 3 };

/* Tensor data of packed files begins at whole cache lines. */
enum { PACK_ALIGNMENT = 64 };

/* ---- All weights, by all workers ------------------------------------------------------------ */

typedef struct scan scan;
typedef void scan_fn(scan *s, size_t tensor);

struct scan {
    const gguf_file *file;
    const lfm_file_options *opt;
    scan_fn *look;        /* at one tensor */
    const uint8_t *sums;  /* what the file says, or NULL */
    uint64_t *found;      /* [n_tensors]: checksums */
    bool *bad;            /* [n_tensors] */
    uint64_t passes;      /* over the weights: to read them, to write them */
    _Atomic uint64_t done;
    atomic_bool stopped;
    uint64_t total;
};

/* Worker 0 is the caller's thread: it alone reports. */
static void progress(scan *s, const team *t, uint64_t n) {
    const uint64_t done = atomic_fetch_add(&s->done, n) + n;
    if (t->worker == 0 && s->opt->on_progress &&
        !s->opt->on_progress(s->opt->ctx, (size_t)done, (size_t)s->total)) {
        atomic_store(&s->stopped, true);
    }
}

static void scan_pieces(void *ctx, team *t) {
    scan *s = ctx;
    size_t i = 0;
    while (team_take(t, s->file->n_tensors, &i)) {
        if (!atomic_load(&s->stopped)) {
            s->look(s, i);
            progress(s, t, s->file->tensors[i].n_bytes);
        }
    }
}

static void look_sum(scan *s, size_t i) {
    const gguf_tensor *t = &s->file->tensors[i];
    s->found[i] = checksum(t->data, (size_t)t->n_bytes, 0);
    s->bad[i] = s->sums && s->found[i] != load_u64(s->sums + 8 * i);
}

/* Weights without a checksum are at least numbers. */
static void look_finite(scan *s, size_t i) {
    const gguf_tensor *t = &s->file->tensors[i];
    const qtype_info *info = qtype_get(t->type);
    const size_t step = PIECE / info->block_weights * info->block_bytes;
    float x[PIECE];
    for (uint64_t at = 0; at < t->n_bytes && !s->bad[i]; at += step) {
        const size_t n_bytes = t->n_bytes - at < step ? (size_t)(t->n_bytes - at) : step;
        const size_t n = n_bytes / info->block_bytes * info->block_weights;
        float sum = 0.0f; /* times 0: a NaN when there is one, or an infinity */
        kern_dequantize(t->type, x, t->data + at, n);
        for (size_t j = 0; j < n; j++) {
            sum += 0.0f * x[j];
        }
        s->bad[i] = sum != 0.0f;
    }
}

/* Look at every tensor. */
static lfm_status run_scan(scan *s, lfm_error *err) {
    const size_t room = s->file->n_tensors ? s->file->n_tensors : 1;
    pool *threads = NULL;
    s->found = calloc(room, sizeof *s->found);
    s->bad = calloc(room, sizeof *s->bad);
    if (!s->found || !s->bad) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tensors", room);
    }
    const size_t n = s->opt->n_threads ? s->opt->n_threads : cores_default();
    const lfm_status st = pool_new(&threads, n, err);
    if (st != LFM_OK) {
        return st;
    }
    for (size_t i = 0; i < s->file->n_tensors; i++) {
        s->total += s->passes * s->file->tensors[i].n_bytes;
    }
    pool_run(threads, scan_pieces, s);
    pool_free(threads);
    return atomic_load(&s->stopped) ? err_set(err, LFM_ERR_ARG, "stopped") : LFM_OK;
}

static void drop_scan(scan *s) {
    free(s->found);
    free(s->bad);
}

/* ---- Verify --------------------------------------------------------------------------------- */

static lfm_status report_bad(const scan *s, lfm_error *err) {
    size_t n_bad = 0;
    size_t first = 0;
    for (size_t i = s->file->n_tensors; i-- > 0;) {
        if (s->bad[i]) {
            n_bad++;
            first = i;
        }
    }
    if (n_bad == 0) {
        return LFM_OK;
    }
    const gguf_tensor *t = &s->file->tensors[first];
    return err_set(err, LFM_ERR_FORMAT, "%s: %zu of %zu tensors %s, the first is '%.*s': the "
                   "file is damaged. Download or copy it again", s->file->path, n_bad,
                   s->file->n_tensors, s->sums ? "differ from their checksums"
                                               : "hold numbers that are not finite",
                   (int)t->name.len, t->name.ptr);
}

lfm_status lfm_verify(const char *path, const lfm_file_options *opt, bool *has_sums,
                      lfm_error *err) {
    const lfm_file_options defaults = {0};
    gguf_file file = {0};
    model_shape shape = {0};
    model_weights weights = {0};
    scan s = {.file = &file, .opt = opt ? opt : &defaults, .passes = 1};
    err_clear(err);
    lfm_status st = gguf_open(&file, path, err);
    if (st == LFM_OK) {
        st = pack_read(&file, &s.sums, err);
    }
    if (st == LFM_OK) {
        st = shape_read(&shape, &file, err);
    }
    if (st == LFM_OK) {
        st = weights_bind(&weights, &shape, &file, err);
    }
    if (st == LFM_OK) {
        s.look = s.sums ? look_sum : look_finite;
        st = run_scan(&s, err);
    }
    if (st == LFM_OK) {
        st = report_bad(&s, err);
    }
    *has_sums = s.sums != NULL;
    drop_scan(&s);
    weights_drop(&weights);
    gguf_close(&file);
    return st;
}

/* ---- Pack ----------------------------------------------------------------------------------- */

static void put_head(gguf_writer *w, const gguf_file *f, const uint64_t *sums) {
    const uint64_t head = pack_head(f, sums);
    gguf_writer_init(w, GGUF_VERSION, PACK_ALIGNMENT);
    for (size_t i = 0; i < f->n_keys; i++) {
        const gguf_str name = f->keys[i].name;
        if (!pack_owns_key(name) && !(name.len > 6 && memcmp(name.ptr, "split.", 6) == 0)) {
            gguf_put_key(w, &f->keys[i]);
        }
    }
    gguf_put_u32(w, PACK_KEY_VERSION, PACK_VERSION);
    gguf_put_array(w, PACK_KEY_TENSORS, GGUF_U64, sums, f->n_tensors);
    gguf_put_value(w, PACK_KEY_HEAD, GGUF_U64, &head);
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_tensor *t = &f->tensors[i];
        gguf_put_tensor(w, t->name, t->type, t->n_dims, t->dim);
    }
}

static lfm_status copy_tensors(gguf_writer *w, const scan *s, lfm_error *err) {
    uint64_t done = s->total / s->passes;
    for (size_t i = 0; i < s->file->n_tensors; i++) {
        const gguf_tensor *t = &s->file->tensors[i];
        for (uint64_t at = 0; at < t->n_bytes; at += COPY_BYTES) {
            const uint64_t left = t->n_bytes - at;
            const size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
            const lfm_status st = gguf_write_data(w, t->data + at, n, err);
            done += n;
            if (st != LFM_OK) {
                return st;
            }
            if (s->opt->on_progress &&
                !s->opt->on_progress(s->opt->ctx, (size_t)done, (size_t)s->total)) {
                return err_set(err, LFM_ERR_ARG, "stopped");
            }
        }
    }
    return gguf_write_end(w, err);
}

static lfm_status write_packed(const scan *s, const char *path, lfm_error *err) {
    gguf_writer writer = {0};
    gguf_out out = {0};
    put_head(&writer, s->file, s->found);
    lfm_status st = gguf_out_open(&out, path, s->opt->force, 0666, err);
    if (st == LFM_OK) {
        st = gguf_out_reserve(&out, gguf_writer_bytes(&writer), err);
    }
    if (st == LFM_OK) {
        st = gguf_write_head(&writer, gguf_out_sink(&out), err);
    }
    if (st == LFM_OK) {
        st = copy_tensors(&writer, s, err);
    }
    if (st == LFM_OK) { /* people delete the input next: wait for the disk */
        st = gguf_out_commit(&out, true, err);
    }
    gguf_out_drop(&out);
    gguf_writer_drop(&writer);
    return st;
}

lfm_status lfm_pack(const char *in, const char *path, const lfm_file_options *opt,
                    lfm_error *err) {
    const lfm_file_options defaults = {0};
    gguf_file file = {0};
    model_shape shape = {0};
    model_weights weights = {0};
    scan s = {.file = &file, .opt = opt ? opt : &defaults, .look = look_sum, .passes = 2};
    err_clear(err);
    lfm_status st = gguf_open(&file, in, err);
    if (st == LFM_OK) {
        st = pack_read(&file, &s.sums, err); /* damage is not to be sealed */
    }
    if (st == LFM_OK) {
        st = shape_read(&shape, &file, err);
    }
    if (st == LFM_OK) {
        st = weights_bind(&weights, &shape, &file, err);
    }
    if (st == LFM_OK) {
        st = run_scan(&s, err);
    }
    if (st == LFM_OK) {
        st = report_bad(&s, err);
    }
    if (st == LFM_OK) {
        st = write_packed(&s, path, err);
    }
    drop_scan(&s);
    weights_drop(&weights);
    gguf_close(&file);
    return st;
}
