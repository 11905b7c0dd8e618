/*
 * test_cli_bench_model.c - how much of a file is in the system's cache.
 */
#include "cli/bench/bench_model.h"

#include "../support/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_cached(void **state) {
    (void)state;
    char path[128];
    machine_file("/file", "some bytes that were just written\n");
    snprintf(path, sizeof path, "%s/file", machine_root);
    const double share = bench_cached_share(path);
    assert_true(share < 0 || share == 1);
    snprintf(path, sizeof path, "%s/absent", machine_root);
    assert_true(bench_cached_share(path) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cached, machine_begin, machine_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
