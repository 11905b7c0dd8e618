/*
 * machine_facts.c - reading /proc and /sys.
 *
 * Source: the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu, sysfs-class-power and
 * sysfs-class-thermal.
 */
#include "cli/shared/machine_facts.h"

#include "base/error.h"
#include "base/system/cores.h"
#include "base/system/group.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { MAX_CPUS = 1024, MAX_PATH = 512 };

#define CPUS "/sys/devices/system/cpu/"
#define SUPPLIES "/sys/class/power_supply/"

bool bench_first_line(const char *root, const char *path, char *out, size_t cap) {
    FILE *f = group_open(root, path);
    out[0] = '\0';
    if (f) {
        if (!fgets(out, (int)cap, f)) {
            out[0] = '\0';
        }
        fclose(f);
    }
    out[strcspn(out, "\n")] = '\0';
    return out[0] != '\0';
}

double bench_read_number(const char *root, const char *path, double otherwise) {
    char line[64];
    char *end = line;
    if (!bench_first_line(root, path, line, sizeof line)) {
        return otherwise;
    }
    const double v = strtod(line, &end);
    return end != line ? v : otherwise;
}

static double cpu_number(const char *root, size_t cpu, const char *name, double otherwise) {
    char path[128];
    snprintf(path, sizeof path, CPUS "cpu%zu/%s", cpu, name);
    return bench_read_number(root, path, otherwise);
}

/* ---- The processor -------------------------------------------------------------------------- */

/* What follows the colon of "model name : ...". */
void bench_cpu_name(char *out, size_t cap, const char *root) {
    char line[256];
    FILE *f = group_open(root, "/proc/cpuinfo");
    snprintf(out, cap, "unknown processor");
    while (f && fgets(line, sizeof line, f)) {
        const char *value = strchr(line, ':');
        if (value && strncmp(line, "model name", 10) == 0) {
            value += 1 + strspn(value + 1, " ");
            err_escape(out, cap, value, strcspn(value, "\n"));
            break;
        }
    }
    if (f) {
        fclose(f);
    }
#ifdef __APPLE__
    size_t size = cap;
    if (sysctlbyname("machdep.cpu.brand_string", out, &size, NULL, 0) != 0) {
        snprintf(out, cap, "unknown processor");
    }
#endif
}

/* Cores with at least `slowest` of the highest clock among `use`, and those below: SMT siblings
 * count once. */
static void count_by_clock(const char *root, const bool *use, double slowest, size_t *fast,
                           size_t *slow) {
    double most = 0.0;
    *fast = *slow = 0;
    for (size_t i = 0; i < MAX_CPUS; i++) {
        const double clock = use[i] ? cpu_number(root, i, "cpufreq/cpuinfo_max_freq", 0) : 0;
        most = clock > most ? clock : most;
    }
    for (size_t i = 0; i < MAX_CPUS; i++) {
        const double first = use[i] ? cpu_number(root, i, "topology/thread_siblings_list", -1) : -1;
        if (!use[i] || (first >= 0 && first != (double)i)) {
            continue;
        }
        if (cpu_number(root, i, "cpufreq/cpuinfo_max_freq", most) >= slowest * most) {
            ++*fast;
        } else {
            ++*slow;
        }
    }
}

/* Hybrid processors of Intel list their kinds of cores; those of low power are efficient ones with
 * a still lower clock. */
static void read_cores(char *out, size_t cap, const char *root) {
    bool performance[MAX_CPUS] = {false};
    bool efficient[MAX_CPUS] = {false};
    bool online[MAX_CPUS] = {false};
    size_t p = 0;
    size_t e = 0;
    size_t low = 0;
    size_t n = 0;
    if (cores_read_list(root, "/sys/devices/cpu_core/cpus", performance, MAX_CPUS) &&
        cores_read_list(root, "/sys/devices/cpu_atom/cpus", efficient, MAX_CPUS)) {
        count_by_clock(root, performance, 0.0, &p, &low);
        count_by_clock(root, efficient, 0.8, &e, &low);
        snprintf(out, cap, low > 0 ? "%zuP+%zuE+%zuLP cores" : "%zuP+%zuE cores", p, e, low);
        return;
    }
    if (!cores_read_list(root, CPUS "online", online, MAX_CPUS)) {
        const long count = sysconf(_SC_NPROCESSORS_ONLN);
        snprintf(out, cap, "%ld CPUs", count);
        return;
    }
    for (size_t i = 0; i < MAX_CPUS; i++) {
        n += online[i];
    }
    count_by_clock(root, online, 0.0, &p, &low);
    if (p < n) {
        snprintf(out, cap, "%zu cores, %zu threads", p, n);
    } else {
        snprintf(out, cap, "%zu %s", p, p == 1 ? "core" : "cores");
    }
}

/* Counters of single cores and of the packages they are in; a package's is the same in each of its
 * CPUs, which does not matter for whether it moved. */
uint64_t bench_throttled(const char *root, bool *known) {
    static const char *const names[] = {"thermal_throttle/core_throttle_count",
                                        "thermal_throttle/package_throttle_count"};
    uint64_t sum = 0;
    *known = false;
    for (size_t cpu = 0; cpu < MAX_CPUS; cpu++) {
        double here = -1;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            const double count = cpu_number(root, cpu, names[i], -1);
            here = count > here ? count : here;
            sum += count > 0 ? (uint64_t)count : 0;
        }
        if (here < 0) {
            break; /* there are no more */
        }
        *known = true;
    }
    return sum;
}

