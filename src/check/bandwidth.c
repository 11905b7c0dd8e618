/*
 * bandwidth.c - how fast this machine reads memory, with the threads and pages that a session uses.
 */
#include "api/internal.h"

#include "base/system/clock.h"
#include "lfm_tools.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 1 << 20,
    SPANS = 8,                     /* of the memory; each is read by itself */
    TIMES = KERN_READ_WAYS + SPANS /* spans to read: every way once, then the best one */
};

#define MIB ((uint64_t)1 << 20)
#define LARGE_PAGE (2 * MIB)

/* Eight times the last-level cache, within limits, so that almost nothing of one round is still
 * cached in the next. */
static uint64_t probe_bytes(uint64_t least, uint64_t most) {
#ifdef _SC_LEVEL3_CACHE_SIZE
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#else
    const long cache = 0;
#endif
    const uint64_t n = cache > 0 ? 8 * (uint64_t)cache / LARGE_PAGE * LARGE_PAGE : least;
    return n < least ? least : n > most ? most : n;
}

typedef struct {
    kern_read_fn *read;
    size_t way;
    const uint8_t *bytes;
    size_t n_pieces;
    _Atomic uint64_t sum; /* uses the reads, so that they are not optimised away */
} probe;

static void read_all(void *ctx, team *t) {
    probe *p = ctx;
    uint64_t sum = 0;
    size_t piece = 0;
    while (team_take(t, p->n_pieces, &piece)) {
        sum ^= p->read(p->bytes + piece * PIECE_BYTES, PIECE_BYTES, p->way);
    }
    p->sum ^= sum;
}

/* A long run of the model's own pages, or fresh memory when the model is small: it must not fit
 * into any cache. */
lfm_status lfm_read_bandwidth(lfm_session *s, double *bytes_per_s, lfm_error *err) {
    const gguf_file *f = &s->shared->model->file;
    const uint64_t wanted = probe_bytes(1024 * MIB, 4096 * MIB);
    uint64_t n = 0;
    const uint8_t *from = NULL;
    uint8_t *own = NULL;
    err_clear(err);
    for (size_t i = 0; i < f->n_tensors && n < wanted; i++) { /* neighbours in one part */
        const gguf_tensor *t = &f->tensors[i];
        const bool follows = from && t->part == f->tensors[i - 1].part && t->data >= from + n &&
                             t->data - (from + n) < 4096;
        from = follows ? from : t->data;
        n = (uint64_t)(t->data - from) + t->n_bytes;
    }
    if (n < 1024 * MIB) {
        n = probe_bytes(512 * MIB, 1024 * MIB);
        own = aligned_alloc((size_t)LARGE_PAGE, (size_t)n);
        if (!own) return err_no_memory(err, "measuring the memory");
#ifdef MADV_HUGEPAGE
        madvise(own, (size_t)n, MADV_HUGEPAGE); /* only to be faster */
#endif
        memset(own, 1, (size_t)n);
        from = own;
    }
    n = n < wanted ? n : wanted;
    probe p = {.read = s->shared->model->kern.read, .bytes = from,
               .n_pieces = (size_t)n / PIECE_BYTES};
    size_t best = 0;
    pool_run(s->shared->threads, read_all, &p); /* fetches the pages */
    p.n_pieces /= SPANS;
    *bytes_per_s = 0.0;
    for (size_t i = 0; i < TIMES; i++) {
        p.bytes = from + i % SPANS * p.n_pieces * PIECE_BYTES;
        p.way = i < KERN_READ_WAYS ? i : best;
        const double start = clock_seconds();
        pool_run(s->shared->threads, read_all, &p);
        const double rate = (double)(p.n_pieces * (size_t)PIECE_BYTES) / (clock_seconds() - start);
        if (rate > *bytes_per_s) {
            *bytes_per_s = rate;
            best = p.way;
        }
    }
    free(own);
    return LFM_OK;
}
