/*
 * machine_facts.c - reading /proc and /sys.
 *
 * Source: the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu and sysfs-class-power.
 */
#include "cli/shared/machine_facts.h"

#include "base/error.h"
#include "base/system/cores.h"
#include "base/system/group.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { MAX_PATH = 512 };

#define CPUS "/sys/devices/system/cpu/"
#define SUPPLIES "/sys/class/power_supply/"

bool machine_first_line(const char *root, const char *path, char *out, size_t cap) {
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

double machine_number(const char *root, const char *path, double otherwise) {
    char line[64];
    char *end = line;
    if (!machine_first_line(root, path, line, sizeof line)) return otherwise;
    const double v = strtod(line, &end);
    return end != line ? v : otherwise;
}

double machine_cpu_number(const char *root, size_t cpu, const char *name, double otherwise) {
    char path[128];
    snprintf(path, sizeof path, CPUS "cpu%zu/%s", cpu, name);
    return machine_number(root, path, otherwise);
}

/* ---- The processor -------------------------------------------------------------------------- */

void machine_cpu_name(char *out, size_t cap, const char *root) {
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

/* The highest clock of a CPU in kHz; `otherwise` when it is unknown. */
static double max_clock(const char *root, size_t cpu, double otherwise) {
    return machine_cpu_number(root, cpu, "cpufreq/cpuinfo_max_freq", otherwise);
}

/* Is it a core of its own, or the first of its SMT siblings? */
static bool is_first_sibling(const char *root, size_t cpu) {
    const double first = machine_cpu_number(root, cpu, "topology/thread_siblings_list", -1);
    return first < 0 || first == (double)cpu;
}

/* Cores with at least `slowest` of the highest clock among `use`, and those below: SMT siblings
 * count once. */
static void count_by_clock(const char *root, const bool *use, double slowest, size_t *fast,
                           size_t *slow) {
    double most = 0.0;
    *fast = *slow = 0;
    for (size_t i = 0; i < MACHINE_MAX_CPUS; i++) {
        const double clock = use[i] ? max_clock(root, i, 0) : 0;
        most = clock > most ? clock : most;
    }
    for (size_t i = 0; i < MACHINE_MAX_CPUS; i++) {
        if (use[i] && is_first_sibling(root, i)) {
            ++*(max_clock(root, i, most) >= slowest * most ? fast : slow);
        }
    }
}

/* Hybrid processors of Intel list their kinds of cores; low-power cores are efficient ones with an
 * even lower clock. */
static void read_cores(char *out, size_t cap, const char *root) {
    bool performance[MACHINE_MAX_CPUS] = {false};
    bool efficient[MACHINE_MAX_CPUS] = {false};
    bool online[MACHINE_MAX_CPUS] = {false};
    size_t p = 0;
    size_t e = 0;
    size_t low = 0;
    size_t n = 0;
    if (cores_read_list(root, "/sys/devices/cpu_core/cpus", performance, MACHINE_MAX_CPUS) &&
        cores_read_list(root, "/sys/devices/cpu_atom/cpus", efficient, MACHINE_MAX_CPUS)) {
        count_by_clock(root, performance, 0.0, &p, &low);
        count_by_clock(root, efficient, 0.8, &e, &low);
        snprintf(out, cap, low > 0 ? "%zuP+%zuE+%zuLP cores" : "%zuP+%zuE cores", p, e, low);
        return;
    }
    if (!cores_read_list(root, CPUS "online", online, MACHINE_MAX_CPUS)) {
        const long count = sysconf(_SC_NPROCESSORS_ONLN);
        snprintf(out, cap, "%ld CPUs", count);
        return;
    }
    for (size_t i = 0; i < MACHINE_MAX_CPUS; i++) {
        n += online[i];
    }
    count_by_clock(root, online, 0.0, &p, &low);
    if (p < n) {
        snprintf(out, cap, "%zu cores, %zu threads", p, n);
    } else {
        snprintf(out, cap, "%zu %s", p, p == 1 ? "core" : "cores");
    }
}

/* Counters of cores and of packages.  Every CPU repeats its package's counter, which does no harm:
 * callers only look whether the sum has moved. */
uint64_t machine_throttled(const char *root, bool *known) {
    static const char *const names[] = {"thermal_throttle/core_throttle_count",
                                        "thermal_throttle/package_throttle_count"};
    uint64_t sum = 0;
    *known = false;
    for (size_t cpu = 0; cpu < MACHINE_MAX_CPUS; cpu++) {
        double here = -1;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            const double count = machine_cpu_number(root, cpu, names[i], -1);
            here = count > here ? count : here;
            sum += count > 0 ? (uint64_t)count : 0;
        }
        if (here < 0) {
            break; /* no more CPUs */
        }
        *known = true;
    }
    return sum;
}

size_t machine_supplies(const char *root, const char *type,
                      machine_path supplies[MACHINE_MAX_SUPPLIES]) {
    char folder[MAX_PATH];
    size_t n = 0;
    const int len = snprintf(folder, sizeof folder, "%s" SUPPLIES, root);
    DIR *dir = len > 0 && (size_t)len < sizeof folder ? opendir(folder) : NULL;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e && n < MACHINE_MAX_SUPPLIES;
         e = readdir(dir)) {
        char path[128];
        char kind[32];
        const size_t name_len = strlen(e->d_name);
        if (e->d_name[0] == '.' || name_len > 48) continue;
        snprintf(path, sizeof path, SUPPLIES "%.48s/type", e->d_name);
        if (machine_first_line(root, path, kind, sizeof kind) && strcmp(kind, type) == 0) {
            snprintf(supplies[n++].text, sizeof supplies->text, SUPPLIES "%.48s", e->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

/* Laptops that charge over USB may have no "Mains"; then the status of a battery says it. */
static void read_power(char *out, size_t cap, const char *root) {
    machine_path supplies[MACHINE_MAX_SUPPLIES];
    bool online = false;
    const size_t n_mains = machine_supplies(root, "Mains", supplies);
    for (size_t i = 0; i < n_mains; i++) {
        char path[128];
        snprintf(path, sizeof path, "%.79s/online", supplies[i].text);
        online = online || machine_number(root, path, 0) > 0;
    }
    if (n_mains > 0) {
        snprintf(out, cap, online ? "on AC" : "on battery");
        return;
    }
    const size_t n_batteries = machine_supplies(root, "Battery", supplies);
    out[0] = '\0';
    for (size_t i = 0; i < n_batteries && strcmp(out, "on battery") != 0; i++) {
        char path[128];
        char status[32];
        snprintf(path, sizeof path, "%.79s/status", supplies[i].text);
        if (machine_first_line(root, path, status, sizeof status)) {
            snprintf(out, cap, strcmp(status, "Discharging") == 0 ? "on battery" : "on AC");
        }
    }
}

void machine_facts_read(machine_facts *m, const char *root) {
    struct utsname u;
    *m = (machine_facts){.load = -1.0};
    machine_cpu_name(m->cpu, sizeof m->cpu, root);
    read_cores(m->cores, sizeof m->cores, root);
    read_power(m->power, sizeof m->power, root);
    machine_first_line(root, CPUS "cpu0/cpufreq/scaling_governor", m->governor, sizeof m->governor);
    if (uname(&u) == 0) {
        snprintf(m->system, sizeof m->system, "%.40s %.50s", u.sysname, u.release);
    }
    m->load = machine_number(root, "/proc/loadavg", -1);
    m->throttled = machine_throttled(root, &m->has_throttled);
}
