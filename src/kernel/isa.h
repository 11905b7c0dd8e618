/*
 * isa.h - what ISA files share: each exports one function that overlays its kernels on a table.
 */
#ifndef KERNEL_ISA_H
#define KERNEL_ISA_H

#include "kernel/kernel.h"

/* Functions that are templates: their constant arguments must reach the loops. */
#define INLINE static inline __attribute__((always_inline))

/* UNROLL stands before loops over the parts of a block: only when they are unrolled do the parts
 * stay in registers.  ROLLED stands before loops whose unrolled bodies would not fit the registers.
 * Builds for tests leave UNROLL empty. */
#if defined(__clang__)
#define ROLLED _Pragma("nounroll")
#else
#define ROLLED _Pragma("GCC unroll 1")
#endif
#if defined(UNROLL)
#elif defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef void kern_overlay_fn(kern_table *t);

kern_overlay_fn kern_overlay_avx2, kern_overlay_avxvnni, kern_overlay_avx512vnni, kern_overlay_amx;
kern_overlay_fn kern_overlay_neon, kern_overlay_dotprod, kern_overlay_i8mm;

/* The AVX-512-VNNI products of quantised rows, for the rows and tokens that AMX does not take. */
kern_mul_fn *kern_rows_avx512vnni(qtype type);

#endif
