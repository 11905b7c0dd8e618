/*
 * bandwidth.c - how fast this machine reads memory, with the threads and pages that a session uses.
 */
#include "api/internal.h"

#include "base/bytes.h"
#include "lfm_tools.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 4 << 20, ROUNDS = 3 };

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
    const uint8_t *bytes;
    size_t n_pieces;
    _Atomic uint64_t sum; /* uses the reads, so that they are not optimised away */
} probe;

/* Four runs of lines at once, as the kernels read rows. */
static uint64_t read_piece(const uint8_t *p) {
    enum { RUN = PIECE_BYTES / 4 };
    uint64_t sum[4] = {0};
    for (size_t i = 0; i < RUN; i += 64) {
        for (size_t r = 0; r < 4; r++) {
            const uint8_t *line = p + r * RUN + i;
            __builtin_prefetch(line + 2048);
            for (size_t j = 0; j < 64; j += 8) {
                sum[r] ^= load_u64(line + j);
            }
        }
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
}

static void read_all(void *ctx, team *t) {
    probe *p = ctx;
    uint64_t sum = 0;
    size_t piece = 0;
    while (team_take(t, p->n_pieces, &piece)) {
        sum ^= read_piece(p->bytes + piece * PIECE_BYTES);
    }
    p->sum ^= sum;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
    probe p = {.bytes = from, .n_pieces = (size_t)n / PIECE_BYTES};
    *bytes_per_s = 0.0;
    for (int i = 0; i <= ROUNDS; i++) { /* the first one fetches the pages */
        const double start = now();
        pool_run(s->shared->threads, read_all, &p);
        const double rate = (double)(p.n_pieces * (size_t)PIECE_BYTES) / (now() - start);
        *bytes_per_s = i > 0 && rate > *bytes_per_s ? rate : *bytes_per_s;
    }
    free(own);
    return LFM_OK;
}
