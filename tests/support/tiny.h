/*
 * tiny.h - complete models of a few KiB, and files that are almost one.
 *
 * A tiny_file is a GGUF taken apart: change anything in it, then take its bytes.  The bytes are
 * written here without src/convert/write.c, which refuses to write most of what tests need.
 *
 * Everything ends the program when memory runs out.
 */
#ifndef SUPPORT_TINY_H
#define SUPPORT_TINY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *name;
    size_t name_len;
    uint32_t type;
    uint8_t *value; /* as in the file: with element type and count when it is an array */
    size_t n_bytes;
} tiny_key;

typedef struct {
    char *name;
    size_t name_len;
    uint32_t n_dims;
    uint64_t dim[8];
    uint32_t type;
    uint64_t offset; /* from tiny_layout, or any */
    uint8_t *data;   /* [n_bytes], written at the place that tiny_layout gave it */
    size_t n_bytes;
    uint64_t place;
} tiny_tensor;

enum { TINY_MAX_KEYS = 64, TINY_MAX_TENSORS = 80 };

typedef struct {
    uint32_t version;
    uint64_t n_keys_said, n_tensors_said; /* what the header claims, less what is true */
    uint32_t alignment;
    bool moe;
    tiny_key keys[TINY_MAX_KEYS];
    size_t n_keys;
    tiny_tensor tensors[TINY_MAX_TENSORS];
    size_t n_tensors;
    size_t head_bytes; /* where the tensors' data begins; set by tiny_bytes */
    size_t keys_end;   /* where the tensor table begins; likewise */
} tiny_file;

/* Element types by their numbers in the file. */
enum { TINY_F32 = 0, TINY_F16 = 1, TINY_Q4_0 = 2, TINY_Q8_0 = 8 };

/* A model that lfm runs: width 32, 3 layers (convolution, attention, convolution), a vocabulary of
 * 256 bytes and a few more; `moe` with 4 experts, 2 of them used.  `type` is that of the matrices.
 * The weights are pseudo-random and always the same. */
tiny_file *tiny_new(bool moe, uint32_t type);
void tiny_free(tiny_file *f);

/* Put a key at the end, or in the place of the one that has this name.  The names with a "~" in
 * front stand for "lfm2." or "lfm2moe.". */
void tiny_put(tiny_file *f, const char *name, uint32_t type, const void *value, size_t n);
void tiny_put_u32(tiny_file *f, const char *name, uint32_t v);
void tiny_put_f32(tiny_file *f, const char *name, float v);
void tiny_put_str(tiny_file *f, const char *name, const char *text);
void tiny_put_strn(tiny_file *f, const char *name, const char *text, size_t len);
/* `n` elements, already encoded in `n_bytes`. */
void tiny_put_array(tiny_file *f, const char *name, uint32_t element, uint64_t n, const void *bytes,
                    size_t n_bytes);
void tiny_put_strings(tiny_file *f, const char *name, const char *const *texts, size_t n);

/* NULL when absent. */
tiny_key *tiny_get(tiny_file *f, const char *name);
tiny_tensor *tiny_get_tensor(tiny_file *f, const char *name);
void tiny_rename(tiny_key *k, const char *name, size_t len);
void tiny_rename_tensor(tiny_tensor *t, const char *name, size_t len);

/* Element `i` of an array of strings becomes `text`. */
void tiny_edit_string(tiny_file *f, const char *name, size_t i, const char *text, size_t len);

void tiny_drop(tiny_file *f, const char *key);
void tiny_drop_tensor(tiny_file *f, const char *name);
/* One more tensor, filled with weights. */
tiny_tensor *tiny_add_tensor(tiny_file *f, const char *name, uint32_t type, uint64_t d0,
                             uint64_t d1, uint64_t d2);

/* Give every tensor its place, one after the other. */
void tiny_layout(tiny_file *f);

/* The bytes of the file; to be freed. */
uint8_t *tiny_bytes(tiny_file *f, size_t *n);

/* Write bytes to a file; ends the program when that fails. */
void tiny_save(const char *path, const void *bytes, size_t n);

#endif
