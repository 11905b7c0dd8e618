/*
 * gguf.h - the bytes of a model file -> keys and named, typed tensors.
 *
 * GGUF v2 and v3, little endian, one file or several (split files as one model).  Everything here
 * is a view into the mapped bytes; every count, length and offset is checked against the size of
 * the file before it is used.
 *
 * Format: ggml's docs/gguf.md.
 */
#ifndef GGUF_GGUF_H
#define GGUF_GGUF_H

#include "base/error.h"
#include "base/system/map.h"
#include "gguf/gguf_type.h"
#include "gguf/qtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text inside the file: not NUL-terminated, any byte possible; print with %.*s. */
typedef struct {
    const char *ptr;
    size_t len;
} gguf_str;

typedef struct {
    gguf_str name;
    gguf_type type;
    gguf_type element;   /* of an array; otherwise equal to type */
    uint64_t count;      /* elements of an array; otherwise 1 */
    const uint8_t *data; /* the value, or the first element; strings have a u64 length in front */
    size_t n_bytes;      /* of data, to the end of the value */
} gguf_key;

typedef struct {
    gguf_str name;
    qtype type;
    uint32_t n_dims;
    uint64_t dim[4];     /* dim[0] is the contiguous one; unused ones are 1 */
    const uint8_t *data; /* inside the mapping, span already checked */
    uint64_t n_bytes;
    uint32_t part;       /* which file of a split model holds it */
} gguf_tensor;

#define GGUF_MAX_PARTS 512

typedef struct {
    char path[512];      /* as given, for messages; escaped and shortened */
    map *parts;          /* [n_parts] */
    uint32_t n_parts;
    uint32_t version;
    uint64_t file_bytes; /* of all parts */
    gguf_key *keys;      /* of the first part, in file order */
    size_t n_keys;
    gguf_tensor *tensors;
    size_t n_tensors;
    uint32_t *key_index;    /* hash tables: index + 1, 0 = empty */
    size_t key_slots;
    uint32_t *tensor_index;
    size_t tensor_slots;
} gguf_file;

/* Map a file (and, when its name ends in -00001-of-0000N.gguf, its siblings) and read it. */
lfm_status gguf_open(gguf_file *f, const char *path, lfm_error *err);

/* The same; with `copy`, the bytes are read into memory instead of mapped. */
lfm_status gguf_open_how(gguf_file *f, const char *path, bool copy, lfm_error *err);

/* Keep all parts in physical memory from now on; see map_lock. */
lfm_status gguf_lock(const gguf_file *f, lfm_error *err);

/* Read one file that is already in memory, 8-byte aligned; `bytes` must stay valid until
 * gguf_close.  `path` is only for messages. */
lfm_status gguf_parse(gguf_file *f, const void *bytes, size_t size, const char *path,
                      lfm_error *err);

/* LFM_ERR_IO when one of the files has changed since it was opened. */
lfm_status gguf_check_unchanged(const gguf_file *f, lfm_error *err);

/* Safe on a zeroed struct, and after a failure. */
void gguf_close(gguf_file *f);

/* Lookups: NULL when absent. */
const gguf_key *gguf_get(const gguf_file *f, const char *name);
const gguf_tensor *gguf_get_tensor(const gguf_file *f, const char *name);

/* Typed lookups.  An absent key leaves *out alone and is not an error; a key of another type or a
 * value out of range is an error that names it.  Integers of any width and sign are read. */
lfm_status gguf_get_u32(const gguf_file *f, const char *name, uint32_t min, uint32_t max,
                        uint32_t *out, lfm_error *err);
lfm_status gguf_get_f32(const gguf_file *f, const char *name, float *out, lfm_error *err);
lfm_status gguf_get_bool(const gguf_file *f, const char *name, bool *out, lfm_error *err);
lfm_status gguf_get_str(const gguf_file *f, const char *name, gguf_str *out, lfm_error *err);

/* The same for required keys. */
lfm_status gguf_need_u32(const gguf_file *f, const char *name, uint32_t min, uint32_t max,
                         uint32_t *out, lfm_error *err);
lfm_status gguf_need_f32(const gguf_file *f, const char *name, float *out, lfm_error *err);
lfm_status gguf_need_str(const gguf_file *f, const char *name, gguf_str *out, lfm_error *err);

/* The key when it is an array of `element`s, else an error.  `alt` is a second accepted element
 * type (give the same one twice when there is none). */
lfm_status gguf_need_array(const gguf_file *f, const char *name, gguf_type element, gguf_type alt,
                           const gguf_key **out, lfm_error *err);

/* Walk the strings of an array: start with a cursor of key->data, call key->count times. */
gguf_str gguf_next_str(const uint8_t **cursor);

#endif
