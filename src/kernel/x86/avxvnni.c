/*
 * avxvnni.c - AVX-VNNI: Intel since Alder Lake (2021), AMD since Zen 5 (2024).
 */
#define VL 8
#define VNNI 1
#define ISA(name) name##__avxvnni
#include "kernel/isa.h"
#include "kernel/x86/rows/rows.inc"
#include "kernel/x86/float.inc"
#include "kernel/x86/probe.inc"

void kern_overlay_avxvnni(kern_table *t) {
    t->name = "avxvnni";
    overlay_rows(t);
    overlay_float(t);
    overlay_probe(t);
}
