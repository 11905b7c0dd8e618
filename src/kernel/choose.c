/*
 * choose.c - the table of instruction sets, lowest first; each overlays those below it.
 */
#include "kernel/choose.h"

#include "base/system/cpu.h"
#include "kernel/isa.h"
#include "kernel/scalar.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t needs;
    kern_overlay_fn *overlay;
} isas[] = {
    {"scalar", 0, kern_scalar},
#if defined(__x86_64__)
    {"avx2", CPU_AVX2, kern_overlay_avx2},
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI, kern_overlay_avxvnni},
    {"avx512vnni", CPU_AVX2 | CPU_AVX512VNNI, kern_overlay_avx512vnni},
    {"amx", CPU_AVX2 | CPU_AVX512VNNI | CPU_AMX_INT8, kern_overlay_amx},
#elif defined(__aarch64__)
    {"neon", CPU_NEON, kern_overlay_neon},
    {"dotprod", CPU_NEON | CPU_DOTPROD, kern_overlay_dotprod},
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, kern_overlay_i8mm},
#endif
};

enum { N_ISAS = sizeof isas / sizeof isas[0] };

static bool usable(size_t i, uint32_t features) {
    return (isas[i].needs & ~features) == 0;
}

size_t kern_isa_names(const char **names, size_t cap) {
    const uint32_t features = cpu_features();
    size_t n = 0;
    for (size_t i = 0; i < N_ISAS; i++) {
        if (usable(i, features) && n < cap) {
            names[n++] = isas[i].name;
        }
    }
    return n;
}

lfm_status kern_choose(kern_table *t, const char *cap, lfm_error *err) {
    const uint32_t features = cpu_features();
    size_t last = N_ISAS - 1;
    char list[200] = "";
    for (size_t i = 0; i < N_ISAS; i++) {
        if (usable(i, features)) {
            const size_t len = strlen(list);
            snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", isas[i].name);
        }
        if (cap && strcmp(cap, isas[i].name) == 0) {
            last = usable(i, features) ? i : SIZE_MAX;
        }
    }
    bool known = cap == NULL;
    for (size_t i = 0; i < N_ISAS && !known; i++) {
        known = strcmp(cap, isas[i].name) == 0;
    }
    if (!known || last == SIZE_MAX) {
        return err_set(err, LFM_ERR_ARG, "instruction set '%s' is %s; this CPU can use: %s", cap,
                       known ? "not available here" : "unknown", list);
    }
    for (size_t i = 0; i <= last; i++) {
        if (usable(i, features)) {
            isas[i].overlay(t);
        }
    }
    return LFM_OK;
}
