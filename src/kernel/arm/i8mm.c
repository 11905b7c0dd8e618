/*
 * i8mm.c - the int8 matrix products of ARMv8.6: Neoverse V1 and N2, Cortex-X2 and A510, Apple
 * since the M2.
 *
 * They are faster from two tokens on; a single token takes the dot products.
 */
#define DOT 1
#define MM 1
#define ISA(name) name##__i8mm
#include "kernel/isa.h"
#include "kernel/arm/rows.inc"
#include "kernel/arm/probe.inc"

void kern_overlay_i8mm(kern_table *t) {
    t->name = "i8mm";
    overlay_rows(t);
    overlay_probe(t);
}
