/*
 * choose.c - the table of instruction sets.
 */
#include "kernel/choose.h"

#include "kernel/scalar.h"

#include <string.h>

lfm_status kern_choose(kern_table *t, const char *cap, lfm_error *err) {
    if (cap && strcmp(cap, "scalar") != 0) {
        return err_set(err, LFM_ERR_ARG, "instruction set '%s' is not available; this CPU can use: "
                       "scalar", cap);
    }
    kern_scalar(t);
    return LFM_OK;
}
