/*
 * test_cli_bench_power.c - energy counters and batteries made of files.
 */
#include "cli/bench/bench_power.h"

#include "../support/machine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want)))) {
        fail_msg("%.12g instead of %.12g", got, want);
    }
}

#define ZONE "/sys/class/powercap/intel-rapl:"

static void spill_zone(const char *zone, const char *name, const char *microjoules) {
    char path[128];
    snprintf(path, sizeof path, ZONE "%s/name", zone);
    machine_file(path, name);
    snprintf(path, sizeof path, ZONE "%s/energy_uj", zone);
    machine_file(path, microjoules);
    snprintf(path, sizeof path, ZONE "%s/max_energy_range_uj", zone);
    machine_file(path, "100000000\n"); /* 100 J */
}

static void test_no_power(void **state) {
    (void)state;
    power_meter m;
    power_open(&m, POWER_NONE, machine_root);
    assert_int_equal(m.source, POWER_NONE);
    power_open(&m, POWER_BATTERY, machine_root);
    assert_int_equal(m.source, POWER_NONE);
    power_begin(&m, 1);
    power_update(&m, 2);
    assert_false(m.has[POWER_PACKAGE]);
    machine_file(ZONE "0/name", "package-0\n"); /* the zone exists, its counter does not */
    power_open(&m, POWER_RAPL, machine_root);
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
    power_open(&m, POWER_RAPL, machine_root);
    assert_int_equal(m.source, POWER_RAPL);
    assert_int_equal(m.n_zones, 4); /* without uncore */
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
    snprintf(path, sizeof path, "%s" ZONE "1/energy_uj", machine_root);
    assert_int_equal(unlink(path), 0);
    power_update(&m, 104);
    assert_false(m.has[POWER_PACKAGE]); /* nothing rather than half */
}

#define BATTERY "/sys/class/power_supply/BAT"

static void test_battery(void **state) {
    (void)state;
    power_meter m;
    machine_file(BATTERY "0/type", "Battery\n");
    machine_file(BATTERY "1/type", "Battery\n");
    machine_file(BATTERY "0/status", "Charging\n");
    machine_file(BATTERY "0/power_now", "10000000\n");
    power_open(&m, POWER_BATTERY, machine_root);
    assert_int_equal(m.source, POWER_NONE);
    machine_file(BATTERY "0/status", "Discharging\n");
    machine_file(BATTERY "1/status", "Discharging\n"); /* reports amperes and volts */
    machine_file(BATTERY "1/current_now", "500000\n");
    machine_file(BATTERY "1/voltage_now", "12000000\n");
    power_open(&m, POWER_BATTERY, machine_root);
    assert_int_equal(m.source, POWER_BATTERY);
    power_begin(&m, 10);
    machine_file(BATTERY "0/power_now", "20000000\n");
    power_update(&m, 12);
    near(m.joules[POWER_PACKAGE], 2 * (16 + 26) / 2.0); /* watts rise from 16 to 26 */
    assert_true(m.has[POWER_PACKAGE]);
    machine_file(BATTERY "0/status", "Charging\n");
    machine_file(BATTERY "1/status", "Full\n");
    power_update(&m, 13);
    assert_false(m.has[POWER_PACKAGE]);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, machine_begin, machine_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ROOT(test_no_power),
        WITH_ROOT(test_rapl),
        WITH_ROOT(test_battery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
