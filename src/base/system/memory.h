/*
 * memory.h - how much memory is available.
 */
#ifndef BASE_SYSTEM_MEMORY_H
#define BASE_SYSTEM_MEMORY_H

#include <stdint.h>

/* Bytes that this process can still use before the machine swaps or a limit of its groups kills it:
 * what the system calls available, file caches included.  UINT64_MAX: not known.  `root` as in
 * group.h. */
uint64_t memory_available(const char *root);

#endif
