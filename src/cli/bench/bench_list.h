/*
 * bench_list.h - lists of numbers as llama-bench reads them: 1,2,4  8-64  8-64+8  8-64*2
 */
#ifndef CLI_BENCH_BENCH_LIST_H
#define CLI_BENCH_BENCH_LIST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { BENCH_MAX_LIST = 64 };

typedef struct {
    uint32_t at[BENCH_MAX_LIST];
    size_t n;
} bench_list;

/* Append the numbers of `text` to a list; all must lie in min..max.  Errors name the option
 * `name`. */
lfm_status bench_list_read(bench_list *list, const char *name, const char *text, uint32_t min,
                           uint32_t max, lfm_error *err);

/* Numbers of threads worth trying: 1 to 8, every second to 16, every fourth to 32 and so on, the
 * number of cores, and `cpus`.  1 <= cores <= cpus. */
void bench_thread_counts(bench_list *list, uint32_t cpus, uint32_t cores);

enum { BENCH_MAX_WORDS = 64 };

/* Split an option text into words as a shell does: at blanks that are not 'quoted' or "quoted".
 * Words are written into buf[cap]; word[n_words] points there. */
lfm_status bench_words(const char *text, char *buf, size_t cap, char *word[BENCH_MAX_WORDS],
                       size_t *n_words, lfm_error *err);

#endif
