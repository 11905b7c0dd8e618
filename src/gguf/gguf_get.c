/*
 * gguf_get.c - finding keys and tensors by their names.
 */
#include "gguf/gguf_internal.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

uint32_t *gguf_index_new(size_t n, size_t *slots) {
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

size_t gguf_key_slot(const gguf_file *f, const char *name, size_t len) {
    return index_slot(f, f->key_index, f->key_slots, key_name, name, len);
}

size_t gguf_tensor_slot(const gguf_file *f, const char *name, size_t len) {
    return index_slot(f, f->tensor_index, f->tensor_slots, tensor_name, name, len);
}

const gguf_key *gguf_get(const gguf_file *f, const char *name) {
    if (!f->key_index) return NULL;
    const size_t at = gguf_key_slot(f, name, strlen(name));
    return f->key_index[at] ? &f->keys[f->key_index[at] - 1] : NULL;
}

const gguf_tensor *gguf_get_tensor(const gguf_file *f, const char *name) {
    if (!f->tensor_index) return NULL;
    const size_t at = gguf_tensor_slot(f, name, strlen(name));
    return f->tensor_index[at] ? &f->tensors[f->tensor_index[at] - 1] : NULL;
}

/* ---- Typed lookups -------------------------------------------------------------------------- */

static lfm_status wrong_type(const gguf_file *f, const gguf_key *key, const char *want,
                             lfm_error *err) {
    const bool array = key->type == GGUF_ARRAY;
    return err_set(err, LFM_ERR_FORMAT, "%s: key '%.*s' should be %s, but it is %s%s", f->path,
                   (int)key->name.len, key->name.ptr, want, array ? "an array of " : "",
                   gguf_type_name(array ? key->element : key->type));
}

/* The value of any integer type as a signed 64-bit number; u64 above INT64_MAX becomes
 * INT64_MAX. */
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
    if (!key) return LFM_OK;
    if (!read_int(key, &value)) return wrong_type(f, key, "an integer", err);
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
    if (!key) return LFM_OK;
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
    if (!key) return LFM_OK;
    if (key->type != GGUF_BOOL) return wrong_type(f, key, "true or false", err);
    *out = key->data[0] != 0;
    return LFM_OK;
}

lfm_status gguf_get_str(const gguf_file *f, const char *name, gguf_str *out, lfm_error *err) {
    const gguf_key *key = gguf_get(f, name);
    if (!key) return LFM_OK;
    if (key->type != GGUF_STRING) return wrong_type(f, key, "text", err);
    *out = (gguf_str){(const char *)key->data + 8, key->n_bytes - 8};
    return LFM_OK;
}

static lfm_status need(const gguf_file *f, const char *name, lfm_error *err) {
    if (gguf_get(f, name)) return LFM_OK;
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
    if (st != LFM_OK) return st;
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
