/*
 * gguf.c - reading GGUF: one cursor, three primitives, and every number bounded by what is left.
 *
 * No count from the file sizes an allocation before it has been compared with the bytes that
 * remain, nothing recurses on the input, and nothing is copied out of the mapping.
 */
#include "gguf/gguf.h"

#include "base/bytes.h"
#include "base/checked.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
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

/* Failure sticks: after one short read everything else reads as zero, and `ok` tells. */
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

/* ---- Hash index over names ------------------------------------------------------------------ */

static uint64_t hash_name(const char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    }
    return h ^ h >> 29;
}

static bool same_name(gguf_str a, const char *p, size_t n) {
    return a.len == n && memcmp(a.ptr, p, n) == 0;
}

/* Table of at least twice `n` slots. */
static uint32_t *index_new(size_t n, size_t *slots) {
    size_t size = 8;
    while (size < 2 * n) {
        size *= 2;
    }
    *slots = size;
    return calloc(size, sizeof(uint32_t));
}

static const gguf_str *key_name(const gguf_file *f, size_t i) {
    return &f->keys[i].name;
}

static const gguf_str *tensor_name(const gguf_file *f, size_t i) {
    return &f->tensors[i].name;
}

typedef const gguf_str *name_fn(const gguf_file *f, size_t i);

/* The slot that holds this name, or the empty one where it belongs. */
static size_t index_slot(const gguf_file *f, const uint32_t *table, size_t slots, name_fn *name_at,
                         const char *p, size_t n) {
    size_t at = (size_t)hash_name(p, n) & (slots - 1);
    while (table[at] != 0 && !same_name(*name_at(f, table[at] - 1), p, n)) {
        at = (at + 1) & (slots - 1);
    }
    return at;
}

const gguf_key *gguf_get(const gguf_file *f, const char *name) {
    if (!f->key_index) {
        return NULL;
    }
    const size_t at = index_slot(f, f->key_index, f->key_slots, key_name, name, strlen(name));
    return f->key_index[at] ? &f->keys[f->key_index[at] - 1] : NULL;
}

const gguf_tensor *gguf_get_tensor(const gguf_file *f, const char *name) {
    if (!f->tensor_index) {
        return NULL;
    }
    const size_t at =
        index_slot(f, f->tensor_index, f->tensor_slots, tensor_name, name, strlen(name));
    return f->tensor_index[at] ? &f->tensors[f->tensor_index[at] - 1] : NULL;
}

/* ---- Header --------------------------------------------------------------------------------- */

