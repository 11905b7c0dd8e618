/*
 * versioned.h - option structs of programs that were compiled with another version of lfm.h.
 *
 * Such a struct begins with `size_t struct_size`; 0 means its size in version 0.1.  Today all of
 * them have that size.
 */
#ifndef BASE_VERSIONED_H
#define BASE_VERSIONED_H

#include "base/error.h"

#include <stddef.h>

/* Copy the struct that a caller gave, NULL for all zeros, into ours of `size` bytes.  LFM_ERR_ARG
 * when fields are set that we do not know. */
lfm_status versioned_read(void *ours, size_t size, const void *theirs, const char *name,
                          lfm_error *err);

/* Copy our struct of `size` bytes into the caller's of `their_size`, as far as both reach. */
void versioned_write(void *theirs, size_t their_size, const void *ours, size_t size);

#endif
