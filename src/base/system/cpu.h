/*
 * cpu.h - which instruction sets the processor has and the system supports.
 */
#ifndef BASE_SYSTEM_CPU_H
#define BASE_SYSTEM_CPU_H

#include <stdint.h>

enum {
    CPU_AVX2 = 1 << 0,       /* with FMA and F16C */
    CPU_AVXVNNI = 1 << 1,
    CPU_AVX512VNNI = 1 << 2, /* with F, BW, DQ, VL */
    CPU_AMX_INT8 = 1 << 3,   /* and the system's permission */
    CPU_NEON = 1 << 4,
    CPU_DOTPROD = 1 << 5,
    CPU_I8MM = 1 << 6
};

/* The bits of this CPU.  Instruction sets whose registers the system does not save are left out. */
uint32_t cpu_features(void);

#endif
