/*
 * session_file.c - a session as a file: tokens, cache, convolution history and its copies.
 *
 * Layout, little endian, everything in this order without gaps:
 *
 *     session_head
 *     tokens      int32 [n_tokens]
 *     logits      float [n_vocab], of the last token; zeros if has_logits is 0
 *     history     float [n_conv][2][n_embd]
 *     grid        the same, after every TIMELINE_GRID tokens
 *     marked      the same, n_marks times
 *     cache       chunks, as model/timeline.h lays them out
 *     note        bytes of the caller
 *     checksum    uint64 of all the above (base/checksum.h)
 *
 * Reading checks the head against the model and the file's size, reads the rest to its place, and
 * compares the checksum last.
 */
#include "api/internal.h"

#include "base/checked.h"
#include "base/checksum.h"
#include "base/system/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "LFMSESS\n"
enum { VERSION = 1, MAX_NOTE = 64 << 20, READ_STEP = 16 << 20 };

typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t head_bytes;     /* of this struct */
    uint64_t model;          /* model_id */
    uint64_t file_bytes;     /* of the whole session file */
    uint64_t note_bytes;
    uint32_t kv;             /* kern_kv */
    uint32_t has_logits;
    uint32_t n_vocab;
    uint32_t history_floats; /* of one copy */
    uint64_t chunk_bytes;
    uint32_t n_tokens;
    uint32_t n_marks;
    uint32_t mark[TIMELINE_MARKS];
} session_head;

_Static_assert(sizeof(session_head) == 200, "the file format has no padding");

/* ---- Identifying the model ------------------------------------------------------------------ */

/* Hash the names, shapes and types of all tensors and 64 bytes of each.  (Hashing all bytes would
 * take seconds.) */
static uint64_t model_id(const lfm_model *m) {
    enum { SAMPLE = 64 };
    uint64_t id = 0;
    for (size_t i = 0; i < m->file.n_tensors; i++) {
        const gguf_tensor *t = &m->file.tensors[i];
        const uint64_t facts[6] = {t->n_bytes, t->dim[0], t->dim[1], t->dim[2], t->dim[3],
                                   qtype_get(t->type)->number};
        const size_t n = t->n_bytes < SAMPLE ? (size_t)t->n_bytes : SAMPLE;
        id = checksum(t->name.ptr, t->name.len, id);
        id = checksum(facts, sizeof facts, id);
        id = checksum(t->data + (t->n_bytes - n) / 2, n, id);
    }
    return id;
}

/* ---- Sizes ---------------------------------------------------------------------------------- */

static session_head head_of(const lfm_session *s, size_t note_len) {
    const timeline *t = &s->line;
    session_head h = {
        .magic = MAGIC,
        .version = VERSION,
        .head_bytes = sizeof h,
        .model = model_id(s->shared->model),
        .note_bytes = note_len,
        .kv = t->opt.kv,
        .has_logits = s->has_logits,
        .n_vocab = s->shared->model->shape.n_vocab,
        .history_floats = (uint32_t)timeline_history(t->shape),
        .chunk_bytes = timeline_stride(t),
        .n_tokens = t->pos,
    };
    for (uint32_t i = 0; i < t->n_marks; i++) { /* none ahead of the position */
        if (t->mark[i] <= t->pos) {
            h.mark[h.n_marks++] = t->mark[i];
        }
    }
    return h;
}

/* Bytes of the session that are contiguous in memory and in the file. */
typedef struct {
    void *at;
    uint64_t n;
} section;

enum { N_SECTIONS = 6 }; /* between the head and the note */

/* The place of every section in memory.  The marks must be packed (timeline_tidy). */
static void sections_of(lfm_session *s, const session_head *h, section out[N_SECTIONS]) {
    const timeline *t = &s->line;
    const uint64_t history = (uint64_t)h->history_floats * sizeof(float);
    out[0] = (section){t->tokens, (uint64_t)h->n_tokens * sizeof *t->tokens};
    out[1] = (section){s->logits, (uint64_t)h->n_vocab * sizeof *s->logits};
    out[2] = (section){t->history, history};
    out[3] = (section){t->grid, h->n_tokens / TIMELINE_GRID * history};
    out[4] = (section){t->marked, h->n_marks * history};
    out[5] = (section){t->cache, timeline_chunks(h->n_tokens) * h->chunk_bytes};
}

/* ---- Writing -------------------------------------------------------------------------------- */

typedef struct {
    byte_sink sink;
    uint64_t sum;
} summed;

static lfm_status put(summed *out, const void *bytes, size_t n, lfm_error *err) {
    out->sum = checksum(bytes, n, out->sum);
    return out->sink.write(out->sink.ctx, bytes, n, err);
}

