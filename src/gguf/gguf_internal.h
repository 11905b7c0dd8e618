/*
 * gguf_internal.h - what the files of the reader share.
 */
#ifndef GGUF_GGUF_INTERNAL_H
#define GGUF_GGUF_INTERNAL_H

#include "gguf/gguf.h"

/* Read one file: its keys into f->keys, which must be empty, and its tensors behind those of the
 * parts before it. */
lfm_status gguf_read_part(gguf_file *f, const void *bytes, size_t size, uint32_t part,
                          lfm_error *err);

/* Once all parts are read: build the table of tensor names.  LFM_ERR_FORMAT when a name occurs
 * twice, and when there are no tensors. */
lfm_status gguf_index_tensors(gguf_file *f, lfm_error *err);

/* A hash table of at least twice `n` slots, all empty (0); NULL when memory runs out. */
uint32_t *gguf_index_new(size_t n, size_t *slots);

/* The slot of f->key_index or f->tensor_index that holds this name, or the empty one where it
 * belongs. */
size_t gguf_key_slot(const gguf_file *f, const char *name, size_t len);
size_t gguf_tensor_slot(const gguf_file *f, const char *name, size_t len);

#endif
