/*
 * test_cli_machine_facts.c - facts about machines made of files.
 */
#include "cli/shared/machine_facts.h"

#include "../support/machine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void spill_cpu(unsigned cpu, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/%s", cpu, name);
    machine_file(path, text);
}

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want)))) {
        fail_msg("%.12g instead of %.12g", got, want);
    }
}

static void test_nothing_known(void **state) {
    (void)state;
    machine_facts m;
    machine_facts_read(&m, machine_root);
    assert_string_equal(m.cpu, "unknown processor");
    assert_string_equal(m.governor, "");
    assert_string_equal(m.power, "");
    assert_true(m.load < 0 && !m.has_throttled && m.throttled == 0);
    assert_non_null(strstr(m.cores, "CPUs"));
    assert_true(strlen(m.system) > 3);
}

static void test_desktop(void **state) {
    (void)state;
    machine_facts m;
    machine_file("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Some\x1b[31m CPU @ 3 GHz\n"
                           "processor\t: 1\nmodel name\t: another\n");
    machine_file("/proc/loadavg", "0.75 0.50 0.25 1/100 4242\n");
    machine_file("/sys/devices/system/cpu/online", "0-3\n");
    machine_file("/sys/class/power_supply/ADP1/type", "Mains\n");
    machine_file("/sys/class/power_supply/ADP1/online", "1\n");
    for (unsigned i = 0; i < 4; i++) {
        spill_cpu(i, "topology/thread_siblings_list", i % 2 ? "1,3\n" : "0,2\n");
        spill_cpu(i, "cpufreq/scaling_governor", "powersave\n");
        spill_cpu(i, "thermal_throttle/core_throttle_count", i == 2 ? "5\n" : "0\n");
        spill_cpu(i, "thermal_throttle/package_throttle_count", "2\n");
    }
    machine_facts_read(&m, machine_root);
    assert_string_equal(m.cpu, "Some\\x1b[31m CPU @ 3 GHz");
    assert_string_equal(m.cores, "2 cores, 4 threads");
    assert_string_equal(m.governor, "powersave");
    assert_string_equal(m.power, "on AC");
    near(m.load, 0.75);
    assert_true(m.has_throttled);
    const uint64_t before = m.throttled;
    spill_cpu(3, "thermal_throttle/core_throttle_count", "1\n");
    machine_file("/sys/class/power_supply/ADP1/online", "0\n");
    machine_facts_read(&m, machine_root);
    assert_int_equal(m.throttled, before + 1); /* any CPU's counter moves the sum */
    assert_string_equal(m.power, "on battery");
}

/* A Core Ultra 7 155H: 6 cores with two threads, 8 efficient ones, 2 of low power. */
static void test_hybrid(void **state) {
    (void)state;
    machine_facts m;
    machine_file("/sys/devices/cpu_core/cpus", "0-11\n");
    machine_file("/sys/devices/cpu_atom/cpus", "12-21\n");
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
    machine_facts_read(&m, machine_root);
    assert_string_equal(m.cores, "6P+8E+2LP cores");
    machine_file("/sys/devices/cpu_atom/cpus", "12-19\n");
    machine_facts_read(&m, machine_root);
    assert_string_equal(m.cores, "6P+8E cores");
}

/* A laptop that charges over USB. */
static void test_supplies(void **state) {
    (void)state;
    machine_facts m;
    machine_path found[MACHINE_MAX_SUPPLIES];
    machine_file("/sys/class/power_supply/hidpp_battery_0/type", "Battery\n"); /* a mouse's */
    machine_file("/sys/class/power_supply/macsmc-battery/type", "Battery\n");
    machine_file("/sys/class/power_supply/macsmc-battery/status", "Full\n");
    machine_file("/sys/class/power_supply/ucsi-source/type", "USB\n");
    machine_facts_read(&m, machine_root);
    assert_string_equal(m.power, "on AC");
    machine_file("/sys/class/power_supply/macsmc-battery/status", "Discharging\n");
    machine_facts_read(&m, machine_root);
    assert_string_equal(m.power, "on battery");
    assert_int_equal(machine_supplies(machine_root, "Battery", found), 2);
    assert_int_equal(machine_supplies(machine_root, "USB", found), 1);
    assert_string_equal(found[0].text, "/sys/class/power_supply/ucsi-source");
    for (int i = 0; i < 2 * MACHINE_MAX_SUPPLIES; i++) {
        char path[80];
        snprintf(path, sizeof path, "/sys/class/power_supply/U%d/type", i);
        machine_file(path, "USB\n");
    }
    assert_int_equal(machine_supplies(machine_root, "USB", found), MACHINE_MAX_SUPPLIES);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, machine_begin, machine_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ROOT(test_nothing_known),
        WITH_ROOT(test_desktop),
        WITH_ROOT(test_hybrid),
        WITH_ROOT(test_supplies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
