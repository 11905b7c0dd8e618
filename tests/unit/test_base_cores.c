/*
 * test_base_cores.c - processors made of files.
 */
#include "base/system/cores.h"

#include "../support/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void spill_cpu(unsigned cpu, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/%s", cpu, name);
    machine_file(path, text);
}

static size_t count(const char *mask) {
    bool allowed[64] = {false};
    for (size_t i = 0; mask[i]; i++) {
        allowed[i] = mask[i] == '1';
    }
    return cores_count(machine_root, allowed, 64);
}

static void test_nothing_known(void **state) {
    (void)state;
    assert_int_equal(count("1111"), 4);
    assert_int_equal(count("0100"), 1);
    assert_int_equal(count("0000"), 1);
}

/* Two P-cores with two threads each, four E-cores. */
static void test_intel_hybrid(void **state) {
    (void)state;
    static const char *const siblings[] = {"0-1", "0-1", "2-3", "2-3", "4", "5", "6", "7"};
    for (unsigned i = 0; i < 8; i++) {
        spill_cpu(i, "topology/thread_siblings_list", siblings[i]);
    }
    assert_int_equal(count("11111111"), 6);
    machine_file("/sys/devices/cpu_core/cpus", "0-3\n");
    assert_int_equal(count("11111111"), 2);
    assert_int_equal(count("10000011"), 1);
    assert_int_equal(count("00001110"), 3); /* nothing else is allowed */
    machine_file("/sys/devices/cpu_core/cpus", "0,2-3,70\n");
    assert_int_equal(count("11111111"), 2);
    assert_int_equal(count("01111111"), 1);
}

/* The CPUs that cores_fast marks, and how many it leaves out. */
static void check_fast(const char *mask, const char *want, size_t n_slow) {
    bool allowed[64] = {false};
    bool fast[64] = {false};
    for (size_t i = 0; mask[i]; i++) {
        allowed[i] = mask[i] == '1';
    }
    assert_int_equal(cores_fast(machine_root, allowed, fast, strlen(mask)), n_slow);
    for (size_t i = 0; mask[i]; i++) {
        assert_int_equal(fast[i], want[i] == '1');
    }
}

static void test_fast(void **state) {
    (void)state;
    check_fast("1101", "1101", 0); /* nothing is known */
    machine_file("/sys/devices/cpu_core/cpus", "0-3\n");
    check_fast("11111111", "11110000", 4);
    check_fast("10110000", "10110000", 0);
    check_fast("01000001", "01000000", 1);
    check_fast("00001110", "00001110", 0); /* nothing else is allowed */
    machine_file("/sys/devices/cpu_core/cpus", "0-7\n");
    for (unsigned i = 0; i < 8; i++) { /* ARM: big and little */
        spill_cpu(i, "cpu_capacity", i < 4 ? "414" : "1024");
    }
    check_fast("11111111", "00001111", 4);
    check_fast("11110000", "11110000", 0);
}

/* Where all cores are alike nothing changes; elsewhere it can be taken back. */
static void test_use_fast(void **state) {
    (void)state;
    cores_set before;
    const size_t n = cores_default();
    const size_t n_fast = cores_n_fast();
    if (cores_use_fast(&before)) {
        assert_int_equal(cores_default(), n);
        assert_true(n_fast >= n);
        assert_int_equal(cores_n_fast(), 0); /* now none is slower */
        cores_use(&before);
    }
    assert_int_equal(cores_default(), n);
    assert_int_equal(cores_n_fast(), n_fast);
}

static void test_arm(void **state) {
    (void)state;
    static const char *const capacity[] = {"414", "414", "414", "414", "860", "860", "1024", "x"};
    for (unsigned i = 0; i < 8; i++) {
        spill_cpu(i, "cpu_capacity", capacity[i]);
    }
    assert_int_equal(count("11111110"), 3);
    assert_int_equal(count("11111111"), 4); /* one that tells nothing is used */
    assert_int_equal(count("11110000"), 4);
}

static void test_quota(void **state) {
    (void)state;
    machine_file("/sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_int_equal(count("11111111"), 8);
    machine_file("/sys/fs/cgroup/cpu.max", "350000 100000\n");
    assert_int_equal(count("11111111"), 4);
    machine_file("/proc/self/cgroup", "3:cpu:/other\n0::/user/job\n");
    machine_file("/sys/fs/cgroup/user/cpu.max", "150000 100000\n");
    machine_file("/sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
    assert_int_equal(count("11111111"), 2);
    machine_file("/sys/fs/cgroup/user/job/cpu.max", "1000 100000\n");
    assert_int_equal(count("11111111"), 1);
}

static void test_quota_v1(void **state) {
    (void)state;
    machine_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    machine_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(count("1111"), 4);
    machine_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    assert_int_equal(count("1111"), 2);
}

static void test_here(void **state) {
    (void)state;
    assert_true(cores_default() >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_known, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_intel_hybrid, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_arm, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_quota, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_quota_v1, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_fast, machine_begin, machine_end),
        cmocka_unit_test(test_use_fast),
        cmocka_unit_test(test_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
