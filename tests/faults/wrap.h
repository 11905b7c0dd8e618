/*
 * wrap.h - calls to the system that fail when they are told to.
 *
 * Linked with --wrap: what the program calls (not what libc calls inside) is counted, and the n-th
 * call fails as the system would let it fail.
 */
#ifndef FAULTS_WRAP_H
#define FAULTS_WRAP_H

#include <stdbool.h>

/* From now on call `n` (from 1; 0 = none) fails, and with `for_ever` all that follow. */
void wrap_start(long n, bool for_ever);

/* Calls since then.  All calls work again. */
long wrap_stop(void);

/* Allocations and mappings that were made since wrap_start and not given back. */
long wrap_live(void);

/* Name of the call that failed first, or "". */
const char *wrap_failed(void);

#endif
