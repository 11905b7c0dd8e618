/*
 * bench_list.h - lists of numbers as llama-bench reads them: 1,2,4  8-64  8-64+8  8-64*2
 */
#ifndef CLI_BENCH_LIST_H
#define CLI_BENCH_LIST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { BENCH_MAX_LIST = 64 };

typedef struct {
    uint32_t at[BENCH_MAX_LIST];
    size_t n;
} bench_list;

/* Read `text`; every number lies in min..max.  `name` is the option, for the error. */
lfm_status bench_list_read(bench_list *list, const char *name, const char *text, uint32_t min,
                           uint32_t max, lfm_error *err);

#endif
