/*
 * arena.c - a reservation from the operating system, and bump allocation.
 */
#include "base/arena.h"

#include "base/checked.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

lfm_status arena_open(arena *a, uint64_t size, lfm_error *err) {
    *a = (arena){0};
    void *base = MAP_FAILED;
    if (size > 0 && size <= SIZE_MAX / 2) {
        base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (base == MAP_FAILED) {
        return err_set(err, LFM_ERR_MEMORY, "cannot reserve %" PRIu64 " bytes of memory: %s", size,
                       strerror(errno ? errno : ENOMEM));
    }
    *a = (arena){.base = base, .size = size};
    return LFM_OK;
}

void arena_use_large_pages(void *from, uint64_t size) {
#ifdef MADV_HUGEPAGE
    enum { PAGE = 65536 }; /* a multiple of every usual page size */
    const uintptr_t first = ((uintptr_t)from + PAGE - 1) / PAGE * PAGE;
    const uintptr_t end = ((uintptr_t)from + (size_t)size) / PAGE * PAGE;
    if (first < end) {
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE); /* only a hint */
    }
#else
    (void)from;
    (void)size;
#endif
}

void arena_close(arena *a) {
    if (a->base) {
        munmap(a->base, (size_t)a->size);
    }
    *a = (arena){0};
}

void *arena_get(arena *a, uint64_t n, uint64_t size) {
    uint64_t bytes = 0;
    uint64_t end = 0;
    if (!mul_u64(n, size, &bytes) || !align_u64(bytes, ARENA_ALIGN, &bytes) ||
        !add_u64(a->used, bytes, &end) || (a->base && end > a->size)) {
        a->overflow = true;
        return NULL;
    }
    uint8_t *p = a->base ? a->base + a->used : NULL;
    a->used = end;
    return p;
}
