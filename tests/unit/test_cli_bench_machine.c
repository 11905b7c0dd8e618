/*
 * test_cli_bench_machine.c - machines, their heat and their energy, made of files.
 */
#include "cli/bench/bench_power.h"
#include "cli/shared/machine_facts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static void spill(const char *path, const char *text) {
    char full[256];
    snprintf(full, sizeof full, "mkdir -p $(dirname '%s%s')", root, path);
    assert_int_equal(system(full), 0);
    snprintf(full, sizeof full, "%s%s", root, path);
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void spill_cpu(unsigned cpu, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/%s", cpu, name);
    spill(path, text);
}

static int begin(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/lfm-machine-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want)))) {
        fail_msg("%.12g instead of %.12g", got, want);
    }
}

/* ---- The machine ---------------------------------------------------------------------------- */

static void test_nothing_known(void **state) {
    (void)state;
    bench_machine m;
    bench_machine_read(&m, root);
    assert_string_equal(m.cpu, "unknown processor");
    assert_string_equal(m.governor, "");
    assert_string_equal(m.power, "");
    assert_true(m.load < 0 && !m.has_throttled && m.throttled == 0);
    assert_non_null(strstr(m.cores, "CPUs"));
    assert_true(strlen(m.system) > 3);
    const bench_heat h = bench_heat_read(root);
    assert_true(h.celsius < -100 && h.hertz <= 0);
}

static void test_desktop(void **state) {
    (void)state;
    bench_machine m;
    spill("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Some\x1b[31m CPU @ 3 GHz\n"
                           "processor\t: 1\nmodel name\t: another\n");
    spill("/proc/loadavg", "0.75 0.50 0.25 1/100 4242\n");
    spill("/sys/devices/system/cpu/online", "0-3\n");
    spill("/sys/class/power_supply/ADP1/type", "Mains\n");
    spill("/sys/class/power_supply/ADP1/online", "1\n");
    for (unsigned i = 0; i < 4; i++) {
        spill_cpu(i, "topology/thread_siblings_list", i % 2 ? "1,3\n" : "0,2\n");
        spill_cpu(i, "cpufreq/scaling_governor", "powersave\n");
        spill_cpu(i, "thermal_throttle/core_throttle_count", i == 2 ? "5\n" : "0\n");
        spill_cpu(i, "thermal_throttle/package_throttle_count", "2\n");
    }
    bench_machine_read(&m, root);
    assert_string_equal(m.cpu, "Some\\x1b[31m CPU @ 3 GHz");
    assert_string_equal(m.cores, "2 cores, 4 threads");
    assert_string_equal(m.governor, "powersave");
    assert_string_equal(m.power, "on AC");
    near(m.load, 0.75);
    assert_true(m.has_throttled);
    const uint64_t before = m.throttled;
    spill_cpu(3, "thermal_throttle/core_throttle_count", "1\n");
    spill("/sys/class/power_supply/ADP1/online", "0\n");
    bench_machine_read(&m, root);
    assert_int_equal(m.throttled, before + 1); /* any CPU's counter moves the sum */
    assert_string_equal(m.power, "on battery");
}

/* A Core Ultra 7 155H: 6 cores with two threads, 8 efficient ones, 2 of low power. */
static void test_hybrid(void **state) {
    (void)state;
    bench_machine m;
    spill("/sys/devices/cpu_core/cpus", "0-11\n");
    spill("/sys/devices/cpu_atom/cpus", "12-21\n");
    for (unsigned i = 0; i < 22; i++) {
        char siblings[16];
        if (i < 12) {
            snprintf(siblings, sizeof siblings, "%u-%u\n", i / 2 * 2, i / 2 * 2 + 1);
        } else {
            snprintf(siblings, sizeof siblings, "%u\n", i);
        }
        spill_cpu(i, "topology/thread_siblings_list", siblings);
        spill_cpu(i, "cpufreq/cpuinfo_max_freq",
                  i < 4 ? "4800000\n" : i < 12 ? "4500000\n" : i < 20 ? "3800000\n" : "2500000\n");
    }
    bench_machine_read(&m, root);
    assert_string_equal(m.cores, "6P+8E+2LP cores");
    spill("/sys/devices/cpu_atom/cpus", "12-19\n");
    bench_machine_read(&m, root);
    assert_string_equal(m.cores, "6P+8E cores");
}

