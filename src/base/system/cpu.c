/*
 * cpu.c - reading the processor's feature bits.
 */
#include "base/system/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Linux grants AMX's large registers only on request; threads started later inherit the
 * permission. */
static int amx_permitted(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return 0;
#endif
}

/* XCR0: which registers the system saves. */
static uint64_t enabled_state(void) {
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

uint32_t cpu_features(void) {
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;
    uint32_t bits = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    const uint64_t state = enabled_state();
    const uint32_t fma_f16c = bit_FMA | bit_F16C | bit_AVX;
    const int has_base = (c & fma_f16c) == fma_f16c && (state & 6) == 6; /* XMM and YMM */
    const int has_zmm = (state & 0xe6) == 0xe6;                          /* masks and ZMM too */
    if (!has_base || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return 0;
    bits |= CPU_AVX2;
    const uint32_t avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    if (has_zmm && (b & avx512) == avx512 && (c & bit_AVX512VNNI)) {
        bits |= CPU_AVX512VNNI;
    }
    const uint32_t amx = 1u << 24 | 1u << 25; /* AMX-TILE, AMX-INT8 */
    if ((d & amx) == amx && (state >> 17 & 3) == 3 && amx_permitted()) {
        bits |= CPU_AMX_INT8;
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4)) {
        bits |= CPU_AVXVNNI;
    }
    return bits;
}

#elif defined(__aarch64__)

#ifdef __linux__
#include <sys/auxv.h>

uint32_t cpu_features(void) {
    const unsigned long low = getauxval(AT_HWCAP);
    const unsigned long high = getauxval(AT_HWCAP2);
    uint32_t bits = CPU_NEON; /* part of every armv8 */
    bits |= low & 1ul << 20 ? CPU_DOTPROD : 0u; /* HWCAP_ASIMDDP */
    bits |= high & 1ul << 13 ? CPU_I8MM : 0u;   /* HWCAP2_I8MM */
    return bits;
}
#else
uint32_t cpu_features(void) {
    return CPU_NEON;
}
#endif

#else

uint32_t cpu_features(void) {
    return 0;
}

#endif
