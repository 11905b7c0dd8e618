/*
 * pack.h - checksums inside a model file.
 *
 * A packed file is an ordinary GGUF file, readable by every program, with three more keys:
 *     lfm.pack.version  u32     of these rules
 *     lfm.pack.tensors  u64[]   checksum (base/checksum.h) of each tensor's bytes, in file order
 *     lfm.pack.head     u64     checksum of all other keys, the tensors' descriptions and sums
 */
#ifndef GGUF_PACK_H
#define GGUF_PACK_H

#include "base/error.h"
#include "gguf/gguf.h"

#include <stdbool.h>
#include <stdint.h>

#define PACK_VERSION 1u
#define PACK_KEY_VERSION "lfm.pack.version"
#define PACK_KEY_TENSORS "lfm.pack.tensors"
#define PACK_KEY_HEAD "lfm.pack.head"

/* Is this one of the three keys above? */
bool pack_owns_key(gguf_str name);

/* The lfm.pack.head of a file with these tensor checksums. */
uint64_t pack_head(const gguf_file *f, const uint64_t *sums);

/* *sums = the file's tensor checksums, 8 bytes each and perhaps unaligned, once the head matches
 * its own checksum; NULL for a file that is not packed.  LFM_ERR_UNSUPPORTED for another version,
 * LFM_ERR_FORMAT for damage. */
lfm_status pack_read(const gguf_file *f, const uint8_t **sums, lfm_error *err);

#endif
