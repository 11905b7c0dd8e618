/*
 * cores.h - how many threads are useful on this machine.
 */
#ifndef BASE_SYSTEM_CORES_H
#define BASE_SYSTEM_CORES_H

#include <stdbool.h>
#include <stddef.h>

/* Physical performance cores that this process may use: SMT siblings count once, slower cores of a
 * hybrid processor not at all (unless nothing else is allowed), affinity and container limits are
 * respected.  At least 1. */
size_t cores_default(void);

/* The same for Linux files below `root` ("" = the real ones) and CPUs i < n with allowed[i]; for
 * tests. */
size_t cores_count(const char *root, const bool *allowed, size_t n);

/* Mark those of the CPUs i < n with allowed[i] that are fast: all, unless the processor is a hybrid
 * one and has some of them allowed.  Returns how many slower CPUs are also allowed. */
size_t cores_fast(const char *root, const bool *allowed, bool *fast, size_t n);

/* A set of CPUs. */
enum { CORES_MAX = 1024 };
typedef struct {
    bool cpu[CORES_MAX];
} cores_set;

/* How many of the CPUs that this thread may use are fast; 0 when none of them is slower. */
size_t cores_n_fast(void);

/* Restrict this thread, and those it starts, to fast cores; *before is what it could use so far.
 * False, with nothing changed, when none of its cores is slower, or when the system does not let a
 * program choose. */
bool cores_use_fast(cores_set *before);
void cores_use(const cores_set *set);

/* Mark the CPUs below n that a file lists, such as "0-7,16"; false when there is no file. */
bool cores_read_list(const char *root, const char *path, bool *listed, size_t n);

#endif