lfm_status lfm_session_save(lfm_session *s, const char *path, const void *note, size_t note_len,
                            lfm_error *err) {
    err_clear(err);
    if (s->broken || note_len > MAX_NOTE) {
        return err_set(err, LFM_ERR_ARG,
                       s->broken ? "a session with numbers that are not finite cannot be saved"
                                 : "a note of %zu bytes is too long", note_len);
    }
    timeline_tidy(&s->line);
    if (!s->has_logits) {
        memset(s->logits, 0, s->shared->model->shape.n_vocab * sizeof *s->logits);
    }
    session_head h = head_of(s, note_len);
    section sections[N_SECTIONS];
    sections_of(s, &h, sections);
    h.file_bytes = sizeof h + note_len + sizeof(uint64_t);
    for (size_t i = 0; i < N_SECTIONS; i++) {
        h.file_bytes += sections[i].n;
    }
    out_file file = {0};
    lfm_status st = out_file_open(&file, path, true, 0600, err);
    if (st == LFM_OK) st = out_file_reserve(&file, h.file_bytes, err);
    summed out = {.sink = out_file_sink(&file)};
    if (st == LFM_OK) st = put(&out, &h, sizeof h, err);
    for (size_t i = 0; i < N_SECTIONS && st == LFM_OK; i++) {
        st = put(&out, sections[i].at, (size_t)sections[i].n, err);
    }
    if (st == LFM_OK) st = put(&out, note_len ? note : "", note_len, err);
    if (st == LFM_OK) st = out.sink.write(out.sink.ctx, &out.sum, sizeof out.sum, err);
    if (st == LFM_OK) st = out_file_commit(&file, false, err);
    out_file_drop(&file);
    return st;
}

/* ---- Reading -------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    int fd;
    uint64_t sum;
} reader;

static lfm_status damaged(const reader *r, const char *what, lfm_error *err) {
    return err_set(err, LFM_ERR_FORMAT, "%s: %s. Delete the file, and it will be made again",
                   r->path, what);
}

static lfm_status take(reader *r, void *to, uint64_t n, lfm_error *err) {
    uint8_t *p = to;
    while (n > 0) {
        const ssize_t got = read(r->fd, p, n < READ_STEP ? (size_t)n : READ_STEP);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            return err_set(err, LFM_ERR_IO, "cannot read %s: %s", r->path, strerror(errno));
        }
        if (got == 0) return damaged(r, "the session file is cut off", err);
        p += got;
        n -= (uint64_t)got;
    }
    return LFM_OK;
}

/* The same, and add the bytes to the checksum. */
static lfm_status take_summed(reader *r, void *to, uint64_t n, lfm_error *err) {
    const lfm_status st = take(r, to, n, err);
    if (st == LFM_OK) {
        r->sum = checksum(to, (size_t)n, r->sum);
    }
    return st;
}

static const char *kv_name(uint32_t kv) {
    return kv == KERN_KV_F16 ? "f16" : kv == KERN_KV_F32 ? "f32" : "q8";
}

/* Check that this is a session of this model that fits, and everything that memory accesses depend
 * on. */
static lfm_status check_head(const reader *r, lfm_session *s, const session_head *h, uint64_t size,
                             lfm_error *err) {
    const session_head ours = head_of(s, 0);
    if (memcmp(h->magic, ours.magic, sizeof h->magic) != 0) {
        return err_set(err, LFM_ERR_FORMAT, "%s is not a session file", r->path);
    }
    if (h->version != VERSION || h->head_bytes != sizeof *h) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s has version %" PRIu32 " of the format, and "
                       "this program reads %d. Delete the file, and it will be made again",
                       r->path, h->version, VERSION);
    }
    if (h->model != ours.model || h->n_vocab != ours.n_vocab ||
        h->history_floats != ours.history_floats) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s belongs to another model. Use that model, or "
                       "another session file", r->path);
    }
    if (h->kv != ours.kv) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s was made with --kv %s, and this is --kv %s",
                       r->path, h->kv <= KERN_KV_Q8 ? kv_name(h->kv) : "?", kv_name(ours.kv));
    }
    if (h->n_tokens > s->line.opt.n_ctx) {
        return err_set(err, LFM_ERR_FULL, "%s holds %" PRIu32 " tokens, and the context %" PRIu32
                       ". Use a larger -c", r->path, h->n_tokens, s->line.opt.n_ctx);
    }
    section sections[N_SECTIONS];
    uint64_t expected = sizeof *h + sizeof(uint64_t);
    bool sane = h->chunk_bytes == ours.chunk_bytes && h->n_marks <= TIMELINE_MARKS &&
                h->note_bytes <= MAX_NOTE && h->has_logits <= 1;
    for (uint32_t i = 0; i < TIMELINE_MARKS && sane; i++) {
        sane = i >= h->n_marks || (h->mark[i] > 0 && h->mark[i] <= h->n_tokens);
    }
    if (!sane) return damaged(r, "the session file is damaged", err);
    sections_of(s, h, sections);
    for (size_t i = 0; i < N_SECTIONS; i++) {
        expected += sections[i].n;
    }
    if (expected + h->note_bytes != h->file_bytes || h->file_bytes != size) {
        return damaged(r, size < h->file_bytes ? "the session file is cut off"
                                               : "the session file is damaged", err);
    }
    return LFM_OK;
}