/* What a file that is not GGUF seems to be. */
static const char *looks_like(const uint8_t *p, size_t n) {
    static const struct {
        const char *start;
        size_t len;
        const char *what;
    } known[] = {
        {"<!DOCTYPE", 9, "a web page (the download went wrong)"},
        {"<html", 5, "a web page (the download went wrong)"},
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
        if (n >= known[i].len && memcmp(p, known[i].start, known[i].len) == 0) {
            return known[i].what;
        }
    }
    if (n >= 10 && load_u64(p) < n && p[8] == '{') {
        return "a safetensors file (convert it to GGUF)";
    }
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

static const struct {
    const char *name;
    uint32_t bytes; /* 0: varies */
} value_types[] = {
    [GGUF_U8] = {"u8", 1},     [GGUF_I8] = {"i8", 1},    [GGUF_U16] = {"u16", 2},
    [GGUF_I16] = {"i16", 2},   [GGUF_U32] = {"u32", 4},  [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4},   [GGUF_BOOL] = {"bool", 1}, [GGUF_STRING] = {"str", 0},
    [GGUF_ARRAY] = {"arr", 0}, [GGUF_U64] = {"u64", 8},  [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

enum { N_VALUE_TYPES = sizeof value_types / sizeof value_types[0] };

const char *gguf_type_name(gguf_type type) {
    return (unsigned)type < N_VALUE_TYPES ? value_types[type].name : "?";
}

/* Names go into messages, tables and terminals: printable ASCII covers every name in use. */
static bool is_name(gguf_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)s.ptr[i] <= ' ' || (uint8_t)s.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return s.len > 0;
}

/* Pass over `count` values of a type that is not an array; why it failed, or NULL. */
static const char *skip_values(cursor *c, uint32_t type, uint64_t count) {
    if (type >= N_VALUE_TYPES) {
        return "has a value of an unknown type";
    }
    const uint32_t bytes = value_types[type].bytes;
    if (count > left(c) / (bytes ? bytes : 8)) {
        return "has more elements than the file has bytes";
    }
    if (type == GGUF_STRING) {
        for (uint64_t i = 0; i < count && c->ok; i++) {
            take_str(c);
        }
        return c->ok ? NULL : "holds text that reaches past the end of the file";
    }
    const uint8_t *p = take(c, count * bytes);
    for (uint64_t i = 0; type == GGUF_BOOL && i < count; i++) {
        if (p[i] > 1) {
            return "holds a truth value that is neither 0 nor 1";
        }
    }
    return NULL;
}

/* Pass over the elements of an array whose header has been read; arrays in arrays are walked
 * with a small stack of counts. */
static const char *skip_array(cursor *c, uint32_t element, uint64_t count) {
    uint64_t remaining[MAX_NESTING];
    size_t depth = 0;
    if (element != GGUF_ARRAY) {
        return skip_values(c, element, count);
    }
    remaining[depth++] = count;
    while (depth > 0) {
        if (remaining[depth - 1] == 0) {
            depth--;
            continue;
        }
        remaining[depth - 1]--;
        const uint32_t inner = take_u32(c);
        const uint64_t inner_count = take_u64(c);
        if (!c->ok) {
            return "is an array that reaches past the end of the file";
        }
        if (inner != GGUF_ARRAY) {
            const char *why = skip_values(c, inner, inner_count);
            if (why) {
                return why;
            }
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
    f->key_index = index_new((size_t)n, &f->key_slots);
    if (!f->keys || !f->key_index) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu64 " metadata keys",
                       f->path, n);
    }
    for (size_t i = 0; i < n; i++) {
        gguf_key *key = &f->keys[i];
        const lfm_status st = read_key(f, c, i, key, err);
        if (st != LFM_OK) {
            return st;
        }
        const size_t at = index_slot(f, f->key_index, f->key_slots, key_name, key->name.ptr,
                                     key->name.len);
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
    if (qtype_from_number(number, &t->type, &removed)) {
        return LFM_OK;
    }
    if (removed) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s: tensor '%.*s' has type %s, which was removed "
                       "from GGUF; quantise the model again", f->path, (int)t->name.len,
                       t->name.ptr, removed);
    }
    return err_set(err, LFM_ERR_UNSUPPORTED, "%s: tensor '%.*s' has the unknown type number "
                   "%" PRIu32, f->path, (int)t->name.len, t->name.ptr, number);
}

/* Everything but the place of the data; *offset is where it is said to be. */
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
    if (!c->ok) {
        return bad_tensor(f, t->name, err, "is cut short in the tensor table");
    }
    const lfm_status st = read_type(f, number, t, err);
    if (st != LFM_OK) {
        return st;
    }
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

/* A byte count as people read it. */
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
    if (st == LFM_OK) {
        st = place_tensors(f, c, first, offsets, alignment, err);
    }
    free(offsets);
    return st;
}

static lfm_status index_tensors(gguf_file *f, lfm_error *err) {
    if (f->n_tensors == 0) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the file has no tensors", f->path);
    }
    f->tensor_index = index_new(f->n_tensors, &f->tensor_slots);
    if (!f->tensor_index) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %zu tensors", f->path,
                       f->n_tensors);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_str name = f->tensors[i].name;
        const size_t at = index_slot(f, f->tensor_index, f->tensor_slots, tensor_name, name.ptr,
                                     name.len);
        if (f->tensor_index[at]) {
            return bad_tensor(f, name, err, "appears twice");
        }
        f->tensor_index[at] = (uint32_t)i + 1;
    }
    return LFM_OK;
}

/* ---- Parts and whole files ------------------------------------------------------------------ */

/* Read one file: its keys into f->keys (replacing none) and its tensors behind those of earlier
 * parts. */
