/*
 * scalar.h - the scalar kernels: the reference for all others.
 */
#ifndef KERNEL_SCALAR_H
#define KERNEL_SCALAR_H

#include "kernel/kernel.h"

/* Fill t->mul (scalar_mul.c). */
void kern_scalar_mul(kern_table *t);

/* Contract 1 of kernel.h (scalar_mul.c). */
void kern_quantize_scalar(void *restrict act, const float *restrict x, size_t k, size_t block);

/* The same for one block of any length; returns its scale. */
float kern_quantize_block(int8_t *restrict q, const float *restrict x, size_t n);

/* Slots that measure (probe.c). */
kern_read_fn kern_read_scalar;
kern_peak_fn kern_peak_scalar;

#endif
