/*
 * cores.h - how many threads are worth having here.
 */
#ifndef BASE_CORES_H
#define BASE_CORES_H

#include <stdbool.h>
#include <stddef.h>

/* Physical performance cores that this process may use: SMT siblings count once, slower cores of a
 * hybrid processor not at all (unless nothing else is allowed), affinity and container limits are
 * respected.  At least 1. */
size_t cores_default(void);

/* The same for Linux files below `root` ("" = the real ones) and CPUs i < n with allowed[i]; for
 * tests. */
size_t cores_count(const char *root, const bool *allowed, size_t n);

/* Mark the CPUs below n that a file lists, such as "0-7,16"; false when there is no file. */
bool cores_read_list(const char *root, const char *path, bool *listed, size_t n);

#endif
