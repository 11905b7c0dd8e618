/*
 * large.h - large inputs, and how long they take.
 */
#ifndef SUPPORT_LARGE_H
#define SUPPORT_LARGE_H

#include "base/json.h"

#include <time.h>

/* Seconds that this process has computed: how busy the machine is does not matter. */
static inline double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Write a text `n` times. */
static inline void repeat(json_out *o, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        json_write_text(o, text);
    }
}

#endif
