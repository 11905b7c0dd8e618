/*
 * avx512vnni.c - AVX-512 with VNNI: Intel since Ice Lake (2019), AMD since Zen 4 (2022).
 */
#define VL 16
#define VNNI 1
#define ISA(name) name##__avx512vnni
#include "kernel/isa.h"
#include "kernel/x86/rows/rows.inc"
#include "kernel/x86/float.inc"
#include "kernel/x86/probe.inc"

kern_mul_fn *kern_rows_avx512vnni(qtype type) {
    return row_kernels[type];
}

void kern_overlay_avx512vnni(kern_table *t) {
    t->name = "avx512vnni";
    overlay_rows(t);
    overlay_float(t);
    overlay_probe(t);
}
