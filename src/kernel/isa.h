/*
 * isa.h - what each ISA file exports: one function that lays its kernels over a table.
 */
#ifndef KERNEL_ISA_H
#define KERNEL_ISA_H

#include "kernel/kernel.h"

typedef void kern_overlay_fn(kern_table *t);

kern_overlay_fn kern_overlay_avx2, kern_overlay_avxvnni, kern_overlay_avx512vnni, kern_overlay_amx;
kern_overlay_fn kern_overlay_neon, kern_overlay_dotprod, kern_overlay_i8mm;

#endif
