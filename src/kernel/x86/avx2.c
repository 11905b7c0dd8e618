/*
 * avx2.c - AVX2 + FMA + F16C: Intel since Haswell (2013), AMD since Zen (2017).
 */
#define VL 8
#define VNNI 0
#define ISA(name) name##__avx2
#include "kernel/isa.h"
#include "kernel/x86/rows/rows.inc"
#include "kernel/x86/float.inc"
#include "kernel/x86/probe.inc"

void kern_overlay_avx2(kern_table *t) {
    t->name = "avx2";
    overlay_rows(t);
    overlay_float(t);
    overlay_probe(t);
}
