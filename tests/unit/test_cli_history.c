/*
 * test_cli_history.c - lines that survive, and files that are not ours.
 */
#include "cli/lineedit/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char path[128];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/lfm-history-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/a/b/history", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void test_lines_survive(void **state) {
    (void)state;
    static const char *const lines[] = {"one", "two\nlines", "back\\slash \\n", "\xc3\xa9"};
    lfm_error err = {0};
    struct stat info;
    history h = {0};
    assert_int_equal(history_open(&h, path, &err), LFM_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(history_add(&h, lines[i], &err), LFM_OK);
        assert_int_equal(history_add(&h, lines[i], &err), LFM_OK); /* once is enough */
    }
    assert_int_equal(history_add(&h, "", &err), LFM_OK);
    assert_int_equal(h.n, 4);
    history_drop(&h);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(history_open(&h, path, &err), LFM_OK);
    assert_int_equal(h.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(h.lines[i], lines[i]);
    }
    history_drop(&h);
}

static void test_two_at_once(void **state) {
    (void)state;
    lfm_error err = {0};
    history a = {0};
    history b = {0};
    assert_int_equal(history_open(&a, path, &err), LFM_OK);
    assert_int_equal(history_open(&b, path, &err), LFM_OK);
    const size_t before = a.n;
    history_add(&a, "from a", &err);
    history_add(&b, "from b", &err);
    history_drop(&a);
    history_drop(&b);
    assert_int_equal(history_open(&a, path, &err), LFM_OK);
    assert_int_equal(a.n, before + 2);
    history_drop(&a);
}

static void test_it_stays_short(void **state) {
    (void)state;
    lfm_error err = {0};
    history h = {0};
    char line[32];
    assert_int_equal(history_open(&h, path, &err), LFM_OK);
    for (int i = 0; i < 3 * HISTORY_MAX; i++) {
        snprintf(line, sizeof line, "line %d", i);
        assert_int_equal(history_add(&h, line, &err), LFM_OK);
    }
    assert_int_equal(h.n, HISTORY_MAX);
    history_drop(&h);
    for (int round = 0; round < 2; round++) { /* the first shortens the file */
        struct stat info;
        assert_int_equal(history_open(&h, path, &err), LFM_OK);
        assert_int_equal(h.n, HISTORY_MAX);
        snprintf(line, sizeof line, "line %d", 3 * HISTORY_MAX - 1);
        assert_string_equal(h.lines[h.n - 1], line);
        history_drop(&h);
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size < 11 * HISTORY_MAX);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void test_without_a_file(void **state) {
    (void)state;
    lfm_error err = {0};
    history h = {0};
    assert_int_equal(history_add(&h, "kept here", &err), LFM_OK);
    assert_int_equal(h.n, 1);
    history_drop(&h);
    assert_int_equal(history_open(&h, folder, &err), LFM_ERR_IO); /* a folder */
    assert_non_null(strstr(err.text, folder));
    history_drop(&h);
    assert_int_equal(history_open(&h, "/dev/zero", &err), LFM_ERR_FORMAT);
    assert_int_equal(history_add(&h, "kept here", &err), LFM_OK);
    history_drop(&h);
}

static void test_default_path(void **state) {
    (void)state;
    char got[256];
    setenv("XDG_STATE_HOME", "/state", 1);
    assert_true(history_default_path(got, sizeof got));
    assert_string_equal(got, "/state/lfm/history");
    setenv("XDG_STATE_HOME", "relative", 1);
    setenv("HOME", "/home/x", 1);
    assert_true(history_default_path(got, sizeof got));
    assert_string_equal(got, "/home/x/.local/state/lfm/history");
    assert_false(history_default_path(got, 10));
    unsetenv("HOME");
    unsetenv("XDG_STATE_HOME");
    assert_false(history_default_path(got, sizeof got));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_survive), cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_it_stays_short), cmocka_unit_test(test_without_a_file),
        cmocka_unit_test(test_default_path),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
