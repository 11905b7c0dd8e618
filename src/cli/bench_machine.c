/*
 * bench_machine.c - reading /proc and /sys.
 */
#include "cli/bench_machine.h"

#include "base/error.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The first line of a file, without its newline; "" when there is none. */
static bool first_line(const char *path, char *out, size_t cap) {
    FILE *f = fopen(path, "r");
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

/* What follows the colon of "model name : ...". */
static void read_cpu(char *out, size_t cap) {
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
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
}

/* Hybrid processors of Intel list their kinds of cores. */
static void read_cores(char *out, size_t cap) {
    char performance[64];
    char efficient[64];
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (first_line("/sys/devices/cpu_core/cpus", performance, sizeof performance) &&
        first_line("/sys/devices/cpu_atom/cpus", efficient, sizeof efficient)) {
        snprintf(out, cap, "P cores %.12s, E %.12s", performance, efficient);
    } else {
        snprintf(out, cap, "%ld CPUs", n);
    }
}

static void read_power(char *out, size_t cap) {
    static const char *const names[] = {"AC", "ACAD", "ADP0", "ADP1", "AC0"};
    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[80];
        char online[8];
        snprintf(path, sizeof path, "/sys/class/power_supply/%s/online", names[i]);
        if (first_line(path, online, sizeof online)) {
            snprintf(out, cap, online[0] == '1' ? "on AC" : "on battery");
            return;
        }
    }
}

void bench_machine_read(bench_machine *m) {
    struct utsname u;
    char line[64];
    *m = (bench_machine){.load = -1.0};
    read_cpu(m->cpu, sizeof m->cpu);
    read_cores(m->cores, sizeof m->cores);
    read_power(m->power, sizeof m->power);
    first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor,
               sizeof m->governor);
    if (uname(&u) == 0) {
        snprintf(m->system, sizeof m->system, "%.40s %.50s", u.sysname, u.release);
    }
    if (first_line("/proc/loadavg", line, sizeof line)) {
        m->load = strtod(line, NULL);
    }
    if (first_line("/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", line,
                   sizeof line)) {
        m->throttled = strtoull(line, NULL, 10);
        m->has_throttled = true;
    }
}

/* The counter wraps at the value of the second file, some minutes of full load. */
static const char counter[] = "/sys/class/powercap/intel-rapl:0/energy_uj";
static const char range[] = "/sys/class/powercap/intel-rapl:0/max_energy_range_uj";

double bench_joules(void) {
    char line[40];
    return first_line(counter, line, sizeof line) ? 1e-6 * strtod(line, NULL) : -1.0;
}

double bench_joules_between(double before, double after) {
    char line[40];
    if (before < 0 || after < 0) {
        return -1.0;
    }
    if (after < before && first_line(range, line, sizeof line)) {
        after += 1e-6 * strtod(line, NULL);
    }
    return after - before;
}
