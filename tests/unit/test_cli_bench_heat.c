/*
 * test_cli_bench_heat.c - sensors and clocks made of files.
 */
#include "cli/bench/bench_heat.h"

#include "../support/machine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

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
    const bench_heat h = bench_heat_read(machine_root);
    assert_true(h.celsius < -100 && h.hertz <= 0);
}

static void test_heat(void **state) {
    (void)state;
    machine_file("/sys/class/thermal/thermal_zone0/type", "acpitz\n"); /* not the processor's */
    machine_file("/sys/class/thermal/thermal_zone0/temp", "99000\n");
    machine_file("/sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
    machine_file("/sys/class/thermal/thermal_zone1/temp", "45500\n");
    spill_cpu(0, "cpufreq/scaling_cur_freq", "1000000\n");
    spill_cpu(1, "cpufreq/scaling_cur_freq", "3000000\n");
    bench_heat h = bench_heat_read(machine_root);
    near(h.celsius, 45.5);
    near(h.hertz, 2e9);
    machine_file("/sys/class/hwmon/hwmon3/name", "k10temp\n");
    machine_file("/sys/class/hwmon/hwmon3/temp1_input", "61000\n");
    h = bench_heat_read(machine_root);
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

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, machine_begin, machine_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ROOT(test_nothing_known),
        WITH_ROOT(test_heat),
        cmocka_unit_test(test_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
