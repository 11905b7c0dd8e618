/*
 * pack_model.c - packing model files with checksums, and verifying them.
 *
 * All workers read weights, each a whole tensor at a time, because a tensor's checksum is one
 * chain.
 */
#include "api/internal.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/system/cores.h"
#include "base/versioned.h"
#include "convert/write.h"
#include "gguf/pack.h"
#include "lfm_tools.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_BYTES = 16 << 20, GGUF_VERSION = 3 };

/* Tensor data of packed files begins at whole cache lines. */
enum { PACK_ALIGNMENT = 64 };

/* ---- All weights, by all workers ------------------------------------------------------------ */

typedef enum { FINE, DIFFERS, NOT_FINITE } finding;

typedef struct {
    const gguf_file *file;
    lfm_file_options opt;
    const uint8_t *sums;  /* those in the file, or NULL */
    bool sealing;         /* checksums are computed in any case */
    uint64_t *found;      /* [n_tensors]: checksums */
    uint8_t *state;       /* [n_tensors] finding */
    uint64_t passes;      /* over the weights: to read them, to write them */
    _Atomic uint64_t done;
    atomic_bool stopped;
    uint64_t total;
} scan;

/* Worker 0 is the caller's thread: it alone reports. */
static void progress(scan *s, const team *t, uint64_t n) {
    const uint64_t done = atomic_fetch_add(&s->done, n) + n;
    if (t->worker == 0 && s->opt.on_progress &&
        !s->opt.on_progress(s->opt.ctx, (size_t)done, (size_t)s->total)) {
        atomic_store(&s->stopped, true);
    }
}

static void look(scan *s, size_t i) {
    const gguf_tensor *t = &s->file->tensors[i];
    if (s->sums || s->sealing) {
        s->found[i] = checksum(t->data, (size_t)t->n_bytes, 0);
    }
    if (s->sums) { /* given to numbers only, see below */
        s->state[i] = s->found[i] == load_u64(s->sums + 8 * i) ? FINE : DIFFERS;
    } else if (!kern_all_finite(t->type, t->data, (size_t)t->n_bytes)) {
        s->state[i] = NOT_FINITE;
    }
}

static void scan_pieces(void *ctx, team *t) {
    scan *s = ctx;
    size_t i = 0;
    while (team_take(t, s->file->n_tensors, &i)) {
        if (!atomic_load(&s->stopped)) {
            look(s, i);
            progress(s, t, s->file->tensors[i].n_bytes);
        }
    }
}

/* Check every tensor. */
static lfm_status run_scan(scan *s, lfm_error *err) {
    const size_t room = s->file->n_tensors ? s->file->n_tensors : 1;
    pool *threads = NULL;
    s->found = calloc(room, sizeof *s->found);
    s->state = calloc(room, sizeof *s->state);
    if (!s->found || !s->state) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tensors", room);
    }
    const size_t n = s->opt.n_threads ? s->opt.n_threads : cores_default();
    const lfm_status st = pool_new(&threads, n, err);
    if (st != LFM_OK) return st;
    for (size_t i = 0; i < s->file->n_tensors; i++) {
        s->total += s->passes * s->file->tensors[i].n_bytes;
    }
    pool_run(threads, scan_pieces, s);
    pool_free(threads);
    return atomic_load(&s->stopped) ? err_set(err, LFM_ERR_STOPPED, "stopped")
                                    : gguf_check_unchanged(s->file, err);
}

static void drop_scan(scan *s) {
    free(s->found);
    free(s->state);
}

/* A file that lfm_model_open refuses counts as damaged. */
static lfm_status open_model(scan *s, lfm_model **model, const char *path, lfm_error *err) {
    const lfm_status st = lfm_model_open(model, path, NULL, err);
    if (st != LFM_OK) return st;
    s->file = &(*model)->file;
    return pack_read(s->file, &s->sums, err);
}

/* ---- Verify --------------------------------------------------------------------------------- */

static lfm_status report_bad(const scan *s, lfm_error *err) {
    size_t n[NOT_FINITE + 1] = {0};
    size_t first[NOT_FINITE + 1] = {0};
    for (size_t i = s->file->n_tensors; i-- > 0;) {
        n[s->state[i]]++;
        first[s->state[i]] = i;
    }
    const finding worst = n[DIFFERS] > 0 ? DIFFERS : n[NOT_FINITE] > 0 ? NOT_FINITE : FINE;
    if (worst == FINE) return LFM_OK;
    const gguf_tensor *t = &s->file->tensors[first[worst]];
    return err_set(err, LFM_ERR_FORMAT, "%s: %zu of %zu tensors %s, the first is '%.*s': the "
                   "file is damaged. Download or copy it again", s->file->path, n[worst],
                   s->file->n_tensors, worst == DIFFERS ? "differ from their checksums"
                                                        : "hold numbers that are not finite",
                   (int)t->name.len, t->name.ptr);
}

lfm_status lfm_verify(const char *path, const lfm_file_options *opt, bool *has_sums,
                      lfm_error *err) {
    lfm_model *model = NULL;
    scan s = {.passes = 1};
    err_clear(err);
    lfm_status st = versioned_read(&s.opt, sizeof s.opt, opt, "lfm_file_options", err);
    if (st == LFM_OK) st = open_model(&s, &model, path, err);
    if (st == LFM_OK) st = run_scan(&s, err);
    if (st == LFM_OK) st = report_bad(&s, err);
    *has_sums = s.sums != NULL;
    drop_scan(&s);
    lfm_model_close(model);
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
            if (st != LFM_OK) return st;
            if (s->opt.on_progress &&
                !s->opt.on_progress(s->opt.ctx, (size_t)done, (size_t)s->total)) {
                return err_set(err, LFM_ERR_STOPPED, "stopped");
            }
        }
    }
    return gguf_write_end(w, err);
}

static lfm_status write_packed(const scan *s, const char *path, lfm_error *err) {
    gguf_writer writer = {0};
    out_file out = {0};
    put_head(&writer, s->file, s->found);
    lfm_status st = out_file_open(&out, path, s->opt.force, 0666, err);
    if (st == LFM_OK) st = out_file_reserve(&out, gguf_writer_bytes(&writer), err);
    if (st == LFM_OK) st = gguf_write_head(&writer, out_file_sink(&out), err);
    if (st == LFM_OK) st = copy_tensors(&writer, s, err);
    if (st == LFM_OK) st = gguf_check_unchanged(s->file, err);
    if (st == LFM_OK) { /* wait for the disk: the user may delete the input next */
        st = out_file_commit(&out, true, err);
    }
    out_file_drop(&out);
    gguf_writer_drop(&writer);
    return st;
}

lfm_status lfm_pack(const char *in, const char *path, const lfm_file_options *opt,
                    lfm_error *err) {
    lfm_model *model = NULL;
    scan s = {.sealing = true, .passes = 2};
    err_clear(err);
    lfm_status st = versioned_read(&s.opt, sizeof s.opt, opt, "lfm_file_options", err);
    /* Check its old checksums too: never seal damage. */
    if (st == LFM_OK) st = open_model(&s, &model, in, err);
    if (st == LFM_OK) st = run_scan(&s, err);
    if (st == LFM_OK) st = report_bad(&s, err);
    if (st == LFM_OK) st = write_packed(&s, path, err);
    drop_scan(&s);
    lfm_model_close(model);
    return st;
}
