/*
 * group.c - /proc/self/cgroup, and the files of /sys/fs/cgroup.
 */
#include "base/system/group.h"

#include <string.h>

enum { MAX_PATH = 512 };

FILE *group_open(const char *root, const char *path) {
    char full[MAX_PATH];
    const int n = snprintf(full, sizeof full, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof full ? fopen(full, "re") : NULL;
}

long long group_number(const char *root, const char *path) {
    long long value = -1;
    FILE *f = group_open(root, path);
    if (f) {
        if (fscanf(f, "%lld", &value) != 1) {
            value = -1;
        }
        fclose(f);
    }
    return value;
}

uint64_t group_least(const char *root, group_limit_fn *limit) {
    char group[MAX_PATH / 2] = "";
    char line[MAX_PATH];
    uint64_t least = UINT64_MAX;
    FILE *f = group_open(root, "/proc/self/cgroup");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::", 3) == 0 && strlen(line) < sizeof group) {
            memcpy(group, line + 3, strlen(line) - 2);
            group[strcspn(group, "\n")] = '\0';
        }
    }
    if (f) {
        fclose(f);
    }
    for (;;) {
        const uint64_t here = limit(root, group);
        char *last = strrchr(group, '/');
        least = here < least ? here : least;
        if (!last) return least;
        *last = '\0';
    }
}
