/*
 * gguf.c - reading GGUF: one cursor, three primitives, and every number bounded by the bytes that
 * remain.
 *
 * No count from the file sizes an allocation before it has been compared with the bytes that
 * remain, nothing recurses on the input, and nothing is copied out of the mapping.
 */
#include "gguf/gguf_internal.h"

#include "base/bytes.h"
#include "base/checked.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_KEYS = 65536,
    MAX_TENSORS = 65536,
    MAX_KEY_LENGTH = 65535,
    MAX_NAME_LENGTH = 63,
    MAX_NESTING = 8,
    MIN_KEY_BYTES = 13,    /* length, type and one byte of value */
    MIN_TENSOR_BYTES = 24, /* length, dimensions, type, offset */
    DEFAULT_ALIGNMENT = 32,
    MAX_ALIGNMENT = 1 << 20
};

/* ---- Cursor --------------------------------------------------------------------------------- */

/* Failure is sticky: after one short read everything else reads as zero, and `ok` is false. */
typedef struct {
    const uint8_t *base;
    uint64_t size;
    uint64_t pos;
    bool ok;
} cursor;

static const uint8_t *take(cursor *c, uint64_t n) {
    if (!c->ok || !span_fits(c->pos, n, c->size)) {
        c->ok = false;
        return NULL;
    }
    const uint8_t *p = c->base + c->pos;
    c->pos += n;
    return p;
}

static uint32_t take_u32(cursor *c) {
    const uint8_t *p = take(c, 4);
    return p ? load_u32(p) : 0;
}

static uint64_t take_u64(cursor *c) {
    const uint8_t *p = take(c, 8);
    return p ? load_u64(p) : 0;
}

static gguf_str take_str(cursor *c) {
    const uint64_t len = take_u64(c);
    const uint8_t *p = take(c, len);
    return p ? (gguf_str){(const char *)p, (size_t)len} : (gguf_str){"", 0};
}

static uint64_t left(const cursor *c) {
    return c->ok ? c->size - c->pos : 0;
}

/* ---- Header --------------------------------------------------------------------------------- */

/* What a file that is not GGUF looks like. */
static const char *looks_like(const uint8_t *p, size_t n) {
    static const struct {
        const char *start;
        size_t len;
        const char *what;
    } known[] = {
        {"<!DOCTYPE", 9, "a web page (the download failed)"},
        {"<html", 5, "a web page (the download failed)"},
        {"version https://git-lfs", 23,
         "a Git LFS pointer (run `git lfs pull` where it came from)"},
        {"PK\3\4", 4, "a zip archive or PyTorch checkpoint (convert it to GGUF)"},
        {"\x7f" "ELF", 4, "a program"},
        {"\x1f\x8b", 2, "gzip-compressed (unpack it first)"},
        {"lmgg", 4, "an old GGML model (convert it to GGUF)"},
        {"tjgg", 4, "an old GGJT model (convert it to GGUF)"},
        {"FUGG", 4, "a big-endian GGUF"},
    };
    assert(p || n == 0);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (n >= known[i].len && memcmp(p, known[i].start, known[i].len) == 0) return known[i].what;
    }
    if (n >= 10 && load_u64(p) < n && p[8] == '{') return "a safetensors file (convert it to GGUF)";
    return NULL;
}

static lfm_status read_header(gguf_file *f, cursor *c, uint64_t *n_tensors, uint64_t *n_keys,
                              lfm_error *err) {
    const uint8_t *magic = take(c, 4);
    if (!magic || memcmp(magic, "GGUF", 4) != 0) {
        const char *what = looks_like(c->base, (size_t)c->size);
        return err_set(err, LFM_ERR_FORMAT, "%s: not a GGUF file (%" PRIu64 " bytes)%s%s", f->path,
                       c->size, what ? "; it looks like " : "", what ? what : "");
    }
    const uint32_t version = take_u32(c);
    *n_tensors = take_u64(c);
    *n_keys = take_u64(c);
    if (!c->ok) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the header is cut short (%" PRIu64 " of 24 bytes)",
                       f->path, c->size);
    }
    if (version != 2 && version != 3) {
        const bool swapped = (version & 0xffff) == 0 && version != 0;
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s: %s %" PRIu32 " is not supported (2 and 3, "
                       "little endian, are)", f->path,
                       swapped ? "big-endian GGUF version" : "GGUF version",
                       swapped ? __builtin_bswap32(version) : version);
    }
    f->version = version;
    if (*n_keys > MAX_KEYS || *n_keys > left(c) / MIN_KEY_BYTES) {
        return err_set(err, LFM_ERR_FORMAT, "%s: %" PRIu64 " metadata keys are impossible in a "
                       "file of %" PRIu64 " bytes (at most %d)", f->path, *n_keys, c->size,
                       MAX_KEYS);
    }
    if (*n_tensors > MAX_TENSORS || *n_tensors > left(c) / MIN_TENSOR_BYTES) {
        return err_set(err, LFM_ERR_FORMAT, "%s: %" PRIu64 " tensors are impossible in a file of "
                       "%" PRIu64 " bytes (at most %d)", f->path, *n_tensors, c->size, MAX_TENSORS);
    }
    return LFM_OK;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* Names go into messages, tables and terminals: printable ASCII covers every name in use. */
