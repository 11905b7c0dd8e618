/*
 * neon.c - NEON, which every 64-bit ARM processor has.
 */
#define DOT 0
#define MM 0
#define ISA(name) name##__neon
#include "kernel/isa.h"
#include "kernel/arm/rows.inc"
#include "kernel/arm/float.inc"
#include "kernel/arm/probe.inc"

void kern_overlay_neon(kern_table *t) {
    t->name = "neon";
    overlay_rows(t);
    overlay_float(t);
    overlay_probe(t);
}
