/*
 * gguf_open.c - whole models: one file, or several parts as one.
 */
#include "gguf/gguf_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_path(gguf_file *f, const char *path) {
    err_escape(f->path, sizeof f->path, path, strlen(path));
}

lfm_status gguf_parse(gguf_file *f, const void *bytes, size_t size, const char *path,
                      lfm_error *err) {
    *f = (gguf_file){.n_parts = 1};
    set_path(f, path);
    lfm_status st = gguf_read_part(f, bytes, size, 0, err);
    if (st == LFM_OK) st = gguf_index_tensors(f, err);
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

/* Does this file state that it is part `part` of `count`?  A file that is not split states
 * neither. */
static lfm_status check_split(const gguf_file *f, uint32_t part, uint32_t count, lfm_error *err) {
    uint32_t no = 0;
    uint32_t n = 1;
    lfm_status st = gguf_get_u32(f, "split.no", 0, UINT16_MAX, &no, err);
    if (st == LFM_OK) st = gguf_get_u32(f, "split.count", 0, UINT16_MAX, &n, err);
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
            st = gguf_read_part(f, f->parts[part].data, f->parts[part].size, part, err);
        }
        if (st == LFM_OK) st = check_split(f, part, count, err);
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
    if (st == LFM_OK) st = gguf_index_tensors(f, err);
    uint32_t total = (uint32_t)f->n_tensors;
    if (st == LFM_OK) st = gguf_get_u32(f, "split.tensors.count", 0, UINT32_MAX, &total, err);
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
