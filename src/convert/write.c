/*
 * write.c - the encoding of keys and tensor descriptions, and the order of the file.
 *
 * Keys and descriptions are encoded as they come into two growing buffers; the head is then a
 * fixed 24 bytes, the two buffers, and zeros up to the alignment.
 */
#include "convert/write.h"

#include "base/bytes.h"
#include "base/checked.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ALIGNMENT = 4096, HEAD_BYTES = 24, MAX_DIMS = 4 };

/* ---- Memory that grows --------------------------------------------------------------------- */

static lfm_status memory_write(void *ctx, const void *bytes, size_t n, lfm_error *err) {
    gguf_memory *m = ctx;
    if (n == 0) return LFM_OK;
    if (n > m->cap - m->size) {
        size_t need = 0;
        if (__builtin_add_overflow(m->size, n, &need)) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory: a model file larger than memory");
        }
        const size_t twice = m->cap > SIZE_MAX / 2 ? SIZE_MAX : 2 * m->cap;
        size_t cap = twice > need ? twice : need;
        cap = cap < 256 ? 256 : cap;
        uint8_t *data = realloc(m->data, cap);
        if (!data) {
            return err_set(err, LFM_ERR_MEMORY, "out of memory (%zu bytes) writing a model file",
                           cap);
        }
        m->data = data;
        m->cap = cap;
    }
    memcpy(m->data + m->size, bytes, n);
    m->size += n;
    return LFM_OK;
}

byte_sink gguf_memory_sink(gguf_memory *m) {
    return (byte_sink){memory_write, m};
}

void gguf_memory_drop(gguf_memory *m) {
    free(m->data);
    *m = (gguf_memory){0};
}

/* ---- The writer ---------------------------------------------------------------------------- */

void gguf_writer_init(gguf_writer *w, uint32_t version, uint32_t alignment) {
    *w = (gguf_writer){.version = version, .alignment = alignment};
    if (version != 2 && version != 3) {
        err_set(&w->error, LFM_ERR_ARG, "cannot write GGUF version %" PRIu32 ", only 2 and 3",
                version);
    }
    if (alignment < 8 || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) != 0) {
        err_set(&w->error, LFM_ERR_ARG,
                "cannot align tensors to %" PRIu32 " bytes: a power of two in [8, %d] is needed",
                alignment, MAX_ALIGNMENT);
        w->alignment = GGUF_ALIGNMENT;
    }
    if (w->alignment != GGUF_ALIGNMENT) {
        gguf_put_u32(w, "general.alignment", w->alignment);
    }
}

void gguf_writer_drop(gguf_writer *w) {
    gguf_memory_drop(&w->keys);
    gguf_memory_drop(&w->infos);
    gguf_memory_drop(&w->key_at);
    gguf_memory_drop(&w->tensor_at);
    gguf_memory_drop(&w->sizes);
    *w = (gguf_writer){0};
}

/* Append to one of the buffers, unless there was an error. */
static void emit(gguf_writer *w, gguf_memory *m, const void *bytes, size_t n) {
    if (w->error.status == LFM_OK) {
        memory_write(m, bytes, n, &w->error);
    }
}

static void emit_u32(gguf_writer *w, gguf_memory *m, uint32_t value) {
    emit(w, m, &value, sizeof value);
}

static void emit_u64(gguf_writer *w, gguf_memory *m, uint64_t value) {
    emit(w, m, &value, sizeof value);
}

static void emit_str(gguf_writer *w, gguf_memory *m, gguf_str text) {
    emit_u64(w, m, text.len);
    emit(w, m, text.ptr, text.len);
}

/* Is there already a string equal to `name` at one of the `n` places `at` of `m`? */
static bool is_taken(const gguf_memory *m, const gguf_memory *at, uint64_t n, gguf_str name) {
    for (uint64_t i = 0; i < n; i++) {
        size_t place = 0;
        memcpy(&place, at->data + i * sizeof place, sizeof place);
        const uint64_t len = load_u64(m->data + place);
        if (len == name.len && memcmp(m->data + place + 8, name.ptr, name.len) == 0) return true;
    }
    return false;
}

