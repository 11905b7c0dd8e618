/*
 * cores.c - the processor as Linux describes it in files; on other systems, their count of
 * processors.
 */
#include "base/system/cores.h"

#include "base/system/group.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { MAX_PATH = 512 };

static long read_cpu(const char *root, size_t cpu, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/%s", cpu, name);
    return (long)group_number(root, path);
}

/* ---- Fast and slow cores -------------------------------------------------------------------- */

bool cores_read_list(const char *root, const char *path, bool *listed, size_t n) {
    unsigned first = 0;
    FILE *f = group_open(root, path);
    if (!f) return false;
    while (fscanf(f, "%u", &first) == 1) {
        unsigned last = first;
        int c = getc(f);
        if (c == '-' && fscanf(f, "%u", &last) == 1) {
            c = getc(f);
        }
        for (size_t cpu = first; cpu <= last && cpu < n; cpu++) {
            listed[cpu] = true;
        }
        if (c != ',') break;
    }
    fclose(f);
    return true;
}

/* Clear the slower cores: Intel's hybrid processors list the fast ones, ARM systems give every core
 * a capacity, of which the largest are 1024.  A core counts as slow when it is a third slower:
 * "big" cores beside "prime" ones do not. */
static void keep_fast(const char *root, bool *use, size_t n) {
    long capacity[CORES_MAX] = {0};
    long most = 0;
    bool fast[CORES_MAX] = {false};
    if (cores_read_list(root, "/sys/devices/cpu_core/cpus", fast, CORES_MAX)) {
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

size_t cores_fast(const char *root, const bool *allowed, bool *fast, size_t n) {
    size_t n_fast = 0;
    size_t n_slow = 0;
    memcpy(fast, allowed, n * sizeof *fast);
    keep_fast(root, fast, n);
    for (size_t i = 0; i < n; i++) {
        n_fast += fast[i];
        n_slow += allowed[i] && !fast[i];
    }
    if (n_fast == 0) { /* only slow cores are allowed */
        memcpy(fast, allowed, n * sizeof *fast);
    }
    return n_fast > 0 ? n_slow : 0;
}

static size_t count_cores(const char *root, const bool *use, size_t n) {
    bool counted[CORES_MAX] = {false};
    size_t cores = 0;
    for (size_t i = 0; i < n; i++) {
        if (use[i]) {
            const long first = read_cpu(root, i, "topology/thread_siblings_list");
            const size_t core = first >= 0 && first < CORES_MAX ? (size_t)first : i;
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
    if (!f) return UINT64_MAX;
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
    bool fast[CORES_MAX] = {false};
    n = n < CORES_MAX ? n : CORES_MAX;
    cores_fast(root, allowed, fast, n);
    size_t cores = count_cores(root, fast, n);
    const uint64_t limit = quota_limit(root);
    cores = cores < limit ? cores : (size_t)limit;
    return cores > 0 ? cores : 1;
}

/* ---- This process --------------------------------------------------------------------------- */

#ifdef __linux__

static bool read_allowed(cores_set *set) {
    cpu_set_t allowed;
    *set = (cores_set){0};
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
    for (int cpu = 0; cpu < CPU_SETSIZE && cpu < CORES_MAX; cpu++) {
        set->cpu[cpu] = CPU_ISSET(cpu, &allowed);
    }
    return true;
}

static bool use(const cores_set *set) {
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    for (int cpu = 0; cpu < CPU_SETSIZE && cpu < CORES_MAX; cpu++) {
        if (set->cpu[cpu]) {
            CPU_SET(cpu, &wanted);
        }
    }
    return sched_setaffinity(0, sizeof wanted, &wanted) == 0;
}

#else

static bool read_allowed(cores_set *set) {
    *set = (cores_set){0};
    return false;
}

static bool use(const cores_set *set) {
    (void)set;
    return false;
}

#endif

/* The CPUs that this thread may use, and the fast ones among them.  Returns how many are fast, or 0
 * when none is slower. */
static size_t find_fast(cores_set *allowed, cores_set *fast) {
    size_t n = 0;
    if (!read_allowed(allowed) || cores_fast("", allowed->cpu, fast->cpu, CORES_MAX) == 0) return 0;
    for (size_t i = 0; i < CORES_MAX; i++) {
        n += fast->cpu[i];
    }
    return n;
}

size_t cores_n_fast(void) {
    cores_set allowed;
    cores_set fast;
    return find_fast(&allowed, &fast);
}

bool cores_use_fast(cores_set *before) {
    cores_set fast;
    return find_fast(before, &fast) > 0 && use(&fast);
}

void cores_use(const cores_set *set) {
    use(set);
}

size_t cores_default(void) {
    cores_set set;
    if (read_allowed(&set)) return cores_count("", set.cpu, CORES_MAX);
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