/* With the head checked, read the rest to its place and compare the checksum. */
static lfm_status read_body(reader *r, lfm_session *s, const session_head *h, char *note,
                            lfm_error *err) {
    section sections[N_SECTIONS];
    uint64_t sum = 0;
    sections_of(s, h, sections);
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < N_SECTIONS && st == LFM_OK; i++) {
        st = take_summed(r, sections[i].at, sections[i].n, err);
    }
    if (st == LFM_OK) st = take_summed(r, note, h->note_bytes, err);
    if (st == LFM_OK) st = take(r, &sum, sizeof sum, err);
    if (st == LFM_OK && sum != r->sum) {
        st = damaged(r, "the session file is damaged (its checksum is wrong)", err);
    }
    for (size_t i = 0; i < h->n_tokens && st == LFM_OK; i++) {
        if (s->line.tokens[i] < 0 || (uint32_t)s->line.tokens[i] >= h->n_vocab) {
            st = damaged(r, "the session file is damaged (a token is outside the vocabulary)", err);
        }
    }
    return st;
}

static lfm_status load(reader *r, lfm_session *s, char **note, size_t *note_len, lfm_error *err) {
    struct stat info;
    session_head h;
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0 || fstat(r->fd, &info) != 0) {
        return err_set(err, LFM_ERR_IO, "cannot open %s: %s", r->path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode) || info.st_size < (off_t)sizeof h) {
        return err_set(err, LFM_ERR_FORMAT, "%s is not a session file", r->path);
    }
    lfm_status st = take_summed(r, &h, sizeof h, err);
    if (st == LFM_OK) st = check_head(r, s, &h, (uint64_t)info.st_size, err);
    if (st != LFM_OK) return st;
    char *text = malloc((size_t)h.note_bytes + 1);
    if (!text) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory (%" PRIu64 " bytes) reading %s",
                       h.note_bytes, r->path);
    }
    lfm_session_reset(s);
    st = read_body(r, s, &h, text, err);
    if (st != LFM_OK) {
        free(text);
        lfm_session_reset(s); /* drop what was read of it */
        return st;
    }
    text[h.note_bytes] = '\0';
    s->line.pos = h.n_tokens;
    s->line.n_marks = h.n_marks;
    memcpy(s->line.mark, h.mark, sizeof s->line.mark);
    s->has_logits = h.has_logits;
    if (note) {
        *note = text;
        *note_len = (size_t)h.note_bytes;
    } else {
        free(text);
    }
    return LFM_OK;
}

lfm_status lfm_session_load(lfm_session *s, const char *path, char **note, size_t *note_len,
                            lfm_error *err) {
    reader r = {.path = path, .fd = -1};
    err_clear(err);
    if (note) {
        *note = NULL;
        *note_len = 0;
    }
    const lfm_status st = load(&r, s, note, note_len, err);
    if (r.fd >= 0) {
        close(r.fd);
    }
    return st;
}

lfm_status lfm_session_describe(const char *path, lfm_session_info *info, bool *is_session,
                                char **note, size_t *note_len, lfm_error *err) {
    reader r = {.path = path};
    session_head h = {0};
    struct stat status;
    err_clear(err);
    *is_session = false;
    *note = NULL;
    *note_len = 0;
    r.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r.fd < 0 || fstat(r.fd, &status) != 0) {
        const int cause = errno;
        if (r.fd >= 0) {
            close(r.fd);
        }
        return err_set(err, LFM_ERR_IO, "cannot open %s: %s", path, strerror(cause));
    }
    lfm_status st = S_ISREG(status.st_mode) && (uint64_t)status.st_size > sizeof h
                        ? take(&r, &h, sizeof h, err) : LFM_OK;
    *is_session = st == LFM_OK && memcmp(h.magic, MAGIC, sizeof h.magic) == 0;
    if (st == LFM_OK && !*is_session) {
        st = err_set(err, LFM_ERR_FORMAT, "%s is not a session file", path);
    } else if (st == LFM_OK && h.version == VERSION &&
               (h.file_bytes != (uint64_t)status.st_size || h.note_bytes > MAX_NOTE ||
                h.note_bytes + sizeof(uint64_t) + sizeof h > h.file_bytes)) {
        st = damaged(&r, "the session file is cut off or damaged", err);
    }
    if (st == LFM_OK && h.version == VERSION) {
        const off_t at = (off_t)(h.file_bytes - sizeof(uint64_t) - h.note_bytes);
        *note = malloc((size_t)h.note_bytes + 1);
        st = !*note ? err_no_memory(err, path)
           : lseek(r.fd, at, SEEK_SET) != at
               ? err_set(err, LFM_ERR_IO, "cannot read %s: %s", path, strerror(errno))
               : take(&r, *note, h.note_bytes, err);
    }
    if (st == LFM_OK) {
        *note_len = *note ? (size_t)h.note_bytes : 0;
        if (*note) {
            (*note)[*note_len] = '\0';
        }
        *info = (lfm_session_info){h.version, h.n_tokens, h.n_vocab, h.n_marks,
                                   h.kv == KERN_KV_F32 ? LFM_KV_F32
                                   : h.kv == KERN_KV_Q8 ? LFM_KV_Q8 : LFM_KV_F16,
                                   h.file_bytes, h.model};
    } else {
        free(*note);
        *note = NULL;
    }
    close(r.fd);
    return st;
}