static bool is_name(gguf_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)s.ptr[i] <= ' ' || (uint8_t)s.ptr[i] >= 0x7f) return false;
    }
    return s.len > 0;
}

/* Skip `count` values of a type that is not an array.  Returns why that failed, or NULL. */
static const char *skip_values(cursor *c, uint32_t type, uint64_t count) {
    if (type >= GGUF_TYPE_COUNT) return "has a value of an unknown type";
    const uint32_t bytes = gguf_type_bytes((gguf_type)type);
    if (count > left(c) / (bytes ? bytes : 8)) return "has more elements than the file has bytes";
    if (type == GGUF_STRING) {
        for (uint64_t i = 0; i < count && c->ok; i++) {
            take_str(c);
        }
        return c->ok ? NULL : "holds text that reaches past the end of the file";
    }
    const uint8_t *p = take(c, count * bytes);
    for (uint64_t i = 0; type == GGUF_BOOL && i < count; i++) {
        if (p[i] > 1) return "holds a boolean that is neither 0 nor 1";
    }
    return NULL;
}

/* Skip the elements of an array whose header has been read.  Nested arrays are walked with a small
 * stack of counts. */
static const char *skip_array(cursor *c, uint32_t element, uint64_t count) {
    uint64_t remaining[MAX_NESTING];
    size_t depth = 0;
    if (element != GGUF_ARRAY) return skip_values(c, element, count);
    remaining[depth++] = count;
    while (depth > 0) {
        if (remaining[depth - 1] == 0) {
            depth--;
            continue;
        }
        remaining[depth - 1]--;
        const uint32_t inner = take_u32(c);
        const uint64_t inner_count = take_u64(c);
        if (!c->ok) return "is an array that reaches past the end of the file";
        if (inner != GGUF_ARRAY) {
            const char *why = skip_values(c, inner, inner_count);
            if (why) return why;
        } else if (depth == MAX_NESTING) {
            return "nests arrays too deeply (8 is the limit)";
        } else {
            remaining[depth++] = inner_count;
        }
    }
    return NULL;
}

static lfm_status read_key(gguf_file *f, cursor *c, size_t i, gguf_key *key, lfm_error *err) {
    const uint64_t at = c->pos;
    key->name = take_str(c);
    const uint32_t type = take_u32(c);
    if (!c->ok) {
        return err_set(err, LFM_ERR_FORMAT, "%s: metadata key %zu at byte %" PRIu64 " is cut short "
                       "or longer than the file", f->path, i, at);
    }
    if (key->name.len > MAX_KEY_LENGTH || !is_name(key->name)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: metadata key %zu at byte %" PRIu64 " has a name "
                       "that is empty, too long or not printable", f->path, i, at);
    }
    const char *why = NULL;
    uint32_t element = type;
    key->count = 1;
    if (type == GGUF_ARRAY) {
        element = take_u32(c);
        key->count = take_u64(c);
        if (!c->ok) {
            why = "is an array that reaches past the end of the file";
        }
    }
    const uint64_t start = c->pos;
    if (!why) {
        why = type == GGUF_ARRAY ? skip_array(c, element, key->count) : skip_values(c, type, 1);
    }
    if (why) {
        return err_set(err, LFM_ERR_FORMAT, "%s: key '%.*s' %s", f->path,
                       (int)(key->name.len < 100 ? key->name.len : 100), key->name.ptr, why);
    }
    key->type = (gguf_type)type;
    key->element = (gguf_type)element;
    key->data = c->base + start;
    key->n_bytes = (size_t)(c->pos - start);
    return LFM_OK;
}

static lfm_status read_keys(gguf_file *f, cursor *c, uint64_t n, lfm_error *err) {
    f->keys = calloc(n ? (size_t)n : 1, sizeof *f->keys);
    f->key_index = gguf_index_new((size_t)n, &f->key_slots);
    if (!f->keys || !f->key_index) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu64 " metadata keys",
                       f->path, n);
    }
    for (size_t i = 0; i < n; i++) {
        gguf_key *key = &f->keys[i];
        const lfm_status st = read_key(f, c, i, key, err);
        if (st != LFM_OK) return st;
        const size_t at = gguf_key_slot(f, key->name.ptr, key->name.len);
        if (f->key_index[at]) {
            return err_set(err, LFM_ERR_FORMAT, "%s: key '%.*s' appears twice", f->path,
                           (int)key->name.len, key->name.ptr);
        }
        f->key_index[at] = (uint32_t)i + 1;
        f->n_keys = i + 1;
    }
    return LFM_OK;
}

