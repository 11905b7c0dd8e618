/*
 * isa.h - what ISA files have in common: a function each that lays its kernels over a table.
 */
#ifndef KERNEL_ISA_H
#define KERNEL_ISA_H

#include "kernel/kernel.h"

/* Functions that are templates: their constant arguments must reach the loops. */
#define INLINE static inline __attribute__((always_inline))

/* Before loops over parts of a block, which only pass through registers when they are unrolled;
 * builds for tests leave it empty. */
#if defined(UNROLL)
#elif defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef void kern_overlay_fn(kern_table *t);

kern_overlay_fn kern_overlay_avx2, kern_overlay_avxvnni, kern_overlay_avx512vnni, kern_overlay_amx;
kern_overlay_fn kern_overlay_neon, kern_overlay_dotprod, kern_overlay_i8mm;

/* AVX-512-VNNI's products of quantised rows, for what AMX leaves to them. */
kern_mul_fn *kern_rows_avx512vnni(qtype type);

#endif
