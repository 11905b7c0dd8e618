/*
 * test_cli_crash.c - a file that is mapped becomes shorter: one line and exit code 1.
 */
#include "cli/shared/crash.h"

#include "base/system/map.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/lfm-crash-XXXXXX";

static void on_end(void) {
    (void)!write(STDERR_FILENO, "[restored]", 10);
}

/* What a child does. */
typedef enum { TOUCH, TOUCH_OF_TWO, RAISE } deed;

static void touch_what_is_gone(void) {
    map m;
    if (map_open(&m, path, NULL) != LFM_OK || truncate(path, 0) != 0) {
        _exit(50);
    }
    _exit(100 + ((const volatile uint8_t *)m.data)[m.size - 1]);
}

static void act(deed what) {
    crash_catch();
    crash_on_end(on_end);
    crash_name_file("model\x1b[2J.gguf");
    if (what == TOUCH_OF_TWO) {
        crash_name_file("other.gguf");
    }
    if (what == RAISE) {
        raise(SIGBUS);
        _exit(51);
    }
    touch_what_is_gone();
}

/* Status, and what is said. */
static int run(deed what, char *said, size_t cap) {
    int ends[2];
    int status = 0;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 10000; i++) {
        fputc('x', f);
    }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        act(what);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n + 1 < cap; n += (size_t)got) {
        got = read(ends[0], said + n, cap - 1 - n);
        assert_true(got >= 0);
    }
    said[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_line(void **state) {
    (void)state;
    char said[2000];
    const int status = run(TOUCH, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(said, "[restored]lfm: model\\x1b[2J.gguf: the file became shorter while it "
                              "was in use, or its disk cannot be read; start again when it is "
                              "complete\n");
}

static void test_two_files(void **state) {
    (void)state;
    char said[2000];
    const int status = run(TOUCH_OF_TWO, said, sizeof said);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(said, "]lfm: a model: the file became shorter"));
}

/* Any other SIGBUS is a fault: it stays one. */
static void test_other(void **state) {
    (void)state;
    char said[2000];
    const int status = run(RAISE, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    assert_string_equal(said, "[restored]");
}

static int make_file(void **state) {
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_two_files),
        cmocka_unit_test(test_other),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}