static lfm_status read_part(gguf_file *f, const void *bytes, size_t size, uint32_t part,
                            lfm_error *err) {
    cursor c = {.base = bytes, .size = size, .ok = true};
    uint64_t n_tensors = 0;
    uint64_t n_keys = 0;
    lfm_status st = read_header(f, &c, &n_tensors, &n_keys, err);
    if (st == LFM_OK) {
        st = read_keys(f, &c, n_keys, err);
    }
    uint32_t alignment = DEFAULT_ALIGNMENT;
    if (st == LFM_OK) {
        st = gguf_get_u32(f, "general.alignment", 8, MAX_ALIGNMENT, &alignment, err);
    }
    if (st == LFM_OK && (alignment & (alignment - 1)) != 0) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: key 'general.alignment' is %" PRIu32 ", which is "
                     "not a power of two", f->path, alignment);
    }
    if (st == LFM_OK) {
        st = read_tensors(f, &c, n_tensors, part, alignment, err);
    }
    f->file_bytes += size;
    return st;
}

static void set_path(gguf_file *f, const char *path) {
    err_escape(f->path, sizeof f->path, path, strlen(path));
}

lfm_status gguf_parse(gguf_file *f, const void *bytes, size_t size, const char *path,
                      lfm_error *err) {
    *f = (gguf_file){.n_parts = 1};
    set_path(f, path);
    lfm_status st = read_part(f, bytes, size, 0, err);
    if (st == LFM_OK) {
        st = index_tensors(f, err);
    }
    return st;
}

/* "model-00002-of-00003.gguf": the length of "model", and the two numbers. */
static bool split_name(const char *path, size_t *stem, uint32_t *no, uint32_t *count) {
    const size_t len = strlen(path);
    const size_t tail = strlen("-00001-of-00002.gguf");
    unsigned a = 0;
    unsigned b = 0;
    int used = 0;
    if (len <= tail || sscanf(path + len - tail, "-%5u-of-%5u.gguf%n", &a, &b, &used) != 2 ||
        used != (int)tail) {
        return false;
    }
    *stem = len - tail;
    *no = a;
    *count = b;
    return true;
}

static void drop_keys(gguf_file *f) {
    free(f->keys);
    free(f->key_index);
    f->keys = NULL;
    f->key_index = NULL;
    f->n_keys = 0;
}

/* Does this part say that it is number `part` of `count`?  A file that is not split says neither.
 */
static lfm_status check_split(const gguf_file *f, uint32_t part, uint32_t count, lfm_error *err) {
    uint32_t no = 0;
    uint32_t n = 1;
    lfm_status st = gguf_get_u32(f, "split.no", 0, UINT16_MAX, &no, err);
    if (st == LFM_OK) {
        st = gguf_get_u32(f, "split.count", 0, UINT16_MAX, &n, err);
    }
    n = n == 0 ? 1 : n;
    if (st == LFM_OK && (no != part || n != count)) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: the file says it is part %" PRIu32 " of %" PRIu32
                     ", its name says %" PRIu32 " of %" PRIu32 "; split files keep their names "
                     "(-00001-of-0000N.gguf)", f->path, no + 1, n, part + 1, count);
    }
    return st;
}

static lfm_status open_parts(gguf_file *f, const char *path, size_t stem, bool split,
                             uint32_t count, bool copy, lfm_error *err) {
    const size_t cap = strlen(path) + 1;
    char *name = malloc(cap);
    gguf_file first = {0}; /* holds the keys of part 1 while the others are read */
    lfm_status st = name ? LFM_OK : err_set(err, LFM_ERR_MEMORY, "%s: out of memory", f->path);
    for (uint32_t part = 0; part < count && st == LFM_OK; part++) {
        if (split) {
            snprintf(name, cap, "%.*s-%05" PRIu32 "-of-%05" PRIu32 ".gguf", (int)stem, path,
                     part + 1, count);
        } else {
            memcpy(name, path, cap);
        }
        set_path(f, name);
        st = copy ? map_read(&f->parts[part], name, err) : map_open(&f->parts[part], name, err);
        if (st == LFM_OK) {
            f->n_parts = part + 1;
            st = read_part(f, f->parts[part].data, f->parts[part].size, part, err);
        }
        if (st == LFM_OK) {
            st = check_split(f, part, count, err);
        }
        if (part == 0) {
            first = *f;
            f->keys = NULL;
            f->key_index = NULL;
            f->n_keys = 0;
        } else {
            drop_keys(f);
        }
    }
    f->keys = first.keys;
    f->key_index = first.key_index;
    f->key_slots = first.key_slots;
    f->n_keys = first.n_keys;
    f->version = first.version;
    set_path(f, path);
    free(name);
    return st;
}

