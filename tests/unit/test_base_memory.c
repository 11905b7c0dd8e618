/*
 * test_base_memory.c - memory of machines made of files.
 */
#include "base/system/memory.h"

#include "../support/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)

static void test_nothing_known(void **state) {
    (void)state;
    assert_true(memory_available(machine_root) == UINT64_MAX);
}

static void test_machine(void **state) {
    (void)state;
    machine_file("/proc/meminfo", "MemTotal:       2097152 kB\nMemFree:          20000 kB\n"
                                  "MemAvailable:   1048576 kB\nBuffers:  1 kB\n");
    assert_int_equal(memory_available(machine_root), 1024 * MIB);
}

static void test_groups(void **state) {
    (void)state;
    machine_file("/proc/meminfo", "MemAvailable:   1048576 kB\n");
    machine_file("/proc/self/cgroup", "0::/user/job\n");
    machine_file("/sys/fs/cgroup/user/job/memory.max", "max\n");
    machine_file("/sys/fs/cgroup/user/job/memory.current", "1048576\n");
    assert_int_equal(memory_available(machine_root), 1024 * MIB); /* no limit here */

    machine_file("/sys/fs/cgroup/user/memory.max", "536870912\n"); /* 512 MiB, of the group above */
    machine_file("/sys/fs/cgroup/user/memory.current", "209715200\n"); /* 200 */
    assert_int_equal(memory_available(machine_root), 312 * MIB);

    machine_file("/sys/fs/cgroup/user/memory.stat", "anon 1\nfile 104857600\nkernel 5\n"); /* 100 */
    assert_int_equal(memory_available(machine_root), 412 * MIB);

    machine_file("/sys/fs/cgroup/user/memory.current", "1073741824\n"); /* more than it may */
    assert_int_equal(memory_available(machine_root), 0);

    machine_file("/sys/fs/cgroup/user/memory.max", "0\n");
    assert_int_equal(memory_available(machine_root), 0);
    machine_file("/sys/fs/cgroup/user/memory.current", "0\n");
    assert_int_equal(memory_available(machine_root), 100 * MIB); /* what its files take is back */
    machine_file("/sys/fs/cgroup/user/memory.max", "-1\n");
    assert_int_equal(memory_available(machine_root), 1024 * MIB);
}

static void test_here(void **state) {
    (void)state;
    assert_true(memory_available("") > MIB);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_known, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_machine, machine_begin, machine_end),
        cmocka_unit_test_setup_teardown(test_groups, machine_begin, machine_end),
        cmocka_unit_test(test_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
