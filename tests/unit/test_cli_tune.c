/*
 * test_cli_tune.c - the file of tuned threads: reading, writing, and refusing wrong ones.
 */
#include "cli/shared/tune.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const tune here = {.cpu = "Some CPU", .cores = 8};

#define GOOD "# a comment\nlfm-tune 1\ncpu Some CPU\ncores 8\ndecode 6\nprefill 12\n"

static void test_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        tune_state want;
    } cases[] = {
        {GOOD, TUNE_GOOD},
        {"lfm-tune 1\nprefill 12\ndecode 6\ncores 8\ncpu Some CPU\n", TUNE_GOOD},
        {GOOD "on fast cores\n", TUNE_GOOD},
        {GOOD "on slow cores\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Other CPU\ncores 8\ndecode 6\nprefill 12\n", TUNE_STALE},
        {"lfm-tune 1\ncpu Some CPU\ncores 4\ndecode 6\nprefill 12\n", TUNE_STALE},
        {"", TUNE_BROKEN},
        {"\n", TUNE_BROKEN},
        {"lfm-tune 2\ncpu Some CPU\ncores 8\ndecode 6\nprefill 12\n", TUNE_BROKEN},
        {"cpu Some CPU\nlfm-tune 1\ncores 8\ndecode 6\nprefill 12\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 6\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 6\nprefill 12", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 6\nprefill 12\nmore 1\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 0\nprefill 12\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode -6\nprefill 12\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 6x\nprefill 12\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 4097\nprefill 12\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu Some CPU\ncores 8\ndecode 9999999999999999\nprefill 1\n", TUNE_BROKEN},
        {"lfm-tune 1\ncpu \ncores 8\ndecode 6\nprefill 12\n", TUNE_BROKEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tune t;
        const tune_state got = tune_parse(&t, cases[i].text, strlen(cases[i].text), &here);
        if (got != cases[i].want) {
            fail_msg("%d instead of %d for: %s", got, cases[i].want, cases[i].text);
        }
        assert_true(got != TUNE_GOOD || (t.decode == 6 && t.prefill == 12));
        assert_int_equal(t.fast, got == TUNE_GOOD && strstr(cases[i].text, "fast") != NULL);
    }
}

/* Cut anywhere or with any byte changed, a file is good, stale or broken, its numbers in limits. */
static void test_damage(void **state) {
    (void)state;
    const size_t n = strlen(GOOD);
    char text[sizeof GOOD];
    tune t;
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(tune_parse(&t, GOOD, cut, &here), TUNE_BROKEN);
    }
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(text, GOOD, sizeof text);
            text[i] = (char)c;
            if (tune_parse(&t, text, n, &here) == TUNE_GOOD) {
                assert_true(t.decode >= 1 && t.decode <= 4096);
                assert_true(t.prefill >= 1 && t.prefill <= 4096);
            }
        }
    }
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\n';
    assert_int_equal(tune_parse(&t, longest, sizeof longest, &here), TUNE_BROKEN);
}

static void test_path(void **state) {
    (void)state;
    char path[100];
    setenv("HOME", "/home/ada", 1);
    setenv("XDG_CONFIG_HOME", "/config", 1);
    assert_true(tune_path(path, sizeof path));
    assert_string_equal(path, "/config/lfm/tune");
    assert_false(tune_path(path, 10));
    setenv("XDG_CONFIG_HOME", "relative", 1); /* the XDG standard ignores it */
    assert_true(tune_path(path, sizeof path));
    assert_string_equal(path, "/home/ada/.config/lfm/tune");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    assert_false(tune_path(path, sizeof path));
}

static void test_file(void **state) {
    (void)state;
    char root[] = "/tmp/lfm-tune-XXXXXX";
    char path[100];
    char command[150];
    lfm_error err = {0};
    tune t;
    tune mine;
    assert_non_null(mkdtemp(root));
    setenv("XDG_CONFIG_HOME", root, 1);
    assert_true(tune_path(path, sizeof path));
    tune_here(&mine);
    assert_true(mine.cores >= 1 && mine.cpu[0]);
    assert_int_equal(tune_read(&t, path, &mine), TUNE_ABSENT);

    lfm_session_options opt = {0};
    assert_int_equal(tune_apply(&opt, false), THREADS_CORES);
    assert_true(opt.n_threads == 0 && opt.n_threads_batch == 0);

    mine.decode = 3;
    mine.prefill = 5;
    assert_int_equal(tune_write(&mine, path, &err), LFM_OK);
    assert_int_equal(tune_read(&t, path, &mine), TUNE_GOOD);
    assert_true(t.decode == 3 && t.prefill == 5);
    mine.decode = 4; /* replaces the old file; no other file stays */
    assert_int_equal(tune_write(&mine, path, &err), LFM_OK);
    snprintf(command, sizeof command, "test \"$(ls %s/lfm)\" = tune", root);
    assert_int_equal(system(command), 0);

    assert_int_equal(tune_apply(&opt, false), THREADS_TUNED);
    assert_true(opt.n_threads == 4 && opt.n_threads_batch == 5);
    opt = (lfm_session_options){.n_threads = 2};
    assert_int_equal(tune_apply(&opt, false), THREADS_ASKED);
    assert_true(opt.n_threads == 2 && opt.n_threads_batch == 0);
    opt = (lfm_session_options){.n_threads_batch = 9};
    assert_int_equal(tune_apply(&opt, false), THREADS_TUNED);
    assert_true(opt.n_threads == 4 && opt.n_threads_batch == 9);

    mine.fast = true;
    assert_int_equal(tune_write(&mine, path, &err), LFM_OK);
    opt = (lfm_session_options){0};
    assert_int_equal(tune_apply(&opt, false), THREADS_TUNED_FAST);
    assert_true(opt.n_threads == 4 && opt.n_threads_batch == 5);
    opt = (lfm_session_options){0};
    assert_int_equal(tune_begin(&opt, false), THREADS_TUNED_FAST);

    snprintf(command, sizeof command, "head -c 5000 /dev/zero > %s/lfm/tune", root);
    assert_int_equal(system(command), 0);
    assert_int_equal(tune_read(&t, path, &mine), TUNE_BROKEN);
    snprintf(command, sizeof command, "rm -r %s/lfm && : > %s/lfm", root, root);
    assert_int_equal(system(command), 0);
    assert_int_equal(tune_read(&t, path, &mine), TUNE_ABSENT); /* the folder is a file */
    assert_int_equal(tune_write(&mine, path, &err), LFM_ERR_IO);
    assert_non_null(strstr(err.text, "/lfm"));
    snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
