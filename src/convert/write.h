/*
 * write.h - keys and named, typed tensors -> the bytes of a model file.
 *
 * Use: init; put keys and tensors; write the head to a sink; stream the tensors' bytes in the order
 * in which they were put; end; drop.  The gguf_put functions return nothing: the writer keeps its
 * first error and gguf_write_head reports it, so that code that puts keys reads as a list.
 *
 * Format: ggml's docs/gguf.md, versions 2 and 3 (they differ in the number only).
 */
#ifndef CONVERT_WRITE_H
#define CONVERT_WRITE_H

#include "base/error.h"
#include "base/system/out_file.h"
#include "gguf/gguf.h"
#include "gguf/qtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Memory that grows ------------------------------------------------------------------- */

typedef struct {
    uint8_t *data;
    size_t size, cap;
} gguf_memory;

byte_sink gguf_memory_sink(gguf_memory *m); /* keeps `m` */
void gguf_memory_drop(gguf_memory *m);      /* safe on a zeroed struct */

/* ---- The writer ---------------------------------------------------------------------------- */

#define GGUF_ALIGNMENT 32u       /* of tensor data, unless general.alignment says otherwise */
#define GGUF_MAX_TENSOR_NAME 63u /* bytes; ggml keeps names in 64 with their NUL */

typedef struct {
    uint32_t version;
    uint32_t alignment;
    gguf_memory keys;      /* encoded */
    gguf_memory infos;     /* encoded tensor descriptions */
    gguf_memory key_at;    /* size_t[n_keys]: where each name starts in `keys` */
    gguf_memory tensor_at; /* size_t[n_tensors]: the same in `infos` */
    gguf_memory sizes;     /* uint64_t[n_tensors]: bytes of data */
    uint64_t n_keys;
    uint64_t n_tensors;
    uint64_t data_bytes;   /* of all tensors, padding included */
    byte_sink sink;
    uint64_t current;      /* tensor that is being written */
    uint64_t left;         /* bytes it still lacks */
    bool head_written;
    lfm_error error;       /* the first failure */
} gguf_writer;

/* `version` is 2 or 3; `alignment` a power of two in [8, 4096], usually GGUF_ALIGNMENT.  Any other
 * alignment is written to the file as general.alignment. */
void gguf_writer_init(gguf_writer *w, uint32_t version, uint32_t alignment);
void gguf_writer_drop(gguf_writer *w); /* safe on a zeroed struct */

/* One key each.  Names are NUL-terminated; two keys may not share one.  Nothing is kept: values
 * are copied. */
void gguf_put_u32(gguf_writer *w, const char *name, uint32_t value);

/* Any type but strings and arrays; `value` points to one of its kind (a bool is one byte). */
void gguf_put_value(gguf_writer *w, const char *name, gguf_type type, const void *value);

/* An array of `n` such values, one after the other as in memory. */
void gguf_put_array(gguf_writer *w, const char *name, gguf_type element, const void *values,
                    size_t n);

/* A key as a file holds it, strings and their arrays included.  Skips general.alignment: it belongs
 * to the file, not to the model. */
void gguf_put_key(gguf_writer *w, const gguf_key *key);

/* Announce a tensor; dim[0] is the contiguous one and must hold whole blocks.  1 <= n_dims <= 4. */
void gguf_put_tensor(gguf_writer *w, gguf_str name, qtype type, uint32_t n_dims,
                     const uint64_t *dim);

/* Size of the whole file, once all keys and tensors are put. */
uint64_t gguf_writer_bytes(const gguf_writer *w);

/* Report the first error of the puts, or write everything that comes before the tensors' bytes.
 * Keeps the sink until the end. */
lfm_status gguf_write_head(gguf_writer *w, byte_sink sink, lfm_error *err);

/* The next `n` bytes of the current tensor; they may not reach into the next one.  Padding behind a
 * complete tensor is written automatically. */
lfm_status gguf_write_data(gguf_writer *w, const void *bytes, size_t n, lfm_error *err);

/* LFM_ERR_ARG when bytes are missing. */
lfm_status gguf_write_end(const gguf_writer *w, lfm_error *err);

#endif