size_t bench_supplies(const char *root, const char *type,
                      bench_path supplies[BENCH_MAX_SUPPLIES]) {
    char folder[MAX_PATH];
    size_t n = 0;
    const int len = snprintf(folder, sizeof folder, "%s" SUPPLIES, root);
    DIR *dir = len > 0 && (size_t)len < sizeof folder ? opendir(folder) : NULL;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e && n < BENCH_MAX_SUPPLIES;
         e = readdir(dir)) {
        char path[128];
        char kind[32];
        const size_t name_len = strlen(e->d_name);
        if (e->d_name[0] == '.' || name_len > 48) {
            continue;
        }
        snprintf(path, sizeof path, SUPPLIES "%.48s/type", e->d_name);
        if (bench_first_line(root, path, kind, sizeof kind) && strcmp(kind, type) == 0) {
            snprintf(supplies[n++].text, sizeof supplies->text, SUPPLIES "%.48s", e->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

/* Some laptops are fed through USB and have no "Mains"; then a battery knows. */
static void read_power(char *out, size_t cap, const char *root) {
    bench_path supplies[BENCH_MAX_SUPPLIES];
    bool online = false;
    const size_t n_mains = bench_supplies(root, "Mains", supplies);
    for (size_t i = 0; i < n_mains; i++) {
        char path[128];
        snprintf(path, sizeof path, "%.79s/online", supplies[i].text);
        online = online || bench_read_number(root, path, 0) > 0;
    }
    if (n_mains > 0) {
        snprintf(out, cap, online ? "on AC" : "on battery");
        return;
    }
    const size_t n_batteries = bench_supplies(root, "Battery", supplies);
    out[0] = '\0';
    for (size_t i = 0; i < n_batteries && strcmp(out, "on battery") != 0; i++) {
        char path[128];
        char status[32];
        snprintf(path, sizeof path, "%.79s/status", supplies[i].text);
        if (bench_first_line(root, path, status, sizeof status)) {
            snprintf(out, cap, strcmp(status, "Discharging") == 0 ? "on battery" : "on AC");
        }
    }
}

void bench_machine_read(bench_machine *m, const char *root) {
    struct utsname u;
    *m = (bench_machine){.load = -1.0};
    bench_cpu_name(m->cpu, sizeof m->cpu, root);
    read_cores(m->cores, sizeof m->cores, root);
    read_power(m->power, sizeof m->power, root);
    bench_first_line(root, CPUS "cpu0/cpufreq/scaling_governor", m->governor, sizeof m->governor);
    if (uname(&u) == 0) {
        snprintf(m->system, sizeof m->system, "%.40s %.50s", u.sysname, u.release);
    }
    m->load = bench_read_number(root, "/proc/loadavg", -1);
    m->throttled = bench_throttled(root, &m->has_throttled);
}

/* ---- Heat ----------------------------------------------------------------------------------- */

/* The processor's own sensors: the names are those of Intel's, AMD's and ARM's drivers. */
static bool is_of_processor(const char *kind) {
    static const char *const names[] = {"x86_pkg_temp", "coretemp", "k10temp", "zenpower", "cpu"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(kind, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static double hottest(const char *root, const char *folder, const char *name, const char *value) {
    char path[128];
    char kind[64];
    double most = -273.15;
    unsigned missing = 0;
    for (unsigned i = 0; missing < 8; i++) { /* numbers of sensors that went away are left out */
        snprintf(path, sizeof path, "%s%u/%s", folder, i, name);
        const bool there = bench_first_line(root, path, kind, sizeof kind);
        missing = there ? 0 : missing + 1;
        if (there && is_of_processor(kind)) {
            snprintf(path, sizeof path, "%s%u/%s", folder, i, value);
            const double celsius = 1e-3 * bench_read_number(root, path, -273150);
            most = celsius > most ? celsius : most;
        }
    }
    return most;
}

bench_heat bench_heat_read(const char *root) {
    bench_heat h = {0};
    size_t n = 0;
    const double zone = hottest(root, "/sys/class/thermal/thermal_zone", "type", "temp");
    const double monitor = hottest(root, "/sys/class/hwmon/hwmon", "name", "temp1_input");
    h.celsius = zone > monitor ? zone : monitor;
    for (size_t cpu = 0; cpu < MAX_CPUS; cpu++) {
        const double kilohertz = cpu_number(root, cpu, "cpufreq/scaling_cur_freq", -1);
        if (kilohertz < 0) {
            break;
        }
        h.hertz += 1e3 * kilohertz;
        n++;
    }
    h.hertz = n > 0 ? h.hertz / (double)n : 0.0;
    return h;
}

bool bench_heat_is_idle(bench_heat now, bench_heat idle) {
    const bool cool = now.celsius < -100 || idle.celsius < -100 ||
                      now.celsius <= idle.celsius + 3;
    const bool slow = now.hertz <= 0 || idle.hertz <= 0 || now.hertz <= 1.1 * idle.hertz;
    return cool && slow;
}

/* ---- The file's pages ----------------------------------------------------------------------- */

double bench_cached_share(const char *path) {
    double share = -1.0;
#ifdef __linux__
    struct stat info;
    const long page = sysconf(_SC_PAGESIZE);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0 && page > 0) {
        const size_t bytes = (size_t)info.st_size;
        const size_t n = (bytes + (size_t)page - 1) / (size_t)page;
        void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        unsigned char *there = malloc(n);
        if (map != MAP_FAILED && there && mincore(map, bytes, there) == 0) {
            size_t cached = 0;
            for (size_t i = 0; i < n; i++) {
                cached += there[i] & 1;
            }
            share = (double)cached / (double)n;
        }
        free(there);
        if (map != MAP_FAILED) {
            munmap(map, bytes);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
#else
    (void)path;
#endif
    return share;
}