/* Write a key's name and type; false after an error. */
static bool begin_key(gguf_writer *w, gguf_str name, gguf_type type) {
    if (w->error.status != LFM_OK) return false;
    if (w->head_written || name.len == 0 || name.len > UINT16_MAX) {
        err_set(&w->error, LFM_ERR_ARG, "cannot write key '%.*s': %s",
                (int)(name.len > 100 ? 100 : name.len), name.ptr,
                w->head_written ? "the head of the file is already written"
                                : "names have 1 to 65535 bytes");
        return false;
    }
    if (is_taken(&w->keys, &w->key_at, w->n_keys, name)) {
        err_set(&w->error, LFM_ERR_ARG, "cannot write key '%.*s' twice", (int)name.len, name.ptr);
        return false;
    }
    const size_t place = w->keys.size;
    emit(w, &w->key_at, &place, sizeof place);
    emit_str(w, &w->keys, name);
    emit_u32(w, &w->keys, (uint32_t)type);
    w->n_keys++;
    return w->error.status == LFM_OK;
}

static gguf_str view_of(const char *text) {
    return (gguf_str){text, strlen(text)};
}

void gguf_put_value(gguf_writer *w, const char *name, gguf_type type, const void *value) {
    const size_t n = gguf_type_bytes(type);
    if (n == 0) {
        err_set(&w->error, LFM_ERR_ARG, "key '%s' is not a plain value", name);
        return;
    }
    if (begin_key(w, view_of(name), type)) {
        emit(w, &w->keys, value, n);
    }
}

void gguf_put_u32(gguf_writer *w, const char *name, uint32_t value) {
    gguf_put_value(w, name, GGUF_U32, &value);
}

void gguf_put_array(gguf_writer *w, const char *name, gguf_type element, const void *values,
                    size_t n) {
    const size_t one = gguf_type_bytes(element);
    size_t n_bytes = 0;
    if (one == 0 || __builtin_mul_overflow(one, n, &n_bytes)) {
        err_set(&w->error, LFM_ERR_ARG, "key '%s' is not an array of plain values", name);
        return;
    }
    if (begin_key(w, view_of(name), GGUF_ARRAY)) {
        emit_u32(w, &w->keys, (uint32_t)element);
        emit_u64(w, &w->keys, n);
        emit(w, &w->keys, values, n_bytes);
    }
}

void gguf_put_key(gguf_writer *w, const gguf_key *key) {
    const gguf_str alignment = view_of("general.alignment");
    if (key->name.len == alignment.len &&
        memcmp(key->name.ptr, alignment.ptr, alignment.len) == 0) {
        return;
    }
    if (begin_key(w, key->name, key->type)) {
        if (key->type == GGUF_ARRAY) {
            emit_u32(w, &w->keys, (uint32_t)key->element);
            emit_u64(w, &w->keys, key->count);
        }
        emit(w, &w->keys, key->data, key->n_bytes);
    }
}

/* ---- Tensors ------------------------------------------------------------------------------- */

/* Check the shape of a tensor and compute its size. */
static bool tensor_bytes(gguf_writer *w, gguf_str name, qtype type, uint32_t n_dims,
                         const uint64_t *dim, uint64_t *n_bytes) {
    const qtype_info *info = qtype_get(type);
    bool ok = n_dims >= 1 && n_dims <= MAX_DIMS && dim[0] % info->block_weights == 0;
    uint64_t n = ok ? dim[0] / info->block_weights : 0;
    ok = ok && mul_u64(n, info->block_bytes, &n);
    for (uint32_t d = 1; ok && d < n_dims; d++) {
        ok = mul_u64(n, dim[d], &n);
    }
    if (!ok || n == 0 || n > INT64_MAX) {
        err_set(&w->error, LFM_ERR_ARG,
                "tensor '%.*s' cannot be written: %" PRIu32 " dimensions, first one %" PRIu64
                ", in blocks of %" PRIu32 " weights (%s)",
                (int)name.len, name.ptr, n_dims, n_dims >= 1 ? dim[0] : 0, info->block_weights,
                info->name);
        return false;
    }
    *n_bytes = n;
    return true;
}

