/*
 * bench_power.c - powercap counters and batteries.
 *
 * Source: the kernel's Documentation/power/powercap/powercap.rst and
 * Documentation/ABI/testing/sysfs-class-power.
 */
#include "cli/bench/bench_power.h"

#include "cli/shared/machine_facts.h"

#include <stdio.h>
#include <string.h>

#define POWERCAP "/sys/class/powercap/intel-rapl:"

/* ---- RAPL ----------------------------------------------------------------------------------- */

/* "package-0", "core", "dram", "psys".  Others ("uncore") are parts of the package that we do not
 * report. */
static bool domain_of(const char *name, power_domain *domain) {
    static const struct {
        const char *name;
        power_domain domain;
    } known[] = {{"package", POWER_PACKAGE}, {"core", POWER_CORE}, {"dram", POWER_DRAM},
                 {"psys", POWER_PSYS}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncmp(name, known[i].name, strlen(known[i].name)) == 0) {
            *domain = known[i].domain;
            return true;
        }
    }
    return false;
}

static double zone_joules(const power_meter *m, const power_zone *z) {
    char path[128];
    snprintf(path, sizeof path, "%s/energy_uj", z->path);
    return 1e-6 * machine_number(m->root, path, -1e6);
}

/* Add the zone in folder `path` if it is known and readable; false when it does not exist. */
static bool add_zone(power_meter *m, const char *path) {
    char file[128];
    char name[32];
    power_zone z = {0};
    snprintf(z.path, sizeof z.path, "%s", path);
    snprintf(file, sizeof file, "%s/name", path);
    if (m->n_zones == POWER_MAX_ZONES || !machine_first_line(m->root, file, name, sizeof name)) {
        return false;
    }
    if (domain_of(name, &z.domain) && zone_joules(m, &z) >= 0) {
        snprintf(file, sizeof file, "%s/max_energy_range_uj", path);
        z.range = 1e-6 * machine_number(m->root, file, 0);
        m->has[z.domain] = true;
        m->zones[m->n_zones++] = z;
    }
    return true;
}

static void find_rapl(power_meter *m) {
    char path[80];
    bool there = true;
    for (unsigned socket = 0; there; socket++) {
        snprintf(path, sizeof path, POWERCAP "%u", socket);
        there = add_zone(m, path);
        bool has_part = there;
        for (unsigned part = 0; has_part; part++) {
            snprintf(path, sizeof path, POWERCAP "%u:%u", socket, part);
            has_part = add_zone(m, path);
        }
    }
    m->source = m->has[POWER_PACKAGE] ? POWER_RAPL : POWER_NONE;
}

/* ---- Batteries ------------------------------------------------------------------------------ */

static double battery_number(const power_meter *m, const machine_path *battery, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", battery->text, name);
    return machine_number(m->root, path, -1);
}

/* The power of all batteries, in watts; below 0 when none is discharging.  Some report microwatts,
 * some microamperes and microvolts. */
static double battery_watts(const power_meter *m) {
    double sum = -1.0;
    for (size_t i = 0; i < m->n_batteries; i++) {
        const machine_path *battery = &m->batteries[i];
        char path[128];
        char status[32];
        snprintf(path, sizeof path, "%s/status", battery->text);
        if (!machine_first_line(m->root, path, status, sizeof status) ||
            strcmp(status, "Discharging") != 0) {
            continue;
        }
        double watts = 1e-6 * battery_number(m, battery, "power_now");
        if (watts < 0) {
            const double amperes = 1e-6 * battery_number(m, battery, "current_now");
            const double volts = 1e-6 * battery_number(m, battery, "voltage_now");
            watts = amperes >= 0 && volts >= 0 ? amperes * volts : -1.0;
        }
        sum = watts < 0 ? sum : sum < 0 ? watts : sum + watts;
    }
    return sum;
}

/* ---- The meter ------------------------------------------------------------------------------ */

void power_open(power_meter *m, power_source wanted, const char *root) {
    *m = (power_meter){.root = root};
    if (wanted == POWER_BATTERY) {
        m->n_batteries = machine_supplies(root, "Battery", m->batteries);
        m->has[POWER_PACKAGE] = battery_watts(m) >= 0;
        m->source = m->has[POWER_PACKAGE] ? POWER_BATTERY : POWER_NONE;
    } else {
        find_rapl(m);
    }
}

void power_begin(power_meter *m, double now) {
    for (size_t i = 0; i < m->n_zones; i++) {
        m->zones[i].last = zone_joules(m, &m->zones[i]);
    }
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        m->joules[i] = 0.0;
    }
    m->watts = m->source == POWER_BATTERY ? battery_watts(m) : 0.0;
    m->at = now;
}

/* A counter that decreased has wrapped, once: we read it too often for more. */
static void update_zone(power_meter *m, power_zone *z) {
    const double joules = zone_joules(m, z);
    if (joules < 0 || z->last < 0 || (joules < z->last && z->range <= 0)) {
        m->has[z->domain] = false; /* no longer readable */
        return;
    }
    m->joules[z->domain] += joules - z->last + (joules < z->last ? z->range : 0.0);
    z->last = joules;
}

void power_update(power_meter *m, double now) {
    for (size_t i = 0; i < m->n_zones; i++) {
        update_zone(m, &m->zones[i]);
    }
    if (m->source == POWER_BATTERY) {
        const double watts = battery_watts(m);
        if (watts < 0 || m->watts < 0) {
            m->has[POWER_PACKAGE] = false; /* plugged in */
        } else {
            m->joules[POWER_PACKAGE] += 0.5 * (watts + m->watts) * (now - m->at);
        }
        m->watts = watts;
    }
    m->at = now;
}
