/*
 * memory.c - /proc/meminfo, and the limits of our groups.
 */
#include "base/system/memory.h"

#include "base/system/group.h"

#include <string.h>

/* A number in a file of lines "NAME NUMBER ..."; -1 when it is not there. */
static long long find_number(const char *root, const char *path, const char *name) {
    char line[256];
    long long value = -1;
    FILE *f = group_open(root, path);
    while (f && value < 0 && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, strlen(name)) == 0 &&
            sscanf(line + strlen(name), "%lld", &value) != 1) {
            value = -1;
        }
    }
    if (f) {
        fclose(f);
    }
    return value;
}

/* How much more memory a group may use; its file caches count as available. */
static uint64_t group_rest(const char *root, const char *group) {
    char path[400];
    snprintf(path, sizeof path, "/sys/fs/cgroup%.300s/memory.max", group);
    const long long most = group_number(root, path); /* "max" is no number */
    snprintf(path, sizeof path, "/sys/fs/cgroup%.300s/memory.current", group);
    const long long used = group_number(root, path);
    snprintf(path, sizeof path, "/sys/fs/cgroup%.300s/memory.stat", group);
    const long long files = find_number(root, path, "file ");
    if (most < 0 || used < 0) return UINT64_MAX;
    const long long rest = most - used + (files > 0 ? files : 0);
    return rest > 0 ? (uint64_t)rest : 0;
}

uint64_t memory_available(const char *root) {
    const long long kib = find_number(root, "/proc/meminfo", "MemAvailable:");
    const uint64_t all = kib >= 0 ? (uint64_t)kib * 1024 : UINT64_MAX;
    const uint64_t ours = group_least(root, group_rest);
    return ours < all ? ours : all;
}