lfm_status gguf_open_how(gguf_file *f, const char *path, bool copy, lfm_error *err) {
    *f = (gguf_file){0};
    set_path(f, path);
    size_t stem = 0;
    uint32_t no = 1;
    uint32_t count = 1;
    const bool split = split_name(path, &stem, &no, &count);
    if (split && (count < 1 || count > GGUF_MAX_PARTS || no < 1 || no > count)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: part %" PRIu32 " of %" PRIu32 " is not possible "
                       "(at most %d parts)", f->path, no, count, GGUF_MAX_PARTS);
    }
    f->parts = calloc(count, sizeof *f->parts);
    if (!f->parts) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu32 " files", f->path,
                       count);
    }
    lfm_status st = open_parts(f, path, stem, split, count, copy, err);
    if (st == LFM_OK) {
        st = index_tensors(f, err);
    }
    uint32_t total = (uint32_t)f->n_tensors;
    if (st == LFM_OK) {
        st = gguf_get_u32(f, "split.tensors.count", 0, UINT32_MAX, &total, err);
    }
    if (st == LFM_OK && total != f->n_tensors) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: the parts hold %zu tensors, but there should be "
                     "%" PRIu32, f->path, f->n_tensors, total);
    }
    return st;
}

lfm_status gguf_open(gguf_file *f, const char *path, lfm_error *err) {
    return gguf_open_how(f, path, false, err);
}

lfm_status gguf_lock(const gguf_file *f, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (uint32_t i = 0; f->parts && i < f->n_parts && st == LFM_OK; i++) {
        st = map_lock(&f->parts[i], f->path, err);
    }
    return st;
}

lfm_status gguf_check_unchanged(const gguf_file *f, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (uint32_t i = 0; f->parts && i < f->n_parts && st == LFM_OK; i++) {
        st = map_check(&f->parts[i], f->path, err);
    }
    return st;
}

void gguf_close(gguf_file *f) {
    drop_keys(f);
    free(f->tensors);
    free(f->tensor_index);
    for (uint32_t i = 0; f->parts && i < f->n_parts; i++) {
        map_close(&f->parts[i]);
    }
    free(f->parts);
    *f = (gguf_file){0};
}

/* ---- Typed lookups -------------------------------------------------------------------------- */

static lfm_status wrong_type(const gguf_file *f, const gguf_key *key, const char *want,
                             lfm_error *err) {
    const bool array = key->type == GGUF_ARRAY;
    return err_set(err, LFM_ERR_FORMAT, "%s: key '%.*s' should be %s, but it is %s%s", f->path,
                   (int)key->name.len, key->name.ptr, want, array ? "an array of " : "",
                   gguf_type_name(array ? key->element : key->type));
}

/* The value of any integer type as a signed 64-bit number; u64 above INT64_MAX is cut to it. */
static bool read_int(const gguf_key *key, int64_t *out) {
    const uint8_t *p = key->data;
    switch (key->type) {
    case GGUF_U8: *out = p[0]; return true;
    case GGUF_I8: *out = (int8_t)p[0]; return true;
    case GGUF_U16: *out = load_u16(p); return true;
    case GGUF_I16: *out = (int16_t)load_u16(p); return true;
    case GGUF_U32: *out = load_u32(p); return true;
    case GGUF_I32: *out = (int32_t)load_u32(p); return true;
    case GGUF_I64: *out = (int64_t)load_u64(p); return true;
    case GGUF_U64: {
        const uint64_t v = load_u64(p);
        *out = v > INT64_MAX ? INT64_MAX : (int64_t)v;
        return true;
    }
    default: return false;
    }
}