static void test_heat(void **state) {
    (void)state;
    spill("/sys/class/thermal/thermal_zone0/type", "acpitz\n"); /* not the processor's */
    spill("/sys/class/thermal/thermal_zone0/temp", "99000\n");
    spill("/sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
    spill("/sys/class/thermal/thermal_zone1/temp", "45500\n");
    spill_cpu(0, "cpufreq/scaling_cur_freq", "1000000\n");
    spill_cpu(1, "cpufreq/scaling_cur_freq", "3000000\n");
    bench_heat h = bench_heat_read(root);
    near(h.celsius, 45.5);
    near(h.hertz, 2e9);
    spill("/sys/class/hwmon/hwmon3/name", "k10temp\n");
    spill("/sys/class/hwmon/hwmon3/temp1_input", "61000\n");
    h = bench_heat_read(root);
    near(h.celsius, 61);
}

static void test_idle(void **state) {
    (void)state;
    static const struct {
        bench_heat now, idle;
        bool want;
    } cases[] = {
        {{45, 1e9}, {45, 1e9}, true},
        {{48, 1.1e9}, {45, 1e9}, true},
        {{48.5, 1e9}, {45, 1e9}, false},
        {{40, 1.2e9}, {45, 1e9}, false},
        {{-273, 1e9}, {-273, 1e9}, true},
        {{-273, 3e9}, {-273, 1e9}, false},
        {{50, 0}, {45, 0}, false},
        {{45, 0}, {45, 0}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(bench_heat_is_idle(cases[i].now, cases[i].idle), cases[i].want);
    }
}

static void test_cached(void **state) {
    (void)state;
    char path[128];
    spill("/file", "some bytes that were just written\n");
    snprintf(path, sizeof path, "%s/file", root);
    const double share = bench_cached_share(path);
    assert_true(share < 0 || share == 1);
    snprintf(path, sizeof path, "%s/absent", root);
    assert_true(bench_cached_share(path) < 0);
}

/* ---- Energy --------------------------------------------------------------------------------- */

#define ZONE "/sys/class/powercap/intel-rapl:"

static void spill_zone(const char *zone, const char *name, const char *microjoules) {
    char path[128];
    snprintf(path, sizeof path, ZONE "%s/name", zone);
    spill(path, name);
    snprintf(path, sizeof path, ZONE "%s/energy_uj", zone);
    spill(path, microjoules);
    snprintf(path, sizeof path, ZONE "%s/max_energy_range_uj", zone);
    spill(path, "100000000\n"); /* 100 J */
}

static void test_no_power(void **state) {
    (void)state;
    power_meter m;
    power_open(&m, POWER_NONE, root);
    assert_int_equal(m.source, POWER_NONE);
    power_open(&m, POWER_BATTERY, root);
    assert_int_equal(m.source, POWER_NONE);
    power_begin(&m, 1);
    power_update(&m, 2);
    assert_false(m.has[POWER_PACKAGE]);
    spill(ZONE "0/name", "package-0\n"); /* the zone is there, its counter is not ours */
    power_open(&m, POWER_RAPL, root);
    assert_int_equal(m.source, POWER_NONE);
}

/* Two sockets, one of them with parts. */
static void test_rapl(void **state) {
    (void)state;
    power_meter m;
    spill_zone("0", "package-0\n", "10000000\n");
    spill_zone("0:0", "core\n", "4000000\n");
    spill_zone("0:1", "uncore\n", "1\n");
    spill_zone("0:2", "dram\n", "1000000\n");
    spill_zone("1", "package-1\n", "95000000\n");
    power_open(&m, POWER_RAPL, root);
    assert_int_equal(m.source, POWER_RAPL);
    assert_int_equal(m.n_zones, 4); /* nobody asks for uncore */
    assert_true(m.has[POWER_PACKAGE] && m.has[POWER_CORE] && m.has[POWER_DRAM]);
    assert_false(m.has[POWER_PSYS]);
    power_begin(&m, 100);
    spill_zone("0", "package-0\n", "13000000\n");
    spill_zone("0:0", "core\n", "6500000\n");
    spill_zone("1", "package-1\n", "2000000\n"); /* wrapped at 100 J: 7 J more */
    power_update(&m, 101);
    near(m.joules[POWER_PACKAGE], 3 + 7);
    near(m.joules[POWER_CORE], 2.5);
    near(m.joules[POWER_DRAM], 0);
    spill_zone("1", "package-1\n", "1000000\n"); /* and once more */
    power_update(&m, 102);
    near(m.joules[POWER_PACKAGE], 10 + 99);
    power_begin(&m, 103);
    near(m.joules[POWER_PACKAGE], 0);
    char path[128];
    snprintf(path, sizeof path, "%s" ZONE "1/energy_uj", root);
    assert_int_equal(unlink(path), 0);
    power_update(&m, 104);
    assert_false(m.has[POWER_PACKAGE]); /* rather nothing than half of it */
}

/* A laptop that is fed through USB. */
static void test_supplies(void **state) {
    (void)state;
    bench_machine m;
    bench_path found[BENCH_MAX_SUPPLIES];
    spill("/sys/class/power_supply/hidpp_battery_0/type", "Battery\n"); /* a mouse: no status */
    spill("/sys/class/power_supply/macsmc-battery/type", "Battery\n");
    spill("/sys/class/power_supply/macsmc-battery/status", "Full\n");
    spill("/sys/class/power_supply/ucsi-source/type", "USB\n");
    bench_machine_read(&m, root);
    assert_string_equal(m.power, "on AC");
    spill("/sys/class/power_supply/macsmc-battery/status", "Discharging\n");
    bench_machine_read(&m, root);
    assert_string_equal(m.power, "on battery");
    assert_int_equal(bench_supplies(root, "Battery", found), 2);
    assert_int_equal(bench_supplies(root, "USB", found), 1);
    assert_string_equal(found[0].text, "/sys/class/power_supply/ucsi-source");
    for (int i = 0; i < 2 * BENCH_MAX_SUPPLIES; i++) {
        char path[80];
        snprintf(path, sizeof path, "/sys/class/power_supply/U%d/type", i);
        spill(path, "USB\n");
    }
    assert_int_equal(bench_supplies(root, "USB", found), BENCH_MAX_SUPPLIES);
}

#define BATTERY "/sys/class/power_supply/BAT"

static void test_battery(void **state) {
    (void)state;
    power_meter m;
    spill(BATTERY "0/type", "Battery\n");
    spill(BATTERY "1/type", "Battery\n");
    spill(BATTERY "0/status", "Charging\n");
    spill(BATTERY "0/power_now", "10000000\n");
    power_open(&m, POWER_BATTERY, root);
    assert_int_equal(m.source, POWER_NONE);
    spill(BATTERY "0/status", "Discharging\n");
    spill(BATTERY "1/status", "Discharging\n"); /* tells amperes and volts */
    spill(BATTERY "1/current_now", "500000\n");
    spill(BATTERY "1/voltage_now", "12000000\n");
    power_open(&m, POWER_BATTERY, root);
    assert_int_equal(m.source, POWER_BATTERY);
    power_begin(&m, 10);
    spill(BATTERY "0/power_now", "20000000\n");
    power_update(&m, 12);
    near(m.joules[POWER_PACKAGE], 2 * (16 + 26) / 2.0); /* watts rise from 16 to 26 */
    assert_true(m.has[POWER_PACKAGE]);
    spill(BATTERY "0/status", "Charging\n");
    spill(BATTERY "1/status", "Full\n");
    power_update(&m, 13);
    assert_false(m.has[POWER_PACKAGE]);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ROOT(test_nothing_known), WITH_ROOT(test_desktop), WITH_ROOT(test_hybrid),
        WITH_ROOT(test_heat), cmocka_unit_test(test_idle), WITH_ROOT(test_cached),
        WITH_ROOT(test_no_power), WITH_ROOT(test_rapl), WITH_ROOT(test_supplies),
        WITH_ROOT(test_battery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
