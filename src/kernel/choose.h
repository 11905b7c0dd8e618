/*
 * choose.h - the kernels for this CPU, chosen once when a model is opened.
 */
#ifndef KERNEL_CHOOSE_H
#define KERNEL_CHOOSE_H

#include "base/error.h"
#include "kernel/kernel.h"

/* Fill `t` with the best kernels of this CPU, up to the instruction set named `cap` (NULL = the
 * best). LFM_ERR_ARG for a name that is unknown or that this CPU lacks; the message lists what it
 * has. */
lfm_status kern_choose(kern_table *t, const char *cap, lfm_error *err);

/* The names of the instruction sets that this CPU can use, lowest first; at most `cap` of them. */
size_t kern_isa_names(const char **names, size_t cap);

#endif