/* ---- Tensors -------------------------------------------------------------------------------- */

static lfm_status bad_tensor(const gguf_file *f, gguf_str name, lfm_error *err, const char *why) {
    return err_set(err, LFM_ERR_FORMAT, "%s: tensor '%.*s' %s", f->path, (int)name.len, name.ptr,
                   why);
}

static lfm_status read_type(const gguf_file *f, uint32_t number, gguf_tensor *t, lfm_error *err) {
    const char *removed = NULL;
    if (qtype_from_number(number, &t->type, &removed)) return LFM_OK;
    if (removed) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s: tensor '%.*s' has type %s, which was removed "
                       "from GGUF; quantise the model again", f->path, (int)t->name.len,
                       t->name.ptr, removed);
    }
    return err_set(err, LFM_ERR_UNSUPPORTED, "%s: tensor '%.*s' has the unknown type number "
                   "%" PRIu32, f->path, (int)t->name.len, t->name.ptr, number);
}

/* Read everything but the data's address; *offset is the offset that the file states. */
static lfm_status read_tensor(gguf_file *f, cursor *c, gguf_tensor *t, uint64_t *offset,
                              lfm_error *err) {
    const uint64_t at = c->pos;
    t->name = take_str(c);
    t->n_dims = take_u32(c);
    if (!c->ok) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the tensor table is cut short at byte %" PRIu64,
                       f->path, at);
    }
    if (t->name.len > MAX_NAME_LENGTH || !is_name(t->name)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the tensor at byte %" PRIu64 " has a name that is "
                       "empty, longer than %d bytes or not printable", f->path, at,
                       MAX_NAME_LENGTH);
    }
    if (t->n_dims < 1 || t->n_dims > 4) {
        return bad_tensor(f, t->name, err, "does not have 1 to 4 dimensions");
    }
    uint64_t n = 1;
    for (uint32_t d = 0; d < 4; d++) {
        t->dim[d] = d < t->n_dims ? take_u64(c) : 1;
        if (c->ok && (t->dim[d] == 0 || t->dim[d] > INT64_MAX || !mul_u64(n, t->dim[d], &n))) {
            return bad_tensor(f, t->name, err, "has a dimension that is zero or impossibly large");
        }
    }
    const uint32_t number = take_u32(c);
    *offset = take_u64(c);
    if (!c->ok) return bad_tensor(f, t->name, err, "is cut short in the tensor table");
    const lfm_status st = read_type(f, number, t, err);
    if (st != LFM_OK) return st;
    const qtype_info *info = qtype_get(t->type);
    if (t->dim[0] % info->block_weights != 0) {
        return err_set(err, LFM_ERR_FORMAT, "%s: tensor '%.*s' has rows of %" PRIu64 " weights, "
                       "but %s stores blocks of %" PRIu32, f->path, (int)t->name.len, t->name.ptr,
                       t->dim[0], info->name, info->block_weights);
    }
    if (!mul_u64(n / info->block_weights, info->block_bytes, &t->n_bytes)) {
        return bad_tensor(f, t->name, err, "has more bytes than any file");
    }
    return LFM_OK;
}

/* A byte count for people. */
static void format_size(char out[32], uint64_t n) {
    if (n < 10u << 20) {
        snprintf(out, 32, "%" PRIu64 " bytes", n);
    } else if (n < 1u << 30) {
        snprintf(out, 32, "%.1f MiB", (double)n / 0x1p20);
    } else {
        snprintf(out, 32, "%.2f GiB", (double)n / 0x1p30);
    }
}

static lfm_status cut_short(const gguf_file *f, uint64_t have, uint64_t want, lfm_error *err) {
    char have_text[32];
    char want_text[32];
    format_size(have_text, have);
    format_size(want_text, want);
    return err_set(err, LFM_ERR_FORMAT, "%s: ends early (%s of at least %s); the download is "
                   "incomplete", f->path, have_text, want_text);
}

static int by_data(const void *a, const void *b) {
    const gguf_tensor *const *x = a;
    const gguf_tensor *const *y = b;
    return (*x)->data < (*y)->data ? -1 : (*x)->data > (*y)->data;
}

