/*
 * fetch.h - prefetching weights.
 *
 * Weights are prefetched in windows of rows.  While one window is computed, block by block, the
 * next is brought into the second-level cache, in four runs of lines at once: a single run does not
 * keep the memory system busy (tools/bench/SPEED.md).
 */
#ifndef KERNEL_FETCH_H
#define KERNEL_FETCH_H

#include <stddef.h>
#include <stdint.h>

enum { FETCH_WINDOW = 32, FETCH_RUNS = 4 };

/* What is read after the window of `row`: the next window of the `rows` of w, or `next`. */
static inline const void *fetch_after(const uint8_t *w, size_t row, size_t rows, size_t stride,
                                      const void *next) {
    const size_t start = (row / FETCH_WINDOW + 1) * FETCH_WINDOW;
    return start < rows ? w + start * stride : next;
}

typedef struct {
    const char *line; /* the next one to prefetch, of the first run */
    size_t run;       /* bytes */
    size_t lines;     /* of a run, for all steps of a window */
    size_t n_steps;
    size_t due;       /* fraction of a line owed by the steps so far, times n_steps */
} fetch;

/* Prepare to prefetch the window that begins at `next` (NULL: nothing): the share of it that falls
 * to the `side` rows from `row` on, which are computed together in n_steps steps. */
static inline fetch fetch_start(const void *next, size_t row, size_t side, size_t stride,
                                size_t n_steps) {
    const size_t run = FETCH_WINDOW * stride / FETCH_RUNS / 64 * 64;
    const size_t lines = next ? (run + 63) / 64 + 1 : 0;
    const size_t sides = FETCH_WINDOW / side;
    const size_t before = row % FETCH_WINDOW / side * lines;
    return (fetch){
        .line = next ? (const char *)next + before / sides * 64 : NULL,
        .run = run,
        .lines = lines,
        .n_steps = n_steps * sides,
        .due = before % sides * n_steps,
    };
}

/* Prefetch one step's share of the lines. */
static inline void fetch_step(fetch *f) {
    for (f->due += f->lines; f->due >= f->n_steps; f->due -= f->n_steps) {
        for (size_t j = 0; j < FETCH_RUNS; j++) {
            __builtin_prefetch(f->line + j * f->run, 0, 2);
        }
        f->line += 64;
    }
}

#endif
