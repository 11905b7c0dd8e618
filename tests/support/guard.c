/*
 * guard.c - mapped memory between two unreadable pages.
 */
#include "guard.h"

#include <sys/mman.h>
#include <unistd.h>

bool guard_init(guard *g, size_t room) {
    *g = (guard){0};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t rounded = (room + page - 1) / page * page;
    uint8_t *map = mmap(NULL, rounded + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return false;
    }
    *g = (guard){.map = map, .map_bytes = rounded + 2 * page, .first = map + page, .room = rounded};
    if (mprotect(g->first, rounded, PROT_READ | PROT_WRITE) != 0) {
        guard_drop(g);
        return false;
    }
    return true;
}

void guard_drop(guard *g) {
    if (g->map) {
        munmap(g->map, g->map_bytes);
    }
    *g = (guard){0};
}