void gguf_put_tensor(gguf_writer *w, gguf_str name, qtype type, uint32_t n_dims,
                     const uint64_t *dim) {
    uint64_t n_bytes = 0;
    if (w->error.status != LFM_OK) return;
    if (w->head_written || name.len == 0 || name.len > GGUF_MAX_TENSOR_NAME ||
        is_taken(&w->infos, &w->tensor_at, w->n_tensors, name)) {
        err_set(&w->error, LFM_ERR_ARG,
                "tensor '%.*s' cannot be written: its name must be new and have 1 to %u bytes",
                (int)(name.len > 100 ? 100 : name.len), name.ptr, GGUF_MAX_TENSOR_NAME);
        return;
    }
    if (!tensor_bytes(w, name, type, n_dims, dim, &n_bytes)) return;
    const size_t place = w->infos.size;
    emit(w, &w->tensor_at, &place, sizeof place);
    emit(w, &w->sizes, &n_bytes, sizeof n_bytes);
    emit_str(w, &w->infos, name);
    emit_u32(w, &w->infos, n_dims);
    emit(w, &w->infos, dim, n_dims * sizeof dim[0]);
    emit_u32(w, &w->infos, qtype_get(type)->number);
    emit_u64(w, &w->infos, w->data_bytes);
    uint64_t end = 0;
    if (!__builtin_add_overflow(w->data_bytes, n_bytes, &end) &&
        align_u64(end, w->alignment, &end) && end <= INT64_MAX) {
        w->data_bytes = end;
        w->n_tensors++;
    } else {
        err_set(&w->error, LFM_ERR_ARG, "the tensors together are too large for a file");
    }
}

/* ---- The file ------------------------------------------------------------------------------ */

/* Bytes between the end of the descriptions and the first tensor. */
static uint64_t head_padding(const gguf_writer *w) {
    const uint64_t used = HEAD_BYTES + (uint64_t)w->keys.size + w->infos.size;
    return (w->alignment - used % w->alignment) % w->alignment;
}

uint64_t gguf_writer_bytes(const gguf_writer *w) {
    return HEAD_BYTES + (uint64_t)w->keys.size + w->infos.size + head_padding(w) + w->data_bytes;
}

static uint64_t size_of_tensor(const gguf_writer *w, uint64_t i) {
    return load_u64(w->sizes.data + i * sizeof(uint64_t));
}

static lfm_status write_zeros(gguf_writer *w, uint64_t n, lfm_error *err) {
    static const uint8_t zeros[MAX_ALIGNMENT];
    return n == 0 ? LFM_OK : w->sink.write(w->sink.ctx, zeros, (size_t)n, err);
}

lfm_status gguf_write_head(gguf_writer *w, byte_sink sink, lfm_error *err) {
    if (w->error.status != LFM_OK) return err_set(err, w->error.status, "%s", w->error.text);
    uint8_t head[HEAD_BYTES];
    memcpy(head, "GGUF", 4);
    memcpy(head + 4, &w->version, 4);
    memcpy(head + 8, &w->n_tensors, 8);
    memcpy(head + 16, &w->n_keys, 8);
    w->sink = sink;
    w->head_written = true;
    lfm_status st = sink.write(sink.ctx, head, sizeof head, err);
    if (st == LFM_OK && w->keys.size != 0) {
        st = sink.write(sink.ctx, w->keys.data, w->keys.size, err);
    }
    if (st == LFM_OK && w->infos.size != 0) {
        st = sink.write(sink.ctx, w->infos.data, w->infos.size, err);
    }
    if (st == LFM_OK) st = write_zeros(w, head_padding(w), err);
    w->current = 0;
    w->left = w->n_tensors != 0 ? size_of_tensor(w, 0) : 0;
    return st;
}

lfm_status gguf_write_data(gguf_writer *w, const void *bytes, size_t n, lfm_error *err) {
    if (!w->head_written || n > w->left) {
        return err_set(err, LFM_ERR_ARG,
                       "%zu bytes for tensor %" PRIu64 " of %" PRIu64 ", which lacks %" PRIu64, n,
                       w->current, w->n_tensors, w->left);
    }
    if (n == 0) return LFM_OK;
    lfm_status st = w->sink.write(w->sink.ctx, bytes, n, err);
    w->left -= n;
    if (st == LFM_OK && w->left == 0) {
        const uint64_t size = size_of_tensor(w, w->current);
        st = write_zeros(w, (w->alignment - size % w->alignment) % w->alignment, err);
        w->current++;
        w->left = w->current < w->n_tensors ? size_of_tensor(w, w->current) : 0;
    }
    return st;
}

lfm_status gguf_write_end(const gguf_writer *w, lfm_error *err) {
    if (!w->head_written || w->current != w->n_tensors) {
        return err_set(err, LFM_ERR_ARG,
                       "the file ends early: tensor %" PRIu64 " of %" PRIu64 " lacks %" PRIu64
                       " bytes",
                       w->current, w->n_tensors, w->left);
    }
    return LFM_OK;
}
