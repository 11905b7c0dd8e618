/*
 * cores.c - the processor as Linux describes it in files; elsewhere as the system counts.
 */
#include "base/cores.h"

#include "base/group.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { MAX_CPUS = 1024, MAX_PATH = 512 };

static long read_cpu(const char *root, size_t cpu, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/%s", cpu, name);
    return (long)group_number(root, path);
}

/* ---- Fast and slow cores -------------------------------------------------------------------- */

bool cores_read_list(const char *root, const char *path, bool *listed, size_t n) {
    unsigned first = 0;
    FILE *f = group_open(root, path);
    if (!f) {
        return false;
    }
    while (fscanf(f, "%u", &first) == 1) {
        unsigned last = first;
        int c = getc(f);
        if (c == '-' && fscanf(f, "%u", &last) == 1) {
            c = getc(f);
        }
        for (size_t cpu = first; cpu <= last && cpu < n; cpu++) {
            listed[cpu] = true;
        }
        if (c != ',') {
            break;
        }
    }
    fclose(f);
    return true;
}

/* Clear the slower cores: Intel's hybrid processors list the fast ones, ARM systems give every core
 * a capacity, of which the largest are 1024.  A third slower is slow: "big" next to "prime" cores
 * are not. */
static void keep_fast(const char *root, bool *use, size_t n) {
    long capacity[MAX_CPUS];
    long most = 0;
    bool fast[MAX_CPUS] = {false};
    if (cores_read_list(root, "/sys/devices/cpu_core/cpus", fast, MAX_CPUS)) {
        for (size_t i = 0; i < n; i++) {
            use[i] = use[i] && fast[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        capacity[i] = use[i] ? read_cpu(root, i, "cpu_capacity") : -1;
        most = capacity[i] > most ? capacity[i] : most;
    }
    for (size_t i = 0; i < n; i++) {
        use[i] = use[i] && (capacity[i] < 0 || 3 * capacity[i] >= 2 * most);
    }
}

static size_t count_cores(const char *root, const bool *use, size_t n) {
    bool counted[MAX_CPUS] = {false};
    size_t cores = 0;
    for (size_t i = 0; i < n; i++) {
        if (use[i]) {
            const long first = read_cpu(root, i, "topology/thread_siblings_list");
            const size_t core = first >= 0 && first < MAX_CPUS ? (size_t)first : i;
            cores += !counted[core];
            counted[core] = true;
        }
    }
    return cores;
}

/* ---- Quotas --------------------------------------------------------------------------------- */

static uint64_t quota(long long time, long long period) {
    return time > 0 && period > 0 ? (uint64_t)((time + period - 1) / period) : UINT64_MAX;
}

/* A quota of cgroup v2: "50000 100000"; "max 100000" is none. */
static uint64_t quota_v2(const char *root, const char *group) {
    char path[MAX_PATH];
    long long time = 0;
    long long period = 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%.400s/cpu.max", group);
    FILE *f = group_open(root, path);
    if (!f) {
        return UINT64_MAX;
    }
    const int got = fscanf(f, "%lld %lld", &time, &period);
    fclose(f);
    return got == 2 ? quota(time, period) : UINT64_MAX;
}

static uint64_t quota_limit(const char *root) {
    const uint64_t v1 = quota(group_number(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
                              group_number(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
    const uint64_t v2 = group_least(root, quota_v2);
    return v1 < v2 ? v1 : v2;
}

/* ---- Altogether ----------------------------------------------------------------------------- */

size_t cores_count(const char *root, const bool *allowed, size_t n) {
    bool fast[MAX_CPUS] = {false};
    n = n < MAX_CPUS ? n : MAX_CPUS;
    memcpy(fast, allowed, n * sizeof *fast);
    keep_fast(root, fast, n);
    size_t cores = count_cores(root, fast, n);
    if (cores == 0) { /* only slow ones are allowed */
        cores = count_cores(root, allowed, n);
    }
    const uint64_t limit = quota_limit(root);
    cores = cores < limit ? cores : (size_t)limit;
    return cores > 0 ? cores : 1;
}

size_t cores_default(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        bool allowed[MAX_CPUS] = {false};
        for (int cpu = 0; cpu < CPU_SETSIZE && cpu < MAX_CPUS; cpu++) {
            allowed[cpu] = CPU_ISSET(cpu, &set);
        }
        return cores_count("", allowed, MAX_CPUS);
    }
#endif
#ifdef __APPLE__
    int fast = 0;
    size_t size = sizeof fast;
    if (sysctlbyname("hw.perflevel0.physicalcpu", &fast, &size, NULL, 0) == 0 && fast > 0) {
        return (size_t)fast;
    }
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}
