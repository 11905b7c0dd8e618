/*
 * dotprod.c - the dot products of ARMv8.2: Cortex-A55 and A75 (2017), Neoverse N1, Apple since
 * the A13.
 *
 * Only the integer products differ from NEON.
 */
#define DOT 1
#define MM 0
#define ISA(name) name##__dotprod
#include "kernel/isa.h"
#include "kernel/arm/rows.inc"
#include "kernel/arm/probe.inc"

void kern_overlay_dotprod(kern_table *t) {
    t->name = "dotprod";
    overlay_rows(t);
    overlay_probe(t);
}
