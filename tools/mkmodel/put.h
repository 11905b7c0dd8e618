/*
 * put.h - keys that only makers of models write: texts, truth values, parts of a split file.
 *
 * They complete convert/write.h and fail as its functions do: the writer keeps the first error.
 */
#ifndef MKMODEL_PUT_H
#define MKMODEL_PUT_H

#include "convert/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void gguf_put_f32(gguf_writer *w, const char *name, float value);
void gguf_put_bool(gguf_writer *w, const char *name, bool value);
void gguf_put_str(gguf_writer *w, const char *name, const char *text); /* NUL-terminated */
void gguf_put_view(gguf_writer *w, const char *name, gguf_str text);   /* any bytes */
void gguf_put_strings(gguf_writer *w, const char *name, const gguf_str *texts, size_t n);

/* The three keys of a split file: part `no` of `count`, counted from 0; n_tensors is that of
 * the whole model. */
void gguf_put_split(gguf_writer *w, uint32_t no, uint32_t count, uint64_t n_tensors);

/* The name of part `no` (from 0): NAME.gguf becomes NAME-00001-of-00003.gguf.  The result is
 * allocated; NULL when memory is short. */
char *gguf_split_path(const char *path, uint32_t no, uint32_t count);

#endif
