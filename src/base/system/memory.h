/*
 * memory.h - how much memory there is to be had.
 */
#ifndef BASE_SYSTEM_MEMORY_H
#define BASE_SYSTEM_MEMORY_H

#include <stdint.h>

/* Bytes that this process can still use before the machine swaps or a limit of its groups ends it:
 * what the system calls available, caches of files included.  UINT64_MAX: not known.  `root` as in
 * group.h. */
uint64_t memory_available(const char *root);

#endif