/* No two tensors may share bytes. */
static lfm_status check_overlap(const gguf_file *f, size_t first, lfm_error *err) {
    const size_t n = f->n_tensors - first;
    const gguf_tensor **order = malloc((n ? n : 1) * sizeof *order);
    if (!order) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %zu tensors", f->path, n);
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = &f->tensors[first + i];
    }
    qsort(order, n, sizeof *order, by_data);
    lfm_status st = LFM_OK;
    for (size_t i = 1; i < n && st == LFM_OK; i++) {
        if (order[i - 1]->data + order[i - 1]->n_bytes > order[i]->data) {
            st = err_set(err, LFM_ERR_FORMAT, "%s: tensors '%.*s' and '%.*s' overlap", f->path,
                         (int)order[i - 1]->name.len, order[i - 1]->name.ptr,
                         (int)order[i]->name.len, order[i]->name.ptr);
        }
    }
    free(order);
    return st;
}

/* Turn the offsets of the tensors from `first` on into addresses. */
static lfm_status place_tensors(gguf_file *f, const cursor *c, size_t first,
                                const uint64_t *offsets, uint32_t alignment, lfm_error *err) {
    uint64_t start = 0;
    uint64_t needed = 0;
    if (!align_u64(c->pos, alignment, &start)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the tensor data starts past the end", f->path);
    }
    for (size_t i = first; i < f->n_tensors; i++) {
        gguf_tensor *t = &f->tensors[i];
        const uint64_t offset = offsets[i - first];
        uint64_t from = 0;
        uint64_t to = 0;
        if (offset % alignment != 0) {
            return bad_tensor(f, t->name, err, "does not start at a multiple of the alignment");
        }
        if (!add_u64(start, offset, &from) || !add_u64(from, t->n_bytes, &to) ||
            to > (uint64_t)INT64_MAX) {
            return bad_tensor(f, t->name, err, "lies at an impossible offset");
        }
        needed = to > needed ? to : needed;
        if (to <= c->size) {
            t->data = c->base + from;
        }
    }
    return needed <= c->size ? check_overlap(f, first, err) : cut_short(f, c->size, needed, err);
}

static lfm_status read_tensors(gguf_file *f, cursor *c, uint64_t n, uint32_t part,
                               uint32_t alignment, lfm_error *err) {
    const size_t first = f->n_tensors;
    if (first + n > MAX_TENSORS) {
        return err_set(err, LFM_ERR_FORMAT, "%s: more than %d tensors", f->path, MAX_TENSORS);
    }
    gguf_tensor *grown = realloc(f->tensors, (first + (size_t)n + 1) * sizeof *grown);
    uint64_t *offsets = calloc((size_t)n + 1, sizeof *offsets);
    if (grown) {
        f->tensors = grown;
        memset(&grown[first], 0, ((size_t)n + 1) * sizeof *grown);
    }
    lfm_status st = LFM_OK;
    if (!grown || !offsets) {
        st = err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu64 " tensors", f->path, n);
    }
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = read_tensor(f, c, &f->tensors[first + i], &offsets[i], err);
        f->tensors[first + i].part = part;
        f->n_tensors = first + i + 1;
    }
    if (st == LFM_OK) st = place_tensors(f, c, first, offsets, alignment, err);
    free(offsets);
    return st;
}

lfm_status gguf_index_tensors(gguf_file *f, lfm_error *err) {
    if (f->n_tensors == 0) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the file has no tensors", f->path);
    }
    f->tensor_index = gguf_index_new(f->n_tensors, &f->tensor_slots);
    if (!f->tensor_index) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %zu tensors", f->path,
                       f->n_tensors);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_str name = f->tensors[i].name;
        const size_t at = gguf_tensor_slot(f, name.ptr, name.len);
        if (f->tensor_index[at]) return bad_tensor(f, name, err, "appears twice");
        f->tensor_index[at] = (uint32_t)i + 1;
    }
    return LFM_OK;
}

/* ---- A file --------------------------------------------------------------------------------- */

lfm_status gguf_read_part(gguf_file *f, const void *bytes, size_t size, uint32_t part,
                          lfm_error *err) {
    cursor c = {.base = bytes, .size = size, .ok = true};
    uint64_t n_tensors = 0;
    uint64_t n_keys = 0;
    lfm_status st = read_header(f, &c, &n_tensors, &n_keys, err);
    if (st == LFM_OK) st = read_keys(f, &c, n_keys, err);
    uint32_t alignment = DEFAULT_ALIGNMENT;
    if (st == LFM_OK) st = gguf_get_u32(f, "general.alignment", 8, MAX_ALIGNMENT, &alignment, err);
    if (st == LFM_OK && (alignment & (alignment - 1)) != 0) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: key 'general.alignment' is %" PRIu32 ", which is "
                     "not a power of two", f->path, alignment);
    }
    if (st == LFM_OK) st = read_tensors(f, &c, n_tensors, part, alignment, err);
    f->file_bytes += size;
    return st;
}