lfm_status gguf_get_u32(const gguf_file *f, const char *name, uint32_t min, uint32_t max,
                        uint32_t *out, lfm_error *err) {
    const gguf_key *key = gguf_get(f, name);
    int64_t value = 0;
    if (!key) {
        return LFM_OK;
    }
    if (!read_int(key, &value)) {
        return wrong_type(f, key, "an integer", err);
    }
    if (value < min || value > max) {
        return err_set(err, LFM_ERR_FORMAT, "%s: key '%s' is %" PRId64 ", outside %" PRIu32 " to "
                       "%" PRIu32, f->path, name, value, min, max);
    }
    *out = (uint32_t)value;
    return LFM_OK;
}

lfm_status gguf_get_f32(const gguf_file *f, const char *name, float *out, lfm_error *err) {
    const gguf_key *key = gguf_get(f, name);
    float value = 0;
    if (!key) {
        return LFM_OK;
    }
    if (key->type == GGUF_F32) {
        value = f32_from_bits(load_u32(key->data));
    } else if (key->type == GGUF_F64) {
        double wide;
        memcpy(&wide, key->data, sizeof wide);
        value = (float)wide;
    } else {
        return wrong_type(f, key, "a float", err);
    }
    if (!isfinite(value)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: key '%s' is not a finite number", f->path, name);
    }
    *out = value;
    return LFM_OK;
}

lfm_status gguf_get_bool(const gguf_file *f, const char *name, bool *out, lfm_error *err) {
    const gguf_key *key = gguf_get(f, name);
    if (!key) {
        return LFM_OK;
    }
    if (key->type != GGUF_BOOL) {
        return wrong_type(f, key, "true or false", err);
    }
    *out = key->data[0] != 0;
    return LFM_OK;
}

lfm_status gguf_get_str(const gguf_file *f, const char *name, gguf_str *out, lfm_error *err) {
    const gguf_key *key = gguf_get(f, name);
    if (!key) {
        return LFM_OK;
    }
    if (key->type != GGUF_STRING) {
        return wrong_type(f, key, "text", err);
    }
    *out = (gguf_str){(const char *)key->data + 8, key->n_bytes - 8};
    return LFM_OK;
}

static lfm_status need(const gguf_file *f, const char *name, lfm_error *err) {
    if (gguf_get(f, name)) {
        return LFM_OK;
    }
    return err_set(err, LFM_ERR_FORMAT, "%s: key '%s' is missing", f->path, name);
}

lfm_status gguf_need_u32(const gguf_file *f, const char *name, uint32_t min, uint32_t max,
                         uint32_t *out, lfm_error *err) {
    const lfm_status st = need(f, name, err);
    return st == LFM_OK ? gguf_get_u32(f, name, min, max, out, err) : st;
}

lfm_status gguf_need_f32(const gguf_file *f, const char *name, float *out, lfm_error *err) {
    const lfm_status st = need(f, name, err);
    return st == LFM_OK ? gguf_get_f32(f, name, out, err) : st;
}

lfm_status gguf_need_str(const gguf_file *f, const char *name, gguf_str *out, lfm_error *err) {
    const lfm_status st = need(f, name, err);
    return st == LFM_OK ? gguf_get_str(f, name, out, err) : st;
}

lfm_status gguf_need_array(const gguf_file *f, const char *name, gguf_type element, gguf_type alt,
                           const gguf_key **out, lfm_error *err) {
    const lfm_status st = need(f, name, err);
    if (st != LFM_OK) {
        return st;
    }
    const gguf_key *key = gguf_get(f, name);
    if (key->type != GGUF_ARRAY || (key->element != element && key->element != alt)) {
        char want[32];
        snprintf(want, sizeof want, "an array of %s", gguf_type_name(element));
        return wrong_type(f, key, want, err);
    }
    *out = key;
    return LFM_OK;
}

gguf_str gguf_next_str(const uint8_t **at) {
    const uint64_t len = load_u64(*at);
    const gguf_str s = {(const char *)*at + 8, (size_t)len};
    *at += 8 + len;
    return s;
}
