/*
 * bench_heat.c - sensors and clocks of the processor.
 *
 * Source: the kernel's Documentation/ABI/testing/sysfs-class-thermal, and Documentation/hwmon.
 */
#include "cli/bench/bench_heat.h"

#include "cli/shared/machine_facts.h"

#include <stdio.h>
#include <string.h>

/* Is it a sensor of the processor?  The names are those of the drivers of Intel, AMD and ARM. */
static bool is_of_processor(const char *kind) {
    static const char *const names[] = {"x86_pkg_temp", "coretemp", "k10temp", "zenpower", "cpu"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(kind, names[i], strlen(names[i])) == 0) return true;
    }
    return false;
}

static double hottest(const char *root, const char *folder, const char *name, const char *value) {
    char path[128];
    char kind[64];
    double most = -273.15;
    unsigned missing = 0;
    for (unsigned i = 0; missing < 8; i++) { /* removed sensors leave gaps */
        snprintf(path, sizeof path, "%s%u/%s", folder, i, name);
        const bool there = machine_first_line(root, path, kind, sizeof kind);
        missing = there ? 0 : missing + 1;
        if (there && is_of_processor(kind)) {
            snprintf(path, sizeof path, "%s%u/%s", folder, i, value);
            const double celsius = 1e-3 * machine_number(root, path, -273150);
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
    for (size_t cpu = 0; cpu < MACHINE_MAX_CPUS; cpu++) {
        const double kilohertz = machine_cpu_number(root, cpu, "cpufreq/scaling_cur_freq", -1);
        if (kilohertz < 0) break;
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
