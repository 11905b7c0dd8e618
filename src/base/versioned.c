/*
 * versioned.c - option structs of programs that were compiled with another version of lfm.h.
 */
#include "base/versioned.h"

#include <string.h>

lfm_status versioned_read(void *ours, size_t size, const void *theirs, const char *name,
                          lfm_error *err) {
    size_t n = 0;
    memset(ours, 0, size);
    if (!theirs) return LFM_OK;
    memcpy(&n, theirs, sizeof n);
    n = n ? n : size;
    if (n < sizeof n) {
        return err_set(err, LFM_ERR_ARG, "%s.struct_size is %zu: set it to sizeof, or to 0", name,
                       n);
    }
    for (size_t i = size; i < n; i++) {
        if (((const unsigned char *)theirs)[i]) {
            return err_set(err, LFM_ERR_ARG, "%s has a field at byte %zu that version " LFM_VERSION
                           " does not know", name, i);
        }
    }
    memcpy(ours, theirs, n < size ? n : size);
    return LFM_OK;
}

void versioned_write(void *theirs, size_t their_size, const void *ours, size_t size) {
    memset(theirs, 0, their_size);
    memcpy(theirs, ours, their_size < size ? their_size : size);
}
